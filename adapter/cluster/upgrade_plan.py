"""In which order the daemons of a cluster are upgraded, and what forbids it. Pure functions.

All of Ceph's packages of a host change together, when the first of its daemons has its turn, those
of hosts with a monitor and no manager together with those of the first manager's host; no package
starts or restarts a daemon meanwhile. The order of kinds is that of Ceph's own upgrade, and
holds over the whole cluster; a crash collector or exporter is restarted together with the packages.
Whatever has turned to the new version is left alone, so that a plan that was cut goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.crush_rules import CrushMap
from adapter.cluster.packages import number, upstream
from adapter.cluster.pool_sizes import Pool
from adapter.cluster.upgrade_batches import osd_batches, unknown
from adapter.cluster.upgrade_offers import SHOWN, Seen, obstacles, with_ceph
from adapter.errors import some_of

MGR, MON, OSD, MDS = "mgr", "mon", "osd", "mds"
WITH_PACKAGES = ("crash", "ceph-exporter")
GATEWAYS = ("rgw", "rbd-mirror", "cephfs-mirror")
# A step for hosts whose packages change, and none of whose daemons waits for its turn with them.
ONLY_PACKAGES = "packages"
# As `ceph orch upgrade` of Ceph 20.2 has it.
ORDER = (MGR, MON, "crash", OSD, MDS, *GATEWAYS, "ceph-exporter")
MOST_MAJORS = 2
RELEASES = {
    "pacific": 16,
    "quincy": 17,
    "reef": 18,
    "squid": 19,
    "tentacle": 20,
    "umbrella": 21,
}
# Of the gateways of a service so many of a hundred are restarted together.
GATEWAYS_TOGETHER = 25


@dataclass(frozen=True)
class Daemon:
    """A daemon, where it is, and what it runs.

    ``first`` says that it is the active manager, the monitors' leader or the holder of a rank.
    ``up`` is false where it does not run. ``again`` says that it is restarted whatever it runs.
    """

    kind: str
    id: str
    host: str
    version: str
    service: str = ""
    first: bool = False
    up: bool = True
    again: bool = False

    @property
    def name(self) -> str:
        """Return e.g. ``osd.3``."""
        return f"{self.kind}.{self.id}"


@dataclass(frozen=True)
class Scope:
    """What of a cluster is to be upgraded: daemons of these kinds, hosts, services; None: all.

    ``limit`` is how many daemons at most.
    """

    kinds: Optional[FrozenSet[str]] = None
    hosts: Optional[FrozenSet[str]] = None
    services: Optional[FrozenSet[str]] = None
    limit: Optional[int] = None

    @property
    def narrow(self) -> bool:
        """Tell whether not all daemons are meant."""
        return any(each is not None for each in (self.kinds, self.hosts, self.services))

    def has(self, daemon: Daemon) -> bool:
        """Tell whether a daemon is meant."""
        wanted = (
            (self.kinds, daemon.kind),
            (self.hosts, daemon.host),
            (self.services, daemon.service),
        )
        return all(allowed is None or value in allowed for allowed, value in wanted)


@dataclass(frozen=True)
class Cluster:
    """What a plan is made of: daemons, packages of hosts, and where data is.

    ``releases`` are the names in ``min_mon_release`` and ``require_osd_release``.
    """

    daemons: Tuple[Daemon, ...]
    hosts: Mapping[str, Seen]
    crush: CrushMap = field(default_factory=CrushMap)
    pools: Tuple[Pool, ...] = ()
    releases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Daemons of one kind that are restarted together.

    ``hosts`` get the packages first. ``hands_over`` is the daemon that another one takes over from.
    """

    kind: str
    daemons: Tuple[str, ...]
    hosts: Tuple[str, ...] = ()
    hands_over: str = ""


@dataclass(frozen=True)
class Plan:
    """Batches in order, and what forbids to begin; ``notes`` are what is to be known besides."""

    target: str
    batches: Tuple[Batch, ...] = ()
    refusals: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()


