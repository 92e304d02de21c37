"""Samba of an SMB service, with the libcephfsd through which it may speak with CephFS.

A host can have several services, each with a port of its own: each has units and files of its own,
and those of the packages stay as they are.
"""

from __future__ import annotations

import os

from ...system.reading import Roots
from ...system.smb_answer import answers_smb
from .extra import Extra
from .own_folder import OwnFolder
from .program_parts import Told
from .smb_parts import FOLDER, needs_proxy, proxy_answers


class Samba(OwnFolder):
    """Samba; several are on a host, each with the id of its service's daemon."""

    name = "smb"
    unit = "ceph-orch-smb@{id}.service"
    program = "smbd"
    version_flag = "-V"
    folder = FOLDER
    lack = "it runs, but does not answer as SMB does on its port"

    def answers(self, told: Told, timeout: float) -> bool:
        """Tell whether it answers as SMB does."""
        return answers_smb(told.addr, told.port, timeout)

    def state_of(self, roots: Roots, daemon_id: str, state: str) -> str:
        """Return the state; without the libcephfsd that it needs it serves nothing."""
        found = super().state_of(roots, daemon_id, state)
        folder = os.path.dirname(self.mark_path(roots, daemon_id))
        if found == "running" and needs_proxy(folder) and not proxy_answers(folder):
            return "error"
        return found

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what writes the files, and runs libcephfsd."""
        # Imported where it is needed: Python compiles what a module imports on every call.
        from .smb_files import SmbFiles

        del conf, touch
        return SmbFiles(roots)


KIND = Samba()
