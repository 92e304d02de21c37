"""Say of units that were started which of their daemons run and do not do their work."""

from __future__ import annotations

import re

from .service_health import can_be_asked, wait_at_work
from .service_kinds import KINDS, Daemon, DaemonRefused


class _Started:
    """A daemon whose unit was started; nothing is known of it but its name."""

    port = 0
    others = frozenset()

    def __init__(self, daemon):
        self.daemon = daemon


def idle(roots, units, seconds):
    """Wait for the daemons of units; return a sentence by unit for each that does not work.

    Of OSDs, and of daemons that nobody can ask, a unit that stays active is all that is known here.
    """
    daemons = [daemon_of(roots, unit) for unit in units]
    asked = [each for each in daemons if each is not None and can_be_asked(each.kind.name)]
    return wait_at_work(roots, [_Started(each) for each in asked], seconds)


def daemon_of(roots, unit):
    """Return the daemon that a unit runs, None where its name does not say it."""
    for kind in KINDS.values():
        before, found, after = kind.unit.partition("{id}")
        match = re.fullmatch(re.escape(before) + "(.+)" + re.escape(after), unit) if found else None
        if match is not None:
            try:
                return Daemon(roots, kind.name, match.group(1))
            except DaemonRefused:
                return None
    return None
