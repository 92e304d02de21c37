"""The jobs that hold a host's units and let them go, and what came of them."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Dict, Mapping, Optional, Set, Tuple

from adapter.cluster.maintenances import Held, Maintenance, held_unit
from adapter.cluster.store import Unusable
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.model import HostOutcome, HostStatus, JobStatus
from adapter.errors import NotKept
from adapter.reconcile.maintenance_parts import DATA, SERVICES, HostParts

log = logging.getLogger(__name__)

RETRY = 10.0


class MaintenanceJobs:
    """Submit jobs, one at a time for a host, and take over how they ended.

    ``running`` are the jobs by host, ``not_before`` is when a host is looked at again (monotonic
    seconds). ``told`` are the hosts that were told all of a stage, ``cancelled`` those whose job
    somebody has cancelled. ``now`` is set by who takes the steps.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.running: Dict[str, str] = {}
        self.not_before: Dict[str, float] = {}
        self.now = 0.0
        self.told: Set[Tuple[str, str]] = set()
        self.cancelled: Set[str] = set()
        self.parts = HostParts(core.maps)

    def submit(
        self,
        one: Maintenance,
        operation: str,
        parameters: Mapping[str, Any],
        part: str,
        was_reached: bool,
        before: Optional[Ask] = None,
    ) -> None:
        """Submit the job of a step; ``before`` is asked when it had to wait."""
        core, hostname = self._core, one.hostname
        with core.lock:
            job = core.submit(
                operation,
                [core.hosts.get(hostname)],
                parameters=parameters,
                summary=f"{'Stop' if part else 'Start'} the daemons of host {hostname}",
                before=before,
            )
            self.running[hostname] = job.job_id
        job.on_change(lambda job: self._absorb(job, one, part, was_reached))

    def _absorb(self, job: Completion, one: Maintenance, part: str, was_reached: bool) -> None:
        """Take over what became of a job."""
        core, hostname = self._core, one.hostname
        if not job.status.final:
            return
        with core.lock:
            if self.running.get(hostname) != job.job_id:
                return
            del self.running[hostname]
            current = core.maintenances.get(hostname)
            if current is None:
                return
            outcome = job.outcomes.get(hostname) or HostOutcome(HostStatus.NO_RESULT, job.message)
            changes: Dict[str, Any] = {"at_work": False}
            changes.update(_units_of(outcome.result, part, current, was_reached=was_reached))
            if job.exception is not None:
                changes.update(self._failed(job, outcome, one, was_reached))
            else:
                self._done(one, part, current)
                changes["missed"] = current.missed and not part
            try:
                core.maintenances.save(replace(current, **changes))
            except NotKept as error:
                core.unkept.note(error)
        core.look_at_maps()

    def _done(self, one: Maintenance, part: str, current: Maintenance) -> None:
        """Note what a job has done, where nobody has asked for something else meanwhile."""
        same = current.stage == one.stage
        if same:
            self.not_before.pop(one.hostname, None)
        if part in (SERVICES, DATA):
            self.parts.stopped(one.hostname, part, self.now)
        elif same:
            self.told.add((one.hostname, one.stage))

    def _failed(
        self, job: Completion, outcome: HostOutcome, one: Maintenance, was_reached: bool
    ) -> Dict[str, Any]:
        """Return what changes by a job that did not succeed; it is tried again."""
        hostname = one.hostname
        said = " ".join(str(outcome.message or job.message or job.exception).split())
        self.not_before[hostname] = self.now + RETRY
        if job.status is JobStatus.CANCELLED:
            # A job that is cut with its manager ends so as well: the next one goes on.
            self.cancelled.add(hostname)
            said = "its job was cancelled, and is not begun again before somebody asks for it"
        changes: Dict[str, Any] = {"reason": f"{said.rstrip('.')} (job {job.job_id})"}
        if was_reached:
            return changes
        if job.record.started is None:
            changes["reached"] = False
        elif outcome.status is HostStatus.UNREACHABLE:
            # A connection that broke in the middle is told like one that was never made.
            changes["missed"] = True
        return changes


def reported_units(core: Core, hostname: str) -> Tuple[Held, ...]:
    """Return the units of a host as its last report says; the host says it better later."""
    places = core.places
    found = []
    for unit, name in places.by_unit(hostname).items():
        row = places.row(hostname, name)
        ran = row["state"] in ("running", "starting")
        if ran or row.get("enabled", True):
            given = {"unit": unit, "kind": str(row["daemon_type"]), "ran": ran, "how": "mask"}
            try:
                found.append(held_unit(given))
            except Unusable:
                continue
    return tuple(found)


def _units_of(
    result: Mapping[str, Any], part: str, current: Maintenance, *, was_reached: bool
) -> Dict[str, Any]:
    """Return what a host said of its units, where it knows them best. Hosts are not trusted."""
    said = result.get("maintenance")
    rows = said.get("units") if isinstance(said, Mapping) else None
    if not isinstance(rows, list) or (current.reached and not part):
        return {}
    try:
        units = tuple(held_unit(row) for row in rows if isinstance(row, Mapping))
    except Unusable as error:
        log.error("what a host says of its units is not kept: %s", error)
        return {}
    said = {each.unit: each for each in units}
    for each in current.units if was_reached else ():
        # What was kept before it was changed is not dropped for what a host says afterwards.
        if each.unit not in said or not said[each.unit].row["how"]:
            said[each.unit] = each
    return {"units": tuple(said.values()), "reached": current.reached or bool(said)}
