"""What an upgrade does to hosts and daemons; each act is asked for and kept before it is begun."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable, List, Optional, Sequence, Set

from adapter.cluster.packages import upstream
from adapter.cluster.upgrade_plan import (
    GATEWAYS,
    MDS,
    MGR,
    MON,
    OSD,
    WITH_PACKAGES,
    Cluster,
    Daemon,
)
from adapter.cluster.upgrade_speed import MONITORS_FOUND
from adapter.cluster.upgrades import NO_STANDBY, OFFLINE, PACKAGES, RESTART, Upgrade
from adapter.core import Core
from adapter.errors import AdapterError, ReportAwaited, some_of
from adapter.interface import OrchestratorError
from adapter.reconcile.guards import Guards
from adapter.reconcile.ownership import units_of
from adapter.reconcile.upgrade_jobs import DAEMONS, FOLLOWERS, INSTALL, SHOWN, UpgradeJobs
from adapter.reconcile.upgrade_settings import UpgradeSettings
from adapter.reconcile.upgrade_view import lacks

# So long (seconds) a daemon may take to be back with its new version.
BACK_WITHIN = 300.0


class CannotGoOn(AdapterError):
    """Pause the upgrade; ``name`` is the health check's code."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class UpgradeActs:
    """Act on hosts and daemons, one job at a time.

    ``is_managed`` tells whether a manager does this, which hands over before its own host's turn.
    """

    def __init__(
        self,
        core: Core,
        guards: Guards,
        jobs: UpgradeJobs,
        settings: UpgradeSettings,
        is_managed: Callable[[], bool],
    ) -> None:
        self._core, self._guards, self._is_managed = core, guards, is_managed
        self._jobs, self._settings = jobs, settings
        self._since: Optional[float] = None
        # When the last monitor that was restarted was back.
        self._monitors = -MONITORS_FOUND
        # What was restarted although its host had the packages already.
        self._followed: Set[str] = set()

    def begin_anew(self) -> None:
        """Forget since when something is waited for, and what was done before."""
        self._jobs.forget_times()
        self._since, self._jobs.cancelled = None, None
        self._followed.clear()
        self._jobs.installed.clear()

    def save(self, one: Upgrade, **changes: Any) -> Upgrade:
        """Keep a change, but not over what somebody has asked for meanwhile."""
        with self._core.lock:
            current = self._core.upgrades.get()
            if current is None or current.stage != one.stage:
                raise ReportAwaited("Somebody has asked for something else.")
            return self._core.upgrades.save(replace(current, **changes))

    def wait(self, one: Upgrade, reason: str, *, refused: bool = False) -> None:
        """Note what is waited for; somebody may have asked for something else meanwhile.

        ``refused`` says that this has no end of its own, as when the monitors miss a daemon.
        """
        with self._core.lock:
            current = self._core.upgrades.get()
            if current is not None and current.stage == one.stage:
                now = time.time() if refused else 0.0
                self._core.upgrades.save(replace(current, reason=reason), now)

    def check_hosts(self, hosts: Sequence[str]) -> None:
        """Raise ``CannotGoOn`` for hosts that do not answer, or are in maintenance."""
        core = self._core
        with core.lock:
            held = [host for host in hosts if core.is_held(host)]
            away = {
                host: core.liveness.of(host).reason
                for host in hosts
                if not core.liveness.online(host)
            }
        for host, reason in away.items():
            raise CannotGoOn(OFFLINE, f"host {host} does not answer ({reason.rstrip('.')})")
        if held:
            raise CannotGoOn(OFFLINE, f"host {some_of(held, SHOWN)} is in maintenance")

    def hands_over(self, one: Upgrade, names: Sequence[str], hosts: Sequence[str]) -> bool:
        """Let another manager take over first; tell whether that is under way.

        Packages of a host change while no manager that is active is there, and the active one is
        not restarted.
        """
        core = self._core
        managers = core.maps.manager_map()
        active = f"mgr.{managers.active}"
        with core.lock:
            here = self._is_managed() and set(core.places.hosts_of(active)) & set(hosts)
        if not managers.active or (active not in names and not here):
            return False
        if not managers.standbys:
            raise CannotGoOn(NO_STANDBY, f"{active} is active, and no other manager can take over")
        self.wait(one, f"another manager takes over from {active} first")
        if self._is_managed():
            self._guards.hand_over(managers.active)
        else:
            core.maps.fail_over(managers.active)
        return True

    def install(
        self, one: Upgrade, cluster: Cluster, hosts: Sequence[str], names: Sequence[str]
    ) -> None:
        """Have hosts change their packages; what follows them is restarted in the same job.

        So are managers, which do not run meanwhile; those of ``names`` are waited for then.
        """
        again = sorted(self._jobs.installed.intersection(hosts))
        if again:
            raise CannotGoOn(
                PACKAGES,
                f"host {some_of(again, SHOWN)} was upgraded and does not report {one.target}: "
                f"{_packages_of(cluster, again[0])}",
            )
        there = [each for each in cluster.daemons if each.host in hosts]
        followers = [each.name for each in there if each.kind in WITH_PACKAGES]
        managers = [each.name for each in there if each.kind == MGR and each.up]
        for name in managers:
            self._guards.check_stop(MGR, name.partition(".")[2], restart=True)
        before = self._guards.again(managers, restart=True) if managers else None
        with self._core.lock:
            units = units_of(self._core, [*managers, *followers])
        one = self.save(
            one,
            at_work=True,
            open_hosts=tuple(dict.fromkeys([*one.open_hosts, *hosts])),
            followers=tuple(dict.fromkeys([*one.followers, *followers])),
            again=tuple(
                dict.fromkeys([*one.again, *_started_halfway(cluster, hosts, one.version)])
            ),
            doing=tuple(each for each in managers if each in names),
            reason=f"upgrading packages on {some_of(hosts, SHOWN)}",
        )
        self._since = None
        self._jobs.ended = None
        self._jobs.packages(one.target, INSTALL, hosts, units, before)

    def follow(self, one: Upgrade, names: Sequence[str]) -> None:
        """Have daemons restarted that follow packages which their hosts have already."""
        again = [each for each in names if each in self._followed]
        if again:
            raise CannotGoOn(
                RESTART, f"{some_of(again, SHOWN)} was restarted and is not at {one.version}"
            )
        self._followed.update(names)
        self.save(one, followers=tuple(dict.fromkeys([*one.followers, *names])))

    def restart_followers(self, one: Upgrade, cluster: Cluster) -> bool:
        """Restart crash collectors and exporters of hosts that have the packages; tell whether."""
        hosts = {d.name: d.host for d in cluster.daemons}
        there = [each for each in one.followers if each in hosts]
        if len(there) < len(one.followers):
            one = self.save(one, followers=tuple(there))
        ready = [each for each in there if not lacks(cluster, hosts[each], one.target)]
        with self._core.lock:
            ready = [each for each in ready if self._core.liveness.online(hosts[each])]
            units = units_of(self._core, ready)
        if not ready:
            return False
        self.save(one, at_work=True, reason=f"restarting {some_of(ready, SHOWN)}")
        self._jobs.restart(ready, units, FOLLOWERS)
        return True

    def restart(self, one: Upgrade, kind: str, names: Sequence[str]) -> None:
        """Restart daemons of a kind, if the monitors say that they can be missed now."""
        if kind not in (MGR, MON) and self._jobs.now - self._monitors < MONITORS_FOUND:
            self.wait(one, "waiting until OSDs and clients have found the monitors again")
            return
        if kind == MDS:
            reason = self._settings.narrow_file_systems(
                one, lambda systems: self.save(one, systems=systems)
            )
            if reason:
                self.wait(one, reason, refused=True)
                return
        if kind == OSD:
            names = self._osds_that_can_stop(names)
        else:
            for name in names:
                self._guards.check_stop(kind, name.partition(".")[2], restart=True)
        before = self._guards.again(names, restart=True)
        with self._core.lock:
            units = units_of(self._core, names)
        osds = [int(each[4:]) for each in names] if kind == OSD else []
        flagged, lacking = self._settings.flagged(one, osds) if osds else (one, [])
        one = self.save(
            one,
            at_work=True,
            doing=tuple(names),
            nodes=flagged.nodes,
            ids=flagged.ids,
            reason=f"restarting {some_of(names, SHOWN)}",
        )
        self._settings.flag(lacking)
        self._since = None
        self._jobs.ended = None
        self._jobs.restart(names, units, DAEMONS, before)

    def _osds_that_can_stop(self, names: Sequence[str]) -> List[str]:
        """Return the OSDs of a batch, those of its first host where not all can be missed now."""
        ids = [int(each[4:]) for each in names]
        try:
            self._guards.osds_ok_to_stop(*ids, most=len(ids), restart=True)
        except OrchestratorError:
            with self._core.lock:
                hosts = [tuple(self._core.places.hosts_of(each)) for each in names]
            first = [each for each, host in zip(ids, hosts) if host == hosts[0]]
            if len(first) == len(ids):
                raise
            self._guards.osds_ok_to_stop(*first, most=len(first), restart=True)
            return [f"osd.{each}" for each in first]
        return list(names)

    def wait_for(self, one: Upgrade, cluster: Cluster) -> Optional[Upgrade]:
        """Return the upgrade as it is when daemons are back with their new version, else None."""
        missing = self._not_back(one, cluster)
        if not missing:
            self._settings.unflag(one)
            self._note_back(one, cluster)
            if any(name.startswith(f"{MON}.") for name in one.doing):
                self._monitors = self._jobs.now
            done = tuple(dict.fromkeys([*one.done, *one.doing]))
            return self.save(one, doing=(), nodes=(), done=done, reason="")
        self.check_hosts(sorted({d.host for d in cluster.daemons if d.name in one.doing}))
        self._since = self._since or self._jobs.ended or self._jobs.now
        if self._jobs.now - self._since > BACK_WITHIN:
            self._since = None
            raise CannotGoOn(
                RESTART,
                f"{'; '.join(missing[:SHOWN])}, {BACK_WITHIN:.0f} s after the restart",
            )
        self.wait(one, f"waiting: {'; '.join(missing[:SHOWN])}")
        return None

    def _note_back(self, one: Upgrade, cluster: Cluster) -> None:
        """Count daemons as there that the maps show again, before the time that this takes else."""
        core = self._core
        with core.lock:
            core.going_down.came_back(one.doing)
            for daemon in cluster.daemons:
                if daemon.kind != MGR or daemon.name not in one.doing:
                    continue
                row = core.places.row(daemon.host, daemon.name)
                if row["state"] == "running" and row["answers"]:
                    # Who may take over is asked next, and the job has just reported it.
                    self._guards.successors.reports.told(daemon.host)

    def _not_back(self, one: Upgrade, cluster: Cluster) -> List[str]:
        """Return of daemons that were restarted why they are not back."""
        quorum, _ = self._core.maps.quorum()
        states = self._core.maps.fs_map().states
        found = []
        known = {each.name: each for each in cluster.daemons}
        for name in one.doing:
            daemon = known.get(name)
            kind, _, identity = name.partition(".")
            if daemon is None:
                found.append(f"{name} is not there")
            elif upstream(daemon.version) != one.version:
                found.append(f"{name} runs {daemon.version or 'no known version'}")
                self._ask_for_report(daemon)
            elif not daemon.up:
                found.append(f"{name} is down")
            elif kind == MON and identity not in quorum:
                found.append(f"{name} is not in the quorum")
            elif kind == MDS and identity not in states:
                found.append(f"{name} is not in the map of file systems")
        return found

    def _ask_for_report(self, daemon: Daemon) -> None:
        """Have a host report, of whose daemons only it says the version."""
        if daemon.kind in GATEWAYS:
            with self._core.lock:
                self._core.refresh.want([daemon.host])


def _started_halfway(cluster: Cluster, hosts: Sequence[str], version: str) -> List[str]:
    """Return the daemons that run a version on hosts where packages were left halfway.

    A host that lost its power meanwhile has started them with files of both versions.
    """
    seen = {host: cluster.hosts[host].packages for host in hosts if host in cluster.hosts}
    halfway = {
        host
        for host, packages in seen.items()
        if packages and set(packages.unfinished) & set(packages.installed)
    }
    return [
        each.name
        for each in cluster.daemons
        if each.host in halfway
        and each.kind not in (MGR, *WITH_PACKAGES)
        and upstream(each.version) == version
    ]


def _packages_of(cluster: Cluster, host: str) -> str:
    """Return what a host said last of its packages."""
    packages = cluster.hosts[host].packages
    if packages is None:
        return "it has reported no packages"
    if packages.problem:
        return packages.problem
    return f"it has {some_of(packages.installed_versions, SHOWN)}"
