"""NFS gateways (NFS-Ganesha): each service of a host has a unit, a port and files of its own.

They are of another package than Ceph's, and clients of the cluster: they have a key, and need the
host's ``ceph.conf``. What clients hold of them while they start again is kept in the cluster, where
all gateways of a service agree on when it may be given up (``nfs_table``).
"""

from __future__ import annotations

import os
from typing import Any, Dict, List

from ...system.nfs_answer import speaks_nfs
from ...system.reading import Roots, list_dir
from .extra import Extra
from .nfs_places import FOLDER, MARK, PATIENCE, VERSION, is_young
from .program import Program
from .program_parts import Told, read_told


class Gateway(Program):
    """A gateway of an NFS service."""

    name = "nfs"
    makes_unit = True
    needs_conf = True
    unit = "ceph-orch-nfs@{id}.service"
    entity = "client.nfs.{id}"
    keyring = "etc/ceph/ceph.client.nfs.{id}.keyring"
    program = "ganesha.nfsd"
    version_flag = "-v"
    patience = PATIENCE + 30
    lack = "it runs, but does not answer as NFS does on its port"

    def mark_path(self, roots: Roots, daemon_id: str) -> str:
        """Return the file that says that a daemon's files are ours."""
        return os.path.join(roots.etc, FOLDER, daemon_id, MARK)

    def is_here(self, roots: Roots) -> bool:
        """Tell whether the host has such a gateway."""
        return bool(self.instances(roots))

    def instances(self, roots: Roots) -> List[str]:
        """Return the ids of the host's gateways."""
        names = list_dir(os.path.join(roots.etc, FOLDER))
        return [each for each in names if os.path.lexists(self.mark_path(roots, each))]

    def answers(self, told: Told, timeout: float) -> bool:
        """Tell whether it answers as NFS does."""
        return speaks_nfs(told.addr, told.port, VERSION, timeout)

    def state_of(self, roots: Roots, daemon_id: str, state: str) -> str:
        """Return the state of one whose unit has a state: it may take a while until it answers."""
        seen = super().state_of(roots, daemon_id, state)
        return "starting" if seen != state and is_young(roots, daemon_id) else seen

    def more_of_row(self, roots: Roots, daemon_id: str, state: str) -> Dict[str, Any]:
        """Return the port that clients use: it has others for itself."""
        told = read_told(self.mark_path(roots, daemon_id)) if state == "running" else None
        return {"ports": [told.port]} if told is not None else {}

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what writes its files and takes its place in the cluster."""
        # Imported where it is needed: Python compiles what a module imports on every call.
        from .nfs_files import GatewayFiles

        del conf, touch
        return GatewayFiles(roots)


KIND = Gateway()