def make_plan(cluster: Cluster, target: str, scope: Scope = Scope()) -> Plan:
    """Return how a cluster is brought to a target: a version of Ceph or of its packages."""
    refusals = [*_scope_refusals(cluster, target, scope), *_refusals(cluster, target, scope)]
    waiting = [each for each in cluster.daemons if scope.has(each) and not _is_done(each, target)]
    batches, more = _batches(cluster, waiting, target, at_once=scope.limit is None)
    batches = _with_packages_alone(cluster, batches, _lacking(cluster, target, scope))
    batches, left = _limited(batches, scope.limit)
    notes = [f"the limit leaves {left} daemons for later"] if left else []
    notes += [*_notes(cluster, batches), *_not_restarted(cluster, batches, target)]
    return Plan(target, tuple(batches), (*refusals, *more), tuple(notes))


def _is_done(daemon: Daemon, target: str) -> bool:
    return upstream(daemon.version) == upstream(target) and not daemon.again


def _lacking(cluster: Cluster, target: str, scope: Scope) -> List[str]:
    """Return the hosts that are meant and whose packages are not all at a target.

    Without a scope also those that have none of Ceph's daemons.
    """
    own = with_ceph(cluster.hosts)
    if scope.narrow or scope.limit is not None:
        meant = {each.host for each in cluster.daemons if scope.has(each)}
        own = {name: seen for name, seen in own.items() if name in meant}
    return [n for n, seen in own.items() if not (seen.packages and seen.packages.is_at(target))]


def _with_packages_alone(
    cluster: Cluster, batches: Sequence[Batch], lacking: Sequence[str]
) -> List[Batch]:
    """Return the batches with those of hosts whose packages change without one of their daemons.

    The daemons there may run the target already, started by whoever. Where the package manager has
    left packages halfway nothing is to rely on these: such hosts come first.
    """
    reports = {name: cluster.hosts[name].packages for name in lacking}
    halfway = [name for name, found in reports.items() if found and found.unfinished]
    given = {host for each in batches for host in each.hosts}
    last = [name for name in lacking if name not in given and name not in halfway]
    return [
        *(Batch(ONLY_PACKAGES, (), (name,)) for name in halfway),
        *(replace(b, hosts=tuple(n for n in b.hosts if n not in halfway)) for b in batches),
        *(Batch(ONLY_PACKAGES, (), (name,)) for name in last),
    ]


def _batches(
    cluster: Cluster, waiting: Sequence[Daemon], target: str, at_once: bool
) -> Tuple[List[Batch], List[str]]:
    turn = _Turns(cluster, target)
    refusals: List[str] = []
    # Their packages change at the same time; a manager does not run while those of its host do.
    beside = _monitors_alone(cluster, waiting) if at_once else []
    for kind in (MGR, MON):
        # One by one, who leads last.
        for daemon in sorted(_of(waiting, kind), key=lambda each: (each.first, each.name)):
            hands_over = daemon.name if daemon.first and kind == MGR else ""
            turn.add(kind, [daemon], hands_over, beside if kind == MGR else ())
    osds = _of(waiting, OSD)
    if osds:
        found, refusals = _osd_turns(cluster, osds)
        for together in found:
            turn.add(OSD, together)
    for daemon in sorted(_of(waiting, MDS), key=lambda each: (each.first, each.name)):
        turn.add(MDS, [daemon], daemon.name if daemon.first else "")
    for kind in GATEWAYS:
        for together in _gateway_turns(_of(waiting, kind)):
            turn.add(kind, together)
    for daemon in waiting:
        if daemon.kind in WITH_PACKAGES and daemon.host not in turn.given:
            turn.add(daemon.kind, [daemon])
    return turn.batches, refusals


