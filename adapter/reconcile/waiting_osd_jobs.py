"""Jobs for OSDs that wait for their hosts: whether they may begin, and what is undone if not.

What a job is told is written down before it is asked for: whoever comes next must not take a disk
that may be wiped for one that is left alone. A job that ends without having begun was told nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, FrozenSet, Mapping, Optional, Sequence, Set, Tuple

from adapter.cluster.osd_removals import Removal, Stage
from adapter.core import Core
from adapter.engine.gate import Ask, together
from adapter.engine.model import JobStatus, Request
from adapter.errors import NotReady
from adapter.state_lock import under_lock

STOP, START, REMOVE = "stop", "start", "remove"
_CREATE, _REMOVE = "create_osds", "remove_osds"
# In which stage a step is taken, and what is written down when it is asked for.
_STAGES: Mapping[str, Tuple[Stage, ...]] = {
    STOP: (Stage.STOPPING,),
    START: (Stage.KEEPING, Stage.DRAINING),
    REMOVE: (Stage.CLEANING,),
}
_WRITTEN: Mapping[str, Tuple[str, ...]] = {
    STOP: ("asked_stop", "stopped", "empty", "up_from"),
    START: (),
    REMOVE: ("asked_wipe",),
}


@dataclass(frozen=True)
class Before:
    """What was known of OSDs before a job was asked for: ``ended`` are those with no other job.

    ``removals`` are their records by id; none where a manager before has asked for it.
    """

    step: str
    removals: Mapping[int, Removal] = field(default_factory=dict)
    ended: FrozenSet[int] = frozenset()

    def of(self, osd_id: int) -> Dict[str, Any]:
        """Return what a record has again where the job was told nothing."""
        before = self.removals.get(osd_id)
        names = _WRITTEN[self.step] if before is not None else ()
        return {name: getattr(before, name) for name in names}


def still_asked(
    core: Core, removals: Sequence[Removal], step: str, before: Optional[Ask] = None
) -> Ask:
    """Return the question whether a step of these removals is still to be taken.

    ``before`` is asked besides.
    """

    def ask(job: str) -> None:
        del job
        with core.lock:
            for removal in removals:
                _check_asked(core, removal, step)

    return together(ask, before)


@under_lock
def _check_asked(core: Core, removal: Removal, step: str) -> None:
    name, now = f"osd.{removal.osd_id}", core.removals.get(removal.osd_id)
    if now is None or now.stage not in _STAGES[step] or now.host != removal.host:
        raise NotReady(
            f"The removal of {name} has moved on, or was stopped, since this job was submitted.",
            "`ceph orch osd rm status` shows it; what is still needed is submitted again.",
        )
    if removal.host not in core.hosts:
        raise NotReady(
            f"Host {removal.host} of {name} is not managed any more.",
            "`ceph orch host add` lets its removal go on.",
        )


@under_lock
def give_up_waiting(core: Core, why: str, *, osd_ids: Collection[int] = (), host: str = "") -> None:
    """End the jobs that have not begun for the removal of these OSDs, or for OSDs of a host.

    What they were to do for others is asked for again.
    """
    for record in core.engine.jobs():
        request = record.request
        if record.status is not JobStatus.QUEUED or request.operation not in (_CREATE, _REMOVE):
            continue
        if host in request.hosts or not ids_of(request).isdisjoint(osd_ids):
            core.overtaken.drop(record.id, why)


def is_told_of(core: Core, osd_id: int) -> bool:
    """Tell whether a job for the removal of an OSD has begun or may begin."""
    jobs = [record for record in core.engine.jobs() if not record.status.final]
    return any(osd_id in ids_of(record.request) for record in jobs)


def ids_of(request: Request) -> Set[int]:
    """Return the OSDs for whose removal a job was asked for."""
    if request.operation != _REMOVE:
        return set()
    rows = (request.variables.get("osd_remove_osds") or {}).values()
    return {int(row["osd_id"]) for each in rows for row in each}
