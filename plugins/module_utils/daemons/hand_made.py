"""Daemons that somebody made by hand, who gave their unit and key another name than ours have.

Old guides run a gateway as ``ceph-radosgw@radosgw.gateway`` and a mirror as
``ceph-rbd-mirror@admin``: the unit's instance is the name of the key, without ``client.``. Ours
have their kind in front of the id.
"""

from __future__ import annotations

import os
from typing import List, Mapping

from ..system.reading import Roots
from ..systemd.units import is_alive
from .kinds.base import Kind
from .shapes import DaemonShape


def unit_by_hand(kind: Kind, daemon_id: str) -> str:
    """Return the unit that a daemon has which somebody made by hand, or an empty text."""
    template, _, instance = kind.unit.partition("@")
    if not instance.startswith(f"{kind.name}."):
        return ""
    return f"{template}@{daemon_id}.service"


def is_there(state: Mapping[str, str]) -> bool:
    """Tell whether a unit runs, has failed, or is started with the host."""
    enabled = state.get("UnitFileState", "").startswith("enabled")
    return enabled or is_alive(state) or state.get("ActiveState") == "failed"


def left_of(roots: Roots, daemon: DaemonShape) -> List[str]:
    """Return what stays of a daemon that somebody made by hand: who made it knows who needs it."""
    name = f"ceph-{daemon.daemon_id}"
    places = [os.path.join(roots.etc, f"ceph/ceph.client.{daemon.daemon_id}.keyring")]
    if daemon.kind.data:
        folder = os.path.dirname(daemon.kind.data)
        places.insert(0, os.path.join(roots.var, folder, name))
    return [path for path in places if os.path.lexists(path)]
