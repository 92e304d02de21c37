"""Keep OSDs whose removal was stopped: give them back what draining took, and start them."""

from __future__ import annotations

import logging
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from adapter.cluster.osd_map import Osd, OsdMap, listed
from adapter.cluster.osd_owners import NO_SERVICE
from adapter.cluster.osd_removals import Removal, Stage
from adapter.core import Core
from adapter.errors import AdapterError
from adapter.interface import OrchestratorError
from adapter.reconcile.osd_removal_jobs import RemovalJobs
from adapter.reconcile.osd_removal_queue import RemovalQueue
from adapter.reconcile.osd_removal_records import moved_to
from adapter.reconcile.parts import OTHERS_JOBS_END
from adapter.reconcile.waiting_osd_jobs import START

log = logging.getLogger(__name__)


class OsdRestorer:
    """Take OSDs out of the queue. ``finish`` ends a removal and takes a sentence for the log."""

    def __init__(
        self,
        core: Core,
        queue: RemovalQueue,
        jobs: RemovalJobs,
        finish: Callable[[Removal, str], None],
    ) -> None:
        self._core = core
        self._queue = queue
        self._jobs = jobs
        self._end = finish
        self._kept_since: Dict[int, float] = {}
        # OSDs of which it was seen that nobody stops them any more.
        self._settled: Set[int] = set()

    def check(self, removal: Removal, osd_map: OsdMap) -> None:
        """Raise ``AdapterError`` for an OSD whose removal cannot be stopped any more."""
        if removal.stage is Stage.CLEANING and removal.cleaned:
            done = "its disks are wiped" if removal.zap else "its unit is removed"
            raise AdapterError(
                f"osd.{removal.osd_id} cannot be kept: it is out of the map and {done} already.",
                "Its removal ends in a moment.",
            )
        back = has_returned(removal, osd_map)
        where = "in the map again" if back else "out of the map"
        is_out = removal.stage is Stage.CLEANING or _in_map(removal, osd_map) is None
        if is_out and self._jobs.is_busy(removal.osd_id):
            raise AdapterError(
                f"osd.{removal.osd_id} cannot be kept now: it is {where}, and host {removal.host} "
                f"is being cleaned ({removal.drain_status}).",
                "Try again when the job has ended: `ceph orch osd rm status` shows it."
                if back
                else "Its removal goes on.",
            )
        if is_out and removal.asked_wipe:
            raise AdapterError(
                f"Host {removal.host} was told to wipe the disks of osd.{removal.osd_id} and has "
                "not said that it is done with them: it may still wipe them, so the removal cannot "
                "be stopped now.",
                "Try again when the host has said so: `ceph orch osd rm status` shows its words.",
            )

    def keep_each(self, removals: Sequence[Removal], osd_map: OsdMap) -> List[str]:
        """Take OSDs out of the queue, as ``keep`` does one.

        What goes wrong with one does not hide what was done for those before it.
        """
        kept: List[int] = []
        notes: List[str] = []
        for removal in removals:
            try:
                notes.append(self.keep(removal, osd_map))
            except OrchestratorError as error:
                if not kept:
                    raise
                raise AdapterError(
                    f"osd.{removal.osd_id} is not kept: {str(error).rstrip('.')}. "
                    f"{listed(kept)} {'is' if len(kept) == 1 else 'are'} kept.",
                    "Ask again for the rest: `ceph orch osd rm status` shows it.",
                ) from error
            kept.append(removal.osd_id)
        return notes

    def keep(self, removal: Removal, osd_map: OsdMap) -> str:
        """Take an OSD out of the queue, which is started again first where that may be needed.

        Returns what is to be said besides; raises ``OrchestratorError``. The caller holds the
        remover's ``acting`` and has asked ``check``.
        """
        osd, name = _in_map(removal, osd_map), f"osd.{removal.osd_id}"
        back = has_returned(removal, osd_map)
        if osd is None or (removal.stage is Stage.CLEANING and not back):
            self._finish(removal, "it is left as it is")
            if successor(removal, osd_map):
                disks = ", ".join(removal.disks) or "not known"
                return (
                    f"the old disk of {name} ({disks}) is left as it is: it was not wiped; the "
                    f"{name} that the map has now is another one, which goes on"
                )
            return f"{name} is out of the map already; its disks are left as they are"
        if removal.stage is Stage.KEEPING:
            self._finish(removal, "it is left as it is")
            return f"{name} is left as it is; `ceph osd tree` shows whether it is up"
        problem, host = self.restore(removal, osd), self._moved_to(removal, osd)
        if not problem and osd.up and (host or not removal.asked_stop):
            self._finish(removal, f"it stays, on host {host}" if host else "it stays")
            return f"{name} is on host {host} now, and stays" if host else ""
        reason = problem or "it is started again if it does not run"
        self._jobs.forget_backoff(removal.osd_id)
        self._forget(removal.osd_id)
        log.info("osd.%s: %s", removal.osd_id, Stage.KEEPING.value)
        # In one write: what is given back is not asked for again, nor forgotten while it drains.
        given = _given_back(problem)
        self._queue.save(removal, stage=Stage.KEEPING, reason=reason, tries=0, **given)
        start = self._describe_start(removal, osd) if not host else _start_there(removal, host)
        return "; ".join(filter(None, (problem, start)))

    def _give_back(self, removal: Removal, osd: Osd) -> Tuple[Removal, str]:
        """Give an OSD back what draining took, once; return why not all of it could be given.

        What is taken away later is somebody else's: the monitors mark out what does not come up.
        """
        problem = self.restore(removal, osd)
        return self._queue.save(removal, **_given_back(problem)), problem

    def _describe_start(self, removal: Removal, osd: Osd) -> str:
        """Return what is said of an OSD that may have to be started."""
        osd_id = removal.osd_id
        if not removal.asked_stop and osd.up:
            return ""
        if is_down(removal, osd) and not self._queue.reachable(removal):
            return (
                f"osd.{osd_id} is started when host {removal.host} answers; another `ceph orch osd "
                f"rm stop {osd_id}` leaves it as it is"
            )
        return ". ".join(filter(None, (f"osd.{osd_id} is started again", self._core.paused_note())))

    def keep_all(self, removals: Sequence[Removal], osd_map: OsdMap) -> None:
        """Bring those back that were stopped before somebody wanted to keep them."""
        ready: List[Removal] = []
        self._queue.each(removals, lambda removal: self._keep_one(removal, osd_map, ready))
        self._jobs.submit(ready, START, osd_map)

    def _keep_one(self, removal: Removal, osd_map: OsdMap, ready: List[Removal]) -> None:
        osd = _in_map(removal, osd_map)
        if osd is None:
            if osd_map.epoch > removal.epoch:
                self._finish(removal, "somebody else took it out of the map")
            return
        removal, problem = self._give_back(removal, osd)
        down = is_down(removal, osd)
        if not down and problem:
            self._wait(removal, problem)
        elif self._is_elsewhere(removal, osd):
            return
        elif not down and not self._is_settled(removal):
            self._queue.save(removal, reason="it is up; a job that was to stop it may still run")
        elif not down and self._is_known_to_run(removal):
            self._finish(removal, "it stays")
        elif self._queue.reachable(removal):
            # The map may also still show one that was stopped: its host has it run.
            ready.append(removal)
        elif not self._is_unmanaged(removal):
            shown = "" if down else "the map shows it up; "
            self._wait(removal, f"{shown}waiting for host {removal.host} to start it again")
        elif down:
            self._leave_down(removal)
        else:
            self._finish(removal, f"the map shows it up, and host {removal.host} is not managed")

    def _moved_to(self, removal: Removal, osd: Osd) -> str:
        with self._core.lock:
            return moved_to(self._core, removal, osd)

    def _is_elsewhere(self, removal: Removal, osd: Osd) -> bool:
        """Leave an OSD to the host that it was moved to: where it was it is never started again."""
        host = self._moved_to(removal, osd)
        if not host:
            return False
        with self._core.lock:
            awaited = removal.host in self._core.hosts and not self._core.reports.get(removal.host)
        if awaited:
            self._wait(removal, f"the map has it on host {host}; waiting for host {removal.host}")
        elif osd.up:
            self._finish(removal, f"it stays, on host {host}")
        else:
            self._wait(removal, _start_there(removal, host))
        return True

    def _wait(self, removal: Removal, why: str) -> None:
        give_up = f"another `ceph orch osd rm stop {removal.osd_id}` leaves it as it is"
        self._queue.save(removal, reason=f"{why}; {give_up}")

    def _leave_down(self, removal: Removal) -> None:
        """End it for an OSD that nobody can start."""
        why = f"host {removal.host} is not managed"
        with self._core.lock:
            self._core.events.fail(
                removal.service or NO_SERVICE,
                f"osd.{removal.osd_id} is not started again: {why}",
            )
        self._finish(removal, why)

    def _is_known_to_run(self, removal: Removal) -> bool:
        """Tell whether nothing was told to stop an OSD, or its host has said since that it runs."""
        return not removal.asked_stop or self._jobs.was_started(removal.osd_id)

    def _is_unmanaged(self, removal: Removal) -> bool:
        """Tell whether the host is no longer managed; one whose record is unreadable may be."""
        hosts = self._core.hosts
        with self._core.lock:
            return removal.host not in hosts and removal.host not in hosts.problems

    def _is_settled(self, removal: Removal) -> bool:
        """Tell whether no job can stop the OSD any more, also none of another manager's host."""
        osd_id, now = removal.osd_id, self._jobs.now
        if not removal.asked_stop or osd_id in self._settled:
            return True
        since = self._kept_since.setdefault(osd_id, now)
        if self._jobs.has_ended(osd_id):
            return True
        if now - since < OTHERS_JOBS_END:
            return False
        # What its host has started before may have been stopped since.
        self._jobs.forget_start(osd_id)
        self._settled.add(osd_id)
        return True

    def _forget(self, osd_id: int) -> None:
        self._kept_since.pop(osd_id, None)
        self._settled.discard(osd_id)

    def _finish(self, removal: Removal, how: str) -> None:
        self._forget(removal.osd_id)
        self._end(removal, how)

    def restore(self, removal: Removal, osd: Osd) -> str:
        """Give an OSD back what draining took; raises ``OrchestratorError``.

        Returns why it cannot have its weight, or nothing.
        """
        if removal.was_in and osd.reweight == 0:
            self._core.maps.mark_in(removal.osd_id)
        if removal.weights and osd.places:
            return self._restore_in_places(removal, osd)
        if not removal.crush_weight or osd.crush_weight:
            return ""
        if osd.places:
            self._core.maps.set_crush_weight(removal.osd_id, removal.crush_weight)
            return ""
        weight = f"{removal.crush_weight:.5g}"
        return (
            f"osd.{removal.osd_id} is under no CRUSH bucket, so its weight {weight} cannot be "
            f"given back; it takes its place when it starts, or by `ceph osd crush set "
            f"osd.{removal.osd_id} {weight} root=ROOT host=HOST`"
        )

    def _restore_in_places(self, removal: Removal, osd: Osd) -> str:
        """Give an OSD the weight of each of its places in CRUSH back, where it has none now."""
        had, maps, name = dict(removal.weights), self._core.maps, f"osd.{removal.osd_id}"
        without = [each for each in osd.places if not each.weight]
        gone = [weight for bucket, weight in had.items() if bucket not in _buckets(osd)]
        new = [each for each in without if each.bucket not in had]
        if len(new) == 1 and len(gone) == 1:
            # Somebody has moved it while it drained.
            had[new[0].bucket] = gone[0]
            new = []
        for place in without:
            weight = had.get(place.bucket)
            if weight and len(osd.places) == 1:
                maps.set_crush_weight(removal.osd_id, weight)
            elif weight:
                maps.set_weight_in(removal.osd_id, place.kind, place.name, weight)
        if not new:
            return ""
        names = ", ".join(f"{each.kind} {each.name}" for each in new)
        return (
            f"{name} has weight 0 under {names}, where it did not stand when its removal was asked "
            f"for: `ceph osd crush set {name} WEIGHT {new[0].kind}={new[0].name}`"
        )


