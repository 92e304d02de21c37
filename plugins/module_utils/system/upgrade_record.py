"""Where a host says what the upgrade of its packages has put aside."""

from __future__ import annotations

import os

from .reading import Roots

_RECORD = "lib/ceph-orch-ansible/upgrade.json"


def record_path(roots: Roots) -> str:
    """Return the file that says what was put aside on this host."""
    return os.path.join(roots.var, _RECORD)


def left_behind(roots: Roots) -> bool:
    """Tell whether an upgrade is under way, or was cut and what it needed is still there."""
    return os.path.lexists(record_path(roots))
