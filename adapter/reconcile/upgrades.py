"""Upgrade a cluster, a step at a time.

Before each step the cluster is looked at anew and planned from where it is: who runs the new
version already is left alone. What a step changes is in the store before it is taken, so that a
manager that ends anywhere is followed by one that goes on.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Callable, Dict, Optional, Sequence

from adapter.cluster.upgrade_offers import with_ceph
from adapter.cluster.upgrade_plan import (
    GATEWAYS,
    MGR,
    MON,
    ONLY_PACKAGES,
    WITH_PACKAGES,
    Cluster,
    make_plan,
)
from adapter.cluster.upgrades import OFFLINE, PACKAGES, PAUSED, RESTART, RUNNING, STOPPING, Upgrade
from adapter.core import Core
from adapter.errors import NotKept, ReportAwaited, some_of
from adapter.interface import OrchestratorError
from adapter.reconcile.guards import Guards
from adapter.reconcile.parts import OTHERS_JOBS_END
from adapter.reconcile.upgrade_acts import CannotGoOn, UpgradeActs
from adapter.reconcile.upgrade_jobs import PREPARE, PUT_BACK, SHOWN, UpgradeJobs
from adapter.reconcile.upgrade_settings import UpgradeSettings
from adapter.reconcile.upgrade_view import lacks, left_on, look, strangers, waiting

log = logging.getLogger(__name__)

# What the maps show is looked at often (seconds): clients are served by fewer meanwhile.
LOOK_AGAIN = 1.0
RETRY = 10.0
# How often it is tried to put back what an upgrade has left on hosts (seconds).
LEFT_AGAIN = 60.0
OPERATIONS = ("upgrade_packages", "daemon_action")
# What comes when file systems have been upgraded.
_LATE = (*GATEWAYS, *WITH_PACKAGES, ONLY_PACKAGES)


class Upgrading:
    """Step the upgrade.

    ``is_managed`` tells whether a manager does this, which hands over before its own host's turn.
    """

    def __init__(self, core: Core, guards: Guards, is_managed: Callable[[], bool]) -> None:
        self._core, self._guards = core, guards
        self._jobs = UpgradeJobs(core)
        self._settings = UpgradeSettings(core)
        self._acts = UpgradeActs(core, guards, self._jobs, self._settings, is_managed)
        known = core.upgrades.get()
        # Another manager's job may be at it, for as long as that may go on by itself.
        self._of_before = known is not None and known.at_work

    # What is asked for.

    def begin(self, one: Upgrade) -> None:
        """Keep an upgrade that begins; raises ``OrchestratorError``."""
        one = replace(one, standing=self._settings.standing())
        with self._core.lock:
            self._core.upgrades.save(one)
        self._forget_times()

    def turn(self, stage: str) -> None:
        """Pause, resume or stop the upgrade that there is."""
        core = self._core
        with core.lock:
            known = core.upgrades.get()
            if known is None:
                return
            changes: Dict[str, Any] = {"stage": stage, "reason": ""}
            if stage != PAUSED:
                changes.update(code="", error="")
            core.upgrades.save(replace(known, **changes))
        self._forget_times()

    def _forget_times(self) -> None:
        self._acts.begin_anew()
        self._core.wake_event.set()

    # What is done.

    def step(self, now: float) -> Optional[float]:
        """Take a step; return the seconds until the next one, or None."""
        core, jobs = self._core, self._jobs
        with core.lock:
            # Together: what a job that ends meanwhile writes is newer than what was read before.
            jobs.begin_step(now)
            one, running = core.upgrades.get(), jobs.running
        if one is None:
            return self._put_back_left()
        if running or not _has_steps(one):
            return None
        if self._of_before:
            self._of_before = False
            if not self._job_of_before():
                jobs.not_before = self._jobs.now + OTHERS_JOBS_END
                self._acts.wait(one, "waiting for the end of what the manager before has begun")
        wait = jobs.not_before - self._jobs.now
        if wait > 0:
            return wait
        jobs.not_before = self._jobs.now + LOOK_AGAIN
        with self._guards.acting:
            self._step_kept(one)
        return LOOK_AGAIN

    def _put_back_left(self) -> Optional[float]:
        """Have hosts put back what an upgrade that was cut, or ended without them, left there."""
        core, jobs = self._core, self._jobs
        if jobs.running or jobs.not_before > jobs.now or core.paused:
            return None
        with core.lock:
            hosts = left_on(core)
        if not hosts or self._job_of_before():
            return None
        jobs.not_before = jobs.now + LEFT_AGAIN
        try:
            jobs.packages("", PUT_BACK, hosts)
        except OrchestratorError as error:
            log.warning("what an upgrade left on %s is not put back: %s", hosts, error)
        return LEFT_AGAIN

    def _step_kept(self, one: Upgrade) -> None:
        try:
            self._step(one)
        except CannotGoOn as error:
            self._pause(one, error.name, error.message)
        except ReportAwaited as error:
            self._acts.wait(one, str(error))
        except NotKept as error:
            self._core.unkept.note(error)
            self._jobs.not_before = self._jobs.now + RETRY
        except OrchestratorError as error:
            self._acts.wait(one, " ".join(str(error).split()), refused=True)

    def _job_of_before(self) -> str:
        for record in self._core.engine.jobs():
            if record.request.operation in OPERATIONS and not record.status.final:
                return record.id
        return ""

    def _pause(self, one: Upgrade, code: str, error: str) -> None:
        log.error("the upgrade to %s is paused: %s", one.target, error)
        try:
            self._acts.save(one, stage=PAUSED, code=code, error=error, doing=(), reason="")
        except NotKept as problem:
            self._core.unkept.note(problem)

    def _step(self, one: Upgrade) -> None:
        running = self._job_of_before()
        if running and one.at_work:
            self._acts.wait(one, f"waiting for job {running} to end")
            return
        if one.at_work:
            # What a job was at that a manager before has begun shows the next plan.
            one = self._acts.save(one, at_work=False, doing=())
        job, self._jobs.cancelled = self._jobs.cancelled, None
        if job and one.stage == RUNNING:
            raise CannotGoOn(RESTART, f"job {job} was cancelled")
        if one.stage == STOPPING:
            self._end(one, None)
        elif one.stage == PAUSED:
            self._end_begun(one)
        else:
            self._go_on(one, look(self._core))

    def _end_begun(self, one: Upgrade) -> None:
        """Wait for what was restarted before it was paused, and take its flags away."""
        if one.doing:
            self._acts.wait_for(one, look(self._core))
            return
        self._settings.unflag(one)
        self._acts.save(one, nodes=())

    def _go_on(self, one: Upgrade, cluster: Cluster) -> None:
        raised = self._settings.raised(one)
        if raised:
            one = self._acts.save(one, muted=tuple(dict.fromkeys([*one.muted, *raised])))
            self._settings.mute(raised)
        if not one.prepared:
            self._prepare(one, cluster)
            return
        if one.doing:
            back = self._acts.wait_for(one, cluster)
            if back is None:
                return
            # The next one is begun by the same look at the cluster.
            one = back
        if not self._acts.restart_followers(one, cluster):
            self._next(one, cluster)

    def _prepare(self, one: Upgrade, cluster: Cluster) -> None:
        """Have all hosts fetch the packages and say what speaks against it, before the first."""
        names = [d.host for d in cluster.daemons if one.scope.has(d)]
        # Those without daemons come last.
        names += [] if one.is_part else with_ceph(cluster.hosts)
        hosts = [each for each in dict.fromkeys(names) if lacks(cluster, each, one.target)]
        self._acts.check_hosts(hosts)
        # Whoever is at it by hand is seen here, or sees this.
        self._settings.by_hand.mark(one.target)
        others = self._settings.by_hand.others()
        if others:
            raise CannotGoOn(PACKAGES, "; ".join(others))
        if not hosts:
            self._acts.save(one, prepared=True)
            return
        self._acts.save(one, at_work=True, reason=f"fetching packages on {some_of(hosts, SHOWN)}")
        self._jobs.packages(one.target, PREPARE, hosts)

    def _next(self, one: Upgrade, cluster: Cluster) -> None:
        """Begin with the next batch, or end where none is left."""
        if one.room == 0:
            self._end(one, cluster)
            return
        plan = make_plan(cluster, one.target, replace(one.scope, limit=one.room))
        left = waiting(one, cluster)
        if not plan.batches:
            if left:
                self._acts.wait(one, "; ".join(plan.refusals), refused=True)
                return
            # A host that was removed meanwhile may have daemons yet.
            outside = [] if one.is_part else strangers(self._core, one.version)
            if outside:
                words = some_of(outside, SHOWN)
                raise CannotGoOn(OFFLINE, f"hosts that are not managed here have {words}")
            self._end(one, cluster)
            return
        # With a host less, others are not taken down as well.
        self._acts.check_hosts(sorted({d.host for d in cluster.daemons if d.name in left}))
        batch = plan.batches[0]
        if one.systems and all(each.kind in _LATE for each in plan.batches):
            self._settings.widen_file_systems(one)
            one = self._acts.save(one, systems=())
        names = [each for each in batch.daemons if each.partition(".")[0] not in WITH_PACKAGES]
        there = {d.host for d in cluster.daemons if d.name in batch.daemons}
        hosts = sorted(there.union(batch.hosts))
        if batch.kind == ONLY_PACKAGES:
            self._acts.check_hosts(hosts)
        lacking = first_hosts(cluster, [host for host in hosts if lacks(cluster, host, one.target)])
        # They do not run while packages of their hosts change.
        managers = [d.name for d in cluster.daemons if d.kind == MGR and d.host in lacking]
        if self._acts.hands_over(one, names if batch.kind == MGR else managers, lacking):
            return
        if lacking:
            self._acts.install(one, cluster, lacking, names or managers)
        elif names:
            self._acts.restart(one, batch.kind, names)
        else:
            # The host has them already, by whoever.
            self._acts.follow(one, batch.daemons)

    def _end(self, one: Upgrade, cluster: Optional[Cluster]) -> None:
        """Put back what was changed for the upgrade, and forget it."""
        self._settings.widen_file_systems(one)
        self._settings.unflag(one)
        self._settings.unmute(one)
        one = self._acts.save(one, systems=(), nodes=(), doing=())
        with self._core.lock:
            there = [h for h in one.open_hosts if h in self._core.hosts]
            there = [h for h in there if self._core.liveness.online(h)]
        if there:
            self._acts.save(one, at_work=True, reason=f"putting back on {some_of(there, SHOWN)}")
            self._jobs.packages(one.target, PUT_BACK, there)
            return
        if cluster is not None:
            self._settings.require_release(cluster)
        said = _result(one)
        self._settings.by_hand.unmark()
        with self._core.lock:
            self._core.upgrades.remove()
            self._core.events.note(MON, said)
        self._core.look_at_maps()
        log.info("%s", said)


def _result(one: Upgrade) -> str:
    """Return that an upgrade has ended, and what somebody has to look at now."""
    stopped = " was stopped" if one.stage == STOPPING else " has ended"
    checks = f"; health checks of old keys that it raised: {', '.join(one.muted)}"
    return f"the upgrade to {one.target}{stopped}{checks if one.muted else ''}"


def first_hosts(cluster: Cluster, hosts: Sequence[str]) -> Sequence[str]:
    """Return the hosts whose packages change first: the active manager's comes after the others."""
    active = {each.host for each in cluster.daemons if each.kind == MGR and each.first}
    return [each for each in hosts if each not in active] or hosts


def _has_steps(one: Upgrade) -> bool:
    """Tell whether something is to be done: what was begun ends also while it is paused."""
    return one.stage != PAUSED or bool(one.nodes or (one.doing and not one.error))
