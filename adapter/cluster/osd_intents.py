"""OSDs that are being made: one record per host, written before the job is asked for.

A group stays until its host has answered that the OSDs are there, or that it refuses them. So a
manager that ends in between is followed by one that asks for the very same disks again; the host
makes what is missing and nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from adapter.cluster.fields import Fields
from adapter.cluster.osd_plan import Group
from adapter.cluster.store import Store, read_records
from adapter.errors import UnreadableRecord

KIND = "osd_creation"
AS_IT_IS = "when no OSD is being made on the host, {removed} lets the host take part again."


@dataclass(frozen=True)
class Intent:
    """What is to be made on a host; ``asked`` is in seconds since the epoch.

    ``begun`` are the data disks that a job was told of, None where that is not known; ``by_hand``
    those that somebody named, whatever becomes of the drive group; ``unwanted`` those that were
    dropped after a job may have begun with them: they are completed if it had.
    """

    host: str
    groups: Tuple[Group, ...]
    asked: float = 0.0
    begun: Optional[Tuple[str, ...]] = None
    by_hand: Tuple[str, ...] = ()
    unwanted: Tuple[str, ...] = ()

    @property
    def paths(self) -> List[str]:
        """Return the paths of all disks that are written to."""
        return [disk.path for group in self.groups for disk in group.disks]

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        return {
            "groups": [group.to_json() for group in self.groups],
            "asked": self.asked,
            "begun": None if self.begun is None else list(self.begun),
            "by_hand": list(self.by_hand),
            "unwanted": list(self.unwanted),
        }

    def may_be_begun(self, group: Group) -> bool:
        """Tell whether a job may have begun with a group."""
        return self.begun is None or any(disk.path in self.begun for disk in group.data)

    def is_unwanted(self, group: Group) -> bool:
        """Tell whether a group was dropped after a job may have begun with it."""
        return any(disk.path in self.unwanted for disk in group.data)

    def is_by_hand(self, group: Group) -> bool:
        """Tell whether somebody named the disks of a group."""
        return any(disk.path in self.by_hand for disk in group.data)

    def with_groups(self, groups: Tuple[Group, ...]) -> Intent:
        """Return the intent with these groups, and nothing of others."""
        data = data_paths(groups)
        begun = None if self.begun is None else tuple(each for each in self.begun if each in data)
        by_hand = tuple(each for each in self.by_hand if each in data)
        unwanted = tuple(each for each in self.unwanted if each in data)
        return replace(self, groups=groups, begun=begun, by_hand=by_hand, unwanted=unwanted)

    @classmethod
    def from_json(cls, host: str, data: Mapping[str, Any]) -> Intent:
        """Read what ``to_json`` wrote, or raise."""
        read = Fields(data)
        return cls(
            host,
            read.rows("groups", Group.read, empty=False),
            read.time("asked"),
            read.texts("begun", None),
            read.texts("by_hand"),
            read.texts("unwanted"),
        )


def data_paths(groups: Iterable[Group]) -> Tuple[str, ...]:
    """Return the data disks of groups."""
    return tuple(disk.path for group in groups for disk in group.data)


@dataclass
class Intents:
    """All OSDs that are being made. Callers hold the orchestrator's lock."""

    store: Store
    problems: Dict[str, str] = field(default_factory=dict)
    serial: int = 0
    _intents: Dict[str, Intent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be read is named in ``problems`` and kept."""
        self._intents, self.problems = read_records(self.store, KIND, Intent.from_json)
        self.serial += 1

    def look(self) -> None:
        """Name the records that cannot be read, and go on with what is known."""
        self.problems = read_records(self.store, KIND, Intent.from_json)[1]

    def all(self) -> List[Intent]:
        """Return the intents by host."""
        return [self._intents[host] for host in sorted(self._intents)]

    def paths(self, host: str, but: Optional[str] = None) -> Set[str]:
        """Return the disks of a host that are being written to, ``but`` for a drive group."""
        return {disk.path for group in self._others(host, but) for disk in group.disks}

    def osds(self, host: str, osdspec: str) -> int:
        """Return how many OSDs are being made on a host for a drive group."""
        intent = self._intents.get(host)
        return sum(
            len(group.data) * int(group.options.get("osds_per_device") or 1)
            for group in (intent.groups if intent else ())
            if group.options.get("osdspec") == osdspec
        )

    def osd_ids(self, host: str, but: Optional[str] = None) -> Set[int]:
        """Return the destroyed OSDs that are being made anew, ``but`` for a drive group."""
        return {each for group in self._others(host, but) for each in group.osd_ids}

    def _others(self, host: str, but: Optional[str]) -> List[Group]:
        """Return what is to be made on a host, without what is for one drive group."""
        intent = self._intents.get(host)
        groups = intent.groups if intent else ()
        return [each for each in groups if but is None or each.options.get("osdspec") != but]

    def check_readable(self, host: str) -> None:
        """Raise ``UnreadableRecord`` where nobody knows which OSDs are being made on a host."""
        if host in self.problems:
            key = f"{KIND}.{host}"
            as_it_is = AS_IT_IS.format(removed=self.store.removed_by(key))
            remedy = f"{self.store.shown_by(key)} shows it; {as_it_is}"
            raise UnreadableRecord(key, self.problems[host], remedy)

    def add(
        self, host: str, groups: Tuple[Group, ...], now: float, *, by_hand: bool = False
    ) -> Intent:
        """Add groups to what is to be made on a host; raises ``UnreadableRecord``."""
        self.check_readable(host)
        known = self._intents.get(host) or Intent(host, (), now, begun=())
        named = data_paths(groups) if by_hand else ()
        intent = replace(known, groups=(*known.groups, *groups), by_hand=(*known.by_hand, *named))
        self._keep(intent)
        return intent

    def give_up(self, host: str) -> None:
        """Drop all that is to be made on a host; what a job may have begun is only marked."""
        known = self._intents[host]
        begun = [group for group in known.groups if known.may_be_begun(group)]
        if begun:
            self._keep(replace(known, unwanted=data_paths(begun)))
        self.drop(host, [group for group in known.groups if group not in begun])

    def forget_unreadable(self, host: str) -> None:
        """Remove the record of a host that cannot be used, with what is known of it."""
        self.store.set(f"{KIND}.{host}", None)
        self.problems.pop(host, None)
        self._intents.pop(host, None)
        self.serial += 1

    def begin(self, host: str) -> None:
        """Keep that a job is told of all that is to be made on a host."""
        known = self._intents[host]
        data = data_paths(known.groups)
        if known.begun is not None and set(data) != set(known.begun):
            self._keep(replace(known, begun=data))

    def find(self, host: str) -> Optional[Intent]:
        """Return what is to be made on a host, or None."""
        return self._intents.get(host)

    def not_begun(self, before: Intent) -> None:
        """Keep that a job was told of nothing beyond what one was told of ``before``."""
        known = self._intents.get(before.host)
        if known is None or before.begun is None or before.host in self.problems:
            return
        begun = tuple(path for path in before.begun if path in data_paths(known.groups))
        if known.begun != begun:
            self._keep(replace(known, begun=begun))

    def _keep(self, intent: Intent) -> None:
        self.store.set(f"{KIND}.{intent.host}", intent.to_json())
        self._intents[intent.host] = intent
        self.serial += 1

    def drop(self, host: str, groups: Iterable[Group]) -> None:
        """Drop groups, each once; the others of the host stay, in their order.

        A record that somebody has made unreadable meanwhile is not written over.
        """
        known = self._intents.get(host)
        if known is None:
            return
        left = list(known.groups)
        for group in groups:
            if group in left:
                left.remove(group)
        if len(left) == len(known.groups):
            return
        kept = known.with_groups(tuple(left)) if left else None
        if host not in self.problems:
            self.store.set(f"{KIND}.{host}", kept.to_json() if kept else None)
        if kept:
            self._intents[host] = kept
        else:
            del self._intents[host]
        self.serial += 1
