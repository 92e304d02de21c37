"""Reports that were begun after somebody wanted to know: what decides now is asked for now."""

from __future__ import annotations

import math
import time
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from adapter.cluster.reports import HostReport
from adapter.core import Core
from adapter.errors import AdapterError, ReportAwaited
from adapter.state_lock import under_lock

# So long (seconds) a host's answer holds: who asks later asks anew.
ANSWER_SECONDS = 30.0
# And so long after it was still waited for: a host that is slow would be asked for ever.
HEARD_SECONDS = 15.0


class FreshReports:
    """Ask hosts, and remember for a short time who has been asked."""

    def __init__(
        self,
        core: Core,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._core = core
        self._clock, self._wall = clock, wall
        # By host when it was asked, and the serial of the report that there was then.
        self._asked: Dict[str, Tuple[float, int]] = {}
        # By host when somebody last wanted the answer that was still to come.
        self._awaited: Dict[str, float] = {}

    def waiting(self) -> List[str]:
        """Return the hosts that were asked and have not answered."""
        with self._core.lock:
            return sorted(host for host in self._asked if self._core.refresh.pending(host))

    @under_lock
    def has(self, hostname: str) -> bool:
        """Tell whether a host has answered; else it is asked."""
        core, now = self._core, self._clock()
        report = core.reports.get(hostname)
        serial = report.serial if report else 0
        when, before = self._asked.get(hostname, (now - ANSWER_SECONDS, serial))
        pending = core.refresh.pending(hostname)
        if hostname in self._asked and pending:
            self._awaited[hostname] = now
            return False
        awaited = self._awaited.get(hostname, now - HEARD_SECONDS)
        # Nobody may have looked while it was on its way: `orch-ansible` waits for the job.
        heard = min(now - awaited, self._age(report))
        holds = now - when < ANSWER_SECONDS or heard < HEARD_SECONDS
        if holds and serial != before:
            return True
        self._asked[hostname] = (now, serial)
        self._awaited.pop(hostname, None)
        core.refresh.want([hostname])
        return False

    @under_lock
    def told(self, hostname: str) -> None:
        """Take the last report of a host for its answer, for as long as an answer holds.

        A job that has just changed the host has ended with it.
        """
        report = self._core.reports.get(hostname)
        if report is not None and "daemons" in report.taken:
            self._asked[hostname] = (self._clock() - self._age(report), -1)

    def _age(self, report: Optional[HostReport]) -> float:
        """Return how long ago (seconds) a host told of its daemons."""
        taken = report.taken.get("daemons") if report is not None else None
        return math.inf if taken is None else max(0.0, self._wall() - taken)


def check_answer(
    core: Core, reports: FreshReports, leaving: str, staying: Sequence[Tuple[str, str]]
) -> None:
    """Raise if none of the daemons that stay answers: one that hangs is in the map still.

    ``staying`` are hosts with names of daemons. Raises ``ReportAwaited`` while these hosts are
    asked, and ``AdapterError`` with the daemons that do not answer.
    """
    awaited = []
    with core.lock:
        for host, name in staying:
            row = core.places.row(host, name)
            if not core.liveness.online(host):
                continue
            if not reports.has(host):
                awaited.append(host)
            elif row["state"] == "running" and row["answers"]:
                return
    core.wake_event.set()
    if awaited:
        raise ReportAwaited(
            f"{leaving} is not removed before another daemon of the service answers: waiting for "
            f"the report of host {', '.join(sorted(set(awaited)))}.",
            "Try again in some seconds.",
        )
    names = ", ".join(f"{name} on host {host}" for host, name in sorted(staying))
    raise AdapterError(
        f"{leaving} stays: it is needed while {names} does not answer.",
        "Restart it: `ceph orch daemon restart NAME`.",
    )