class _Turns:
    """The batches so far, and which hosts have their packages by then."""

    def __init__(self, cluster: Cluster, target: str) -> None:
        self._followers = [each for each in cluster.daemons if each.kind in WITH_PACKAGES]
        self._has = {
            name
            for name, seen in cluster.hosts.items()
            if seen.packages and seen.packages.is_at(target)
        }
        self._target = target
        self.given = set(self._has)
        self.batches: List[Batch] = []

    def add(
        self,
        kind: str,
        daemons: Sequence[Daemon],
        hands_over: str = "",
        beside: Sequence[str] = (),
    ) -> None:
        """Add a batch; what follows packages is restarted with the first one of its host.

        Hosts that are ``beside`` get their packages at the same time.
        """
        there = dict.fromkeys([*(each.host for each in daemons), *beside])
        hosts = [each for each in there if each not in self.given]
        self.given.update(hosts)
        names = [each.name for each in daemons]
        names += [
            each.name
            for each in self._followers
            if each.host in hosts and each.name not in names and not _is_done(each, self._target)
        ]
        self.batches.append(Batch(kind, tuple(names), tuple(hosts), hands_over))


def _monitors_alone(cluster: Cluster, waiting: Sequence[Daemon]) -> List[str]:
    """Return the hosts that have a monitor to upgrade and no manager."""
    managers = {each.host for each in _of(cluster.daemons, MGR)}
    return sorted({each.host for each in _of(waiting, MON)} - managers)


def _of(daemons: Iterable[Daemon], kind: str) -> List[Daemon]:
    return [each for each in daemons if each.kind == kind]


def _osd_turns(cluster: Cluster, waiting: Sequence[Daemon]) -> Tuple[List[List[Daemon]], List[str]]:
    """Return which OSDs are restarted together, those first whose hosts have the packages."""
    by_id = {int(each.id): each for each in waiting}
    by_host: Dict[str, List[int]] = {}
    for osd, daemon in by_id.items():
        by_host.setdefault(daemon.host, []).append(osd)
    down = [int(each.id) for each in _of(cluster.daemons, OSD) if not each.up]
    batches, refusals = osd_batches(cluster.crush, cluster.pools, by_host, down)
    return [[by_id[osd] for osd in sorted(each.ids)] for each in batches], refusals


