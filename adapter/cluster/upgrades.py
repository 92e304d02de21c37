"""The upgrade that is under way: one record, from before the first change until all is undone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from adapter.cluster.fields import Fields
from adapter.cluster.maintenances import moment
from adapter.cluster.noout import is_node, read_ids
from adapter.cluster.packages import upstream
from adapter.cluster.store import Store, Unusable, read_records
from adapter.cluster.upgrade_plan import Scope

KIND = "upgrade"
NAME = "current"
RUNNING, PAUSED, STOPPING = "running", "paused", "stopping"
STAGES = (RUNNING, PAUSED, STOPPING)
# What went wrong, by Ceph's own names: the alerts that Ceph ships know them.
OFFLINE, RESTART, FETCH, PACKAGES, NO_STANDBY = (
    "UPGRADE_OFFLINE_HOST",
    "UPGRADE_REDEPLOY_DAEMON",
    "UPGRADE_FAILED_PULL",
    "UPGRADE_EXCEPTION",
    "UPGRADE_NO_STANDBY_MGR",
)
CODES = (OFFLINE, RESTART, FETCH, PACKAGES, NO_STANDBY)
# So long (seconds) the next step may be refused before health says so.
LONG = 600.0


@dataclass(frozen=True)
class FileSystem:
    """What a file system had before its metadata servers were upgraded."""

    name: str
    max_mds: int
    standby_replay: bool


@dataclass(frozen=True)
class Upgrade:
    """An upgrade. Times are epoch seconds.

    ``kinds``, ``hosts``, ``services`` and ``limit`` say what of the cluster is meant; None: all.
    ``total`` is how many daemons were to be upgraded when it began.
    ``prepared`` says that all hosts have fetched the packages, ``open_hosts`` are those whose
    packages were begun and not seen to end well, ``followers`` daemons that are restarted as soon
    as their host has the packages. ``doing`` were told to start again and are waited for, ``done``
    are back. ``again`` run the version, but were started while their packages were halfway.
    ``nodes`` have ``noout`` from here, ``ids`` are those of buckets among
    them, ``systems`` are put back as they were. ``muted`` are the health checks of old keys that it
    has raised and muted, ``standing`` those that were there before and are left alone.
    ``at_work`` says that a job may be at it. ``code`` and ``error`` say why it paused.
    ``reason`` says what it does or waits for; it is not kept.
    """

    target: str
    stage: str
    since: float = 0.0
    by: str = ""
    kinds: Optional[Tuple[str, ...]] = None
    hosts: Optional[Tuple[str, ...]] = None
    services: Optional[Tuple[str, ...]] = None
    limit: Optional[int] = None
    packages: str = ""
    total: int = 0
    prepared: bool = False
    at_work: bool = False
    open_hosts: Tuple[str, ...] = ()
    followers: Tuple[str, ...] = ()
    doing: Tuple[str, ...] = ()
    done: Tuple[str, ...] = ()
    again: Tuple[str, ...] = ()
    nodes: Tuple[str, ...] = ()
    ids: Mapping[str, int] = field(default_factory=dict)
    systems: Tuple[FileSystem, ...] = ()
    muted: Tuple[str, ...] = ()
    standing: Tuple[str, ...] = ()
    code: str = ""
    error: str = ""
    reason: str = ""

    @property
    def version(self) -> str:
        """Return the version of Ceph that it leads to."""
        return upstream(self.target)

    @property
    def scope(self) -> Scope:
        """Return what of the cluster is meant, without a limit."""
        return Scope(
            None if self.kinds is None else frozenset(self.kinds),
            None if self.hosts is None else frozenset(self.hosts),
            None if self.services is None else frozenset(self.services),
        )

    @property
    def is_part(self) -> bool:
        """Tell whether not all of the cluster is meant."""
        return self.scope.narrow or self.limit is not None

    @property
    def room(self) -> Optional[int]:
        """Return how many daemons more the limit allows, None without one."""
        return None if self.limit is None else max(0, self.limit - len(self.done))

    def same(self, other: Upgrade) -> bool:
        """Tell whether another one leads to the same with the same daemons."""
        mine, others = (
            (each.target, each.kinds, each.hosts, each.services, each.limit)
            for each in (self, other)
        )
        return mine == others

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        lists = ("kinds", "hosts", "services")
        given = {name: list(getattr(self, name)) for name in lists if getattr(self, name)}
        texts = ("by", "packages", "code", "error")
        return {
            "target": self.target,
            "stage": self.stage,
            "since": self.since,
            **given,
            **({} if self.limit is None else {"limit": self.limit}),
            "total": self.total,
            **{name: getattr(self, name) for name in texts if getattr(self, name)},
            **{name: True for name in ("prepared", "at_work") if getattr(self, name)},
            **{name: list(getattr(self, name)) for name in _LISTS if getattr(self, name)},
            **({"ids": dict(self.ids)} if self.ids else {}),
            "systems": [
                {"name": each.name, "max_mds": each.max_mds, "standby_replay": each.standby_replay}
                for each in self.systems
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Upgrade:
        """Read what ``to_json`` wrote, or raise."""
        read = Fields(data)
        target = read.text("target")
        if not upstream(target):
            raise Unusable("its target is no version of Ceph")
        limit = read.whole("limit", 1, least=1) if data.get("limit") is not None else None
        code = read.text("code", "")
        lists = {name: read.texts(name) for name in _LISTS if name != "nodes"}
        return cls(
            target,
            read.choice("stage", STAGES),
            read.time("since"),
            read.text("by", ""),
            read.texts("kinds", None),
            read.texts("hosts", None),
            read.texts("services", None),
            limit,
            read.text("packages", ""),
            read.whole("total", 0),
            read.flag("prepared", False),
            read.flag("at_work", False),
            **lists,
            nodes=read.each("nodes", is_node, "a list of CRUSH nodes"),
            ids=read_ids(read.mapping("ids", {})),
            systems=read.rows("systems", _system),
            code=code if code in CODES else "",
            error=read.text("error", ""),
        )

    def describe(self) -> str:
        """Return for `ceph health detail` why it does not go on."""
        return (
            f"the upgrade to {self.target} of {moment(self.since)} is paused: "
            f"{self.error.rstrip('.')}. When that is put right `ceph orch upgrade resume` goes on "
            "at this step; `ceph orch upgrade stop` ends it and leaves daemons as they are, and "
            "docs/upgrades.md says how to go back from there."
        )


_LISTS = ("open_hosts", "followers", "doing", "done", "again", "nodes", "muted", "standing")


def _system(row: Fields) -> FileSystem:
    name = row.text("name", empty=False)
    return FileSystem(name, row.whole("max_mds", least=1), row.flag("standby_replay", False))


class Upgrades:
    """The upgrade, if there is one. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Optional[Upgrade] = None
        # Since when the next step is refused; another manager asks by itself.
        self._refused = 0.0
        self.problems: Dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read the record; one that cannot be used is named in ``problems`` and kept."""
        before = self._known
        known, self.problems = read_records(
            self._store, KIND, lambda _, record: Upgrade.from_json(record)
        )
        self._known = known.get(NAME)
        if self._known is not None and before is not None:
            self._known = replace(self._known, reason=before.reason)

    def get(self) -> Optional[Upgrade]:
        """Return the upgrade, None without one."""
        return self._known

    @property
    def runs(self) -> bool:
        """Tell whether an upgrade changes the cluster now, or may: its record cannot be used."""
        known = self._known
        return bool(self.problems) or (known is not None and known.stage != PAUSED)

    def warnings(self) -> Dict[str, List[str]]:
        """Return by code the sentence of an upgrade that cannot go on."""
        known = self._known
        if known is None or not known.error:
            return {}
        return {known.code or PACKAGES: [known.describe()]}

    def waits(self, now: float) -> List[str]:
        """Return a sentence where the next step was refused for long; epoch seconds."""
        known = self._known
        if known is None or known.stage == PAUSED or not self._refused:
            return []
        if now - self._refused < LONG:
            return []
        return [
            f"the upgrade to {known.target} waits since {moment(self._refused)}: "
            f"{known.reason.rstrip('.')}. It goes on by itself when that is over; "
            "`ceph orch upgrade pause` lets it rest, `ceph orch upgrade stop` ends it."
        ]

    def save(self, one: Upgrade, refused: float = 0.0) -> Upgrade:
        """Keep it; raises ``NotKept``. ``refused`` is now where its next step was refused."""
        before = self._known
        self._refused = (self._refused or refused) if refused else 0.0
        if before is None or replace(before, reason="") != replace(one, reason=""):
            self._store.set(f"{KIND}.{NAME}", one.to_json())
        self._known = one
        self.problems.pop(NAME, None)
        return one

    def remove(self) -> None:
        """Forget it, when all is undone; raises ``NotKept``."""
        self._store.set(f"{KIND}.{NAME}", None)
        self._known = None
        self.problems.pop(NAME, None)
