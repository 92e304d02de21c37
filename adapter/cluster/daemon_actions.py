"""What somebody asked to be done to daemons, until it is done: one record per command.

A record is written before the job is submitted and goes when that has ended. So a manager that
ends in between is followed by one that does what was acknowledged. Of a daemon only the last
command is kept.
"""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass, replace
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, Sequence, Tuple

from adapter.cluster.fields import Fields
from adapter.cluster.service_actions import is_daemon
from adapter.cluster.store import Store, Unusable, read_records
from adapter.errors import NotKept

log = logging.getLogger(__name__)

KIND = "daemon_action"
ACTIONS = ("start", "stop", "restart", "redeploy", "reconfig")
# What `ceph orch daemon add` asks for: a daemon that no host has yet.
ADD = "add"
# Services and daemons may have the same name.
OF_SERVICE = "service."


@dataclass(frozen=True)
class DaemonAction:
    """What is to be done to ``daemons`` (``mon.h2``); ``asked`` is in epoch seconds.

    ``name`` is the daemon's, or ``service.NAME`` where all of a service were meant. ``host`` and
    ``network`` are where one is to be added.
    """

    name: str
    action: str
    daemons: Tuple[str, ...]
    service: str = ""
    force: bool = False
    asked: float = 0.0
    host: str = ""
    network: str = ""

    @property
    def of_service(self) -> bool:
        """Tell whether all daemons of a service were meant."""
        return self.name.startswith(OF_SERVICE)

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        more: Dict[str, Any] = {"daemons": list(self.daemons)} if self.of_service else {}
        if self.action == ADD:
            more = {"host": self.host, "network": self.network}
        return {
            "action": self.action,
            "service": self.service,
            "force": self.force,
            "asked": self.asked,
            **more,
        }

    @classmethod
    def from_json(cls, name: str, data: Mapping[str, Any]) -> DaemonAction:
        """Read what ``to_json`` wrote, or raise."""
        read = Fields(data)
        daemons: Tuple[str, ...] = (name,)
        if name.startswith(OF_SERVICE):
            daemons = read.each("daemons", is_daemon, "a list of daemons' names")
        if not daemons or not all(map(is_daemon, daemons)):
            raise Unusable("it names no daemon")
        return cls(
            name,
            read.choice("action", (*ACTIONS, ADD)),
            daemons,
            read.text("service", ""),
            read.flag("force", False),
            read.time("asked"),
            read.text("host", ""),
            read.text("network", ""),
        )


class DaemonActions:
    """All that is still to be done. Callers hold the orchestrator's lock.

    ``reasons`` says by name what an action waits for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._actions: Dict[str, DaemonAction] = {}
        self.reasons: Dict[str, str] = {}
        self.problems: Dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be read is named in ``problems`` and kept."""
        self._actions, self.problems = read_records(self._store, KIND, DaemonAction.from_json)

    def all(self) -> List[DaemonAction]:
        """Return the actions by name."""
        return [self._actions[name] for name in sorted(self._actions)]

    def stops(self) -> FrozenSet[str]:
        """Return the daemons (``mds.a``) whose stop was asked for and is not done yet."""
        found = [each.daemons for each in self._actions.values() if each.action == "stop"]
        return frozenset(name for names in found for name in names)

    def lines(self) -> List[str]:
        """Return a sentence for each action that waits."""
        return [
            _describe(
                each,
                self.reasons[each.name],
                self._store.removed_by(f"{KIND}.{each.name}"),
            )
            for each in self.all()
            if each.name in self.reasons
        ]

    def save(self, action: DaemonAction) -> List[DaemonAction]:
        """Keep an action in place of what was asked of its daemons before; return that.

        Raises ``NotKept``; then all is as it was.
        """
        before = self._touched(action.daemons, action.name)
        try:
            self._write(action)
            self._without(action.daemons, but=action.name)
        except NotKept:
            self.put_back(before, action)
            raise
        self.reasons.pop(action.name, None)
        return before

    def leave_out(self, daemons: Collection[str]) -> List[DaemonAction]:
        """Let nothing be done to daemons any more; return what was to be, or raise ``NotKept``."""
        before = self._touched(daemons)
        try:
            self._without(daemons)
        except NotKept:
            self.put_back(before)
            raise
        return before

    def put_back(self, before: Sequence[DaemonAction], *instead: DaemonAction) -> None:
        """Keep again what there was before, and not what came in its place."""
        known = {each.name for each in before}
        gone = [replace(each, daemons=()) for each in instead if each.name not in known]
        for each in (*before, *gone):
            try:
                self._write(each)
            except NotKept as error:
                log.error("%s", error)

    def _touched(self, daemons: Collection[str], name: str = "") -> List[DaemonAction]:
        named = set(daemons)
        return [each for each in self.all() if each.name == name or named & set(each.daemons)]

    def _without(self, daemons: Collection[str], but: str = "") -> None:
        for each in self._touched(daemons):
            if each.name != but:
                left = tuple(name for name in each.daemons if name not in daemons)
                self._write(replace(each, daemons=left))

    def _write(self, action: DaemonAction) -> None:
        """Write a record; one without daemons goes."""
        if self._actions.get(action.name) == action:
            return
        if action.daemons:
            self._store.set(f"{KIND}.{action.name}", action.to_json())
            self._actions[action.name] = action
        elif action.name in self._actions:
            self._store.set(f"{KIND}.{action.name}", None)
            del self._actions[action.name]
            self.reasons.pop(action.name, None)
        self.problems.pop(action.name, None)


def _describe(action: DaemonAction, reason: str, removed: str) -> str:
    names = ", ".join(action.daemons)
    when = datetime.datetime.fromtimestamp(action.asked, tz=datetime.timezone.utc)
    return (
        f"{action.action} of {names}, asked for at {when:%Y-%m-%d %H:%M:%SZ}: {reason.rstrip('.')}."
        f" It is tried again; {removed} ends it."
    )
