"""The jobs that stop, start and clean the OSDs that leave, and what comes of them."""

from __future__ import annotations

import logging
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

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
from adapter.reconcile.pauses import unless_paused

log = logging.getLogger(__name__)

STOP, START, REMOVE = "stop", "start", "remove"
# How long after a failed job an OSD is tried again, at most (seconds).
RETRY_LAST = 300.0
HOLDS_LAST = 60.0
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
        # OSDs that their hosts did not stop because they held something: how much, and the backoff
        # until they are asked again.
        self._holding: Dict[int, Tuple[int, Backoff]] = {}
        self._now = 0.0
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
            request = record.request
            if record.status.final or request.operation != "remove_osds":
                continue
            step = str(request.variables.get("osd_remove_step"))
            rows = (request.variables.get("osd_remove_osds") or {}).values()
            ids = [int(row["osd_id"]) for each in rows for row in each]
            removals = [self._core.removals.get(osd_id) for osd_id in ids]
            known = [removal for removal in removals if removal is not None]
            self._follow(self._core.engine.completion(record.id), known, step)

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
        """Return how much OSDs hold that their hosts did not stop for that, until they are asked.

        Their statistics count as well, which may come earlier than the next question.
        """
        if not self._holding:
            return {}
        stored = self._core.maps.stored()
        return {
            osd_id: stored.get(osd_id) or held
            for osd_id, (held, backoff) in self._holding.items()
            if stored.get(osd_id) or self._now < backoff.until
        }

    def _holds(self, osd_id: int, held: Any) -> int:
        """Keep that an OSD holds something; the pauses until it is asked again grow."""
        number = held if isinstance(held, int) else 0
        backoff = self._holding.get(osd_id, (0, Backoff()))[1]
        backoff.longer(self._now, HOLDS_LAST)
        self._holding[osd_id] = (number, backoff)
        return number

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
        self._holding.pop(removal.osd_id, None)
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
        if step == REMOVE:
            secrets["bootstrap-osd.keyring"] = core.maps.bootstrap_keyring()
        if step == STOP:
            removals = [self._about_to_stop(removal, osd_map) for removal in removals]
        if step == REMOVE:
            removals = [self._about_to_clean(removal) for removal in removals]
        osds: Dict[str, List[Mapping[str, Any]]] = {}
        for removal in removals:
            osds.setdefault(removal.host, []).append(_row(removal, step))
        names = ", ".join(f"osd.{removal.osd_id}" for removal in removals)
        parameters: Dict[str, Any] = {"osds": osds, "cluster": core.cluster, "step": step}
        if step != REMOVE:
            # The disks are read when they are cleaned; reading them twice takes a second longer.
            parameters["report"] = ["daemons"]
        with core.lock:
            hosts = [core.hosts.get(host) for host in osds]
            job = core.submit(
                "remove_osds",
                hosts,
                parameters=parameters,
                secrets=secrets,
                summary=f"{_WORDS[step]} {names}",
                before=unless_paused(core, before),
            )
        self._follow(job, list(removals), step)

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

    def _follow(self, job: Completion, removals: List[Removal], step: str) -> None:
        with self._core.lock:
            for removal in removals:
                self._jobs[removal.osd_id] = job.job_id
                self._ended.discard(removal.osd_id)
                self._started.discard(removal.osd_id)
        job.on_change(lambda job: self._absorb(job, removals, step))

    def _absorb(self, job: Completion, removals: Sequence[Removal], step: str) -> None:
        """Move on what a job has done; try the rest again, later each time."""
        if not job.status.final:
            return
        for removal in removals:
            with self._core.lock:
                if self._jobs.get(removal.osd_id) != job.job_id:
                    continue
                current = self._core.removals.get(removal.osd_id)
            try:
                if current is not None:
                    self._take(current, job.outcomes.get(removal.host), step, job)
            except NotKept as error:
                # The same is asked for again, and its host says that it is done.
                self._not_before[removal.osd_id] = time.monotonic() + RETRY_FIRST
                self._core.unkept.note(error)
            finally:
                # Only now: as long as its answer is not kept, nobody acts on what was before it.
                said = job.outcomes.get(removal.host)
                with self._core.lock:
                    self._jobs.pop(removal.osd_id, None)
                    self._note_end(removal.osd_id, said, step)
        self._news()

    def _note_end(self, osd_id: int, said: Optional[HostOutcome], step: str) -> None:
        """Note whether anything may still be done to an OSD by its last job, or the one before."""
        # What a host that was cut off still does, nobody knows.
        done = said is not None and (said.status.good or _is_done(said))
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
        row = _row_of(removal.osd_id, outcome.result)
        failed = outcome.status is HostStatus.FAILED or (row or {}).get("state") == "failed"
        if failed and _is_done(outcome):
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
        elif step == STOP and removal.stage is Stage.KEEPING and state not in (*_KEPT, "absent"):
            # Whatever the map still shows.
            self._queue.save(removal, stopped=True)
        elif step == START and state == "absent":
            self._try_again(removal, f"there is nothing of it to be started on {removal.host}")
        elif step == START:
            self._started.add(removal.osd_id)
            self._queue.save(removal, reason="started again; waiting for the map to show it up")

    def _take_stopped(self, removal: Removal, row: Mapping[str, Any], state: str) -> None:
        if state in _KEPT:
            held = self._holds(removal.osd_id, row.get("held"))
            reason = _KEPT[state].format(osd_id=removal.osd_id, held=held)
            self._queue.save(removal, stage=Stage.DRAINING, reason=reason)
        elif state == "absent":
            self._try_again(
                removal, f"host {removal.host} has no osd.{removal.osd_id}, and the map has it up"
            )
        else:
            empty = state == "stopped" and row.get("held") == 0
            self._queue.save(removal, stopped=True, empty=empty, reason="", tries=0)

    def _take_cleaned(self, removal: Removal, row: Mapping[str, Any]) -> None:
        removal = self._queue.save(removal, asked_wipe=False)
        unseen, unread = _names(row.get("unseen")), _names(row.get("unread"))
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
                _names(row.get("left")),
                "something else is on it, and nothing of this OSD any more",
            )
            self._tell_of_left(
                removal,
                _names(row.get("copies")),
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


def _row(removal: Removal, step: str) -> Dict[str, Any]:
    """Return an OSD as the playbook wants it."""
    row: Dict[str, Any] = {
        "osd_id": removal.osd_id,
        "osd_uuid": removal.label or removal.uuid,
        "zap": step == REMOVE and removal.zap,
        "destroy_lvs": not removal.no_destroy,
        # One that is out of the map holds nothing that the cluster knows of.
        "force": removal.force or step == REMOVE,
        "gone": step == REMOVE,
    }
    if row["zap"]:
        row["disks"] = [{"path": path, "device_id": name} for path, name in removal.places]
    return row


def _is_done(outcome: HostOutcome) -> bool:
    """Tell whether a host said that nothing works on its disks any more."""
    return outcome.result.get("at_work") is False


def _names(given: Any) -> List[str]:
    """Return what a host named. Hosts are not trusted."""
    return [str(each)[:150] for each in (given if isinstance(given, list) else ())][:8]


def _row_of(osd_id: int, result: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """Return what a host published of an OSD. Hosts are not trusted."""
    rows = result.get("removed")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("osd_id") == osd_id:
            return row
    return None
