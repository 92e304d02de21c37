"""Tell whether daemons answer: one that hangs has an active unit, and its place in the maps."""

from __future__ import annotations

import glob
import os

from ..cluster.admin_socket import ask
from .kinds.base import Kind

# One that is well answers in milliseconds; so long all that hang may hold up a report.
_ANSWERS_WITHIN, _BUDGET = 1.0, 3.0


class Answers:
    """Ask the daemons of a host on their administration sockets."""

    def __init__(self, ceph_run: str) -> None:
        self._ceph_run = ceph_run
        self._left = _BUDGET

    def of(self, kind: Kind, daemon_id: str, pid: int) -> bool:
        """Tell whether a daemon that runs answers.

        Of one whose socket is not found nobody knows it: the site may have put it elsewhere.
        """
        path = self._socket(kind, daemon_id, pid)
        if not path:
            return True
        if self._left <= 0:
            return False
        if ask(path, "version", min(_ANSWERS_WITHIN, self._left)):
            return True
        self._left -= _ANSWERS_WITHIN
        return False

    def _socket(self, kind: Kind, daemon_id: str, pid: int) -> str:
        if kind.socket:
            path = os.path.join(self._ceph_run, kind.socket.format(id=daemon_id))
            return path if os.path.exists(path) else ""
        # Those that are clients of the cluster have their pid in the name.
        entity = glob.escape(kind.entity.format(id=daemon_id))
        start = os.path.join(glob.escape(self._ceph_run), f"ceph-{entity}.{pid}.")
        return next(iter(glob.glob(start + "*.asok")), "")
