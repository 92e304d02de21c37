"""What jobs bring back: reports are taken over, failures kept, and hosts that lack an answer noted.

The thread that polls the engine comes through here, host by host as each is done.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, FrozenSet, List, Mapping, Set, Tuple

from adapter.cluster.going_down import ACTIONS, STARTS_HOST, STOPS_HOST
from adapter.cluster.health import Failure
from adapter.core import REPORTING, Core
from adapter.engine.completion import Completion
from adapter.engine.model import HostOutcome, HostStatus, JobRecord, JobStatus
from adapter.engine.ssh_files import is_python
from adapter.errors import InvalidValue, NotKept
from adapter.kinds import KINDS
from adapter.state_lock import under_lock

log = logging.getLogger(__name__)

# States of a daemon that last until somebody changes them.
_SETTLED = ("running", "stopped")
# Operations whose failure the caller is told at once; it is no lasting state of the cluster.
AWAITED = ("blink_device_light",)
# Their failures are those of a service, which last until it is well there.
OF_SERVICES = ("remove_daemons", *(kind.operation for kind in KINDS.values()))
# What goes wrong with a host's maintenance health says of the host itself.
OF_HOSTS = (STOPS_HOST, STARTS_HOST)


class Outcomes:
    """Take over what jobs bring back into a ``Core``: those that go on, and those to come."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Jobs that a manager before has asked for.
        self._of_before: Set[str] = set()
        core.follow_jobs(self._listen)
        for record in core.engine.jobs():
            if not record.status.final:
                # What it reads may be read already, and long ago: new reports are asked for.
                self._of_before.add(record.id)
                self._listen(core.engine.completion(record.id))

    def _listen(self, completion: Completion) -> None:
        if completion.record.controller not in ("", self._core.engine.controller):
            self._of_before.add(completion.record.id)
        completion.on_host(lambda host, outcome: self.absorb(completion.record, host, outcome))
        completion.on_change(self.absorb_end)

    def absorb(self, record: JobRecord, hostname: str, outcome: HostOutcome) -> None:
        """Take over what one host of a job answered."""
        core, operation = self._core, record.request.operation
        with core.lock:
            if hostname not in core.hosts or not self._same_host(record, hostname):
                return
            if core.overtaken.has(record.id):
                return
            now = time.monotonic()
            if outcome.status is HostStatus.UNREACHABLE:
                core.liveness.look_now(hostname, now)
            elif outcome.status is not HostStatus.NO_RESULT and core.liveness.seen(hostname, now):
                core.refresh.want([hostname])
            message = outcome.message
            if outcome.status.good:
                message = self._absorb_result(record, hostname, outcome.result, now)
            if message and operation in REPORTING:
                core.refresh.failed(hostname, message, now)
            elif message and record.request.changes:
                # What it did before it failed is only known from a report.
                core.refresh.want([hostname])
            self._note_failure(record, hostname, message, outcome.result)
        core.wake_event.set()

    @under_lock
    def _same_host(self, record: JobRecord, hostname: str) -> bool:
        """Tell whether a job asked the host as it is known now, not one of that name before."""
        asked = {target.name: target.addr for target in record.request.targets}
        return asked.get(hostname) == self._core.hosts.get(hostname).addr

    @under_lock
    def _absorb_result(
        self, record: JobRecord, hostname: str, result: Mapping[str, Any], now: float
    ) -> str:
        """Take over a published report; return why it could not be, or nothing."""
        operation = record.request.operation
        try:
            changed = self._absorb_report(record, hostname, result)
        except InvalidValue as error:
            return str(error)
        except OSError as error:
            log.warning("the report of host %s cannot be kept on disk: %s", hostname, error)
            changed = True
        except Exception as error:
            log.exception("the report of host %s cannot be read", hostname)
            return f"its report cannot be read ({type(error).__name__})"
        if changed:
            self._core.refresh.saw_daemons(hostname, self._settled(hostname), now)
        if changed and operation in REPORTING:
            self._core.refresh.reported(hostname, now)
            self._learn_python(hostname)
            if operation == "get_inventory":
                self._correct_record(hostname)
        return ""

    @under_lock
    def _absorb_report(self, record: JobRecord, hostname: str, result: Mapping[str, Any]) -> bool:
        """Take over a report, but not one that is older than what another job has done since."""
        core = self._core
        changes, known = record.request.changes, core.reports.get(hostname) is not None
        if record.id in self._of_before and known:
            core.refresh.want([hostname])
            return False
        if known and not changes and core.refresh.outdated(hostname):
            core.refresh.dropped(hostname)
            return False
        # Of a manager before only its own clock knows when it asked.
        asked = None if record.id in self._of_before else record.started
        absorbed = core.reports.absorb(hostname, result, time.time(), asked)
        if "daemons_error" in result:
            # What a job did is done; only which daemons run now is not known.
            core.refresh.want([hostname])
        if absorbed and changes:
            core.refresh.changed(hostname, record.id)
        return absorbed

    def _settled(self, hostname: str) -> bool:
        report = self._core.reports.get(hostname)
        return all(row["state"] in _SETTLED for row in (report.daemons if report else ()))

    @under_lock
    def _correct_record(self, hostname: str) -> None:
        """Bring a host's own record up to date where the last report shows another.

        It differs when labels or the address changed while the host did not answer, and is not
        there when its first job was cut. A record that does not name our cluster is somebody
        else's and is left alone.
        """
        core = self._core
        report, host = core.reports.get(hostname), core.hosts.get(hostname)
        said = report.identity.get("record") if report else None
        wanted = core.record_of(host)
        if not core.cluster or (isinstance(said, dict) and said.get("cluster") != core.cluster):
            return
        if not isinstance(said, dict) or any(said.get(key) != wanted[key] for key in wanted):
            parameters = {"record": wanted}
            summary = "Bring the host's record up to date"
            core.submit("add_host_label", [host], parameters=parameters, summary=summary)

    def _learn_python(self, hostname: str) -> None:
        report, host = self._core.reports.get(hostname), self._core.hosts.get(hostname)
        python = str((report.identity if report else {}).get("python") or "")
        if is_python(python) and not host.python:
            try:
                self._core.hosts.save(replace(host, python=python))
            except NotKept as error:
                # The next report says it again.
                self._core.unkept.note(error)

    @under_lock
    def _note_failure(
        self, record: JobRecord, hostname: str, message: str, result: Mapping[str, Any]
    ) -> None:
        """Keep the last failure of a changing operation on a host until it succeeds there."""
        core, operation = self._core, record.request.operation
        keys = _keys(record, hostname)
        if not message:
            for key in keys:
                core.failures.pop(key, None)
        elif operation in AWAITED and record.id not in core.unawaited:
            return
        elif record.request.changes and operation not in (*OF_SERVICES, *OF_HOSTS):
            unstarted = record.started is None
            cut = unstarted or record.status is JobStatus.CANCELLED
            if cut and operation in ACTIONS and record.id in self._of_before:
                # It is kept until it is done, by whichever manager; often it is by now.
                return
            when = record.created if unstarted else record.finished or time.time()
            summary = record.request.summary if operation in (*ACTIONS, *AWAITED) else ""
            osds = _unstarted(record, hostname, result)
            failure = Failure(operation, hostname, message, record.id, when, summary, osds)
            core.failures.update(dict.fromkeys(keys, failure))

    def absorb_end(self, completion: Completion) -> None:
        """Account for the hosts that a finished job left without an answer."""
        core, record = self._core, completion.record
        core.wake_event.set()
        if not record.status.final:
            return
        with core.lock:
            core.going_down.ended(record)
        if record.status is not JobStatus.SUCCEEDED:
            for hostname in record.request.hosts:
                status = completion.outcomes.get(hostname, HostOutcome()).status
                if status in (HostStatus.WAITING, HostStatus.NO_RESULT):
                    message = f"{record.status.value}: {record.message}"
                    outcome = HostOutcome(HostStatus.NO_RESULT, message)
                    self.absorb(record, hostname, outcome)
        if record.request.operation in REPORTING:
            with core.lock:
                for hostname in record.request.hosts:
                    if core.refresh.reporter(hostname) == record.id:
                        message = "it published no report"
                        core.refresh.failed(hostname, message, time.monotonic())


def _keys(record: JobRecord, hostname: str) -> List[Tuple[str, str]]:
    """Return under which keys a job's failure on a host is kept: each light has one of its own."""
    operation, variables = record.request.operation, record.request.variables
    kind, rows = variables.get("device_light_kind"), variables.get("device_light_locations")
    lights = sorted({f"{kind} {row['dev']}" for row in rows or () if row["host"] == hostname})
    return [(f"{operation} {light}", hostname) for light in lights] or [(operation, hostname)]


def _unstarted(record: JobRecord, hostname: str, result: Mapping[str, Any]) -> FrozenSet[int]:
    """Return the OSDs that were made and did not start, where that is all that went wrong."""
    groups = record.request.variables.get("osd_create_groups") or {}
    disks = {disk["path"] for group in groups.get(hostname) or () for disk in group["data"]}
    rows = [row for row in result.get("osds") or () if isinstance(row, dict)]
    if not disks or disks - {row.get("data") for row in rows}:
        return frozenset()
    left = (row.get("osd_id") for row in rows if row.get("state") == "not started")
    return frozenset(osd_id for osd_id in left if isinstance(osd_id, int))
