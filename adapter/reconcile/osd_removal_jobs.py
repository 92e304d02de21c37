"""The jobs that stop, start and clean the OSDs that leave, and what comes of them."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set

from adapter.cluster.backoff import RETRY_FIRST, Backoff, pause_after
from adapter.cluster.osd_map import OsdMap
from adapter.cluster.osd_owners import NO_SERVICE
from adapter.cluster.osd_removals import Removal, Stage
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.model import HostOutcome, HostStatus
from adapter.errors import NotKept, abridged
from adapter.reconcile.osd_removal_queue import RemovalQueue
from adapter.reconcile.osd_removal_rows import is_done, names_in, row_for, row_of
from adapter.reconcile.osds_that_hold import OsdsThatHold
from adapter.reconcile.parts import OTHERS_JOBS_END
from adapter.reconcile.pauses import unless_paused
from adapter.reconcile.waiting_osd_jobs import (
    REMOVE,
    START,
    STOP,
    Before,
    ids_of,
    is_told_of,
    still_asked,
)

log = logging.getLogger(__name__)

# How long after a failed job an OSD is tried again, at most (seconds).
RETRY_LAST = 300.0
_WORDS = {STOP: "Stop", START: "Start again", REMOVE: "Clean up after"}
# What a host says of an OSD that it did not stop.
_KEPT = {
    "holds data": "it still holds {held} placement group(s) on its disk: Ceph deletes copies when "
    "their groups are clean elsewhere (`ceph health detail`)",
    "no answer": "it runs and does not say what it holds; `ceph orch daemon restart osd.{osd_id}`, "
    "or --force if nothing on it is needed",
}
# What it says of one that it had no time to stop in this job.
_LATER = "later"


class RemovalJobs:
    """One job at a time for each OSD. ``news`` is called when one has ended."""

    def __init__(self, core: Core, queue: RemovalQueue, news: Callable[[], None]) -> None:
        self._core = core
        self._queue = queue
        self._news = news
        self._jobs: Dict[int, str] = {}
        self._not_before: Dict[int, float] = {}
        self._holding = OsdsThatHold(core)
        self._now = 0.0
        self._began = time.monotonic()
        # OSDs whose last job has ended for certain, those that one may still stop of which nobody
        # knows whether it has ended, and those that their host has started since.
        self._ended: Set[int] = set()
        self._lost: Set[int] = set()
        self._started: Set[int] = set()
        # The pauses until an OSD that was started again may be started once more.
        self._starts: Dict[int, Backoff] = {}
        # Disks that hosts could not wipe, in words, by OSD.
        self._unwiped: Dict[int, str] = {}
        self._attach()

    def _attach(self) -> None:
        """Go on with the jobs of a manager that ended on this host."""
        for record in self._core.engine.jobs():
            ids = [] if record.status.final else sorted(ids_of(record.request))
            removals = [self._core.removals.get(osd_id) for osd_id in ids]
            known = [removal for removal in removals if removal is not None]
            before = Before(str(record.request.variables.get("osd_remove_step")))
            if known:
                self._follow(self._core.engine.completion(record.id), known, before)

    def due(self, now: float) -> List[Removal]:
        """Return the OSDs that can be acted on now."""
        self._now = now
        with self._core.lock:
            return [
                each
                for each in self._core.removals.all()
                if each.osd_id not in self._jobs and self._not_before.get(each.osd_id, 0.0) <= now
            ]

    @property
    def now(self) -> float:
        """Return the time of the round."""
        return self._now

    def unwiped(self, osd_id: int) -> str:
        """Return the disks of an OSD that its host does not see or cannot read, or nothing."""
        return self._unwiped.get(osd_id, "")

    def is_busy(self, osd_id: int) -> bool:
        """Tell whether a job is at an OSD."""
        return osd_id in self._jobs

    def has_ended(self, osd_id: int) -> bool:
        """Tell whether the last job of an OSD has ended under the eyes of this manager."""
        return osd_id in self._ended and osd_id not in self._jobs

    def was_started(self, osd_id: int) -> bool:
        """Tell whether a host has said that an OSD runs, and was told nothing else since."""
        return osd_id in self._started and osd_id not in self._jobs

    def forget_start(self, osd_id: int) -> None:
        """Have an OSD's host asked once more whether it runs."""
        self._started.discard(osd_id)

    def forget_backoff(self, osd_id: int) -> None:
        """Let an OSD be tried again at once."""
        self._not_before.pop(osd_id, None)

    def still_deleting(self) -> Dict[int, int]:
        """Return how much OSDs hold that were not stopped for that, until they are asked again."""
        return self._holding.still_deleting(self._now)

    def finish(self, removal: Removal, how: str) -> None:
        """End a removal."""
        with self._core.lock:
            self._core.removals.remove(removal.osd_id)
            waits = self._core.owners.destroyed(removal.osd_id) is not None
            if removal.replace and removal.stage is Stage.CLEANING and waits:
                self._core.events.note(
                    removal.service or NO_SERVICE,
                    f"osd.{removal.osd_id} is destroyed and waits for its new disk: `ceph orch "
                    f"daemon add osd {removal.host}:DEVICE`",
                )
        self._not_before.pop(removal.osd_id, None)
        self._starts.pop(removal.osd_id, None)
        self._holding.forget(removal.osd_id)
        self._unwiped.pop(removal.osd_id, None)
        self._ended.discard(removal.osd_id)
        self._lost.discard(removal.osd_id)
        self._started.discard(removal.osd_id)
        self._core.look_at_maps()
        log.info("osd.%s: %s", removal.osd_id, how)

    def submit(
        self,
        removals: Sequence[Removal],
        step: str,
        osd_map: OsdMap,
        before: Optional[Ask] = None,
    ) -> None:
        """Run the playbook for these OSDs, on all their hosts at once.

        ``before`` is asked whether it may still begin, if it has to wait for its turn.
        """
        if step == START:
            removals = [removal for removal in removals if self._may_start(removal.osd_id)]
        if not removals:
            return
        core = self._core
        secrets: Dict[str, str] = {}
        if step != STOP:
            # The host asks the monitors itself, right before it does it.
            secrets["bootstrap-osd.keyring"] = core.maps.bootstrap_keyring()
        before_it = Before(step, {removal.osd_id: removal for removal in removals})
        try:
            if step == STOP:
                removals = [self._about_to_stop(removal, osd_map) for removal in removals]
            if step == REMOVE:
                removals = [self._about_to_clean(removal) for removal in removals]
            job = self._ask(removals, step, secrets, before)
        except Exception:
            # Some may be asked for all the same.
            rest = [each for each in removals if not is_told_of(core, each.osd_id)]
            self._queue.each(rest, lambda removal: self._take_back(removal.osd_id, before_it))
            raise
        self._follow(job, list(removals), before_it)

    def _ask(
        self, removals: Sequence[Removal], step: str, secrets: Dict[str, str], before: Optional[Ask]
    ) -> Completion:
        core = self._core
        osds: Dict[str, List[Mapping[str, Any]]] = {}
        for removal in removals:
            osds.setdefault(removal.host, []).append(row_for(removal, step))
        names = ", ".join(f"osd.{removal.osd_id}" for removal in removals)
        parameters: Dict[str, Any] = {"osds": osds, "cluster": core.cluster, "step": step}
        if step != REMOVE:
            # The disks are read when they are cleaned; reading them twice takes a second longer.
            parameters["report"] = ["daemons"]
        with core.lock:
            hosts = [core.hosts.get(host) for host in osds]
            return core.submit(
                "remove_osds",
                hosts,
                parameters=parameters,
                secrets=secrets,
                summary=f"{_WORDS[step]} {names}",
                before=unless_paused(core, still_asked(core, removals, step, before)),
            )

    def _may_start(self, osd_id: int) -> bool:
        """Tell whether an OSD may be started again now; the pauses grow."""
        backoff, now = self._starts.setdefault(osd_id, Backoff()), time.monotonic()
        if now < backoff.until:
            return False
        backoff.longer(now, RETRY_LAST)
        return True

    def _about_to_stop(self, removal: Removal, osd_map: OsdMap) -> Removal:
        """Write down what is asked, before it is: whoever comes next may find the OSD stopped."""
        osd = osd_map.osds.get(removal.osd_id)
        up_from = osd.up_from if osd is not None else 0
        return self._queue.save(
            removal,
            asked_stop=True,
            stopped=False,
            empty=False,
            up_from=up_from,
            reason="its host asks it what it holds, and stops it if that is nothing",
        )

    def _about_to_clean(self, removal: Removal) -> Removal:
        # What a host said stays until it says something else; what was waited for is over.
        reason = removal.reason if removal.tries else ""
        return self._queue.save(removal, asked_wipe=removal.zap, reason=reason)

    def _take_back(self, osd_id: int, before: Before, **changes: Any) -> None:
        """Have the record of an OSD say that a job which was told nothing was not asked for."""
        with self._core.lock:
            current = self._core.removals.get(osd_id)
        if current is not None:
            self._queue.save(current, **before.of(osd_id), **changes)

    def _not_begun(self, removal: Removal, before: Before, job: Completion) -> None:
        """Ask for the same again after a while; at once where it was given up for another OSD."""
        reason = f"{job.message} (job {job.job_id})"
        if before.step == START:
            self._starts.pop(removal.osd_id, None)
        if job.record.is_overtaken:
            reason = ""
        else:
            self._not_before[removal.osd_id] = self._now + RETRY_FIRST
        self._take_back(removal.osd_id, before, reason=reason)

    def _follow(self, job: Completion, removals: List[Removal], before: Before) -> None:
        with self._core.lock:
            ended = frozenset(each.osd_id for each in removals if each.osd_id in self._ended)
            before = replace(before, ended=ended)
            for removal in removals:
                self._jobs[removal.osd_id] = job.job_id
                self._ended.discard(removal.osd_id)
                self._started.discard(removal.osd_id)
        job.on_change(lambda job: self._absorb(job, removals, before))

    def _absorb(self, job: Completion, removals: Sequence[Removal], before: Before) -> None:
        """Move on what a job has done; try the rest again, later each time."""
        if not job.status.final:
            return
        for removal in removals:
            with self._core.lock:
                if self._jobs.get(removal.osd_id) != job.job_id:
                    continue
                current = self._core.removals.get(removal.osd_id)
            try:
                if current is not None and job.record.never_began:
                    self._not_begun(current, before, job)
                elif current is not None:
                    self._take(current, job.outcomes.get(removal.host), before.step, job)
            except NotKept as error:
                # The same is asked for again, and its host says that it is done.
                self._not_before[removal.osd_id] = time.monotonic() + RETRY_FIRST
                self._core.unkept.note(error)
            finally:
                # Only now: as long as its answer is not kept, nobody acts on what was before it.
                said = job.outcomes.get(removal.host)
                with self._core.lock:
                    self._jobs.pop(removal.osd_id, None)
                    if not job.record.never_began:
                        self._note_end(removal.osd_id, said, before.step)
                    elif removal.osd_id in before.ended:
                        self._ended.add(removal.osd_id)
        self._news()

    def _note_end(self, osd_id: int, said: Optional[HostOutcome], step: str) -> None:
        """Note whether anything may still be done to an OSD by its last job, or the one before."""
        # What a host that was cut off still does, nobody knows.
        done = said is not None and (said.status.good or is_done(said))
        if step == STOP and not done:
            self._lost.add(osd_id)
        elif step == STOP:
            self._lost.discard(osd_id)
        if done and osd_id not in self._lost:
            self._ended.add(osd_id)

    def _take(
        self, removal: Removal, said: Optional[HostOutcome], step: str, job: Completion
    ) -> None:
        outcome = said or HostOutcome(HostStatus.NO_RESULT, job.message)
        row = row_of(removal.osd_id, outcome.result)
        failed = outcome.status is HostStatus.FAILED or (row or {}).get("state") == "failed"
        if failed and is_done(outcome):
            # ceph-volume works on for a job that has failed, until the host says otherwise.
            removal = self._queue.save(removal, asked_wipe=False)
        if row is not None:
            # What a host says of this OSD counts, whatever was wrong with another one.
            self._take_row(removal, row, step, job)
            return
        reason = outcome.message or job.message or "its host did not say what became of it"
        self._try_again(removal, f"{reason} (job {job.job_id})", outcome.status)

    def _try_again(
        self, removal: Removal, reason: str, status: HostStatus = HostStatus.FAILED
    ) -> None:
        unreached = status is HostStatus.UNREACHABLE
        longer = pause_after(removal.tries, last=RETRY_LAST)
        pause = RETRY_FIRST if unreached else longer
        self._not_before[removal.osd_id] = time.monotonic() + pause
        self._queue.save(removal, reason=reason, tries=removal.tries + 1)

    def _take_row(
        self, removal: Removal, row: Mapping[str, Any], step: str, job: Completion
    ) -> None:
        """Take over what a host says of one OSD."""
        state = str(row.get("state"))
        if state == "failed":
            reason = abridged(str(row.get("problem") or "its host does not say why"), 500)
            self._try_again(removal, f"{reason.rstrip('.')} (job {job.job_id})")
        elif step == REMOVE and removal.stage is Stage.CLEANING:
            self._take_cleaned(removal, row)
        elif step == STOP and state == _LATER:
            self._queue.save(removal, reason="its host stops others first")
        elif step == STOP and removal.stage is Stage.STOPPING:
            self._take_stopped(removal, row, state)
        elif step == STOP and state not in (*_KEPT, "absent"):
            # Whatever the map still shows, and whatever was asked for meanwhile.
            self._queue.save(removal, stopped=True)
        elif step == START and state == "absent":
            give_up = f"`ceph orch osd rm stop {removal.osd_id}` leaves it as it is"
            self._try_again(removal, f"host {removal.host} has nothing of it to start; {give_up}")
        elif step == START:
            self._started.add(removal.osd_id)
            reason = "started again; waiting for the map to show it up"
            self._queue.save(removal, reason=reason, **self._runs(removal))

    def _runs(self, removal: Removal) -> Dict[str, Any]:
        """Return what changes for an OSD of which its host says that it runs and was not stopped.

        What stops it later is somebody else's, unless a job of before may still do so.
        """
        early = time.monotonic() - self._began < OTHERS_JOBS_END
        if removal.stage is Stage.KEEPING or removal.osd_id in self._lost or early:
            return {"stopped": False}
        return {"stopped": False, "asked_stop": False}

    def _take_stopped(self, removal: Removal, row: Mapping[str, Any], state: str) -> None:
        if state in _KEPT:
            held = self._holding.note(removal.osd_id, row.get("held"), self._now)
            reason = _KEPT[state].format(osd_id=removal.osd_id, held=held)
            changes = self._runs(removal)
            self._queue.save(removal, stage=Stage.DRAINING, reason=reason, **changes)
        elif state == "absent":
            self._try_again(
                removal, f"host {removal.host} has no osd.{removal.osd_id}, and the map has it up"
            )
        else:
            empty = state == "stopped" and row.get("held") == 0
            self._queue.save(removal, stopped=True, empty=empty, reason="", tries=0)

    def _take_cleaned(self, removal: Removal, row: Mapping[str, Any]) -> None:
        removal = self._queue.save(removal, asked_wipe=False)
        unseen, unread = names_in(row.get("unseen")), names_in(row.get("unread"))
        names = ", ".join([*unread, *unseen])
        give_up = f"`ceph orch osd rm stop {removal.osd_id}` gives that up"
        if names:
            self._unwiped[removal.osd_id] = names
        if unread:
            self._try_again(
                removal,
                f"{names} on host {removal.host} cannot be read, so it is not wiped; {give_up}",
            )
        elif unseen:
            self._try_again(
                removal,
                f"waiting for {names} to be seen on host {removal.host}: only then it can be "
                f"wiped; {give_up}",
            )
        elif row.get("state") in _KEPT:
            self._try_again(removal, f"its daemon still runs on host {removal.host}")
        else:
            self._tell_of_left(
                removal,
                names_in(row.get("left")),
                "something else is on it, and nothing of this OSD any more",
            )
            self._tell_of_left(
                removal,
                names_in(row.get("copies")),
                "it has a copy of this OSD, which was never on it (`ceph orch device zap`)",
            )
            # The map is asked once more whether it has it again.
            self._queue.save(removal, cleaned=True, reason="")

    def _tell_of_left(self, removal: Removal, names: Sequence[str], why: str) -> None:
        """Say which disks nobody has wiped, and why."""
        if names:
            with self._core.lock:
                self._core.events.fail(
                    removal.service or NO_SERVICE,
                    f"osd.{removal.osd_id} left {', '.join(names)} on host {removal.host} as it "
                    f"is: {why}",
                )
