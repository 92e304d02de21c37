"""Step the OSDs that leave: drain, stop, purge or destroy, clean.

The monitors are asked at every step, and only their answer moves an OSD on: a map that shows
nothing, or an older one than the removal was asked for with, moves nothing and ends nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from adapter.cluster.osd_map import Left, Osd, OsdMap
from adapter.cluster.osd_owners import NO_SERVICE, Vacancy
from adapter.cluster.osd_removals import Removal, Stage
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.model import HostStatus
from adapter.interface import OrchestratorError

log = logging.getLogger(__name__)

# How often an OSD that waits is looked at, and how long after a failed job it is tried again.
LOOK_AGAIN = 1.0
RETRY_FIRST, RETRY_LAST = 10.0, 300.0
REASON_LENGTH = 300
# Statistics come every 5 s: only after a few of them is it said that nothing moves.
MOVES_WITHIN = 15.0


class OsdRemover:
    """Move each OSD of the queue one step on, if it can be."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Held by whoever acts on the queue: a removal is never stopped in the middle of a step.
        self.acting = threading.Lock()
        self._looked = 0.0
        self._jobs: Dict[int, str] = {}
        self._not_before: Dict[int, float] = {}
        self._still_since: Dict[int, float] = {}

    def step(self, now: float, *, at_once: bool = False) -> Optional[float]:
        """Take the steps that can be taken; return the seconds until the next look, or None."""
        core = self._core
        with core.lock:
            removals = core.removals.all()
        if not removals:
            return None
        if not at_once and now - self._looked < LOOK_AGAIN:
            return LOOK_AGAIN - (now - self._looked)
        self._looked = now
        with self.acting:
            self._step_all(now)
        return LOOK_AGAIN

    def _step_all(self, now: float) -> None:
        if not self._due(now):
            return
        try:
            osd_map = self._core.maps.osd_map()
        except OrchestratorError as error:
            self._wait_all(self._due(now), f"the monitors do not answer: {error}")
            return
        steps = (
            (Stage.DRAINING, lambda removals: self._drain(removals, osd_map)),
            (Stage.STOPPING, lambda removals: self._stop(removals, osd_map)),
            (Stage.LEAVING, lambda removals: self._leave(removals, osd_map)),
            (Stage.CLEANING, self._clean),
        )
        for stage, step in steps:
            # What a step moves on is taken up by the next one in the same round.
            removals = [each for each in self._due(now) if each.stage is stage]
            try:
                step(removals)
            except OrchestratorError as error:
                self._wait_all(removals, str(error))

    def _due(self, now: float) -> List[Removal]:
        with self._core.lock:
            return [each for each in self._core.removals.all() if self._may_act(each, now)]

    def _may_act(self, removal: Removal, now: float) -> bool:
        busy = removal.osd_id in self._jobs
        return not busy and self._not_before.get(removal.osd_id, 0.0) <= now

    def _save(self, removal: Removal, **changes: Any) -> Removal:
        if "reason" in changes:
            changes["reason"] = " ".join(str(changes["reason"]).split())[:REASON_LENGTH]
        changed = replace(removal, **changes)
        with self._core.lock:
            self._core.removals.save(changed)
        return changed

    def _wait_all(self, removals: Sequence[Removal], reason: str) -> None:
        """Say what these wait for, of those that are still where they were."""
        for removal in removals:
            with self._core.lock:
                current = self._core.removals.get(removal.osd_id)
            if current is not None and current.stage is removal.stage:
                self._save(current, reason=reason)

    def _advance(self, removal: Removal, stage: Stage, **changes: Any) -> None:
        self._not_before.pop(removal.osd_id, None)
        self._still_since.pop(removal.osd_id, None)
        self._save(removal, stage=stage, reason="", tries=0, **changes)
        log.info("osd.%s: %s", removal.osd_id, stage.value)

    def _drain(self, removals: Sequence[Removal], osd_map: OsdMap) -> None:
        """Let data move away; an OSD whose data is elsewhere moves on."""
        waiting = []
        for removal in removals:
            osd = self._osd(removal, osd_map)
            if osd is None:
                continue
            if osd.destroyed or removal.force:
                self._advance(removal, Stage.STOPPING, drain_done=time.time())
            else:
                waiting.append(self._moving(removal, osd))
        if not waiting:
            return
        safety = self._core.maps.safety([each.osd_id for each in waiting])
        counts = self._core.maps.pg_counts()
        left = self._core.maps.left([each.osd_id for each in waiting], osd_map)
        for removal in waiting:
            reason, count = safety.reason(removal.osd_id), counts.get(removal.osd_id, 0)
            if not reason and not count:
                self._advance(removal, Stage.STOPPING, pgs=0, drain_done=time.time())
                continue
            rest = left[removal.osd_id]
            reason = self._why_not(removal.osd_id, reason, rest)
            self._save(removal, pgs=max(count, rest.count), reason=reason)

    def _why_not(self, osd_id: int, reason: str, left: Left) -> str:
        """Return why an OSD cannot be stopped yet."""
        if not left.count or left.moves:
            self._still_since.pop(osd_id, None)
            return left.in_words() if left.count else reason or "waiting for its statistics"
        since = self._still_since.setdefault(osd_id, self._looked)
        if self._looked - since < MOVES_WITHIN:
            return left.in_words()
        pools = ", ".join(left.pools)
        return f"{left.in_words()}; nothing moves: CRUSH may find no other place for pool {pools}"

    def _osd(self, removal: Removal, osd_map: OsdMap) -> Optional[Osd]:
        """Return the OSD as the map shows it; deal with one that somebody else removed."""
        osd = osd_map.osds.get(removal.osd_id)
        if osd is not None and removal.uuid in ("", osd.uuid):
            return osd
        if osd_map.epoch <= removal.epoch:
            self._save(removal, reason="the monitors' map is older than the removal; waiting")
            return None
        text = "it is no longer in the map" if osd is None else "another OSD has its id now"
        if osd is None and not removal.stopped:
            self._advance(removal, Stage.CLEANING)
        else:
            self._finish(removal, text)
        return None

    def _moving(self, removal: Removal, osd: Osd) -> Removal:
        """Make the data move away; return the removal with the time that it began."""
        maps = self._core.maps
        if removal.drain_started is None:
            removal = self._save(removal, drain_started=time.time(), reason="asked to drain")
        if (removal.replace or not osd.up) and osd.reweight > 0:
            maps.out(removal.osd_id)
        if not removal.replace and osd.crush_weight > 0:
            maps.drain(removal.osd_id)
        return removal

    def _stop(self, removals: Sequence[Removal], osd_map: OsdMap) -> None:
        """End the daemons on their hosts, all in one job; one that is down already moves on."""
        core, ready = self._core, []
        for removal in removals:
            osd = self._osd(removal, osd_map)
            if osd is None:
                continue
            if removal.stopped and not osd.up:
                self._advance(removal, Stage.LEAVING)
            elif removal.stopped:
                core.maps.down(removal.osd_id)
                self._save(removal, reason="waiting for the map to show it down")
            elif self._reachable(removal):
                reason = "" if removal.force or osd.destroyed else self._danger(removal)
                if reason:
                    self._save(removal, stage=Stage.DRAINING, reason=reason)
                else:
                    ready.append(removal)
            elif not osd.up:
                self._advance(removal, Stage.LEAVING)
            else:
                self._save(removal, reason=f"host {removal.host} is not reached, and it is up")
        self._submit(ready, zap=False)

    def _danger(self, removal: Removal) -> str:
        """Return what would be lost if the OSD were stopped now, or nothing."""
        return self._core.maps.safety([removal.osd_id]).reason(removal.osd_id)

    def _reachable(self, removal: Removal) -> bool:
        core = self._core
        with core.lock:
            known = removal.host in core.hosts and core.pulse.online(removal.host)
        return known and not core.ssh.ready()

    def _leave(self, removals: Sequence[Removal], osd_map: OsdMap) -> None:
        """Purge or destroy OSDs that are down."""
        for removal in removals:
            osd = osd_map.osds.get(removal.osd_id)
            if osd is not None and removal.uuid not in ("", osd.uuid):
                self._finish(removal, "another OSD has its id now")
            elif osd is not None and osd.up:
                # Somebody started it again; or the map has not heard yet that it is stopped.
                self._advance(removal, Stage.STOPPING, stopped=False)
            else:
                self._leave_map(removal)

    def _leave_map(self, removal: Removal) -> None:
        if removal.replace:
            self._keep_place(removal)
            self._core.maps.destroy(removal.osd_id)
        else:
            self._core.maps.purge(removal.osd_id)
        with self._core.lock:
            self._core.specs.release(removal.host, list(removal.disks))
        self._core.look_at_maps()
        if removal.zap or not removal.stopped:
            self._advance(removal, Stage.CLEANING)
        else:
            self._finish(removal, "destroyed" if removal.replace else "removed")

    def _keep_place(self, removal: Removal) -> None:
        service = removal.service or NO_SERVICE
        with self._core.lock:
            self._core.owners.vacate(Vacancy(removal.osd_id, removal.host, service, removal.disks))

    def _clean(self, removals: Sequence[Removal]) -> None:
        """Wipe disks, or take away what a host has that could not be reached before."""
        core, ready = self._core, []
        for removal in removals:
            with core.lock:
                known = removal.host in core.hosts
            if not known:
                self._finish(removal, f"host {removal.host or '?'} is not managed; its disks stay")
            elif self._reachable(removal):
                ready.append(removal)
            else:
                what = "wipe its disks" if removal.zap else "take its unit away"
                self._save(removal, reason=f"waiting for host {removal.host} to {what}")
        self._submit([each for each in ready if each.zap], zap=True)
        self._submit([each for each in ready if not each.zap], zap=False)

    def _submit(self, removals: Sequence[Removal], *, zap: bool) -> None:
        """Run the playbook for these OSDs, on all their hosts at once."""
        if not removals:
            return
        core = self._core
        osds: Dict[str, List[Mapping[str, Any]]] = {}
        for removal in removals:
            row = {
                "osd_id": removal.osd_id,
                "osd_uuid": removal.uuid,
                "zap": zap,
                "destroy_lvs": not removal.no_destroy,
            }
            osds.setdefault(removal.host, []).append(row)
        names = ", ".join(f"osd.{removal.osd_id}" for removal in removals)
        # The disks are read when they are wiped; reading them twice would take a second longer.
        wiped_later = not zap and all(removal.zap for removal in removals)
        report = ["daemons"] if wiped_later else ["devices", "daemons"]
        with core.lock:
            hosts = [core.hosts.get(host) for host in osds]
            job = core.submit(
                "remove_osds",
                hosts,
                parameters={"osds": osds, "cluster": core.cluster, "report": report},
                summary=f"{'Wipe the disks of' if zap else 'Stop'} {names}",
            )
            for removal in removals:
                self._jobs[removal.osd_id] = job.job_id
        job.on_change(lambda job: self._absorb(job, list(removals)))

    def _absorb(self, job: Completion, removals: Sequence[Removal]) -> None:
        """Move on what a job has done; try the rest again, later each time."""
        if not job.status.final:
            return
        outcomes = job.outcomes
        for removal in removals:
            if self._jobs.get(removal.osd_id) != job.job_id:
                continue
            with self._core.lock:
                self._jobs.pop(removal.osd_id, None)
                current = self._core.removals.get(removal.osd_id)
            if current is None:
                continue
            outcome = outcomes.get(removal.host)
            if outcome is not None and outcome.status.good:
                self._done(current)
                continue
            reason = outcome.message if outcome is not None else job.message
            unreached = outcome is not None and outcome.status is HostStatus.UNREACHABLE
            pause = (
                RETRY_FIRST
                if unreached
                else min(RETRY_LAST, RETRY_FIRST * 2 ** min(current.tries, 10))
            )
            self._not_before[removal.osd_id] = time.monotonic() + pause
            self._save(current, reason=f"{reason} (job {job.job_id})", tries=current.tries + 1)
        self._core.wake.set()

    def _done(self, removal: Removal) -> None:
        if removal.stage is Stage.CLEANING:
            self._finish(removal, "its disks are wiped" if removal.zap else "removed")
        else:
            self._save(removal, stopped=True, reason="", tries=0)
        self._looked = 0.0

    def _finish(self, removal: Removal, how: str) -> None:
        with self._core.lock:
            self._core.removals.remove(removal.osd_id)
        self._not_before.pop(removal.osd_id, None)
        self._core.look_at_maps()
        log.info("osd.%s: %s", removal.osd_id, how)

    def is_past_stopping(self, removal: Removal) -> bool:
        """Tell whether the OSD's daemon is being stopped, or is stopped already."""
        asked = removal.stage is Stage.STOPPING and removal.osd_id in self._jobs
        return asked or removal.stopped or removal.stage in (Stage.LEAVING, Stage.CLEANING)

    def restore(self, removal: Removal) -> None:
        """Give an OSD back what draining took; raises ``OrchestratorError``."""
        self._still_since.pop(removal.osd_id, None)
        osd = self._core.maps.osd_map().osds.get(removal.osd_id)
        if osd is not None and removal.uuid in ("", osd.uuid):
            if removal.crush_weight and not osd.crush_weight:
                self._core.maps.set_crush_weight(removal.osd_id, removal.crush_weight)
            if removal.was_in and osd.reweight == 0:
                self._core.maps.mark_in(removal.osd_id)
