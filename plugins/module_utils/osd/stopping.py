"""Stop OSDs that hold nothing any more, and start those again that are to stay.

Nobody but the OSD itself knows at this very moment what it holds: the monitors' statistics are some
seconds old, and a run may have waited for minutes for its turn. So it is asked right before it is
stopped, through its administration socket.
"""

from __future__ import annotations

import os
import time
from typing import Any, Mapping, Optional, Tuple

from ..cluster.admin_socket import ask
from ..cluster.conf import cluster_name
from ..system.reading import Roots
from ..systemd.units import act, has_failed, is_alive
from .local_osds import osd_unit
from .removal import Traces

_ASK_TIMEOUT = 5.0
_INTERVAL = 0.25

STOPPED, DOWN, ABSENT, LATER = "stopped", "down", "absent", "later"
HOLDS, SILENT = "holds data", "no answer"
# What was not done although it was asked for.
KEPT = (HOLDS, SILENT)


def held_by(roots: Roots, osd_id: int, osd_uuid: str) -> Optional[int]:
    """Return how many placement groups an OSD that runs has on its disk; None without an answer.

    Copies that it is still deleting count as well.
    """
    path = os.path.join(roots.ceph_run, f"{cluster_name(roots)}-osd.{osd_id}.asok")
    answer = ask(path, "status", _ASK_TIMEOUT)
    number = answer.get("num_pgs")
    is_number = isinstance(number, int) and not isinstance(number, bool)
    mine = answer.get("osd_fsid") == osd_uuid and answer.get("whoami") == osd_id
    return number if is_number and mine else None


def held_after(roots: Roots, traces: Traces, patience: float) -> Optional[int]:
    """Return what ``held_by`` does, polled until it is 0 or there is no answer.

    It is polled for at most ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        held = held_by(roots, traces.osd_id, traces.osd_uuid)
        if not held or time.monotonic() > deadline:
            return held
        time.sleep(_INTERVAL)


def runs_here(traces: Traces) -> bool:
    """Tell whether the daemon of this very OSD runs, or is about to."""
    return traces.is_own and is_alive(traces.states.get(osd_unit(traces.osd_id), {}))


def state_before(
    roots: Roots, wanted: Mapping[str, Any], traces: Traces, patience: float = 0.0
) -> Tuple[str, Optional[int]]:
    """Return the state that an OSD may be brought to by stopping it, and what it holds."""
    if not traces.is_set_up:
        return ABSENT, None
    if not runs_here(traces):
        return DOWN, None
    if wanted["force"]:
        return STOPPED, held_by(roots, traces.osd_id, traces.osd_uuid)
    held = held_after(roots, traces, patience)
    if held is None:
        return SILENT, None
    return (HOLDS if held else STOPPED), held


def stop(traces: Traces) -> None:
    """Stop an OSD's daemon; everything that starts it again stays. Raises ``UnitsFailed``."""
    act("stop", [osd_unit(traces.osd_id)])


def is_startable(traces: Traces) -> bool:
    """Tell whether an OSD is here and does not run.

    One that systemd tries in vain does not, nor one that is about to end: it is started after that.
    """
    state = traces.states.get(osd_unit(traces.osd_id), {})
    ends = state.get("ActiveState") == "deactivating"
    return traces.is_own and (not is_alive(state) or has_failed(state) or ends)


def start(traces: Traces) -> bool:
    """Start an OSD again; return whether it did not run. Raises ``UnitsFailed``."""
    if not is_startable(traces):
        return False
    act("start", [osd_unit(traces.osd_id)])
    return True


def reason_kept(osd_id: int, state: str, held: Optional[int]) -> str:
    """Return why an OSD was not stopped."""
    if state == HOLDS:
        groups = "1 placement group" if held == 1 else f"{held} placement groups"
        return (
            f"osd.{osd_id} has {groups} on its disk and was not stopped. Drain it first with "
            f"`ceph osd crush reweight osd.{osd_id} 0`; with force it is stopped all the same, and "
            "data can be lost."
        )
    return (
        f"osd.{osd_id} runs and does not answer on its administration socket, so what it holds is "
        "not known, and it was not stopped. Look at its log, or give force if nothing on it is "
        "needed."
    )
