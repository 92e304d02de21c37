"""Jobs that make OSDs and wait for their hosts: whether what they make is still wanted."""

from __future__ import annotations

from typing import Collection, Dict, FrozenSet, Optional, Sequence, Tuple

from adapter.cluster.osd_intents import Intent
from adapter.cluster.osd_plan import Group
from adapter.core import Core
from adapter.engine.gate import Ask, together
from adapter.engine.model import JobStatus
from adapter.errors import NotReady
from adapter.reconcile.unwanted_osds import UnwantedOsds, taken_ids
from adapter.state_lock import under_lock


class AskedOsds:
    """What one job was asked for. What was begun before is completed, wanted or not."""

    def __init__(self, core: Core, unwanted: UnwantedOsds, intents: Sequence[Intent]) -> None:
        self._core, self._unwanted, self._intents = core, unwanted, intents
        with core.lock:
            # By host, and by place among the groups of it.
            self._completed: FrozenSet[Tuple[str, int]] = frozenset(
                (intent.host, number)
                for intent in intents
                for number, group in enumerate(intent.groups)
                if intent.may_be_begun(group) and unwanted.why_not(intent, group)
            )

    @under_lock
    def why_not(self) -> str:
        """Return why the job is not to begin as it was asked for, or nothing."""
        for intent in self._intents:
            if intent.host not in self._core.hosts:
                return f"host {intent.host} is not managed any more"
            for number, group in enumerate(intent.groups):
                if (intent.host, number) in self._completed:
                    continue
                why = self._why_not(intent.host, group)
                if why:
                    disks = ", ".join(disk.path for disk in group.data)
                    return f"no OSD is to be made on {disks} of host {intent.host}: {why}"
        return ""

    def check_ids(self, job: str = "") -> None:
        """Ask the monitors whether ids of destroyed OSDs may be taken now.

        Raises ``OrchestratorError``. Others may have taken one since, and placement groups may have
        come to wait for what is on the disk of a destroyed OSD.
        """
        del job
        if not any(takes_ids(intent) for intent in self._intents):
            return
        osd_map = self._core.maps.osd_map()
        if osd_map.missing:
            raise NotReady(f"{osd_map.waits_for_destroyed}.", "It is made when they do.")
        for intent in self._intents:
            for group in intent.groups:
                why = "" if intent.may_be_begun(group) else taken_ids(group, osd_map)
                if why:
                    raise NotReady(f"{why[0].upper()}{why[1:]}.")

    @under_lock
    def _why_not(self, host: str, group: Group) -> str:
        now = self._core.intents.find(host)
        if now is None or group not in now.groups:
            return "it was dropped"
        return self._unwanted.why_not(now, group)

    def question(self, before: Optional[Ask]) -> Ask:
        """Return the question whether all of it is wanted; ``before`` is asked besides."""

        def ask(job: str) -> None:
            del job
            with self._core.lock:
                why = self.why_not()
            if why:
                raise NotReady(f"{why[0].upper()}{why[1:]}.", "The others are made by another job.")

        return together(ask, before)


class WaitingOsds:
    """Give up the jobs that have not begun and that nobody wants any more as they are."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._asked: Dict[str, AskedOsds] = {}

    @under_lock
    def note(self, job_id: str, asked: AskedOsds) -> None:
        """Keep what a job is for."""
        self._asked[job_id] = asked

    @under_lock
    def drop(self, under_way: Collection[str]) -> None:
        """Look at the jobs that are ``under_way``, and end those; what is wanted comes again."""
        self._asked = {job: each for job, each in self._asked.items() if job in under_way}
        for job_id, asked in list(self._asked.items()):
            if self._core.engine.completion(job_id).status is not JobStatus.QUEUED:
                continue
            why = asked.why_not()
            if why:
                self._core.overtaken.drop(job_id, why)


def takes_ids(intent: Intent) -> bool:
    """Tell whether ids of destroyed OSDs are taken again."""
    return any(group.osd_ids for group in intent.groups)