def has_returned(removal: Removal, osd_map: OsdMap) -> bool:
    """Tell whether somebody gave this very OSD back to the cluster after it had left."""
    osd = osd_map.osds.get(removal.osd_id)
    if not removal.left or osd is None or osd.destroyed or osd_map.epoch <= removal.left:
        return False
    return osd.uuid in (removal.uuid, removal.label)


def successor(removal: Removal, osd_map: OsdMap) -> bool:
    """Tell whether another OSD has the id now: it is up, with a uuid that is not the old one's."""
    osd = osd_map.osds.get(removal.osd_id)
    known: Any = ("", removal.uuid, removal.label)
    return osd is not None and osd.up and not osd.destroyed and osd.uuid not in known


def _given_back(problem: str) -> Dict[str, Any]:
    """Return what changes in the record of an OSD that has got back what draining took."""
    weights: Dict[str, Any] = {} if problem else {"crush_weight": 0.0, "weights": ()}
    return {"was_in": False, **weights}


def _start_there(removal: Removal, host: str) -> str:
    """Return where an OSD is to be started that is down and was moved."""
    name = f"osd.{removal.osd_id}"
    return (
        f"{name} was on host {removal.host} when its removal was asked for, and is on host {host} "
        f"now, where it is down: `ceph orch daemon start {name}`"
    )


def is_down(removal: Removal, osd: Osd) -> bool:
    """Tell whether an OSD does not run: the map says so, or its host has stopped it since."""
    return not osd.up or (removal.stopped and osd.up_from == removal.up_from)


def _buckets(osd: Osd) -> Set[int]:
    return {each.bucket for each in osd.places}


def _in_map(removal: Removal, osd_map: OsdMap) -> Optional[Osd]:
    """Return this very OSD as the map shows it, or None where it is out of the map or destroyed."""
    osd = osd_map.osds.get(removal.osd_id)
    if osd is None or removal.uuid not in ("", osd.uuid) or osd.destroyed:
        return None
    return osd
