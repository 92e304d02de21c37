"""Hold what hosts say runs against what the cluster's maps say of it.

A unit that is active is no monitor and no manager yet: the quorum names the one, the manager map
the other. What runs and is in neither for longer than a start takes is named.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Collection, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.fs_map import FsMap
from adapter.cluster.managers import Managers, missing_line, remedy
from adapter.kinds import kind_of

# No start takes so long (seconds): a monitor that reads a large store is up long before.
START_SECONDS = 45.0


@dataclass(frozen=True)
class Unit:
    """A monitor or manager whose unit runs; ``quorum`` is the one that a monitor says it is in.

    Of monitors also one that somebody has stopped, or that has ended by itself.
    """

    host: str
    kind: str
    daemon_id: str
    quorum: Tuple[str, ...] = ()
    runs: bool = True


class Watch:
    """What runs outside the cluster, which managers could not manage hosts, what is held.

    Callers hold the orchestrator's lock. ``held`` says by service why nothing of it is removed.
    ``active`` are kind and id of the daemons that Ceph calls active: managers, metadata servers.
    """

    def __init__(self) -> None:
        self.managers = Managers()
        self.held: Dict[str, str] = {}
        self.serial = 0
        self._quorum: FrozenSet[str] = frozenset()
        self._fs_map = FsMap()
        self.active: FrozenSet[Tuple[str, str]] = frozenset()
        self._known: Dict[str, FrozenSet[str]] = {}
        self._outside: Dict[Unit, Tuple[float, float]] = {}
        self._late: Dict[str, FrozenSet[Tuple[str, str]]] = {}
        # Monitors with their hosts: those that have not run for longer than a start takes.
        self._idle: FrozenSet[Tuple[str, str]] = frozenset()
        self._wanted: FrozenSet[Tuple[str, str]] = frozenset()
        self._map: FrozenSet[str] = frozenset()
        self._down: FrozenSet[Tuple[str, str]] = frozenset()
        self._osds: Optional[FrozenSet[str]] = None

    def see(
        self,
        quorum: Collection[str],
        managers: Managers,
        units: Sequence[Unit],
        now: float,
        when: float,
        mons: Collection[str] = (),
    ) -> FrozenSet[str]:
        """Take over what the maps and the hosts say; return the hosts to be asked anew.

        A host's word may be older than the map: it is asked again when the two part. ``mons`` are
        all monitors of the map, in quorum or not.
        """
        seen = frozenset(quorum), frozenset(mons)
        self.serial += seen != (self._quorum, self._map)
        self._quorum, self._map = seen
        if managers != self.managers:
            self.managers = managers
            self.serial += 1
            self._find_active()
        known = {"mon": self._quorum, "mgr": frozenset([managers.active, *managers.standbys])}
        self._known = known
        outside = {unit for unit in units if unit.daemon_id not in known[unit.kind]}
        places = {_place(unit): since for unit, since in self._outside.items()}
        self._outside = {unit: places.get(_place(unit), (now, when)) for unit in outside}
        late: Dict[str, FrozenSet[Tuple[str, str]]] = {}
        idle: FrozenSet[Tuple[str, str]] = frozenset()
        for unit, (since, _) in self._outside.items():
            if now - since < START_SECONDS:
                continue
            if not unit.runs:
                idle |= {(unit.host, unit.daemon_id)}
                continue
            name = (unit.kind, unit.daemon_id)
            late[unit.host] = late.get(unit.host, frozenset()) | {name}
        if (late, idle) != (self._late, self._idle):
            self._late, self._idle = late, idle
            self.serial += 1
        return frozenset(unit.host for unit in outside if _place(unit) not in places)

    def see_file_systems(self, fs_map: FsMap) -> None:
        """Take over which metadata servers serve."""
        if (fs_map.active, fs_map.ranked) != (self._fs_map.active, self._fs_map.ranked):
            self.serial += 1
        self._fs_map = fs_map
        self._find_active()

    def see_osds(self, up: Mapping[int, bool]) -> None:
        """Take over which OSDs the map has, and which of them are up."""
        down = frozenset(("osd", str(osd_id)) for osd_id, is_up in up.items() if not is_up)
        self.serial += down != self._down
        self._down = down
        self._osds = frozenset(str(osd_id) for osd_id in up)

    def is_purged(self, name: str) -> bool:
        """Tell whether a daemon (``osd.3``) is an OSD that the map has not."""
        kind, _, identity = name.partition(".")
        return kind == "osd" and self._osds is not None and identity not in self._osds

    def not_serving(self, hostname: str) -> FrozenSet[Tuple[str, str]]:
        """Return kind and id of what does not run for the cluster, whatever systemd says."""
        return self.outside(hostname) | self._down

    def _find_active(self) -> None:
        """Find what is active anew; it stays the same object as long as nothing has changed."""
        servers = {("mds", name) for name in self._fs_map.active}
        active = frozenset(servers | {("mgr", self.managers.active)})
        if active != self.active:
            self.active = active

    def serves(self, kind: str, daemon_id: str) -> bool:
        """Tell whether a daemon does its work for others now, and does not only stand by."""
        if kind == "mgr":
            return daemon_id == self.managers.active
        if kind == "mds":
            return daemon_id in self._fs_map.ranked
        return kind == "mon" and daemon_id in self._quorum

    def members(self, kind: str) -> Optional[FrozenSet[str]]:
        """Return the monitors in quorum or the managers of the map, wherever they are.

        None is for other kinds, and as long as the maps have not been read.
        """
        return self._known.get(kind)

    def is_at_work(self, kind: str, daemon_id: str) -> bool:
        """Tell whether the cluster has a daemon now: up, in quorum, in the manager map.

        Of the other kinds there is an entry only while they are at work. It is False as long as
        the maps have not been read.
        """
        if kind == "osd":
            known = self._osds is not None and daemon_id in self._osds
            return known and (kind, daemon_id) not in self._down
        members = self._known.get(kind, frozenset())
        return daemon_id in members if kind_of(kind).cluster_needs else bool(self._known)

    def outside(self, hostname: str) -> FrozenSet[Tuple[str, str]]:
        """Return kind and id of the daemons of a host that run outside the cluster."""
        return self._late.get(hostname, frozenset())

    def has_left(self, hostname: str, kind: str, daemon_id: str) -> bool:
        """Tell whether a monitor that does not run is in the map no more, as after `mon rm`."""
        left = (hostname, daemon_id) in self._idle and daemon_id not in self._map
        return kind == "mon" and left and bool(self._map)

    def want(self, mons: Collection[Tuple[str, str]]) -> None:
        """Take over which monitors, by host and id, a managed service wants and has.

        No other one is missed.
        """
        self._wanted = frozenset(mons)

    def outside_lines(self) -> List[str]:
        """Return a sentence for each daemon outside the cluster that runs, or is wanted."""
        missed = self._wanted & self._idle
        return [
            self._line(unit, when)
            for unit, (_, when) in sorted(self._outside.items(), key=lambda each: _place(each[0]))
            if (unit.kind, unit.daemon_id) in self.outside(unit.host)
            or (not unit.runs and (unit.host, unit.daemon_id) in missed)
        ]

    def _line(self, unit: Unit, when: float) -> str:
        name = f"{unit.kind}.{unit.daemon_id}"
        moment = datetime.datetime.fromtimestamp(when, tz=datetime.timezone.utc)
        since = moment.strftime("%Y-%m-%d %H:%M:%SZ")
        if not unit.runs:
            return self._idle_line(name, unit, since)
        if unit.kind == "mgr":
            return (
                f"{name} on host {unit.host} runs, but is not in the manager map since {since}: it "
                f"does not reach the monitors. `ceph orch daemon restart {name}` starts it again; "
                f"`journalctl -u ceph-mgr@{unit.daemon_id}` there says more."
            )
        if unit.quorum and not self._quorum & set(unit.quorum):
            return (
                f"{name} on host {unit.host} leads a cluster of its own (quorum "
                f"{', '.join(unit.quorum)}) beside that of {', '.join(sorted(self._quorum))}, "
                f"since {since}: what reaches only it finds no data. `ceph orch daemon redeploy "
                f"{name}` puts its store aside and lets it join."
            )
        return (
            f"{name} on host {unit.host} runs, but is not in the quorum since {since}. Check that "
            "the host reaches ports 3300 and 6789 of the other monitors; one that was removed "
            "before joins again after minutes, if it is left alone. `ceph orch daemon redeploy "
            f"{name}` says what its host lacks."
        )

    def _idle_line(self, name: str, unit: Unit, since: str) -> str:
        what = f"{name} on host {unit.host} does not run, and is not in the"
        if unit.daemon_id in self._map:
            return f"{what} quorum since {since}. `ceph orch daemon start {name}` starts it."
        return (
            f"{what} monitors' map since {since}: it was removed by hand (`ceph mon rm`), and its "
            "service wants it. It is made anew by itself, unless `ceph orch pause` holds it; `ceph "
            f"orch daemon redeploy {name}` does so at once. To do without it, take its host out of "
            "the placement (`ceph orch apply mon --placement=...`)."
        )

    def unable_lines(self) -> List[str]:
        """Return a sentence for each manager that could not manage hosts after a fail-over."""
        unable = self.managers.unable(self.managers.standbys)
        return [
            f"mgr.{name} could not manage hosts if it took over: {reason}. {remedy([name])}"
            for name, reason in sorted(unable.items())
        ]

    def missing_lines(self) -> List[str]:
        """Return a sentence for each standby manager without a module that is enabled."""
        return [
            missing_line(name, modules) for name, modules in sorted(self.managers.missing.items())
        ]

    def held_lines(self) -> List[str]:
        """Return a sentence for each service of which nothing is removed."""
        return [f"{name}: {reason}" for name, reason in sorted(self.held.items())]

    def held_only(self, services: Collection[str]) -> None:
        """Forget all services but these: nobody keeps the others."""
        self.held = {name: reason for name, reason in self.held.items() if name in services}
        if "mon" not in services:
            self._wanted = frozenset()

    def hold(self, service: str, reason: str) -> None:
        """Note why nothing of a service is removed; an empty reason ends that."""
        if reason:
            self.held[service] = reason
        else:
            self.held.pop(service, None)


def units_of_report(host: str, rows: Sequence[Mapping[str, object]]) -> List[Unit]:
    """Return the monitors and managers of a host, as its report says: those that run.

    Also monitors that have ended and would start with the host.
    """
    return [
        Unit(host, str(row["daemon_type"]), str(row["daemon_id"]), _names(row.get("quorum")), runs)
        for row in rows
        for runs in [row["state"] == "running"]
        if kind_of(str(row["daemon_type"])).cluster_needs and (runs or _has_ended(row))
    ]


def _has_ended(row: Mapping[str, object]) -> bool:
    is_mon = row["daemon_type"] == "mon"
    return is_mon and row["state"] == "stopped" and bool(row.get("enabled", True))


def _names(value: object) -> Tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def _place(unit: Unit) -> Tuple[str, str, str]:
    return unit.host, unit.kind, unit.daemon_id
