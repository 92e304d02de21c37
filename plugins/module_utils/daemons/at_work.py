"""Say of units that were started which of their daemons run and do not do their work."""

from __future__ import annotations

import os
import re
from typing import Container, Dict, FrozenSet, Iterable, Optional, Set

from ..system.reading import Roots
from .daemon import Daemon
from .health import wait_at_work
from .kinds.base import DaemonRefused
from .kinds.registry import KINDS


class _Started:
    """A daemon whose unit was started; nothing is known of it but its name.

    ``must_answer`` says that it could be asked before: then it can be again when it works.
    """

    port = 0
    others: FrozenSet[str] = frozenset()

    def __init__(self, daemon: Daemon, must_answer: bool) -> None:
        self.daemon = daemon
        self.must_answer = must_answer


def answering(roots: Roots, units: Iterable[str]) -> Set[str]:
    """Return the units whose daemons have an administration socket now."""
    daemons = ((unit, daemon_of(roots, unit)) for unit in units)
    return {unit for unit, one in daemons if one is not None and os.path.exists(one.socket_path)}


def idle(
    roots: Roots, units: Iterable[str], seconds: float, answered: Container[str] = ()
) -> Dict[str, str]:
    """Wait for the daemons of units; return a sentence by unit for each that does not work.

    ``answered`` are those that had an administration socket before. Of OSDs, and of daemons that
    nobody can ask, a unit that stays active is all that is known here.
    """
    asked = _asked(roots, units)
    started = [_Started(one, unit in answered) for unit, one in asked.items()]
    return wait_at_work(roots, started, seconds)


def have_to_stay(roots: Roots, units: Iterable[str]) -> Set[str]:
    """Return the units of which ``idle`` asks nobody: that they stay active is all there is."""
    there = set(units)
    return there - _asked(roots, there).keys()


def _asked(roots: Roots, units: Iterable[str]) -> Dict[str, Daemon]:
    """Return the daemons that can be asked whether they work, by unit."""
    daemons = {unit: daemon_of(roots, unit) for unit in units}
    return {unit: one for unit, one in daemons.items() if one is not None and one.kind.can_be_asked}


def daemon_of(roots: Roots, unit: str) -> Optional[Daemon]:
    """Return the daemon that a unit runs, None where its name does not say it."""
    for kind in KINDS.values():
        if unit == kind.unit and not kind.is_ceph:
            return Daemon(roots, kind.name, os.uname().nodename)
        before, found, after = kind.unit.partition("{id}")
        match = re.fullmatch(re.escape(before) + "(.+)" + re.escape(after), unit) if found else None
        if match is not None:
            try:
                return Daemon(roots, kind.name, match.group(1))
            except DaemonRefused:
                return None
    return None
