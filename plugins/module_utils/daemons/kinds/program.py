"""Daemons that are none of Ceph's: programs of other packages that serve the cluster.

Most have no key. Whoever deploys them makes what they read, of the service's spec and of the state
of the cluster; it is written into a directory of ours (``program_files``), and a drop-in file lets
the package's unit read it. The package's own configuration stays as it is. The drop-in file also
tells such a daemon from one that somebody else has set up with the same package: without it nothing
is listed, changed or removed.
"""

from __future__ import annotations

import os
from typing import List, Optional, Tuple

from ...system.http_answer import http_status
from ...system.listening import holders
from ...system.reading import Roots
from ...systemd.drop_in import DropIn
from ..shapes import WantedShape, WatchedShape
from .base import Kind
from .extra import Extra
from .program_parts import OwnFile, Told, read_told

_ASK_TIMEOUT = 2.0


class Program(Kind):
    """A daemon that is none of Ceph's. Each host has one of a kind at most."""

    is_ceph = False
    needs_conf = False
    is_counted_on = False
    can_be_asked = True
    lack = "it runs, but does not answer on its port"
    # What is asked for over HTTP, and is answered with status 200 once it works.
    path = "/metrics"
    files: Tuple[OwnFile, ...] = ()
    # The user of the package, and its data directory below /var, which stays when it is removed.
    user = ""
    store = ""

    def command(self, folder: str, store: str, wanted: WantedShape) -> List[str]:
        """Return what the unit starts, without the arguments of the spec.

        ``folder`` is the directory with its files, ``store`` the one with its data.
        """
        raise NotImplementedError

    def objection(self, wanted: WantedShape) -> str:
        """Return what speaks against the files that its command is made of, or nothing."""
        del wanted
        return ""

    def has_tls(self, wanted: WantedShape) -> bool:
        """Tell whether it shall answer with TLS."""
        del wanted
        return False

    def mark_path(self, roots: Roots, daemon_id: str) -> str:
        """Return the file that says that the daemon of a host is ours."""
        del daemon_id
        return DropIn(roots, self.unit).path

    def is_here(self, roots: Roots) -> bool:
        """Tell whether the daemon of this host is ours."""
        return os.path.lexists(self.mark_path(roots, ""))

    def own_fsid(self, roots: Roots, daemon_id: str) -> str:
        """Return the cluster that it serves."""
        told = read_told(self.mark_path(roots, daemon_id))
        return told.cluster if told is not None else ""

    def works(self, watched: WatchedShape, proc: str) -> Optional[bool]:
        """Tell whether it answers on its port."""
        told = read_told(watched.daemon.mark_path)
        if told is None:
            return None
        unit = watched.daemon.unit
        own = any(each.pid == watched.pid or each.unit == unit for each in holders(proc, told.port))
        return own and self.answers(told, _ASK_TIMEOUT)

    def answers(self, told: Told, timeout: float) -> bool:
        """Tell whether it answers as it shall."""
        return http_status_of(told, self.path, timeout) == 200

    def state_of(self, roots: Roots, daemon_id: str, state: str) -> str:
        """Return the state of one whose unit has a state: who runs and does not answer is none."""
        told = read_told(self.mark_path(roots, daemon_id)) if state == "running" else None
        return "error" if told is not None and not self.answers(told, _ASK_TIMEOUT) else state

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what writes its files."""
        # Imported where it is needed: Python compiles what a module imports on every call.
        from .program_files import ProgramFiles

        del conf, touch
        return ProgramFiles(roots, self)


def http_status_of(told: Told, path: str, timeout: float) -> int:
    """Return the status with which a daemon answers, 0 where it does not."""
    return http_status(told.addr, told.port, path, timeout, told.tls)
