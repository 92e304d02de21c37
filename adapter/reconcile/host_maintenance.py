"""Bring hosts into maintenance and out of it, a step at a time.

Each step is in the store before it is taken, and can be taken again: a manager that ends anywhere
is followed by one that goes on. Only the cluster's maps say that a host is down, or back.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, Callable, Mapping, Optional, Sequence

from adapter.cluster.hosts import MAINTENANCE
from adapter.cluster.maintenances import (
    ENTERED,
    ENTERING,
    LEAVING,
    Maintenance,
)
from adapter.core import Core
from adapter.engine.gate import Ask, Asked
from adapter.errors import NotKept, ReportAwaited
from adapter.interface import OrchestratorError
from adapter.reconcile.guards import Guards
from adapter.reconcile.host_stops import HostStops, daemons_on
from adapter.reconcile.maintenance_flags import MaintenanceFlags, check_usable, refuse_draining
from adapter.reconcile.maintenance_jobs import RETRY, MaintenanceJobs, reported_units
from adapter.reconcile.maintenance_parts import not_back, osds_back, still_up
from adapter.reconcile.ownership import read_places
from adapter.reconcile.parts import OTHERS_JOBS_END, for_each
from adapter.reconcile.returned_data import ReturnedData

log = logging.getLogger(__name__)

# What the maps show is looked at often (seconds), for somebody waits; who is offline is not.
LOOK_AGAIN, OFFLINE = 0.3, 2.0
# A command is answered before the manager that answers it hands over.
ANSWERED = 1.5
OPERATIONS = ("enter_host_maintenance", "exit_host_maintenance")


class HostMaintenance:
    """Step the hosts that enter maintenance or leave it.

    ``is_managed`` tells whether a manager does this, which hands over where it is on such a host.
    """

    def __init__(
        self, core: Core, guards: Guards, stops: HostStops, is_managed: Callable[[], bool]
    ) -> None:
        self._core, self._guards, self._stops = core, guards, stops
        self._is_managed = is_managed
        self._flags = MaintenanceFlags(core)
        self._jobs = MaintenanceJobs(core)
        self._returned = ReturnedData(core)
        # Those that another manager's job may be at, for as long as it may go on by itself.
        self._of_before = [each for each in core.maintenances.all() if each.at_work]

    # What is asked for.

    def check_enter(self, hostname: str, force: bool, regardless: bool) -> None:
        """Raise ``HostNeeded`` with what speaks against stopping a host and was not allowed.

        Raises ``ReportAwaited`` while a standby's host is asked whether it could go on, and
        ``InvalidValue`` for a host that is being drained.
        """
        with self._core.lock:
            refuse_draining(self._core.hosts.get(hostname))
        self._stops.look(hostname).check(hostname, force, regardless)

    def is_in(self, hostname: str) -> bool:
        """Tell whether nothing is left to do of entering; the cluster's maps are asked.

        A host that was offline and answers now has units that run, and so may somebody have
        started one meanwhile.
        """
        core = self._core
        with core.lock:
            known, online = core.maintenances.get(hostname), core.liveness.online(hostname)
        if known is None or known.stage != ENTERED:
            return False
        if not online:
            return True
        return known.is_whole and not still_up(core.maps, daemons_on(core, hostname))

    def enter(self, hostname: str, force: bool, regardless: bool, by: str) -> Maintenance:
        """Keep that a host enters maintenance; ``is_in`` and ``check_enter`` were asked.

        Raises ``InvalidValue`` for a host that is being drained.
        """
        core, now = self._core, round(time.time(), 3)
        with core.lock:
            host = core.hosts.get(hostname)
            check_usable(self._core, hostname)
            known = core.maintenances.get(hostname)
            refuse_draining(host)
            one = known or Maintenance(hostname, ENTERING, since=now, by=by)
            one = replace(one, force=force, regardless=regardless, offline=False, reason="")
            one = core.maintenances.save(replace(one, stage=ENTERING, asked=now))
            core.hosts.save(replace(host, status=MAINTENANCE))
            self._returned.forget(hostname)
            self._begin(hostname)
        return one

    def leave(self, hostname: str, force: bool, offline: bool) -> Maintenance:
        """Keep that a host leaves maintenance.

        With ``force`` it does so also where its record cannot be used.
        """
        core, now = self._core, round(time.time(), 3)
        nodes = self._flags.of_lost(hostname) if force else ()
        with core.lock:
            if not force:
                check_usable(self._core, hostname)
            known = core.maintenances.get(hostname)
            # Of a host that was held by hand the host itself knows what is to be undone.
            one = known or Maintenance(hostname, LEAVING, since=now, reached=True, nodes=nodes)
            one = replace(one, stage=LEAVING, asked=now, force=force, offline=offline, reason="")
            one = core.maintenances.save(one)
            self._begin(hostname)
        return one

    def _begin(self, hostname: str) -> None:
        self._jobs.told -= {(hostname, ENTERING), (hostname, LEAVING)}
        self._jobs.cancelled.discard(hostname)
        self._jobs.not_before.pop(hostname, None)
        self._jobs.parts.forget(hostname)
        self._core.wake_event.set()

    def forget(self, hostname: str) -> None:
        """Take the flags of a host away that is removed, and its record."""
        lost = self._flags.of_lost(hostname)
        with self._core.lock:
            known = self._core.maintenances.get(hostname)
            there = known is not None or hostname in self._core.maintenances.problems
        if there:
            self._flags.unset(known or Maintenance(hostname, LEAVING, nodes=lost))
            with self._core.lock:
                self._core.maintenances.remove(hostname)

    # What is done.

    def step(self, now: float) -> Optional[float]:
        """Take the steps that can be taken; return the seconds until the next look, or None."""
        core, self._jobs.now = self._core, now
        self._wait_for_others(now)
        with core.lock:
            pending = [
                each
                for each in core.maintenances.all()
                if each.stage != ENTERED or each.resumes(core.liveness.online(each.hostname))
            ]
            todo = [
                each
                for each in pending
                if each.hostname not in self._jobs.running
                and each.hostname not in self._jobs.cancelled
                and self._jobs.not_before.get(each.hostname, 0.0) <= now
            ]
        with self._guards.acting:
            for_each(todo, lambda each: self._step_kept(each, now))
        pauses = (self._pause(pending, now), self._returned.step(now))
        return min((each for each in pauses if each is not None), default=None)

    def _pause(self, pending: Sequence[Maintenance], now: float) -> Optional[float]:
        """Return the seconds until the next look; the end of a job wakes the loop."""
        with self._core.lock:
            times = [
                self._jobs.not_before.get(each.hostname, now)
                for each in pending
                if each.hostname not in {*self._jobs.running, *self._jobs.cancelled}
            ]
        return max(min(times) - now, 0.0) if times else None

    def hands_over(self, hostname: str) -> bool:
        """Tell whether this manager is on a host: then another one goes on with it."""
        if not self._is_managed():
            return False
        active = self._core.maps.manager_map().active
        return active in daemons_on(self._core, hostname).get("mgr", ())

    def _wait_for_others(self, now: float) -> None:
        """Leave hosts alone that another manager's job may be at; one of this host is known."""
        before, self._of_before = self._of_before, []
        for each in before:
            mine = [
                record
                for record in self._core.engine.jobs()
                if record.request.operation in OPERATIONS and each.hostname in record.request.hosts
            ]
            if not mine:
                self._jobs.not_before[each.hostname] = now + OTHERS_JOBS_END

    def _step_kept(self, one: Maintenance, now: float) -> None:
        self._jobs.not_before[one.hostname] = now + LOOK_AGAIN
        try:
            running = self._job_of_before(one.hostname)
            self._core.hosts.check_readable(one.hostname)
            if running:
                self._wait(one, f"waiting for job {running} to end")
            elif one.hostname not in self._core.hosts:
                self.forget(one.hostname)
            elif one.stage == ENTERING:
                self._enter(one)
            elif one.stage == ENTERED:
                self._save(one, stage=ENTERING, missed=False)
                self._begin(one.hostname)
            else:
                self._leave(one)
        except ReportAwaited as error:
            self._wait(one, str(error))
        except NotKept as error:
            self._core.unkept.note(error)
            self._jobs.not_before[one.hostname] = now + RETRY
        except OrchestratorError as error:
            self._wait(one, " ".join(str(error).split()))

    def _job_of_before(self, hostname: str) -> str:
        for record in self._core.engine.jobs():
            same = record.request.operation in OPERATIONS and hostname in record.request.hosts
            if same and not record.status.final:
                return record.id
        return ""

    def _wait(self, one: Maintenance, reason: str) -> None:
        """Note what is waited for; somebody may have asked for something else meanwhile."""
        with self._core.lock:
            current = self._core.maintenances.get(one.hostname)
            if current is not None and current.stage == one.stage:
                self._core.maintenances.save(replace(current, reason=reason))

    def _save(self, one: Maintenance, **changes: Any) -> Maintenance:
        """Keep a change, but not over what somebody has asked for meanwhile."""
        with self._core.lock:
            current = self._core.maintenances.get(one.hostname)
            if current is None or current.stage != one.stage:
                raise ReportAwaited("Somebody has asked for something else.")
            return self._core.maintenances.save(replace(current, **changes))

    # In.

    def _enter(self, one: Maintenance) -> None:
        core, hostname = self._core, one.hostname
        self._set_status(hostname, MAINTENANCE)
        read_places(core)
        here = daemons_on(core, hostname)
        with core.lock:
            online = core.liveness.online(hostname)
        if online and self._hands_over(one, here):
            return
        told = (hostname, ENTERING) in self._jobs.told
        if not told and (online or not one.reached):
            self._ask(one)("")
        one = self._set_noout(one, here)
        if not online:
            self._enter_offline(one)
            return
        if not told:
            self._hold_units(one, here)
            return
        up = still_up(core.maps, here)
        if up:
            self._wait(one, f"waiting until the cluster's maps show {', '.join(up)} down")
            return
        self._save(one, stage=ENTERED, reason="")
        log.info("host %s is in maintenance", hostname)
        core.wake_event.set()

    def _enter_offline(self, one: Maintenance) -> None:
        """A host that does not answer enters as it is; one that was told half goes on later."""
        if one.reached and not one.missed:
            self._jobs.not_before[one.hostname] = self._jobs.now + OFFLINE
            self._wait(one, "the host does not answer; it goes on when it does")
            return
        units = one.units if one.reached else ()
        self._save(one, stage=ENTERED, reason="", missed=True, units=units)
        log.info("host %s is in maintenance; it is offline", one.hostname)

    def _ask(self, one: Maintenance) -> Ask:
        """Return the question whether the host can be missed still."""

        def ask(job: str) -> None:
            del job
            self.check_enter(one.hostname, one.force, one.regardless)

        return Asked(ask)

    def _hands_over(self, one: Maintenance, here: Mapping[str, Sequence[str]]) -> bool:
        """Let another manager take over first; tell whether that is under way."""
        maps = self._core.maps
        managers = maps.manager_map()
        active = managers.active
        others = [each for each in managers.standbys if each not in here.get("mgr", ())]
        if active not in here.get("mgr", ()) or not (others or self._is_managed()):
            return False
        if time.time() - one.asked < ANSWERED:
            return True
        self.check_enter(one.hostname, one.force, one.regardless)
        self._wait(one, f"another manager takes over from mgr.{active} first")
        if self._is_managed():
            self._guards.hand_over(active)
        else:
            maps.fail_over(active)
        return True

    def _set_noout(self, one: Maintenance, here: Mapping[str, Sequence[str]]) -> Maintenance:
        """Have the flag set for the host's OSDs; what is set from here is kept before."""
        wanted, lacking = self._flags.wanted(one, here.get("osd", ()))
        with self._core.lock:
            online = self._core.liveness.online(one.hostname)
            units = one.units or reported_units(self._core, one.hostname)
        if wanted != one or (online and units != one.units):
            kept = units if online else one.units
            one = self._save(one, nodes=wanted.nodes, ids=wanted.ids, units=kept)
        self._flags.set(lacking)
        return one

    def _hold_units(self, one: Maintenance, here: Mapping[str, Sequence[str]]) -> None:
        """Have units masked and stopped, part by part: clients wait for nobody longer than needed.

        Ranks are taken over before OSDs stop, and data is served without these before a monitor
        does: until the others have a quorum again, no map changes.
        """
        part, reason = self._jobs.parts.next(one.hostname, here, self._jobs.now)
        if reason:
            self._wait(one, reason)
            return
        was_reached = one.reached
        one = self._save(one, reached=True, at_work=True, reason="")
        rows = [dict(each.row) for each in one.units] if was_reached else []
        parameters = {"part": part, "units": {one.hostname: rows}}
        ask = self._ask(one)
        self._jobs.submit(one, "enter_host_maintenance", parameters, part, was_reached, ask)

    # Out.

    def _leave(self, one: Maintenance) -> None:
        core, hostname = self._core, one.hostname
        with core.lock:
            online = core.liveness.online(hostname)
        if not online:
            self._leave_offline(one)
            return
        if (hostname, LEAVING) not in self._jobs.told:
            # Also a host that nobody is known to have told: it has a record of its own.
            rows = [dict(each.row) for each in one.units] if one.reached else []
            parameters = {"units": {hostname: rows}, "force": one.force}
            one = self._save(one, at_work=True, reason="")
            self._jobs.submit(one, "exit_host_maintenance", parameters, "", True)
            return
        lacking = [] if one.force or not one.reached else not_back(core, one)
        self._returned.back(hostname, osds_back(one, lacking), self._jobs.now)
        if lacking:
            names = ", ".join(lacking)
            self._wait(one, f"waiting until the cluster's maps show {names} back")
            return
        self._end(one)

    def _leave_offline(self, one: Maintenance) -> None:
        self._jobs.not_before[one.hostname] = self._jobs.now + OFFLINE
        if not one.offline:
            self._wait(one, "the host is offline")
        elif one.reached:
            self._flags.unset(one)
            one = self._save(one, nodes=())
            self._set_status(one.hostname)
            self._wait(one, "the host does not answer")
        else:
            self._end(one)

    def _end(self, one: Maintenance) -> None:
        """Take the flags away, and forget it."""
        core = self._core
        self._flags.unset(one)
        self._save(one, nodes=())
        self._set_status(one.hostname)
        with core.lock:
            core.maintenances.remove(one.hostname)
        self._begin(one.hostname)
        self._returned.left(one.hostname, self._jobs.now)
        core.look_at_maps()
        log.info("host %s has left maintenance", one.hostname)

    def _set_status(self, hostname: str, status: str = "") -> None:
        with self._core.lock:
            host = self._core.hosts.get(hostname)
            if host.status != status:
                self._core.hosts.save(replace(host, status=status))
