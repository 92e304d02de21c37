"""Restart the daemons of a service, so few at a time that nobody misses them.

The monitors choose among OSDs: `osd ok-to-stop` names those that can be down together. Of other
kinds one goes after the other. The next ones are asked for only when those before are back.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

from adapter.cluster.osd_removals import KEPT
from adapter.cluster.service_actions import ServiceAction
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.errors import NotKept
from adapter.interface import OrchestratorError, OrchestratorEvent
from adapter.kinds import hands_over
from adapter.reconcile.ended_restarts import leave_out
from adapter.reconcile.guards import Guards
from adapter.reconcile.healed_options import epoch_of
from adapter.reconcile.ownership import all_reported, check_units, units_of
from adapter.reconcile.parts import OTHERS_JOBS_END, for_each
from adapter.reconcile.pauses import unless_paused
from adapter.reconcile.restart_tries import BACK_WITHIN, TRIES, after, failed_in

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0
RETRY = 15.0


class ServiceRestarts:
    """Step the restarts that are under way."""

    def __init__(self, core: Core, guards: Guards) -> None:
        self._core = core
        self._guards = guards
        self.acting = guards.acting
        self._jobs: Dict[str, str] = {}
        self._now = 0.0
        self._not_before: Dict[str, float] = {}
        # The services whose daemons were told from here.
        self._told: Set[str] = set()
        # How far restarts are where that could not be written; it is, before they go on.
        self._unkept: Dict[str, ServiceAction] = {}
        # Since when (monotonic seconds) daemons are waited for.
        self._since: Dict[str, float] = {}
        # Those that another manager's job may be at, for as long as it may go on by itself.
        self._of_before = {each.service for each in core.actions.all() if each.doing}

    def under_way(self) -> List[Tuple[ServiceAction, str]]:
        """Return the restarts that have not ended, each with the job that is at it, if one is."""
        with self._core.lock:
            return [(each, self._jobs.get(each.service, "")) for each in self._core.actions.all()]

    def events_of(self, service: str) -> List[OrchestratorEvent]:
        """Return what became of a service lately, the newest last."""
        with self._core.lock:
            return self._core.events.of(service)

    def step(self, now: float) -> Optional[float]:
        """Take the steps that can be taken; return the seconds until the next look, or None."""
        core, self._now = self._core, now
        while self._of_before:
            self._not_before[self._of_before.pop()] = now + OTHERS_JOBS_END
        with core.lock:
            actions = [
                action
                for action in core.actions.all()
                if action.service not in self._jobs
                and self._not_before.get(action.service, 0.0) <= now
            ]
            pending = bool(core.actions.all())
        with self.acting:
            for_each(actions, lambda action: self._step_kept(action, now))
        return LOOK_AGAIN if pending else None

    def _step_kept(self, action: ServiceAction, now: float) -> None:
        """Take a step, once what became of the one before is written down."""
        self._not_before[action.service] = now + LOOK_AGAIN
        try:
            if self._kept(action.service):
                self._step(action)
        except NotKept as error:
            self._core.unkept.note(error)
            self._not_before[action.service] = now + RETRY
        except OrchestratorError as error:
            self._fail(action, str(error), now)

    def _tell_again(self, action: ServiceAction, waiting: Sequence[str]) -> bool:
        """Let daemons be told again whom a manager before may not have told: its job has ended.

        OSDs are told by the map, others by their hosts' reports, which are waited for.
        """
        if action.service in self._told:
            return False
        again: List[str] = []
        if any(name.startswith("osd.") for name in waiting):
            osds = self._core.maps.osd_map().osds
            again = [name for name in waiting if name.startswith("osd.") and osds[int(name[4:])].up]
        for name in action.doing:
            if not name.startswith("osd."):
                started = self._started(name)
                if started is None:
                    reason = f"waiting for the report of the host of {name}"
                    self._save(replace(action, reason=reason))
                    return True
                again += [name] if started <= action.asked else []
        if not again:
            return False
        doing = tuple(name for name in action.doing if name not in again)
        self._save(replace(action, left=(*again, *action.left), doing=doing))
        return True

    def _started(self, name: str) -> Optional[float]:
        """Return when a daemon was started as its host says, 0 where it does not run.

        None is as long as its host has not reported to this manager, and answers.
        """
        core, times = self._core, []
        with core.lock:
            hosts, outdated = core.places.hosts_of(name), core.outdated()
            for host in hosts:
                if host in outdated:
                    return None
                row = core.places.row(host, name)
                times.append(epoch_of(row.get("started")) if row["state"] == "running" else 0.0)
        return min(times) if times else None

    def _leave_out_gone(self, action: ServiceAction) -> ServiceAction:
        """Leave out daemons that are no more, and OSDs that are being removed.

        What no host reports is gone only when all hosts have reported.
        """
        core = self._core
        osds = any(name.startswith("osd.") for name in (*action.doing, *action.left))
        known = core.maps.osd_map().osds if osds else {}
        with core.lock:
            all_known = all_reported(core)
            for name in (*action.doing, *action.left):
                kind, _, identity = name.partition(".")
                if kind == "osd" and core.removals.leaves(int(identity)):
                    leave_out(core, name, "it is being removed")
                elif kind == "osd" and int(identity) not in known:
                    leave_out(core, name, "it is no longer in the cluster")
                elif all_known and not core.places.hosts_of(name):
                    leave_out(core, name, "no host has it")
            return core.actions.get(action.service) or replace(action, left=(), doing=())

    def _step(self, action: ServiceAction) -> None:
        action = self._leave_out_gone(action)
        job = self._job_of_before(action)
        if job:
            self._save(replace(action, reason=f"waiting for job {job} to end"))
            return
        waiting = self._not_back(action.doing, action.epoch)
        if self._tell_again(action, waiting):
            return
        late = self._late(waiting)
        for name in late:
            if name.startswith("osd."):
                self._guards.doubt(int(name[4:]))
            self._give_up(action.service, name, "it is not back in the cluster's maps")
        if waiting and not late:
            self._save(replace(action, reason=f"waiting for {', '.join(waiting)} to be back"))
            return
        if late:
            return
        if not action.left:
            self._save(replace(action, left=(), doing=()))
            with self._core.lock:
                self._core.events.note(action.service, f"{action.action}: done")
            return
        self._go_on(action)

    def _go_on(self, action: ServiceAction) -> None:
        """Tell those that can be down now to restart, or say what is waited for."""
        away = self._away(action.left)
        batch, reason = self._batch([name for name in action.left if name not in away])
        late = self._late(list(away))
        for name in late:
            self._give_up(action.service, name, away[name])
        reason = reason or "; ".join(sorted(set(away.values())))
        if late:
            return
        if not batch:
            self._save(replace(action, doing=(), reason=reason))
            return
        # What the monitors have said is as old as this, however long the record takes.
        asked = self._guards.again(batch, restart=True)
        rest = tuple(each for each in action.left if each not in batch)
        osds = any(name.startswith("osd.") for name in batch)
        epoch = self._core.maps.osd_map().epoch if osds else 0
        self._save(replace(action, left=rest, doing=tuple(batch), reason="", epoch=epoch))
        self._submit(action, batch, asked)

    def _late(self, names: Sequence[str]) -> List[str]:
        """Return those of these daemons that have been waited for too long."""
        self._since = {
            name: since
            for name, since in self._since.items()
            if since > self._now - 2 * BACK_WITHIN
        }
        for name in names:
            self._since.setdefault(name, self._now)
        return [name for name in names if self._now - self._since[name] >= BACK_WITHIN]

    def _away(self, names: Sequence[str]) -> Dict[str, str]:
        """Return the daemons that nothing can be done to for now, with the reason."""
        core, found = self._core, {}
        with core.lock:
            for name in names:
                if core.removals.keeps(name):
                    found[name] = f"{name} {KEPT}"
                for host in core.places.hosts_of(name):
                    if not core.liveness.online(host):
                        found[name] = f"its host {host} is offline"
                    elif not core.workable(host):
                        found[name] = f"its host {host} is in maintenance"
        return found

    def _give_up(self, service: str, daemon: str, why: str) -> None:
        """Leave out a daemon that does not come back; the others go on."""
        core = self._core
        self._since.pop(daemon, None)
        with core.lock:
            core.events.fail(service, f"restart: {daemon} is given up: {why}")
            leave_out(core, daemon, why)

    def _job_of_before(self, action: ServiceAction) -> str:
        """Return a job that is at these daemons, or one of the manager before that may be."""
        deploys = f"apply_{action.service.partition('.')[0].replace('-', '_')}"
        for record in self._core.engine.jobs():
            if record.request.operation == deploys and not record.status.final:
                return record.id
        if not action.doing:
            return ""
        with self._core.lock:
            mine = set(self._jobs.values())
        for record in self._core.engine.jobs():
            restarts = record.request.operation == "service_action"
            if restarts and not record.status.final and record.id not in mine:
                return record.id
        return ""

    def _not_back(self, names: Sequence[str], epoch: int) -> List[str]:
        """Return those that the cluster does not have back yet.

        An OSD is back when the map shows it up by a start after ``epoch``: it may show one up that
        has ended without a word.
        """
        osds = [name for name in names if name.startswith("osd.")]
        mons = [name for name in names if name.startswith("mon.")]
        mgrs = [name for name in names if name.startswith("mgr.")]
        waiting: List[str] = []
        if mgrs:
            managers = self._core.maps.manager_map()
            there = {managers.active, *managers.standbys}
            waiting += [name for name in mgrs if name[4:] not in there]
        if osds:
            known = self._core.maps.osd_map().osds
            for name in osds:
                osd = known.get(int(name[4:]))
                back = osd is None or (osd.up and osd.up_from > epoch)
                waiting += [] if back else [name]
        if mons:
            quorum, known_mons = self._core.maps.quorum()
            waiting += [m for m in mons if m[4:] in known_mons and m[4:] not in quorum]
        return waiting

    def _batch(self, left: Sequence[str]) -> Tuple[List[str], str]:
        """Return daemons that can be down together now, or none and the reason."""
        reason = ""
        for name in left:
            kind, _, identity = name.partition(".")
            try:
                if kind == "osd":
                    ids = self._guards.osds_ok_to_stop(int(identity), most=len(left), restart=True)
                    return [f"osd.{each}" for each in ids if f"osd.{each}" in left], ""
                self._guards.check_stop(kind, identity, restart=True)
                if not hands_over(kind) or self._guards.steps_back(identity, len(left) == 1):
                    return [name], ""
                reason = reason or f"another manager takes over from {name} first"
            except OrchestratorError as error:
                reason = reason or " ".join(str(error).split())
        return [], reason

    def _submit(self, action: ServiceAction, batch: Sequence[str], asked: Ask) -> None:
        core = self._core
        check_units(core, batch)
        with core.lock:
            current = core.actions.get(action.service)
            if current is None or not set(batch) <= set(current.doing):
                # Somebody has asked for something else meanwhile.
                return
            units = units_of(core, batch)
            job = core.submit(
                "service_action",
                [core.hosts.get(host) for host in units],
                parameters={"action": action.action, "units": units},
                summary=f"{action.action.capitalize()} {', '.join(batch)}",
                before=unless_paused(core, asked),
            )
            self._jobs[action.service] = job.job_id
            self._told.add(action.service)
            for name in batch:
                self._since.pop(name, None)
            of_units = {
                host: {
                    unit: name for unit, name in core.places.by_unit(host).items() if name in batch
                }
                for host in units
            }
        job.on_change(lambda job: self._absorb(job, action.service, of_units))

    def _absorb(
        self, job: Completion, service: str, units: Mapping[str, Mapping[str, str]]
    ) -> None:
        if not job.status.final:
            return
        with self._core.lock:
            if self._jobs.get(service) != job.job_id:
                return
            action = self._core.actions.get(service)
        try:
            self._take(action, job, units)
        finally:
            # Only now: as long as its end is not kept, nobody goes by what the maps show.
            with self._core.lock:
                del self._jobs[service]
        self._core.look_at_maps()

    def _take(
        self,
        action: Optional[ServiceAction],
        job: Completion,
        units: Mapping[str, Mapping[str, str]],
    ) -> None:
        """Take over how a job has ended."""
        if action is None:
            return
        self._not_before.pop(action.service, None)
        if job.exception is None:
            return
        failed = failed_in(job.outcomes, units) if job.record.started is not None else {}
        if failed:
            self._fail_some(action, failed)
        else:
            self._fail(action, str(job.exception), self._now)

    def _fail_some(self, action: ServiceAction, failed: Mapping[str, str]) -> None:
        """Try again what did not start, some times; what did is done."""
        core, service = self._core, action.service
        changed, gone = after(action, list(failed))
        with core.lock:
            core.events.fail(service, f"{action.action}: {'; '.join(sorted(set(failed.values())))}")
            for name in gone:
                why = f"after {TRIES} tries: {failed[name]}"
                core.events.fail(service, f"restart: {name} is given up {why}")
            if gone and action.left and not changed.left:
                names = ", ".join(action.left)
                core.events.fail(service, f"restart: {names} keep running as they are")
        self._unkept[service] = changed
        self._keep_later(service, self._now)

    def _fail(self, action: ServiceAction, reason: str, now: float) -> None:
        """Keep what failed as left, and wait."""
        with self._core.lock:
            current = self._core.actions.get(action.service)
            if current is None:
                return
            self._core.events.fail(action.service, f"{action.action}: {reason}")
        left = (*current.doing, *current.left)
        self._unkept[action.service] = replace(current, left=left, doing=(), reason=reason)
        self._keep_later(action.service, now)

    def _keep_later(self, service: str, now: float) -> None:
        """Write what became of a restart, now or as soon as that can be done."""
        try:
            self._kept(service)
        except NotKept as error:
            self._core.unkept.note(error)
        self._not_before[service] = now + RETRY

    def _kept(self, service: str) -> bool:
        """Write what could not be written before; tell whether there was nothing to write."""
        action = self._unkept.get(service)
        if action is None:
            return True
        self._save(action)
        del self._unkept[service]
        return False

    def _save(self, action: ServiceAction) -> None:
        """Keep how far a restart is, but not over a record that somebody has made unreadable.

        One that has ended meanwhile stays so, and what was left out of it too.
        """
        with self._core.lock:
            current = self._core.actions.get(action.service)
            if current is None or action.service in self._core.actions.problems:
                return
            known = {*current.left, *current.doing}
            left = tuple(each for each in action.left if each in known)
            doing = tuple(each for each in action.doing if each in known)
            self._core.actions.save(replace(action, left=left, doing=doing))
