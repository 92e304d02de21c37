"""What services wait for that somebody has to bring about, and since when."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Container, Dict, List

# After so long (seconds) it is a warning: until then somebody may be at it.
LONG = 600.0


@dataclass(frozen=True)
class Wait:
    """What is missing, what brings it about, and since when (epoch seconds) it is waited for."""

    reason: str
    remedy: str
    since: float


class Waits:
    """The services that wait. Callers hold the orchestrator's lock."""

    def __init__(self) -> None:
        self._all: Dict[str, Wait] = {}

    def wait(self, service: str, reason: str, remedy: str, now: float) -> bool:
        """Note what a service waits for; tell whether that is news."""
        known = self._all.get(service)
        if known is not None and known.reason == reason:
            return False
        since = known.since if known is not None else now
        self._all[service] = Wait(reason, remedy, since)
        return True

    def over(self, service: str) -> None:
        """Note that a service waits no more."""
        self._all.pop(service, None)

    def keep_services(self, services: Container[str]) -> None:
        """Forget all other services."""
        self._all = {name: each for name, each in self._all.items() if name in services}

    def all(self) -> Dict[str, Wait]:
        """Return what waits, by service."""
        return dict(self._all)

    def lines(self, now: float) -> List[str]:
        """Return a sentence for each service that has waited for long."""
        return [
            f"{name} waits since {_moment(each.since)}: {each.reason}. {each.remedy}".strip()
            for name, each in sorted(self._all.items())
            if now - each.since >= LONG
        ]


def _moment(when: float) -> str:
    moment = datetime.datetime.fromtimestamp(when, tz=datetime.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")
