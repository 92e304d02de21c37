"""Which hosts answer, since when not, and why.

A host that fails one probe is looked at again at once, on a new connection; only the second
failure makes it ``Offline``. One good probe, or one answer to a job, brings it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

# One probe costs the controller a short ssh process: the interval grows with the number of hosts
# so that probing 1,000 hosts stays a small, steady load.
PROBES_PER_SECOND = 20.0
FAILURES_TO_OFFLINE = 2
# An ssh connection that is shared for ever would hide a revoked key or a changed host key.
RENEW_AFTER = 600.0


@dataclass
class HostLiveness:
    """What is known of one host. Times are monotonic seconds, ``since`` is epoch seconds."""

    online: bool = True
    reason: str = ""
    since: Optional[float] = None
    failures: int = 0
    next_probe: float = 0.0
    probing: bool = False
    renewed: float = 0.0


class Liveness:
    """The liveness of all hosts. Callers hold the orchestrator's lock."""

    def __init__(self, interval: float = 10.0) -> None:
        self.interval = interval
        self._hosts: Dict[str, HostLiveness] = {}

    def track(self, hostnames: Sequence[str]) -> None:
        """Follow exactly these hosts: new ones are probed at once, others are forgotten."""
        self._hosts = {name: self._hosts.get(name) or HostLiveness() for name in hostnames}

    def of(self, hostname: str) -> HostLiveness:
        """Return a host's liveness; one that is not followed counts as online."""
        return self._hosts.get(hostname) or HostLiveness()

    def online(self, hostname: str) -> bool:
        """Tell whether the host answered when it was last asked."""
        return self.of(hostname).online

    def offline(self) -> Dict[str, HostLiveness]:
        """Return the hosts that do not answer."""
        return {name: state for name, state in self._hosts.items() if not state.online}

    def due(self, now: float) -> List[str]:
        """Return the hosts to be probed now, the longest waiting first, and mark them probing."""
        waiting = [
            name
            for name, state in self._hosts.items()
            if not state.probing and state.next_probe <= now
        ]
        waiting.sort(key=lambda name: self._hosts[name].next_probe)
        for name in waiting:
            self._hosts[name].probing = True
        return waiting

    def next_due(self, now: float) -> float:
        """Return the seconds until a host is to be probed."""
        waits = [state.next_probe - now for state in self._hosts.values() if not state.probing]
        return max(0.0, min(waits, default=self.interval))

    def pause_between(self) -> float:
        """Return the seconds between two probes of one host."""
        return max(self.interval, len(self._hosts) / PROBES_PER_SECOND)

    def seen(self, hostname: str, now: float) -> bool:
        """Record that a host answered; tell whether it was offline before."""
        state = self._hosts.get(hostname)
        if state is None:
            return False
        came_back = not state.online
        state.online, state.reason, state.since, state.failures = True, "", None, 0
        state.probing, state.next_probe = False, now + self.pause_between()
        return came_back

    def missed(self, hostname: str, reason: str, now: float, wall: float) -> bool:
        """Record a failed probe; tell whether the host became offline by it."""
        state = self._hosts.get(hostname)
        if state is None:
            return False
        state.failures += 1
        state.probing, state.reason = False, reason
        if not state.online:
            state.next_probe = now + self.pause_between()
            return False
        if state.failures < FAILURES_TO_OFFLINE:
            state.next_probe = now
            return False
        state.online, state.since = False, wall
        state.next_probe = now + self.pause_between()
        return True

    def renew(self, hostname: str, now: float) -> bool:
        """Tell whether the next probe shall use a new connection, and count from now."""
        state = self._hosts.get(hostname)
        if state is None or now - state.renewed < RENEW_AFTER:
            return False
        state.renewed = now
        return True

    def look_again(self, hostname: str, now: float) -> None:
        """Drop what a probe saw (it asked an address that is not the host's any more)."""
        state = self._hosts.get(hostname)
        if state is not None:
            state.probing, state.next_probe = False, now

    def look_now(self, hostname: str, now: float) -> None:
        """Probe a host at the next occasion (a job could not reach it)."""
        state = self._hosts.get(hostname)
        if state is not None:
            state.next_probe = min(state.next_probe, now)
