"""The jobs of an upgrade, one at a time, and what came of them."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from adapter.cluster.upgrades import FETCH, OFFLINE, PACKAGES, PAUSED, RESTART, RUNNING, Upgrade
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.model import HostOutcome, HostStatus, JobStatus
from adapter.errors import NotKept, some_of

log = logging.getLogger(__name__)

PREPARE, INSTALL, PUT_BACK = "prepare", "install", "put_back"
DAEMONS, FOLLOWERS = "daemons", "followers"
# A job that is cut with its manager ends as cancelled a moment before that (seconds).
LIVED_ON = 5.0
RETRY = 5.0
SHOWN = 5
_CODES = {PREPARE: FETCH, INSTALL: PACKAGES, PUT_BACK: PACKAGES}
_WHAT = {
    PREPARE: "the packages cannot be upgraded",
    INSTALL: "the upgrade of packages failed",
    PUT_BACK: "the temporary files of the package upgrade are not put back",
    DAEMONS: "daemons do not start again",
    FOLLOWERS: "daemons do not start again",
}


class UpgradeJobs:
    """Submit jobs, and take over how they ended.

    ``running`` is the id of the one that is at work. ``now`` is when the step at work began,
    ``not_before`` is when the next one is taken, ``ended`` when the daemons of the last restart
    were started (monotonic seconds), ``installed`` are the hosts whose packages were begun.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.running = ""
        self.now, self.not_before = 0.0, 0.0
        self.ended: Optional[float] = None
        # What follows from a job that ended after the last step, whose time is not that of the end:
        # a command takes no steps while it waits for a job.
        self._restarted, self._rest = False, 0.0
        self.installed: Set[str] = set()
        # The job that was cancelled, until it is seen that this manager lives on.
        self.cancelled: Optional[str] = None

    def begin_step(self, now: float) -> None:
        """Note when a step begins; times from the end of a job on count from here."""
        self.now = now
        if self._restarted:
            self.ended = now
        if self._rest:
            self.not_before = now + self._rest
        self._restarted, self._rest = False, 0.0

    def forget_times(self) -> None:
        """Wait for nothing any more."""
        self.not_before, self.ended = 0.0, None
        self._restarted, self._rest = False, 0.0

    def packages(
        self,
        target: str,
        step: str,
        hosts: Sequence[str],
        units: Optional[Mapping[str, Sequence[str]]] = None,
        before: Optional[Ask] = None,
    ) -> None:
        """Have hosts take a step with their packages; to put back needs no ``target``.

        ``units`` are restarted with the packages, by host.
        """
        words = {
            PREPARE: "Fetch the packages of",
            INSTALL: "Upgrade the packages of",
            PUT_BACK: "Put back the temporary files of the package upgrade on",
        }
        parameters = {"version": target, "step": step, "units": dict(units or {})}
        summary = f"{words[step]} {some_of(hosts, SHOWN)}"
        summary += f" ({target})" if target else ""
        self._submit("upgrade_packages", hosts, parameters, summary, step, before)

    def restart(
        self,
        names: Sequence[str],
        units: Mapping[str, Sequence[str]],
        part: str,
        before: Optional[Ask] = None,
    ) -> None:
        """Restart daemons; ``units`` are theirs by host."""
        parameters = {"action": "restart", "units": units}
        summary = f"Restart {some_of(names, SHOWN)} for the upgrade"
        self._submit("daemon_action", list(units), parameters, summary, part, before)

    def _submit(
        self,
        operation: str,
        hosts: Sequence[str],
        parameters: Mapping[str, Any],
        summary: str,
        part: str,
        before: Optional[Ask] = None,
    ) -> None:
        core = self._core
        with core.lock:
            job = core.submit(
                operation,
                [core.hosts.get(host) for host in hosts],
                parameters=parameters,
                summary=summary,
                before=before,
            )
            self.running = job.job_id
        job.on_change(lambda job: self._absorb(job, part))

    def _absorb(self, job: Completion, part: str) -> None:
        """Take over what became of a job."""
        core = self._core
        if not job.status.final:
            return
        with core.lock:
            if self.running != job.job_id:
                return
            self.running = ""
            current = core.upgrades.get()
            if current is None:
                return
            # What went wrong the upgrade itself says, for as long as it is so.
            core.forget_failures(job.job_id)
            changes = self._changes(job, part, current)
            try:
                core.upgrades.save(replace(current, at_work=False, **changes))
            except NotKept as error:
                core.unkept.note(error)
        core.look_at_maps()

    def _changes(self, job: Completion, part: str, current: Upgrade) -> Dict[str, Any]:
        """Return what changes in the record by the end of a job."""
        good = {host for host, outcome in job.outcomes.items() if outcome.status.good}
        changes: Dict[str, Any] = {}
        if part == INSTALL and job.record.started is not None:
            self.installed.update(job.outcomes)
        if part in (INSTALL, PUT_BACK):
            changes["open_hosts"] = tuple(h for h in current.open_hosts if h not in good)
        if job.exception is None:
            self._done(part, job, current, changes)
            return changes
        if job.status is JobStatus.CANCELLED:
            self.cancelled = job.job_id
            self._rest = LIVED_ON
            return {**changes, "doing": ()}
        if job.record.started is None and part in (DAEMONS, INSTALL):
            # Refused when its turn came: nothing was done.
            self._rest = RETRY
            return {"doing": (), "reason": _said(str(job.exception))}
        if part == PUT_BACK:
            # Its hosts' reports say so: it is tried again when the upgrade has ended.
            log.error("%s: %s", _WHAT[part], job.exception)
            return {**changes, "open_hosts": ()}
        code, error = _failure(job, part)
        stage = PAUSED if current.stage == RUNNING else current.stage
        return {**changes, "doing": (), "stage": stage, "code": code, "error": error}

    def _done(self, part: str, job: Completion, current: Upgrade, changes: Dict[str, Any]) -> None:
        if part == PREPARE:
            changes["prepared"] = True
        elif part == FOLLOWERS:
            changes["done"] = tuple(dict.fromkeys([*current.done, *current.followers]))
            changes["followers"] = ()
        elif part == INSTALL:
            again = _restarted(self._core, job)
            ended = [each for each in current.followers if each in again]
            changes["done"] = tuple(dict.fromkeys([*current.done, *ended]))
            changes["followers"] = tuple(each for each in current.followers if each not in again)
            # What was not restarted with the packages is restarted in a step of its own.
            changes["doing"] = tuple(each for each in current.doing if each in again)
            self._restarted = True
        elif part == DAEMONS:
            changes["again"] = tuple(each for each in current.again if each not in current.doing)
            self._restarted = True


def _restarted(core: Core, job: Completion) -> Set[str]:
    """Return the daemons that hosts have restarted together with their packages."""
    found: Set[str] = set()
    for host, outcome in job.outcomes.items():
        said = outcome.result.get("upgrade")
        units = said.get("restarted") if isinstance(said, dict) else None
        known = core.places.by_unit(host)
        found |= {known[each] for each in units or () if each in known}
    return found


def _failure(job: Completion, part: str) -> Tuple[str, str]:
    """Return the code and the sentence of a job that failed."""
    lines: List[str] = []
    outcomes: Dict[str, HostOutcome] = job.outcomes
    away = [
        host for host, each in sorted(outcomes.items()) if each.status is HostStatus.UNREACHABLE
    ]
    for host, outcome in sorted(outcomes.items()):
        if not outcome.status.good:
            lines.append(f"host {host}: {_said(outcome.message or outcome.status.value)}")
    said = "; ".join(lines[:SHOWN]) or _said(job.message or str(job.exception))
    code = OFFLINE if away else _CODES.get(part, RESTART)
    return code, f"{_WHAT[part]}: {said} (job {job.job_id})"


def _said(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
