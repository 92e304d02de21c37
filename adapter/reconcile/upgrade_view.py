"""What an upgrade is planned by: daemons with the versions that they run, packages, data."""

from __future__ import annotations

from typing import Dict, List, Set

from adapter.cluster.hosts import MAINTENANCE
from adapter.cluster.packages import HostPackages, upstream
from adapter.cluster.report_rows import text
from adapter.cluster.told_daemons import FIELDS, ToldDaemon
from adapter.cluster.upgrade_offers import SHOWN, Seen
from adapter.cluster.upgrade_plan import (
    MDS,
    MGR,
    MON,
    ORDER,
    OSD,
    WITH_PACKAGES,
    Cluster,
    Daemon,
)
from adapter.cluster.upgrades import Upgrade
from adapter.core import Core
from adapter.errors import ReportAwaited, some_of
from adapter.state_lock import under_lock

# A daemon that somebody has stopped runs the new version when he starts it.
_RUNS_NOT = ("stopped", "unknown")


def look(core: Core) -> Cluster:
    """Return what an upgrade is planned by, asked now; raises ``OrchestratorError``.

    Which version a daemon runs say the cluster's maps where it is in one, else its host. Raises
    ``ReportAwaited`` as long as a host has not said what it runs: what nobody reports is not gone.
    """
    check_reports(core)
    maps = core.maps
    told = {each.name: each for each in maps.told_daemons()}
    managers, fs_map, osd_map = maps.manager_map(), maps.fs_map(), maps.osd_map()
    leader, releases = maps.leader(), maps.releases()
    crush, pools = maps.data_rules()
    up = {f"{OSD}.{each.osd_id}" for each in osd_map.osds.values() if each.up}
    first = {f"{MGR}.{managers.active}", f"{MON}.{leader}"}
    first |= {f"{MDS}.{each}" for each in fs_map.ranked}
    there = {f"{MGR}.{each}" for each in (managers.active, *managers.standbys) if each}
    with core.lock:
        daemons = _daemons(core, told, first, up | there)
        hosts = seen_hosts(core)
    return Cluster(tuple(daemons), hosts, crush, pools, releases)


def check_reports(core: Core) -> None:
    """Raise ``ReportAwaited`` for hosts that have not reported to this manager yet."""
    with core.lock:
        reports = {host.hostname: core.reports.get(host.hostname) for host in core.hosts.all()}
        lacking = [
            name for name, each in reports.items() if each is None or "daemons" not in each.taken
        ]
        lacking += [*core.outdated(), *core.hosts.problems]
        if lacking:
            # A report that is under way is the answer, and would be asked for twice.
            silent = [each for each in lacking if not core.refresh.reporter(each)]
            core.refresh.want([each for each in silent if each in core.hosts])
    if lacking:
        core.wake_event.set()
        raise ReportAwaited(
            f"Host {some_of(dict.fromkeys(lacking), SHOWN)} has not reported to this manager yet.",
            "Try again in some seconds.",
        )


@under_lock
def _daemons(
    core: Core, told: Dict[str, ToldDaemon], first: Set[str], up: Set[str]
) -> List[Daemon]:
    found = []
    current = core.upgrades.get()
    again = current.again if current is not None else ()
    for hostname, row in core.places.own():
        kind, identity = str(row["daemon_type"]), str(row["daemon_id"])
        name = f"{kind}.{identity}"
        said = told.get(name)
        if kind not in ORDER or (row["state"] in _RUNS_NOT and name not in up):
            continue
        version = row["version"]
        if kind in FIELDS:
            # A daemon that is in a map tells it what it is when it starts.
            version = _version_of(said) if said is not None else ""
        service = core.daemon_services.of(hostname, kind, identity)
        is_up = name in up if kind in (OSD, MGR) else row["state"] == "running"
        leads, late = name in first, name in again
        found.append(Daemon(kind, identity, hostname, version, service, leads, is_up, late))
    return sorted(found, key=lambda each: (ORDER.index(each.kind), each.name))


def _version_of(told: ToldDaemon) -> str:
    return text(told.said.get("ceph_version_short"), 64)


@under_lock
def seen_hosts(core: Core) -> Dict[str, Seen]:
    """Return what hosts said last of their packages."""
    found = {}
    for host in core.hosts.all():
        report, state = core.reports.get(host.hostname), core.liveness.of(host.hostname)
        away, resting = "" if state.online else state.reason, host.status == MAINTENANCE
        packages, taken = None, 0.0
        if report is not None and "packages" in report.taken:
            packages, taken = HostPackages.of(report.packages), report.taken["packages"]
        found[host.hostname] = Seen(packages, taken, away, resting)
    return found


@under_lock
def left_on(core: Core) -> List[str]:
    """Return the hosts, of those that can be worked on, that an upgrade has left something on."""
    return [
        host.hostname
        for host in core.hosts.all()
        for report in [core.reports.get(host.hostname)]
        if report is not None
        and report.identity.get("upgrade_left") is True
        and core.workable(host.hostname)
    ]


def strangers(core: Core, version: str = "") -> List[str]:
    """Return the daemons that the cluster has on hosts that are not managed; asks the monitors.

    Those that run a ``version`` already do not count, nor OSDs that are a mere id: the monitors
    keep what one has told until they forget the id as well.
    """
    told = core.maps.told_daemons()
    osds = core.maps.osd_map().osds.values()
    mere = {f"{OSD}.{each.osd_id}" for each in osds if each.destroyed or each.fresh}
    with core.lock:
        return [
            f"{each.name} on {each.hostname or 'an unknown host'}"
            for each in told
            if each.kind in ORDER
            and each.name not in mere
            and not core.places.hosts_of(each.name)
            and not (version and upstream(_version_of(each)) == version)
        ]


def waiting(one: Upgrade, cluster: Cluster) -> List[str]:
    """Return the daemons that an upgrade is still to restart."""
    return [
        each.name
        for each in cluster.daemons
        if one.scope.has(each)
        and (
            upstream(each.version) != one.version
            or each.again
            or (each.kind in WITH_PACKAGES and lacks(cluster, each.host, one.target))
        )
    ]


def lacks(cluster: Cluster, host: str, target: str) -> bool:
    """Tell whether a host has not got the packages, as far as is known."""
    seen = cluster.hosts.get(host)
    return seen is None or seen.packages is None or not seen.packages.is_at(target)
