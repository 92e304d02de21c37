"""The daemons that are started again together with a change of their host's packages.

A manager reads files of its packages whenever it needs them, above all when it becomes active: it
does not run while they change. Others go on with what they have loaded, and are restarted after.
"""

from __future__ import annotations

import re
from typing import List, Sequence

from .faults import KNOWN, fault_of
from .units import act, show_units, wait_active

UNIT = re.compile(r"(ceph|cephfs)[A-Za-z0-9@._:-]{0,200}\.service")
_MANAGER = "ceph-mgr@"
# A daemon that cannot run ends within this time (seconds), and may take so long to start.
_SETTLE, _WAIT = 1.0, 60.0


def managers(units: Sequence[str]) -> List[str]:
    """Return the units that are stopped before packages change."""
    return [each for each in units if each.startswith(_MANAGER)]


def refusal(units: Sequence[str]) -> str:
    """Return why units cannot be started again, if that is known before; raises ``UnitsFailed``."""
    strange = [each for each in units if not UNIT.fullmatch(each)]
    if strange:
        return f"Invalid unit {strange[0][:80]!r}: it is not a unit of Ceph."
    states = show_units(units)
    unknown = [each for each, state in states.items() if state.get("LoadState") not in KNOWN]
    if unknown:
        return f"There is no unit {', '.join(unknown)} on this host."
    return " ".join(filter(None, (fault_of(each, state) for each, state in states.items())))


def start_again(units: Sequence[str], stopped: Sequence[str]) -> None:
    """Restart units, and see that those that were stopped run again; raises ``UnitsFailed``."""
    again = [each for each in units if each not in stopped]
    if stopped:
        act("start", stopped)
    if again:
        act("restart", again)
    wait_active(units, _WAIT, _SETTLE)
