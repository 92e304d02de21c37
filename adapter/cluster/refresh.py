"""Which hosts' reports are to be taken again.

A report is due when it is older than the interval, or dirty: somebody asked (``--refresh``),
a job changed the host, or it has just come back. A host that failed is tried again with growing
pauses, so a broken host costs little and heals by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Container, Dict, Iterable, List, Optional, Sequence

from adapter.cluster.backoff import Backoff

RETRY_FIRST = 15.0
RETRY_LAST = 300.0
# A daemon that does not run may soon: its host is looked at again after this, then less often.
LOOK_AGAIN_FIRST = 10.0


@dataclass
class Due:
    """The refresh state of a host. Times are monotonic seconds.

    ``outdated`` says that a job has changed the host since the report that is under way began.
    ``retry`` is the back-off after failures, ``look_again`` that while daemons are unsettled.
    """

    dirty: bool = True
    running: bool = False
    outdated: bool = False
    job: str = ""
    last: Optional[float] = None
    retry: Backoff = field(default_factory=Backoff)
    look_again: Optional[Backoff] = None
    error: str = ""


class Refresh:
    """The refresh state of all hosts. Callers hold the orchestrator's lock."""

    def __init__(self, interval: float = 600.0) -> None:
        self.interval = interval
        self._hosts: Dict[str, Due] = {}

    def track(self, hostnames: Sequence[str]) -> None:
        """Follow exactly these hosts; new ones are dirty."""
        self._hosts = {name: self._hosts.get(name) or Due() for name in hostnames}

    def want(self, hostnames: Optional[Iterable[str]] = None) -> None:
        """Ask for new reports now, of all hosts or of some, past any pause after a failure."""
        for name in list(self._hosts) if hostnames is None else hostnames:
            state = self._hosts.get(name)
            if state is not None:
                state.dirty, state.retry.until = True, 0.0

    def due(self, now: float) -> List[str]:
        """Return the hosts to be reported now."""
        return [name for name, state in self._hosts.items() if self._wait(state, now) <= 0]

    def next_due(self, now: float, but: Container[str] = ()) -> float:
        """Return the seconds until the next host is due, leaving out those in ``but``."""
        waits = [
            self._wait(state, now)
            for name, state in self._hosts.items()
            if not state.running and name not in but
        ]
        return max(0.0, min(waits, default=self.interval))

    def _wait(self, state: Due, now: float) -> float:
        if state.running:
            return self.interval
        regular = 0.0
        if not state.dirty and state.last is not None:
            again = math.inf if state.look_again is None else state.look_again.until
            regular = min(state.last + self.interval, again) - now
        return max(regular, state.retry.until - now)

    def started(self, hostnames: Iterable[str], job: str = "") -> None:
        """Note that a job reports these hosts; what changes from here on makes them dirty again."""
        for name in hostnames:
            if name in self._hosts:
                state = self._hosts[name]
                state.running, state.dirty, state.job = True, False, job
                state.outdated = False

    def changed(self, hostname: str, job: str) -> None:
        """Note that a job has changed a host: what another one reads there may be from before."""
        state = self._hosts.get(hostname)
        if state is not None and state.running and state.job != job:
            state.dirty = state.outdated = True

    def outdated(self, hostname: str) -> bool:
        """Tell whether the report that is under way may be older than what a job has done."""
        state = self._hosts.get(hostname)
        return state is not None and state.running and state.outdated

    def saw_daemons(self, hostname: str, settled: bool, now: float) -> None:
        """Note what daemons were seen: ``settled`` if none is broken or about to start or stop."""
        state = self._hosts.get(hostname)
        if state is None:
            return
        if settled:
            state.look_again = None
            return
        state.look_again = state.look_again or Backoff()
        # The pause is the interval at most.
        state.look_again.longer(now, last=math.inf, first=LOOK_AGAIN_FIRST)

    def reported(self, hostname: str, now: float) -> None:
        """Note a new report."""
        state = self._hosts.get(hostname)
        if state is not None:
            state.running, state.last, state.error = False, now, ""
            state.retry = Backoff()

    def dropped(self, hostname: str) -> None:
        """Note that a report was too old to be taken over: the host is still to be read."""
        state = self._hosts.get(hostname)
        if state is not None:
            state.running, state.dirty = False, True

    def failed(self, hostname: str, reason: str, now: float) -> None:
        """Note that a host could not be reported, and when it is tried again."""
        state = self._hosts.get(hostname)
        if state is not None:
            state.running, state.dirty, state.error = False, True, reason
            state.retry.longer(now, RETRY_LAST, RETRY_FIRST)

    def unread(self) -> List[str]:
        """Return the hosts that no report has come from or failed for since this manager began."""
        return [
            name
            for name, state in self._hosts.items()
            if state.last is None and not state.retry.failures
        ]

    def unheard(self) -> List[str]:
        """Return the hosts that no report has come from since this manager began."""
        return [name for name, state in self._hosts.items() if state.last is None]

    def pending(self, hostname: str) -> bool:
        """Tell whether a report of the host that was asked for is still to come."""
        state = self._hosts.get(hostname)
        return state is not None and (state.dirty or state.running)

    def reporter(self, hostname: str) -> str:
        """Return the job that reports the host at the moment, or nothing."""
        state = self._hosts.get(hostname)
        return state.job if state is not None and state.running else ""

    def errors(self) -> Dict[str, str]:
        """Return why hosts could not be reported, of those whose last try failed."""
        return {name: state.error for name, state in self._hosts.items() if state.error}
