"""By how much hosts' clocks differ from this manager's, and times of hosts as it has them.

A host says when a daemon was started by its own clock, and a manager when it was asked to restart
it by its own: the two are compared only when both are of one clock. Pure functions.
"""

from __future__ import annotations

import datetime
from typing import Any, Dict, List, Mapping, Optional, Tuple

# What is surely less (seconds) counts as none.
TOLD_FROM = 10.0
# A job that takes longer (seconds) says little of when its host read the clock.
MEASURED_WITHIN = 30.0


def ahead_of(
    clock: Any, asked: Optional[float], now: float, before: float = 0.0
) -> Optional[float]:
    """Return by how many seconds a host's clock is ahead, negative where it is behind.

    ``clock`` is what it said at some time between ``asked`` and ``now``. None is not known. Where
    it differs, a start of a daemon counts as early as it may have been: what was asked for after
    it is done once more rather than not at all. A long job tells between which bounds it is: what
    was known ``before`` stays as far as it is within them.
    """
    if asked is None or isinstance(clock, bool) or not isinstance(clock, (int, float)):
        return None
    if not 0 <= clock < 2**33:
        return None
    least, most = clock - now, clock - asked
    if now - asked > MEASURED_WITHIN:
        return min(max(before, least), most)
    return most if max(least, -most) >= TOLD_FROM else 0.0


def by_our_clock(rows: List[Dict[str, Any]], ahead: float) -> List[Dict[str, Any]]:
    """Return daemons with the time of their start as this manager has it."""
    if not ahead:
        return rows
    return [{**row, "started": _earlier(row.get("started"), ahead)} for row in rows]


def clock_lines(ahead: Mapping[str, float]) -> List[str]:
    """Return a sentence for each host whose clock is wrong, or differs from this manager's."""
    return [
        f"host {name}: its clock is about {abs(seconds):.0f} s "
        f"{'ahead of' if seconds > 0 else 'behind'} this manager's. `timedatectl` and "
        "`chronyc tracking` on both hosts show which one is wrong"
        for name, seconds in sorted(_told(ahead))
    ]


def _told(ahead: Mapping[str, float]) -> List[Tuple[str, float]]:
    return [(name, seconds) for name, seconds in ahead.items() if abs(seconds) >= TOLD_FROM]


def _earlier(text: Any, seconds: float) -> Any:
    if not isinstance(text, str):
        return text
    when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (when - datetime.timedelta(seconds=seconds)).isoformat()
