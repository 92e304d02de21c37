"""haproxy of an ingress service, with the keepalived that holds the service's addresses.

A host can be in several services, so each has units and files of its own; those of the packages
stay as they are. The adapter knows the pair as one daemon: it is made and removed together.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict

from ...system.reading import Roots, read_lines
from .extra import Extra
from .of_ingress import FOLDER, OfIngress

_PORT = re.compile(r"\s*bind \S*:(\d{1,5})( .*)?")


class HAProxy(OfIngress):
    """haproxy: it says itself whether it is well."""

    name = "haproxy"
    unit = "ceph-orch-haproxy@{id}.service"
    program = "haproxy"
    version_flag = "-v"
    path = "/health"

    def more_of_row(self, roots: Roots, daemon_id: str, state: str) -> Dict[str, Any]:
        """Return the ports: a process that the unit's own has started listens on them."""
        if state != "running":
            return {}
        path = os.path.join(roots.etc, FOLDER, daemon_id, "haproxy.cfg")
        found = (_PORT.fullmatch(line) for line in read_lines(path))
        return {"ports": sorted({int(each.group(1)) for each in found if each is not None})}

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what writes the files, and runs keepalived."""
        # Imported where it is needed: Python compiles what a module imports on every call.
        from .ingress_files import IngressFiles

        del conf, touch
        return IngressFiles(roots)


KIND = HAProxy()