def _gateway_turns(waiting: Sequence[Daemon]) -> List[List[Daemon]]:
    """Return which gateways are restarted together: a part of each service at a time."""
    services: Dict[str, List[Daemon]] = {}
    for daemon in sorted(waiting, key=lambda each: each.name):
        services.setdefault(daemon.service, []).append(daemon)
    turns: List[List[Daemon]] = []
    for daemons in services.values():
        step = max(1, len(daemons) * GATEWAYS_TOGETHER // 100)
        parts = [daemons[at : at + step] for at in range(0, len(daemons), step)]
        for at, part in enumerate(parts):
            if at == len(turns):
                turns.append([])
            turns[at] += part
    return turns


def _limited(batches: Sequence[Batch], limit: Optional[int]) -> Tuple[List[Batch], int]:
    """Return the batches with so many daemons in all, and how many are left."""
    count = sum(len(each.daemons) for each in batches)
    if limit is None or count <= limit:
        return list(batches), 0
    found: List[Batch] = []
    room = limit
    for batch in batches:
        if room <= 0:
            break
        found.append(Batch(batch.kind, batch.daemons[:room], batch.hosts, batch.hands_over))
        room -= len(found[-1].daemons)
    return found, count - limit


def _scope_refusals(cluster: Cluster, target: str, scope: Scope) -> List[str]:
    """Return what is wrong with what was asked for, as Ceph's own upgrade refuses it."""
    found = []
    if scope.kinds is not None and scope.services is not None:
        found.append("daemon types and services cannot be given together: give one of them")
    strange = sorted((scope.kinds or frozenset()) - {*ORDER})
    if strange:
        found.append(f"no kind of daemon is called {', '.join(strange)}; known: {', '.join(ORDER)}")
    if scope.limit is not None and scope.limit < 1:
        found.append(f"the limit is {scope.limit}: give one daemon at least")
    services = {each.service: each.kind for each in cluster.daemons}
    missing = sorted((scope.services or frozenset()) - {*services})
    if missing:
        found.append(f"there is no service {', '.join(missing)}")
    kinds = {services[each] for each in scope.services or () if each in services}
    if len(kinds) > 1:
        found.append(f"the services are of several kinds: {', '.join(sorted(kinds))}")
    if scope.hosts is not None and not scope.hosts:
        found.append("the placement selects no host")
    if not found and scope.narrow:
        found += _staggered(cluster, target, scope)
    return found


def _staggered(cluster: Cluster, target: str, scope: Scope) -> List[str]:
    """Return which daemons of earlier kinds are to be upgraded first, on whichever host."""
    meant = [each for each in cluster.daemons if scope.has(each) and not _is_done(each, target)]
    places = [ORDER.index(each.kind) for each in meant if each.kind in ORDER]
    if not places:
        return []
    last = max(places)
    earlier = [
        each.name
        for each in cluster.daemons
        if each.kind in ORDER[:last]
        and each.kind not in WITH_PACKAGES
        and not scope.has(each)
        and not _is_done(each, target)
    ]
    if not earlier:
        return []
    return [
        f"{ORDER[last]} daemons are upgraded after those of earlier kinds: "
        f"{some_of(earlier, SHOWN)} come first"
    ]


def _refusals(cluster: Cluster, target: str, scope: Scope) -> List[str]:
    found = obstacles(with_ceph(_in_scope(cluster, scope)), target)
    managers = [each.name for each in _of(cluster.daemons, MGR) if each.up]
    if len(managers) < 2:
        names = ", ".join(managers) or "none"
        found.append(f"another manager has to take over meanwhile, and the only one is {names}")
    found += _too_far(cluster, target)
    strange = unknown(cluster.crush, cluster.pools)
    if strange and _of(cluster.daemons, OSD):
        found.append(
            f"where data is cannot be told from the CRUSH rule of pool {', '.join(strange)}"
        )
    return found


def _in_scope(cluster: Cluster, scope: Scope) -> Mapping[str, Seen]:
    if not scope.narrow and scope.limit is None:
        return cluster.hosts
    hosts = {each.host for each in cluster.daemons if scope.has(each)}
    return {name: seen for name, seen in cluster.hosts.items() if name in hosts}


def _too_far(cluster: Cluster, target: str) -> List[str]:
    """Return what is newer than the target, or more releases older than Ceph allows."""
    found: List[str] = []
    wanted = number(target)
    newer = [each for each in cluster.daemons if number(each.version) > wanted]
    if newer:
        names = [f"{each.name} ({each.version})" for each in newer]
        found.append(f"a newer version runs already: {some_of(names, SHOWN)}")
    majors = {each.name: number(each.version)[:1] for each in cluster.daemons}
    old = [name for name, major in majors.items() if major and wanted[0] - major[0] > MOST_MAJORS]
    if old:
        found.append(
            f"{target} is more than {MOST_MAJORS} releases ahead of {some_of(old, SHOWN)}: "
            "go there by a release between"
        )
    for option, name in cluster.releases.items():
        major = RELEASES.get(name)
        if major is not None and wanted[0] - major > MOST_MAJORS:
            found.append(f"{option} is {name}, more than {MOST_MAJORS} releases behind {target}")
    return found


def _notes(cluster: Cluster, batches: Sequence[Batch]) -> List[str]:
    """Return daemons that have the new packages on disk before they are restarted, by host."""
    when: Dict[str, int] = {}
    later: Dict[str, List[str]] = {}
    hosts = {each.name: each.host for each in cluster.daemons}
    for at, batch in enumerate(batches):
        for host in batch.hosts:
            when[host] = at
        for name in batch.daemons:
            if when.get(hosts[name], at) < at:
                later.setdefault(hosts[name], []).append(name)
    if not later:
        return []
    words = [f"{host} ({some_of(names, SHOWN)})" for host, names in sorted(later.items())]
    return [f"packages change before daemons are restarted on {some_of(words, SHOWN)}"]


def _not_restarted(cluster: Cluster, batches: Sequence[Batch], target: str) -> List[str]:
    """Return daemons that run the target already, on hosts whose packages are still to change."""
    hosts = {host for each in batches for host in each.hosts}
    with_packages = (MGR, *WITH_PACKAGES)
    there = [d for d in cluster.daemons if d.host in hosts and d.kind not in with_packages]
    names = some_of([each.name for each in there if _is_done(each, target)], SHOWN)
    version = upstream(target)
    return [f"daemons that run {version} already are not restarted: {names}"] if names else []
