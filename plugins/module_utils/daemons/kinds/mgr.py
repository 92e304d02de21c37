"""Managers."""

from __future__ import annotations

import os

from ...cluster.admin_socket import ask
from .base import Kind

# One that is well answers in milliseconds.
_ANSWERS_WITHIN = 2.0


class Manager(Kind):
    """A manager.

    One that stands by knows no more than its version; it answers once it had the monitors'
    configuration, and ends when its key is refused.
    """

    name = "mgr"
    unit = "ceph-mgr@{id}.service"
    entity = "mgr.{id}"
    program = "ceph-mgr"
    data = "lib/ceph/mgr/ceph-{id}"
    socket = "ceph-mgr.{id}.asok"
    tells_version = True
    question = "version"
    lack = "it runs, but has not reached the monitors"

    def more_of_row(self, roots, daemon_id, state):
        """Return whether it answers: one that hangs is in the map for half a minute more."""
        path = os.path.join(roots.ceph_run, self.socket.format(id=daemon_id))
        return {"answers": state != "running" or bool(ask(path, "version", _ANSWERS_WITHIN))}


KIND = Manager()
