"""Hosts in maintenance: a record per host, from before the first change until all is undone."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from adapter.cluster.fields import LAST_TIME, Fields
from adapter.cluster.noout import is_node, read_ids
from adapter.cluster.store import Store, Unusable, read_records

KIND = "maintenance"
ENTERING, ENTERED, LEAVING = "entering", "entered", "leaving"
STAGES = (ENTERING, ENTERED, LEAVING)
_UNIT = re.compile(r"ceph[A-Za-z0-9@._:\\-]{0,245}\.service")


@dataclass(frozen=True)
class Held:
    """A unit that was changed on the host; ``ran`` says that it is started again.

    ``row`` is what the host said of it, which is handed back to it.
    """

    unit: str
    ran: bool
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Maintenance:
    """The maintenance of one host. Times are epoch seconds.

    ``nodes`` are the CRUSH nodes for which ``noout`` was set from here, ``ids`` the ids of those
    that are buckets, by name: a bucket may be renamed. ``reached`` says that the
    host was, or may have been, told to hold its units; ``missed`` that it did not answer, so that
    what runs there is not all stopped; ``at_work`` that a job may be at it.
    ``force`` and ``regardless`` are what the operator has said to on the way in; ``force`` on the
    way out says that it ends whatever is not back, ``offline`` that the host need not answer.
    ``reason`` says what it waits for; it is not kept.
    """

    hostname: str
    stage: str
    since: float = 0.0
    by: str = ""
    force: bool = False
    regardless: bool = False
    offline: bool = False
    reached: bool = False
    at_work: bool = False
    missed: bool = False
    asked: float = 0.0
    nodes: Tuple[str, ...] = ()
    ids: Mapping[str, int] = field(default_factory=dict)
    units: Tuple[Held, ...] = ()
    reason: str = ""

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        flags = {
            name: True
            for name in ("force", "regardless", "offline", "reached", "at_work", "missed")
            if getattr(self, name)
        }
        return {
            "stage": self.stage,
            "since": self.since,
            "asked": self.asked,
            **({"by": self.by} if self.by else {}),
            **flags,
            "nodes": list(self.nodes),
            **({"ids": dict(self.ids)} if self.ids else {}),
            "units": [dict(each.row) for each in self.units],
        }

    @classmethod
    def from_json(cls, hostname: str, data: Mapping[str, Any]) -> Maintenance:
        """Read what ``to_json`` wrote, or raise."""
        read = Fields(data)
        rows = read.each("units", lambda row: isinstance(row, Mapping), "a list of units")
        return cls(
            hostname,
            read.choice("stage", STAGES),
            read.time("since"),
            read.text("by", ""),
            read.flag("force", False),
            read.flag("regardless", False),
            read.flag("offline", False),
            read.flag("reached", False),
            read.flag("at_work", False),
            read.flag("missed", False),
            read.time("asked"),
            read.each("nodes", is_node, "a list of CRUSH nodes"),
            read_ids(read.mapping("ids", {})),
            tuple(map(held_unit, rows)),
        )

    @property
    def is_whole(self) -> bool:
        """Tell whether all units of the host were stopped when it entered."""
        return self.stage == ENTERED and self.reached and not self.missed

    def resumes(self, online: bool) -> bool:
        """Tell whether the rest of the units can be stopped now of a host that was cut off."""
        return self.stage == ENTERED and self.reached and self.missed and online

    def describe(self) -> str:
        """Return for `ceph health detail` since when it is so, by whom, and what is changed."""
        by = f", asked for by {self.by}" if self.by else ""
        changed = self._changes()
        host, command = self.hostname, f"`ceph orch host maintenance exit {self.hostname}`"
        why = f": {self.reason.rstrip('.')}" if self.reason else ""
        if self.stage == ENTERED:
            return (
                f"host {host} is in maintenance since {moment(self.since)}{by} ({changed})."
                f"{self._lacks()} {command} ends it."
            )
        if self.stage == ENTERING:
            return (
                f"host {host} enters maintenance since {moment(self.asked)}{by}{why} ({changed}). "
                f"It is tried again; {command} gives it up."
            )
        if self.offline:
            return (
                f"host {host} has left maintenance at {moment(self.asked)} while it was offline"
                f"{why} ({changed}). Its units are put back when it answers."
            )
        return (
            f"host {host} leaves maintenance since {moment(self.asked)}{why} ({changed}). It is "
            f"tried again; `ceph orch host maintenance exit {host} --force` ends it although these "
            "are not back."
        )

    def _lacks(self) -> str:
        """Return what was not done on a host that did not answer."""
        if self.is_whole:
            return ""
        if self.reached:
            return " It ceased to answer meanwhile: the rest of its units stops when it answers."
        return (
            " It was offline then: its units were not touched. `ceph orch host maintenance enter "
            f"{self.hostname}` stops them once it answers."
        )

    def _changes(self) -> str:
        """Return what is changed and not undone yet."""
        count = len(self.units)
        parts = (
            [f"{count} unit{'' if count == 1 else 's'} {_verb(self.stage)}"]
            if count and self.reached
            else []
        )
        parts += [f"noout set for {', '.join(self.nodes)}"] if self.nodes else []
        return ", ".join(parts) or "nothing is changed"


def _verb(stage: str) -> str:
    return "to be put back" if stage == LEAVING else "masked"


def held_unit(row: Mapping[str, Any]) -> Held:
    """Read what a host said of a unit. Hosts are not trusted; raises ``Unusable``."""
    unit, ran = row.get("unit"), row.get("ran")
    if not isinstance(unit, str) or not _UNIT.fullmatch(unit) or not isinstance(ran, bool):
        raise Unusable("its units name what is not a unit of Ceph")
    osd = row.get("osd") if isinstance(row.get("osd"), Mapping) else {}
    kept: Dict[str, Any] = {"unit": unit, "ran": ran, "how": str(row.get("how") or "")}
    kept["kind"] = str(row.get("kind") or "")
    if osd:
        kept["osd"] = {
            "uuid": str(osd.get("uuid") or ""),
            "kinds": _texts(osd.get("kinds")),
            "devices": _texts(osd.get("devices")),
        }
    return Held(unit, ran, kept)


def _texts(value: Any) -> List[str]:
    return [str(each)[:250] for each in value][:8] if isinstance(value, (list, tuple)) else []


def moment(epoch: float) -> str:
    """Return a time as it is written in warnings."""
    found = datetime.datetime.fromtimestamp(epoch, tz=datetime.timezone.utc)
    return found.strftime("%Y-%m-%d %H:%M:%SZ")


def held_by_hand(hostname: str, said: Mapping[str, Any]) -> str:
    """Return a sentence for a host whose own record says that it is held. It is not trusted."""
    count, since = said.get("units"), said.get("since")
    is_count = isinstance(count, int) and count >= 0
    units = f"{count} units" if is_count else "units, and its record of them cannot be read"
    is_time = isinstance(since, (int, float)) and 0 < since < LAST_TIME
    when = f" since {moment(float(since))}" if is_time and since is not None else ""
    return (
        f"host {hostname} holds {units}{when}, and nobody here has put it into maintenance (by "
        f"hand?). `ceph orch host maintenance exit {hostname}` puts them back."
    )


class Maintenances:
    """All hosts in maintenance. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Dict[str, Maintenance] = {}
        self.problems: Dict[str, str] = {}
        self.serial = 0
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be read is named in ``problems`` and kept."""
        before = self._known
        self._known, self.problems = read_records(self._store, KIND, Maintenance.from_json)
        for name, each in self._known.items():
            if name in before:
                self._known[name] = replace(each, reason=before[name].reason)
        self.serial += 1

    def __contains__(self, hostname: object) -> bool:
        return hostname in self._known

    def all(self) -> List[Maintenance]:
        """Return them by host."""
        return [self._known[name] for name in sorted(self._known)]

    def get(self, hostname: str) -> Optional[Maintenance]:
        """Return the maintenance of a host, or None."""
        return self._known.get(hostname)

    def stage(self, hostname: str) -> str:
        """Return the stage of a host's maintenance, empty where it has none."""
        known = self._known.get(hostname)
        return known.stage if known is not None else ""

    def lines(self) -> List[str]:
        """Return a sentence for each host."""
        return [each.describe() for each in self.all()]

    def holds(self, hostname: str, unit: str) -> bool:
        """Tell whether a unit of a host is stopped for its maintenance alone."""
        known = self._known.get(hostname)
        return known is not None and any(each.unit == unit and each.ran for each in known.units)

    def save(self, one: Maintenance) -> Maintenance:
        """Keep it; raises ``NotKept``."""
        before = self._known.get(one.hostname)
        if before is None or replace(before, reason="") != replace(one, reason=""):
            self._store.set(f"{KIND}.{one.hostname}", one.to_json())
            self.serial += 1
        self._known[one.hostname] = one
        self.problems.pop(one.hostname, None)
        return one

    def remove(self, hostname: str) -> None:
        """Forget it, when all is undone; raises ``NotKept``."""
        self._store.set(f"{KIND}.{hostname}", None)
        self._known.pop(hostname, None)
        self.problems.pop(hostname, None)
        self.serial += 1
