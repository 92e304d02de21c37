"""The last events of services and daemons, as `ceph orch ls` and `ceph orch ps` show them."""

from __future__ import annotations

from collections import deque
from typing import Deque, Dict, List

from adapter.errors import abridged
from adapter.interface import OrchestratorEvent
from adapter.interface.times import datetime_now

KEPT = 10
MESSAGE_LENGTH = 500


class Events:
    """A few events per service, the newest last. Callers hold the orchestrator's lock."""

    def __init__(self) -> None:
        self._events: Dict[str, Deque[OrchestratorEvent]] = {}

    def note(self, service: str, message: str) -> None:
        """Keep that something was done."""
        self._add(service, OrchestratorEvent.INFO, message)

    def fail(self, service: str, message: str) -> None:
        """Keep that something failed."""
        self._add(service, OrchestratorEvent.ERROR, message)

    def _add(self, service: str, level: str, message: str) -> None:
        text = abridged(" ".join(message.split()), MESSAGE_LENGTH)
        kept = self._events.setdefault(service, deque(maxlen=KEPT))
        if kept and (kept[-1].level, kept[-1].message) == (level, text):
            kept.pop()
        kept.append(OrchestratorEvent(datetime_now(), "service", service, level, text))

    def of(self, service: str) -> List[OrchestratorEvent]:
        """Return the events of a service."""
        return list(self._events.get(service, ()))

    def forget(self, service: str) -> None:
        """Drop the events of a service that is gone."""
        self._events.pop(service, None)
