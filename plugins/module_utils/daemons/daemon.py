"""Name what belongs to a daemon: its unit, its key, its directory."""

from __future__ import annotations

import os
import re

from ..system.reading import Roots, clean
from .hand_made import unit_by_hand
from .kinds.base import DaemonRefused
from .kinds.registry import KINDS

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_ID_LIMIT = 120


class Daemon:
    """One daemon of a host, with the places of what it needs.

    ``unit`` is the unit that it runs as; empty is the one that daemons have which are made here.
    """

    def __init__(self, roots: Roots, daemon_type: str, daemon_id: str, unit: str = "") -> None:
        if daemon_type not in KINDS:
            raise DaemonRefused(
                f"Invalid daemon_type {clean(daemon_type)!r}: it is not deployed here. Use one of "
                f"{', '.join(sorted(KINDS))}."
            )
        self.kind = KINDS[daemon_type]
        if len(daemon_id) > _ID_LIMIT or not _ID.fullmatch(daemon_id):
            raise DaemonRefused(
                f"Invalid daemon_id {clean(daemon_id)!r} of a {daemon_type}. Use letters, digits, "
                f"'-' and '_' in parts divided by dots, at most {_ID_LIMIT} characters."
            )
        self.daemon_id = daemon_id
        self.name = f"{daemon_type}.{daemon_id}"
        own = self.kind.unit.format(id=daemon_id)
        self.unit = unit or own
        self.is_by_hand = self.unit != own
        if self.is_by_hand and self.unit != unit_by_hand(self.kind, daemon_id):
            raise DaemonRefused(
                f"Invalid unit {clean(unit)!r} of {self.name}: a {daemon_type} with this id has "
                f"no such unit. Leave it out, or give {own}."
            )
        self.entity = self.kind.entity.format(id=daemon_id)
        self.keyring_path = self.kind.keyring_path(roots, daemon_id)
        self.mark_path = self.kind.mark_path(roots, daemon_id)
        data = self.kind.data.format(id=daemon_id)
        self.data_path = os.path.join(roots.var, data) if data else ""
        socket = self.kind.socket.format(id=daemon_id)
        self.socket_path = os.path.join(roots.ceph_run, socket) if socket else ""
