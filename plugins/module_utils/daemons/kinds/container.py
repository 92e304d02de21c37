"""A custom container: podman runs an image of the operator's as a unit of systemd's.

The unit is made of a quadlet, by podman's own generator. A host can have several.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional

from ...system.listening import holders, is_listened_on
from ...system.processes import Processes
from ...system.reading import Roots, read_bytes
from ..shapes import WatchedShape
from .container_document import DOCUMENT
from .container_podman import running
from .container_quadlet import Naming
from .extra import Extra
from .own_folder import OwnFolder


class Container(OwnFolder):
    """A custom container; it is well when its program listens on the ports that were given."""

    name = "container"
    unit = "ceph-orch-container@{id}.service"
    program = "podman"
    # It is podman's own.
    version_flag = ""
    is_generated = True
    lack = "its container runs, but does not listen on its ports"
    folder = "ceph-orch-ansible/container"

    def works(self, watched: WatchedShape, proc: str) -> Optional[bool]:
        """Tell whether the container listens; one without ports has to stay."""
        ports = ports_of(os.path.dirname(watched.daemon.mark_path))
        if not ports:
            return None
        unit = watched.daemon.unit
        return all(any(each.unit == unit for each in holders(proc, port)) for port in ports)

    def state_of(self, roots: Roots, daemon_id: str, state: str) -> str:
        """Return the state of one whose unit has a state: nobody may listen on its ports."""
        if state != "running":
            return state
        ports = ports_of(os.path.dirname(self.mark_path(roots, daemon_id)))
        return state if all(is_listened_on(roots.proc, port) for port in ports) else "error"

    def more_of_row(self, roots: Roots, daemon_id: str, state: str) -> Dict[str, Any]:
        """Return its image and ports; what the unit's own process uses is podman's."""
        given = _document(os.path.dirname(self.mark_path(roots, daemon_id)))
        row: Dict[str, Any] = {"image": str(given.get("image", "")), "ports": []}
        if state not in ("running", "starting"):
            return row
        found = running(Naming(daemon_id).container)
        process = Processes(roots).describe(found.pid)
        return {
            **row,
            "ports": ports_of(os.path.dirname(self.mark_path(roots, daemon_id))),
            "container_id": found.container[:12],
            "image_id": found.image,
            "memory_usage": process["memory_usage"],
            "cpu_percentage": process["cpu_percentage"],
        }

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what writes the quadlet and the container's files."""
        # Imported where it is needed: Python compiles what a module imports on every call.
        from .container_files import ContainerFiles

        del conf, touch
        return ContainerFiles(roots)


def ports_of(folder: str) -> List[int]:
    """Return the ports of the container whose files are in a folder."""
    ports = _document(folder).get("ports", [])
    return [each for each in ports if isinstance(each, int)] if isinstance(ports, list) else []


def _document(folder: str) -> Dict[str, Any]:
    try:
        found = json.loads(read_bytes(os.path.join(folder, DOCUMENT)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


KIND = Container()
