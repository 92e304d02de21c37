"""What stands in the way of services, by service and host, and when each is tried again.

A failure is cleared by the next success, and when the service has nothing to do on that host any
more. An empty host stands for the service as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Container, Dict, FrozenSet, List, Tuple

from adapter.cluster.backoff import Backoff


@dataclass
class ServiceFailure:
    """What failed last; ``when`` is epoch seconds.

    One without a ``reason`` is only a back-off: that somebody waits for another is no failure.
    """

    service: str
    host: str
    reason: str = ""
    job: str = ""
    when: float = 0.0
    backoff: Backoff = field(default_factory=Backoff)


class ServiceFailures:
    """The failures of all services. Callers hold the orchestrator's lock."""

    def __init__(self) -> None:
        self._all: Dict[Tuple[str, str], ServiceFailure] = {}

    def failed(
        self, service: str, host: str, reason: str, now: float, when: float, job: str = ""
    ) -> None:
        """Note a failure: the service backs off on the host, longer each time."""
        failure = self._back_off(service, host, now)
        failure.reason, failure.job, failure.when = reason, job, when

    def waits(self, service: str, host: str, now: float) -> None:
        """Note that something cannot be done yet: the same back-off, and nobody is warned."""
        self._back_off(service, host, now)

    def _back_off(self, service: str, host: str, now: float) -> ServiceFailure:
        failure = self._all.setdefault((service, host), ServiceFailure(service, host))
        failure.backoff.longer(now)
        return failure

    def backs_off(self, service: str, host: str, now: float) -> bool:
        """Tell whether a service is left alone on a host for now."""
        found = (self._all.get((service, each)) for each in (host, ""))
        return any(failure is not None and failure.backoff.until > now for failure in found)

    def hosts(self, service: str) -> FrozenSet[str]:
        """Return the hosts on which something of a service failed last."""
        failed = (key for key, each in self._all.items() if each.reason)
        return frozenset(host for name, host in failed if name == service and host)

    def over(self, service: str, host: str) -> None:
        """Note a success on a host."""
        for each in (host, ""):
            self._all.pop((service, each), None)

    def keep(self, service: str, hosts: Container[str]) -> None:
        """Drop the failures of a service but those on hosts where it has something to do."""
        for key in [key for key in self._all if key[0] == service and key[1] not in hosts]:
            del self._all[key]

    def keep_services(self, services: Container[str]) -> None:
        """Drop the failures of all other services."""
        for key in [key for key in self._all if key[0] not in services]:
            del self._all[key]

    def acknowledge(self, job: str) -> int:
        """Warn no more of what a job left; return how many warnings that were."""
        found = [failure for failure in self.all() if failure.job == job]
        for failure in found:
            failure.reason = failure.job = ""
        return len(found)

    def next_try(self, now: float, last: float) -> float:
        """Return when the first back-off is over, at the latest ``last``."""
        ends = (each.backoff.until for each in self._all.values())
        return min((end for end in ends if end > now), default=last)

    def all(self) -> List[ServiceFailure]:
        """Return what is to be warned of, by service and host."""
        return [self._all[key] for key in sorted(self._all) if self._all[key].reason]
