"""Let monitors of this host leave the quorum before they stop, and take part again if they do not.

The others give one that just ends up when its lease is over, after ten seconds and more in which no
map changes, and elect then. With one that says that it leaves they begin the election at once.
"""

from __future__ import annotations

import os
from typing import Iterable, List

from ...cluster.admin_socket import ask
from ...system.reading import Roots
from ..at_work import daemon_of
from .views import ask_own

# It answers at once; one that hangs is stopped all the same.
_SECONDS = 3.0


def leave_quorum(roots: Roots, units: Iterable[str]) -> None:
    """Tell those of the units that are monitors; where one does not answer nothing is lost."""
    for path in _sockets(roots, units):
        ask(path, "quorum exit", _SECONDS)


def enter_quorum(roots: Roots, units: Iterable[str]) -> None:
    """Tell monitors that run and are in no quorum to take part in it; others are left alone."""
    for path in _sockets(roots, units):
        own = ask_own(path)
        if own is not None and not own.quorum:
            ask(path, "quorum enter", _SECONDS)


def _sockets(roots: Roots, units: Iterable[str]) -> List[str]:
    daemons = [daemon_of(roots, unit) for unit in units]
    paths = [one.socket_path for one in daemons if one is not None and one.kind.name == "mon"]
    return [path for path in paths if os.path.exists(path)]
