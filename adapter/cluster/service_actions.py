"""Restarts of whole services, a few daemons at a time: one record per service.

A restart goes on after the manager that began it has ended: what is left is in the record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from adapter.cluster.fields import Fields
from adapter.cluster.store import Store, read_records

KIND = "service_action"
ACTIONS = ("restart",)
_DAEMON = re.compile(r"osd\.[0-9]{1,9}|(?!osd\.)[a-z-]+\..+")


@dataclass(frozen=True)
class ServiceAction:
    """What is done to a service. ``left`` are the daemons still to come (``osd.3``), ``doing``
    those at it.

    ``reason`` says what it waits for, ``tries`` how often daemons of ``left`` did not start.
    ``epoch`` is that of the OSD map before the OSDs of ``doing`` were told to: only those that
    started later are back. ``of`` is how many daemons there were at the beginning.
    """

    service: str
    action: str
    left: Tuple[str, ...] = ()
    doing: Tuple[str, ...] = ()
    asked: float = 0.0
    reason: str = ""
    tries: Mapping[str, int] = field(default_factory=dict)
    epoch: int = 0
    of: int = 0

    @property
    def total(self) -> int:
        """Return how many daemons it is about, those that are done already too."""
        return max(self.of, len(self.left) + len(self.doing))

    @property
    def done(self) -> int:
        """Return how many daemons are done."""
        return self.total - len(self.left) - len(self.doing)

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        tries = {"tries": dict(self.tries)} if self.tries else {}
        return {
            "action": self.action,
            "left": list(self.left),
            "doing": list(self.doing),
            "asked": self.asked,
            **tries,
            **({"epoch": self.epoch} if self.epoch else {}),
            **({"of": self.of} if self.of else {}),
        }

    @classmethod
    def from_json(cls, service: str, data: Mapping[str, Any]) -> ServiceAction:
        """Read what ``to_json`` wrote, or raise."""
        read, names = Fields(data), "a list of daemons' names"
        tries = read.mapping("tries", {})
        counts = Fields(tries, "tries")
        return cls(
            service,
            read.choice("action", ACTIONS),
            read.each("left", is_daemon, names),
            read.each("doing", is_daemon, names),
            read.time("asked"),
            tries={name: counts.whole(name, most=1000) for name in tries},
            epoch=read.whole("epoch", 0),
            of=read.whole("of", 0),
        )


def is_daemon(value: Any) -> bool:
    """Tell whether a value can be a daemon's name."""
    return isinstance(value, str) and len(value) < 300 and bool(_DAEMON.fullmatch(value))


class ServiceActions:
    """All restarts that are under way. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._actions: Dict[str, ServiceAction] = {}
        self.problems: Dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be read is named in ``problems`` and kept."""
        before = self._actions
        self._actions, self.problems = read_records(self._store, KIND, ServiceAction.from_json)
        for name, action in self._actions.items():
            # What an action waits for is not kept.
            reason = before[name].reason if name in before else ""
            self._actions[name] = replace(action, reason=reason)

    def look(self) -> None:
        """Name the records that cannot be read, and go on with the others as they are known."""
        self.problems = read_records(self._store, KIND, ServiceAction.from_json)[1]
        self._actions = {k: v for k, v in self._actions.items() if k not in self.problems}

    def all(self) -> List[ServiceAction]:
        """Return the actions by service."""
        return [self._actions[name] for name in sorted(self._actions)]

    def get(self, service: str) -> Optional[ServiceAction]:
        """Return what is done to a service, or None."""
        return self._actions.get(service)

    def save(self, action: ServiceAction) -> None:
        """Keep an action; one with nothing left is done and dropped."""
        before = self._actions.get(action.service)
        if not action.left and not action.doing:
            self.cancel(action.service)
            return
        if before is None or replace(before, reason="") != replace(action, reason=""):
            self._store.set(f"{KIND}.{action.service}", action.to_json())
        self._actions[action.service] = action
        self.problems.pop(action.service, None)

    def cancel(self, service: str) -> None:
        """Drop an action."""
        self._store.set(f"{KIND}.{service}", None)
        self._actions.pop(service, None)
        self.problems.pop(service, None)
