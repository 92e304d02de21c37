"""Step the OSDs that leave: drain, stop, purge or destroy, clean.

The monitors are asked at every step, and only their answer moves an OSD on: a map that shows
nothing, or an older one than the removal was asked for with, moves nothing and ends nothing. What
cannot be undone is done in the same breath as the question: an OSD is stopped by its host right
after it said that it holds nothing, and purged right after the monitors said that nobody needs it.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Dict, List, Optional, Sequence

from adapter.cluster.osd_map import NODOWN_IS_SET, Osd, OsdMap, holding_flags
from adapter.cluster.osd_owners import NO_SERVICE, DestroyedOsd
from adapter.cluster.osd_removals import Removal, Stage
from adapter.cluster.pg_states import Left
from adapter.core import Core
from adapter.interface import OrchestratorError
from adapter.reconcile.osd_copies import OsdCopies
from adapter.reconcile.osd_removal_jobs import RemovalJobs
from adapter.reconcile.osd_removal_queue import RemovalQueue
from adapter.reconcile.osd_removal_records import moved_to
from adapter.reconcile.osd_restoring import OsdRestorer, has_returned, is_down, successor
from adapter.reconcile.waiting_osd_jobs import REMOVE, START, STOP

log = logging.getLogger(__name__)

# How often an OSD that waits is looked at.
LOOK_AGAIN = 1.0
# Statistics come every 5 s: only after a few of them is it said that nothing moves.
MOVES_WITHIN = 15.0


class OsdRemover:
    """Move each OSD of the queue one step on, if it can be."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Held by whoever acts on the queue: a removal is never stopped in the middle of a step.
        self.acting = threading.Lock()
        # Of a command that does something else, which leaves the queue as it is.
        self.is_resting = False
        self._looked = 0.0
        self._queue = RemovalQueue(core)
        self._jobs = RemovalJobs(core, self._queue, self._news)
        self._still_since: Dict[int, float] = {}
        self.restorer = OsdRestorer(core, self._queue, self._jobs, self._finish)
        self._copies = OsdCopies(core, self._queue, self._jobs, self.restorer)

    def _news(self) -> None:
        self._looked = 0.0
        self._core.wake_event.set()

    def step(self, now: float) -> Optional[float]:
        """Take the steps that can be taken; return the seconds until the next look, or None."""
        core = self._core
        with core.lock:
            removals = core.removals.all()
        if not removals or self.is_resting:
            return None
        if now - self._looked < LOOK_AGAIN:
            return LOOK_AGAIN - (now - self._looked)
        self._looked = now
        with self.acting:
            self._step_all(now)
        return LOOK_AGAIN

    def _step_all(self, now: float) -> None:
        if not self._jobs.due(now):
            return
        try:
            osd_map = self._core.maps.osd_map()
        except OrchestratorError as error:
            self._queue.wait_all(self._jobs.due(now), f"the monitors do not answer: {error}")
            return
        steps: Sequence[Any] = (
            (Stage.KEEPING, self.restorer.keep_all),
            (Stage.DRAINING, self._drain),
            (Stage.STOPPING, self._stop),
            (Stage.PURGING, self._purge),
            (Stage.CLEANING, self._clean),
        )
        for stage, step in steps:
            # What a step moves on is taken up by the next one in the same round.
            removals = [each for each in self._jobs.due(now) if each.stage is stage]
            try:
                step(removals, osd_map)
            except OrchestratorError as error:
                self._queue.wait_all(removals, str(error))

    def _advance(self, removal: Removal, stage: Stage, **changes: Any) -> Removal:
        self._jobs.forget_backoff(removal.osd_id)
        self._still_since.pop(removal.osd_id, None)
        self._copies.forget(removal.osd_id)
        log.info("osd.%s: %s", removal.osd_id, stage.shown(removal.replace))
        return self._queue.save(removal, stage=stage, **{"reason": "", "tries": 0, **changes})

    def _back(self, removal: Removal, reason: str, **changes: Any) -> None:
        """Let an OSD drain again that somebody needs after all."""
        fresh = {"stopped": False, "empty": False, "cleaned": False, "taken": False}
        self._advance(removal, Stage.DRAINING, reason=reason, **fresh, **changes)

    # Draining.

    def _drain(self, removals: Sequence[Removal], osd_map: OsdMap) -> None:
        """Wait until the data is elsewhere; then an OSD moves on."""
        waiting = self._begin_to_drain(removals, osd_map)
        if not waiting:
            return
        ids = [each.osd_id for each in waiting]
        maps = self._core.maps
        safety, counts, left = maps.safety(ids), maps.pg_counts(), maps.left(ids, osd_map)
        deleting = self._jobs.still_deleting()
        restart, empty = [], []
        for removal in waiting:
            osd_id = removal.osd_id
            reason, count = safety.reason(osd_id), counts.get(osd_id, 0)
            reason = reason or self._copies.doubt_of(removal, osd_map)
            if not reason and not count and osd_id not in deleting:
                empty.append(removal)
            elif self._is_stopped_in_vain(removal, osd_map):
                restart.append(removal)
            else:
                rest = left[osd_id]
                if reason or count or osd_id not in deleting:
                    reason = self._why_not(osd_id, reason, rest)
                    flags = holding_flags(osd_map.flags)
                    reason = f"{reason}; {flags}" if flags else reason
                else:
                    # What its host said of it stays until it is asked again.
                    reason = removal.reason
                self._queue.save(removal, pgs=max(count, rest.count), reason=reason)
        self._jobs.submit(restart, START, osd_map)
        for removal in self._still_there(empty):
            self._advance(removal, Stage.STOPPING, pgs=0, drain_done=time.time())

    def _begin_to_drain(self, removals: Sequence[Removal], osd_map: OsdMap) -> List[Removal]:
        """Let data move away; return the OSDs that are waited for."""
        waiting: List[Removal] = []
        for removal in removals:
            osd = self._osd(removal, osd_map)
            if osd is None:
                continue
            if osd.fresh and has_returned(removal, osd_map):
                reason = (
                    "it was added to the cluster again and has not started yet: it drains when it "
                    f"is up; `ceph orch osd rm stop {removal.osd_id}` keeps it"
                )
                self._queue.save(removal, reason=reason)
            elif osd.destroyed or removal.force:
                self._advance(removal, Stage.STOPPING, drain_done=time.time())
            elif self._copies.may_drain(removal, osd, osd_map):
                waiting.append(self._moving(removal, osd))
        return waiting

    def _is_stopped_in_vain(self, removal: Removal, osd_map: OsdMap) -> bool:
        """Tell whether an OSD was stopped that is needed after all, and can be started again."""
        osd = osd_map.osds[removal.osd_id]
        if not removal.asked_stop or not is_down(removal, osd):
            return False
        with self._core.lock:
            moved = moved_to(self._core, removal, osd)
        return not moved and self._queue.reachable(removal)

    def _still_there(self, removals: Sequence[Removal]) -> List[Removal]:
        """Return those that the map still has after the monitors have called them safe.

        They call safe what they do not know: somebody may have purged it since the map was read.
        """
        osd_map = self._core.maps.osd_map() if removals else OsdMap()
        return [each for each in removals if self._osd(each, osd_map) is not None]

    def _why_not(self, osd_id: int, reason: str, left: Left) -> str:
        """Return why an OSD cannot be stopped yet."""
        if not left.count or left.moves:
            self._still_since.pop(osd_id, None)
            return left.describe() if left.count else reason or "waiting for its statistics"
        since = self._still_since.setdefault(osd_id, self._looked)
        if self._looked - since < MOVES_WITHIN:
            return left.describe()
        pools = ", ".join(left.pools)
        return (
            f"{left.describe()}; nothing moves: CRUSH may find no other place for pool {pools}, or "
            f"an OSD that took the data is gone (`ceph pg ls-by-osd {osd_id}`, `ceph pg map PGID`)"
        )

    def _moving(self, removal: Removal, osd: Osd) -> Removal:
        """Make the data move away; return the removal with the time that it began."""
        maps = self._core.maps
        if removal.drain_started is None:
            removal = self._queue.save(removal, drain_started=time.time(), reason="asked to drain")
        if (removal.replace or not osd.up) and osd.reweight > 0:
            maps.out(removal.osd_id)
        if not removal.replace and osd.crush_weight > 0:
            maps.drain(removal.osd_id)
        return removal

    def _osd(self, removal: Removal, osd_map: OsdMap) -> Optional[Osd]:
        """Return the OSD as the map shows it; deal with one that somebody else removed."""
        osd = osd_map.osds.get(removal.osd_id)
        if osd is not None and removal.uuid in ("", osd.uuid):
            return osd
        if osd is not None and osd.destroyed and not removal.replace:
            # Its uuid is forgotten, its id is still to go.
            return osd
        if osd_map.epoch <= removal.epoch:
            self._queue.save(removal, reason="the monitors' map is older than the removal; waiting")
            return None
        if osd is not None and osd.destroyed and removal.replace:
            self._keep_place(removal)
        try:
            self._release(removal)
        except OrchestratorError as error:
            self._queue.save(removal, reason=str(error))
            return None
        if removal.replace and (osd is None or not osd.destroyed):
            why = "somebody else has purged it" if osd is None else "another OSD has its id"
            self._tell(removal, f"is not kept for a new disk: {why}")
            removal = self._queue.save(removal, replace=False)
        # With --force nobody waits for the data. What an OSD said when it was stopped is no longer
        # proved by a map that has it no more: it may have been up since.
        self._advance(removal, Stage.CLEANING, taken=not removal.force, left=osd_map.epoch)
        return None

    # Stopping.

    def _stop(self, removals: Sequence[Removal], osd_map: OsdMap) -> None:
        """End the daemons on their hosts, all in one job; one that is down already moves on."""
        ready: List[Removal] = []
        self._queue.each(removals, lambda removal: self._stop_one(removal, osd_map, ready))
        self._jobs.submit(ready, STOP, osd_map)

    def _stop_one(self, removal: Removal, osd_map: OsdMap, ready: List[Removal]) -> None:
        osd = self._osd(removal, osd_map)
        if osd is None:
            return
        if self._is_elsewhere(removal, osd):
            return
        with self._core.lock:
            self._core.specs.check_release()
        if not osd.up:
            self._advance(removal, Stage.PURGING)
        elif removal.stopped and osd.up_from == removal.up_from:
            self._core.maps.down(removal.osd_id)
            flag = f": {NODOWN_IS_SET}" if osd.nodown else ""
            self._queue.save(removal, reason=f"waiting for the map to show it down{flag}")
        elif not self._queue.reachable(removal):
            self._queue.save(removal, reason=f"host {removal.host} is not reached, and it is up")
        else:
            reason = "" if removal.force or osd.destroyed else self._danger(removal)
            if reason:
                self._back(removal, reason)
            else:
                ready.append(removal)

    def _is_elsewhere(self, removal: Removal, osd: Osd) -> bool:
        """Wait with an OSD that another host has now: its disk was moved after it was asked for."""
        with self._core.lock:
            host = moved_to(self._core, removal, osd)
        if not host:
            return False
        name = f"osd.{removal.osd_id}"
        reason = (
            f"{name} was on host {removal.host} when its removal was asked for, and is on host "
            f"{host} now; `ceph orch osd rm stop {removal.osd_id}`, then ask again"
        )
        self._queue.save(removal, reason=reason)
        return True

    def _danger(self, removal: Removal) -> str:
        """Return what would be lost if the OSD were stopped now, or nothing."""
        return self._core.maps.safety([removal.osd_id]).reason(removal.osd_id)

    # Purging.

    def _purge(self, removals: Sequence[Removal], osd_map: OsdMap) -> None:
        """Purge or destroy OSDs that are down."""
        self._queue.each(removals, lambda removal: self._purge_one(removal, osd_map))

    def _purge_one(self, removal: Removal, osd_map: OsdMap) -> None:
        osd = self._osd(removal, osd_map)
        if osd is None or self._is_elsewhere(removal, osd):
            return
        if osd.up:
            # Somebody started it again; or the map has not heard yet that it is stopped.
            self._advance(removal, Stage.STOPPING, stopped=False, empty=False)
            return
        if removal.force:
            self._leave_map(removal, osd_map)
            return
        if osd.destroyed:
            # Whoever destroyed it may not have waited for its data. As long as the map has it,
            # placement groups that lack something wait for it; a purge makes them go on without.
            if self._copies.is_calm(removal, osd_map, "it is purged"):
                self._leave_map(removal, osd_map)
            return
        reason = self._still_needed(removal, osd, osd_map)
        if reason:
            self._back(removal, reason)
        elif self._still_there([removal]):
            self._leave_map(removal, osd_map)

    def _still_needed(self, removal: Removal, osd: Osd, osd_map: OsdMap) -> str:
        """Return why an OSD that is down must not leave the map, or nothing.

        One that said that it holds nothing, and has not been up since, holds nothing. Of another
        one only the monitors can say so, and they can only when all placement groups are clean.
        """
        safety = self._core.maps.safety([removal.osd_id])
        if removal.empty and osd.up_from == removal.up_from and not safety.needs(removal.osd_id):
            return ""
        return self._core.maps.need(osd, osd_map)

    def _release(self, removal: Removal) -> None:
        """Have no drive group take the disks again by itself."""
        with self._core.lock:
            self._core.specs.release(removal.host, list(removal.disks))

    def _leave_map(self, removal: Removal, osd_map: OsdMap) -> None:
        # First: a drive group that cannot be told keeps it in the map.
        self._release(removal)
        if removal.replace:
            self._keep_place(removal)
            self._core.maps.destroy(removal.osd_id)
        else:
            self._core.maps.purge(removal.osd_id)
        self._core.look_at_maps()
        self._advance(removal, Stage.CLEANING, left=osd_map.epoch)

    def _keep_place(self, removal: Removal) -> None:
        """Write down what the OSD's successor gets, and which disks were there before it."""
        core, service = self._core, removal.service or NO_SERVICE
        with core.lock:
            report = core.reports.get(removal.host)
            present = None
            if report is not None and "devices" in report.taken:
                keys = {str(row["device_id"] or row["path"]) for row in report.devices}
                present = tuple(sorted(keys - set(removal.disks)))
            core.owners.keep_destroyed(
                DestroyedOsd(removal.osd_id, removal.host, service, removal.disks, present)
            )

    # Cleaning.

    def _clean(self, removals: Sequence[Removal], osd_map: OsdMap) -> None:
        """Remove units and directories, and wipe disks."""
        core, ready, settled = self._core, [], []
        for removal in removals:
            back = has_returned(removal, osd_map)
            if back and (removal.cleaned or not removal.asked_wipe):
                self._has_returned(removal)
                continue
            if removal.cleaned:
                self._finish(removal, "its disks are wiped" if removal.zap else "removed")
                continue
            if successor(removal, osd_map) and self._jobs.unwiped(removal.osd_id):
                self._give_up_wiping(removal)
                continue
            with core.lock:
                known, unread = removal.host in core.hosts, core.hosts.problems.get(removal.host)
            what = "wipe its disks" if removal.zap else "take its unit away"
            if unread:
                why = f"the record of host {removal.host} cannot be read ({unread})"
                self._queue.save(removal, reason=f"waiting to {what}: {why}")
            elif not known:
                self._leave_disks(removal)
            elif not self._queue.reachable(removal):
                what = "say whether it has wiped its disks" if back else what
                self._queue.save(removal, reason=f"waiting for host {removal.host} to {what}")
            elif back:
                # Its host wipes none that the map has, and says what it had done before.
                settled.append(removal)
            elif self._copies.may_wipe(removal, osd_map):
                ready.append(removal)
        # Those that nobody is asked about do not wait for the others.
        self._jobs.submit(settled, REMOVE, osd_map)
        asked = [each for each in ready if self._copies.is_asked_about(each)]
        self._jobs.submit([each for each in ready if each not in asked], REMOVE, osd_map)
        self._jobs.submit(asked, REMOVE, osd_map, self._copies.wipe_again(osd_map))

    def _has_returned(self, removal: Removal) -> None:
        """Drain an OSD anew whose daemon ran on behind a cut network, or that somebody gave back.

        That is newer than what was said of its data before, unless its disk is wiped already.
        """
        wiped = removal.cleaned and removal.zap
        reason = f"the map has it again; `ceph orch osd rm stop {removal.osd_id}` keeps it"
        if wiped:
            reason = "the map has it again, and its disks were wiped before"
        with self._core.lock:
            self._core.events.note(
                removal.service or NO_SERVICE, f"osd.{removal.osd_id} drains anew: {reason}"
            )
        self._back(removal, reason, force=removal.force and wiped)

    def _give_up_wiping(self, removal: Removal) -> None:
        """End the removal of an OSD whose id a new one has, and whose old disk is out of reach."""
        names = self._jobs.unwiped(removal.osd_id)
        self._tell(removal, f"has a new disk; its old one, {names}, was never wiped")
        self._finish(removal, "another OSD has its id, and its old disk cannot be wiped")

    def _leave_disks(self, removal: Removal) -> None:
        """End the removal of an OSD whose host is not managed."""
        host = removal.host or "(unknown)"
        wiped = "so they were not wiped"
        if removal.asked_wipe:
            wiped = "but it was told before to wipe them, and has not said whether it has"
        if removal.zap:
            self._tell(removal, f"left its disks: host {host} is not managed, {wiped}")
        self._finish(removal, f"host {host} is not managed")

    def _tell(self, removal: Removal, what: str) -> None:
        with self._core.lock:
            events, service = self._core.events, removal.service or NO_SERVICE
            events.fail(service, f"osd.{removal.osd_id} {what}")

    def _finish(self, removal: Removal, how: str) -> None:
        self._still_since.pop(removal.osd_id, None)
        self._copies.forget(removal.osd_id)
        self._jobs.finish(removal, how)
