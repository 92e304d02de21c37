"""Keep services as their specs say: add daemons that are missing, remove those that are too many.

Nothing that is there or wanted is remembered here: what is there is read from the hosts'
reports, what is wanted from the specs, and a daemon's id follows from its service and host. So a
manager that ends anywhere is followed by one that comes to the same answer.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from adapter.cluster.schedule import Daemon, DaemonPlacement, Difference, difference
from adapter.cluster.specs import Wanted
from adapter.cluster.views import host_spec
from adapter.core import Core
from adapter.errors import NotKept, ReportAwaited
from adapter.interface import HostSpec, OrchestratorError
from adapter.kinds import KINDS, daemon_type_of, kind_of
from adapter.reconcile.came_back import without_came_back
from adapter.reconcile.conf_hold import ASK_AGAIN, ConfHold
from adapter.reconcile.daemon_changes import Behind, DaemonChanges, place_of
from adapter.reconcile.free_hosts import free_first
from adapter.reconcile.guards import Guards
from adapter.reconcile.idle_daemons import IdleDaemons
from adapter.reconcile.leftovers import Leftovers
from adapter.reconcile.mon_addresses import in_networks
from adapter.reconcile.off_spec import OffSpec
from adapter.reconcile.parts import for_each
from adapter.reconcile.pauses import unless_paused
from adapter.reconcile.removal_ends import RemovalEnds
from adapter.reconcile.running_daemons import RunningDaemons
from adapter.reconcile.service_flips import ServiceFlips
from adapter.reconcile.service_floor import hold, is_short, remember_size
from adapter.reconcile.service_jobs import ServiceJobs
from adapter.reconcile.service_needs import Needs
from adapter.reconcile.service_outages import ServiceOutages
from adapter.reconcile.service_proofs import not_well, tell_left
from adapter.reconcile.service_removals import ServiceRemovals
from adapter.state_lock import under_lock

log = logging.getLogger(__name__)

LOOK_AGAIN, LOOK_AT_LAST = 2.0, 60.0
# What a service waits for is looked for this often (seconds).
LOOK_FOR_NEEDS = 5.0


class ServiceReconciler:
    """Compare services with their specs, and submit what closes the difference."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.guards = Guards(core)
        self.jobs = ServiceJobs(core)
        self.leftovers = Leftovers(core, self.jobs)
        self.removals = RemovalEnds(core, self.guards, self.jobs)
        self.flips = ServiceFlips(core)
        self._surplus = ServiceRemovals(core, self.guards, self.jobs, self.flips)
        self.idle = IdleDaemons(core)
        self.off_spec = OffSpec(core)
        self.needs = Needs(core)
        self.conf_hold = ConfHold(core)
        self.changes = DaemonChanges(core, self.guards, self.jobs)
        self._seen: Tuple[Any, ...] = ()
        # A host's record cannot be used, or its last report is a manager's before: nothing is added
        # or removed.
        self._held = False
        self._settings_pause: Optional[float] = None
        self._running = RunningDaemons(core, self.jobs.keys)
        self._outages = ServiceOutages(core)

    def step(self, now: float) -> Optional[float]:
        """Do what can be done now; return the seconds until there can be more, or None."""
        self.leftovers.begin(now)
        # Keys first: before a daemon of that name can be made anew.
        acts = (
            self.jobs.keys.step,
            self.jobs.key_marks.step,
            self._follow_settings,
            self.jobs.follow_proofs,
            self.jobs.files.step,
            self._keep_all,
            # Last: what a spec wants again is deployed, and not removed.
            self.removals.step,
        )
        for_each(acts, lambda act: act(now))
        with self._core.lock:
            undone = self.jobs.keys.undone()
        busy = self.jobs.running or self.jobs.proofs.pending() or undone
        soon = LOOK_AGAIN if busy or self.jobs.look_at <= now + LOOK_AGAIN else None
        pauses = [each for each in (soon, self._settings_pause) if each is not None]
        return min(pauses, default=None)

    def _follow_settings(self, now: float) -> None:
        self._settings_pause = self.jobs.settings.step(now)

    def _keep_all(self, now: float) -> None:
        """Keep each service, if anything has changed or it is time to look again."""
        core = self._core
        with core.lock:
            seen = (
                *core.state_serials(),
                self.jobs.settings.healed.serial,
                self.jobs.key_marks.serial,
                self.needs.serial,
                self.jobs.files.serial,
                tuple(sorted(self.jobs.running)),
            )
            if seen == self._seen and now < self.jobs.look_at:
                return
            self._seen, self.jobs.look_at = (
                seen,
                core.service_failures.next_try(now, now + LOOK_AT_LAST),
            )
            going = {self.jobs.keys.service_of(key) for key in self.jobs.keys.pending()}
            core.service_failures.keep_services(going.union(each.name for each in core.specs.all()))
            wanted = [each for each in core.specs.all() if self._is_mine(each)]
            there = self.running() if wanted else {}
            hosts = self.hosts() if wanted else []
            self._held = bool(core.held()) or bool(core.outdated())
            core.watch.held_only({each.name for each in wanted})
            core.waits.keep_services({each.name for each in wanted})
        self.jobs.outdated.drop()
        free = [
            each
            for each in wanted
            if each.name not in self.jobs.running and not self.jobs.proofs.pending(each.name)
        ]
        # Who names daemons of others comes after these, and knows which are to come.
        free.sort(key=lambda each: not kind_of(each.spec.service_type).is_asked)
        self._surplus.begin()
        acts: List[Callable[[float], None]] = [
            partial(self._keep, each, there.get(each.name, []), hosts) for each in free
        ]
        try:
            for_each([*acts, self._surplus.submit], lambda act: act(now))
        except Exception:
            self._seen = ()
            raise

    @staticmethod
    def _is_mine(wanted: Wanted) -> bool:
        managed = not wanted.spec.unmanaged or bool(wanted.deleted)
        return wanted.spec.service_type in KINDS and managed

    @under_lock
    def hosts(self) -> List[HostSpec]:
        """Return all hosts with their status."""
        core = self._core
        return [host_spec(host, core.liveness.online(host.hostname)) for host in core.hosts.all()]

    @under_lock
    def running(self) -> Dict[str, List[Daemon]]:
        """Return the daemons that are there by service; not to be changed."""
        return self._running.by_service()

    def diff(
        self, wanted: Wanted, there: Sequence[Daemon], hosts: Sequence[HostSpec]
    ) -> Difference:
        """Return what a service lacks and has too much of."""
        if wanted.deleted:
            return Difference(remove=(*there, *self.leftovers.of(wanted, there, ())))
        usable = in_networks(self._core, wanted.spec, hosts, there)
        diff = difference(wanted.spec, usable, there, cluster=self._core.cluster)
        left = self.leftovers.of(wanted, there, diff.add)
        return replace(diff, remove=(*diff.remove, *left)) if left else diff

    def _keep(
        self, wanted: Wanted, there: Sequence[Daemon], hosts: Sequence[HostSpec], now: float
    ) -> None:
        core = self._core
        kind = KINDS[wanted.spec.service_type]
        diff = self.diff(wanted, there, hosts)
        if self._held:
            # On a host that nobody knows, or knows as it was, may be what is wanted.
            diff = Difference(kept=diff.kept)
        elif self._is_ended(wanted, diff, now):
            return
        unable, outside = not_well(core, kind.daemon_type, diff.kept)
        behind = [] if self._held or wanted.deleted else self.behind(wanted, diff.kept)
        if not self._held:
            with core.lock:
                going = self.removals.of(wanted.name)
                self.jobs.files.plan(wanted, () if wanted.deleted else diff.add)
            more = [*unable, *outside, *going, *(each.daemon for each in behind)]
            self._outages.follow(wanted.name, diff, more)
        remember_size(core, wanted, diff)
        with core.lock:
            self.off_spec.tell(wanted, diff.kept)
        with core.lock:
            diff, stays = without_came_back(core, wanted, diff)
            stays = " ".join(filter(None, [stays, self.idle.outside(wanted, diff)]))
        held = hold(core, wanted, diff, there, stays) or is_short(wanted, diff, [*unable, *outside])
        held = held or self._is_held_by_confs(wanted, diff, now)
        again = [each for each in diff.kept if not each.ok]
        # One manager after the other: it is restarted.
        again += [] if again or diff.add else unable[:1]
        broken = [DaemonPlacement(each.hostname, each.daemon_id) for each in again]
        add = [place for place in (*diff.add, *broken) if self._may(wanted, place.hostname, now)]
        if self._waits(wanted, [*diff.add, *broken], now):
            add = []
        try:
            if add:
                # What services before this one have too much of goes first.
                self._surplus.submit(now)
                self._deploy(wanted, add, there, now)
            elif diff.remove and not diff.add and not held:
                self._remove(wanted, diff, now)
            elif behind:
                self._surplus.submit(now)
                self._renew(wanted, diff, behind, there, now)
            else:
                self._give_files(wanted, diff, there, now)
        except ReportAwaited as error:
            with core.lock:
                core.events.note(wanted.name, error.message)
            self.jobs.look_at = 0.0
        except OrchestratorError as error:
            self.jobs.note_failure(wanted.name, "", str(error), now)

    def _is_held_by_confs(self, wanted: Wanted, diff: Difference, now: float) -> bool:
        held = bool(self.conf_hold.hold(wanted, diff, now))
        if held:
            self.jobs.look_at = min(self.jobs.look_at, now + ASK_AGAIN)
        return held

    def _is_ended(self, wanted: Wanted, diff: Difference, now: float) -> bool:
        """Tell whether nothing is to be added or removed now; forget a service that is gone."""
        if not wanted.deleted:
            return self.flips.is_stopped(wanted)
        if self._cannot_go(wanted, diff, now):
            return True
        if diff.remove:
            return False
        self._forget_if_kept(wanted, now)
        return True

    def _deploy(
        self, wanted: Wanted, add: Sequence[DaemonPlacement], there: Sequence[Daemon], now: float
    ) -> None:
        """Deploy daemons, first on hosts that are at no other job; raises ``OrchestratorError``."""
        soon = free_first(self._core, [place.hostname for place in add])
        chosen = [place for place in add if place.hostname in soon]
        chosen = chosen[:1] if KINDS[wanted.spec.service_type].one_by_one else chosen
        chosen = self.jobs.with_addresses(wanted, chosen)
        if chosen and not self.flips.stop(wanted, chosen, now):
            tell_left(self._core, wanted.name, wanted.spec.service_type, chosen)
            places = [*chosen, *self._peers(wanted, chosen, there, now)]
            job = self.jobs.deploy(wanted, places, there, before=unless_paused(self._core))
            self.jobs.outdated.note(wanted, job.job_id, chosen)

    def _peers(
        self,
        wanted: Wanted,
        chosen: Sequence[DaemonPlacement],
        there: Sequence[Daemon],
        now: float,
    ) -> List[DaemonPlacement]:
        """Return the daemons that must know of new ones as soon as these run."""
        if not kind_of(wanted.spec.service_type).has_peers:
            return []
        hosts = {each.hostname for each in chosen}
        return [
            DaemonPlacement(each.hostname, each.daemon_id)
            for each in there
            if each.runs and each.ok and each.hostname not in hosts
            if self._may(wanted, each.hostname, now)
        ]

    def _waits(self, wanted: Wanted, places: Sequence[DaemonPlacement], now: float) -> bool:
        """Tell whether a service's daemons cannot be of use yet, and say so once."""
        core = self._core
        lack = self.needs.lack(wanted.spec) if places and not wanted.deleted else None
        with core.lock:
            if lack is None:
                core.waits.over(wanted.name)
                return False
            if core.waits.wait(wanted.name, lack.reason, lack.remedy, time.time()):
                core.events.note(wanted.name, f"waits: {lack.reason}. {lack.remedy}")
            # Whatever failed before: it begins when there is what it waits for.
            core.service_failures.keep(wanted.name, ())
        self.jobs.look_at = min(self.jobs.look_at, now + LOOK_FOR_NEEDS)
        return True

    def _may(self, wanted: Wanted, hostname: str, now: float) -> bool:
        core = self._core
        with core.lock:
            backing_off = core.service_failures.backs_off(wanted.name, hostname, now)
            usable = core.workable(hostname)
            usable = usable and hostname not in core.deployments.problems
            report = core.reports.get(hostname)
        return not backing_off and usable and report is not None and "daemons" in report.taken

    def _remove(self, wanted: Wanted, diff: Difference, now: float) -> None:
        """Have removed what is too much, when all services have been looked at."""
        ready = [each for each in diff.remove if self._may(wanted, each.hostname, now)]
        if wanted.deleted:
            soon = free_first(self._core, [each.hostname for each in ready])
            ready = [each for each in ready if each.hostname in soon]
        if ready:
            self._surplus.want(wanted, ready, diff.kept)

    def _cannot_go(self, wanted: Wanted, diff: Difference, now: float) -> bool:
        """Tell whether a service that goes has to wait, and let its events say for what."""
        reason = self.leftovers.waits(wanted, diff.remove, now)
        if reason:
            with self._core.lock:
                self._core.events.note(wanted.name, reason)
            self.jobs.look_at = min(self.jobs.look_at, now + LOOK_AGAIN)
        return bool(reason)

    def behind(self, wanted: Wanted, kept: Sequence[Daemon]) -> List[Behind]:
        """Return the daemons that have to be restarted, none while nobody can tell."""
        try:
            return self.changes.behind(wanted, kept)
        except OrchestratorError as error:
            log.warning("%s is not compared with what its daemons got: %s", wanted.name, error)
            return []

    def unfinished(self, wanted: Wanted, kept: Sequence[Daemon]) -> List[str]:
        """Return what of a changed spec is not done yet."""
        found = []
        problem = self.jobs.settings.problems.get(wanted.name)
        if problem:
            found.append(problem)
        if not wanted.deleted:
            kind = daemon_type_of(wanted.spec)
            behind = self.changes.behind(wanted, kept)
            found += [f"{kind}.{each.daemon.daemon_id} is to be restarted" for each in behind]
        return found

    def _renew(
        self,
        wanted: Wanted,
        diff: Difference,
        behind: Sequence[Behind],
        there: Sequence[Daemon],
        now: float,
    ) -> None:
        """Restart the next daemon that has to be for what changed in its spec."""
        with self._core.lock:
            failed = self._core.service_failures.hosts(wanted.name)
            restarting = self._core.actions.get(wanted.name) is not None
        if restarting:
            # Somebody asked for it: not two at the same time.
            self.jobs.look_at = min(self.jobs.look_at, now + LOOK_AGAIN)
            return
        # Where one did not come back well, the others keep what they have until it does.
        ready = [
            each
            for each in behind
            if self._may(wanted, each.daemon.hostname, now)
            and (not failed or each.daemon.hostname in failed)
        ]
        if not ready:
            return
        kind = daemon_type_of(wanted.spec)
        with self.guards.acting:
            chosen, reason = self.changes.next(wanted, diff.kept, ready)
            if chosen is not None:
                again = self.guards.again([f"{kind}.{chosen.daemon.daemon_id}"], restart=True)
                again = unless_paused(self._core, again)
                place = place_of(chosen)
                self.jobs.deploy(wanted, [place], there, restart=chosen.why, before=again)
        if chosen is None:
            then = "; ".join(each.describe(kind) for each in behind)
            host = ready[0].daemon.hostname
            self.jobs.note_wait(wanted.name, host, f"{reason}; then: {then}", now)

    def _give_files(
        self, wanted: Wanted, diff: Difference, there: Sequence[Daemon], now: float
    ) -> None:
        """Give daemons the files that the cluster's state has changed; none is restarted."""
        stale = [] if self._held or wanted.deleted else self.jobs.files.stale(wanted, diff.kept)
        ready = [each for each in stale if self._may(wanted, each.hostname, now)]
        if ready:
            self._surplus.submit(now)
            places = [DaemonPlacement(each.hostname, each.daemon_id) for each in ready]
            before = unless_paused(self._core)
            self.jobs.deploy(wanted, places, there, only_files=True, before=before)

    def _forget_if_kept(self, wanted: Wanted, now: float) -> None:
        with self._core.lock:
            backing_off = self._core.service_failures.backs_off(wanted.name, "", now)
        if backing_off:
            return
        try:
            self._forget(wanted)
        except NotKept as error:
            self._core.unkept.note(error)
            self.jobs.note_failure(wanted.name, "", str(error), now)
        except OrchestratorError as error:
            self.jobs.note_failure(wanted.name, "", str(error), now)

    def _forget(self, wanted: Wanted) -> None:
        """Drop a service whose daemons are gone."""
        self.jobs.settings.forget(wanted)
        for key in kind_of(wanted.spec.service_type).secret_keys(wanted.spec):
            self._core.maps.forget_secret(key)
        with self._core.lock:
            self.leftovers.forget(wanted.name)
            self._core.specs.remove(wanted.name)
            self._core.events.forget(wanted.name)
            self._core.service_failures.keep(wanted.name, ())
            self._outages.forget(wanted.name)

    def forget_backoff(self, service: str) -> None:
        """Try again at once: somebody asked."""
        with self._core.lock:
            self._core.service_failures.keep(service, ())
            self.flips.forget(service)
        self.jobs.look_at = 0.0
        self.jobs.files.look()
