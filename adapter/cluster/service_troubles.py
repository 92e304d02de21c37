"""What stands in the way of services, by service and host, and when each is tried again.

A trouble lasts exactly as long as it is one: it goes with the next success, and when the service
has nothing to do on that host any more. An empty host stands for the service as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Container, Dict, FrozenSet, List, Tuple

from adapter.cluster.pause import Pause


@dataclass
class Trouble:
    """What failed last; ``when`` is epoch seconds.

    One without a ``reason`` is only a pause: it is no failure that somebody waits for another.
    """

    service: str
    host: str
    reason: str = ""
    job: str = ""
    when: float = 0.0
    pause: Pause = field(default_factory=Pause)


class Troubles:
    """The troubles of all services. Callers hold the orchestrator's lock."""

    def __init__(self) -> None:
        self._all: Dict[Tuple[str, str], Trouble] = {}

    def failed(
        self, service: str, host: str, reason: str, now: float, when: float, job: str = ""
    ) -> None:
        """Note a failure: the service rests on the host, longer each time."""
        trouble = self._rest(service, host, now)
        trouble.reason, trouble.job, trouble.when = reason, job, when

    def waits(self, service: str, host: str, now: float) -> None:
        """Note that something cannot be done yet: the same pause, and nobody is warned."""
        self._rest(service, host, now)

    def _rest(self, service: str, host: str, now: float) -> Trouble:
        trouble = self._all.setdefault((service, host), Trouble(service, host))
        trouble.pause.longer(now)
        return trouble

    def rests(self, service: str, host: str, now: float) -> bool:
        """Tell whether a service is left alone on a host for now."""
        found = (self._all.get((service, each)) for each in (host, ""))
        return any(trouble is not None and trouble.pause.until > now for trouble in found)

    def hosts(self, service: str) -> FrozenSet[str]:
        """Return the hosts on which something of a service failed last."""
        failed = (key for key, each in self._all.items() if each.reason)
        return frozenset(host for name, host in failed if name == service and host)

    def over(self, service: str, host: str) -> None:
        """Note a success on a host."""
        for each in (host, ""):
            self._all.pop((service, each), None)

    def keep(self, service: str, hosts: Container[str]) -> None:
        """Drop the troubles of a service but those on hosts where it has something to do."""
        for key in [key for key in self._all if key[0] == service and key[1] not in hosts]:
            del self._all[key]

    def keep_services(self, services: Container[str]) -> None:
        """Drop the troubles of all other services."""
        for key in [key for key in self._all if key[0] not in services]:
            del self._all[key]

    def acknowledge(self, job: str) -> int:
        """Warn no more of what a job left; return how many warnings that were."""
        found = [trouble for trouble in self.all() if trouble.job == job]
        for trouble in found:
            trouble.reason = trouble.job = ""
        return len(found)

    def next_try(self, now: float, last: float) -> float:
        """Return when the first pause is over, at the latest ``last``."""
        ends = (each.pause.until for each in self._all.values())
        return min((end for end in ends if end > now), default=last)

    def all(self) -> List[Trouble]:
        """Return what is to be warned of, by service and host."""
        return [self._all[key] for key in sorted(self._all) if self._all[key].reason]
