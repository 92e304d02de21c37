"""Daemons that are made and removed again and again, though nobody has changed anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Tuple

# So often a daemon is removed and made anew; the next time its services are left as they are.
MOST = 2
# What lies longer back does not count (seconds).
WINDOW = 3600.0


@dataclass
class _Story:
    """What became of one daemon: what each service wanted, and when which one removed it."""

    causes: Dict[str, Any] = field(default_factory=dict)
    removed: List[Tuple[float, str]] = field(default_factory=list)


class Flips:
    """Notice services that flip. Callers hold the orchestrator's lock.

    A ``cause`` is what decides where a service has daemons: whoever changes it begins anew.
    """

    def __init__(self) -> None:
        self._stories: Dict[str, _Story] = {}
        self._stopped: Dict[str, str] = {}

    def removed(self, service: str, daemon: str, cause: Any, now: float) -> None:
        """Note that a service has no use for a daemon (``mds.a.h1.abcdef``)."""
        story = self._story(service, daemon, cause)
        story.removed = [each for each in story.removed if each[0] > now - WINDOW]
        story.removed.append((now, service))

    def made(self, service: str, daemons: Iterable[str], cause: Any, now: float) -> str:
        """Return why a service is left as it is instead of making daemons, or an empty text."""
        for daemon in daemons:
            removed = self._story(service, daemon, cause).removed
            times = [each for each in removed if each[0] > now - WINDOW]
            if len(times) >= MOST:
                by = sorted({name for _, name in times})
                both = list(dict.fromkeys((service, *by)))
                reason = (
                    f"{daemon} is made for {service} and removed as one of {', '.join(by)} again "
                    f"and again, though nobody has changed anything. {' and '.join(both)}: left as "
                    "it is until it is applied again (`ceph orch apply`)."
                )
                self._stopped.update(dict.fromkeys(both, reason))
                return reason
        return ""

    def stopped(self, service: str) -> str:
        """Return why a service is left as it is, or an empty text."""
        return self._stopped.get(service, "")

    def forget(self, service: str) -> None:
        """Let a service go on, with those that were stopped for the same daemon."""
        reason = self._stopped.pop(service, "")
        self._stopped = {name: each for name, each in self._stopped.items() if each != reason}
        for daemon, story in list(self._stories.items()):
            if service in story.causes:
                del self._stories[daemon]

    def _story(self, service: str, daemon: str, cause: Any) -> _Story:
        story = self._stories.setdefault(daemon, _Story())
        if story.causes.get(service, cause) != cause:
            story = self._stories[daemon] = _Story()
        story.causes[service] = cause
        return story
