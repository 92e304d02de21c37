"""What became of jobs that managers before had not ended: hosts and maps say it, and it is told.

A job ends with its manager, or goes on without one for a while. What was to be done is kept
elsewhere and done again; here is only found out whether that is still needed.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Optional, Set, Tuple

from adapter.cluster.going_down import ACTIONS, REMOVALS, STARTS_HOST, STOPS_HOST
from adapter.cluster.health import Failure
from adapter.cluster.turns import KEPT, KEY, LeftJob, Turn, Turns
from adapter.core import Core
from adapter.engine.base import Left
from adapter.engine.model import JobRecord, JobStatus
from adapter.errors import NotKept, some_of
from adapter.kinds import KINDS
from adapter.reconcile.expectations import expected_of, holds, services_of, words_of
from adapter.reconcile.parts import OTHERS_JOBS_END
from adapter.state_lock import under_lock

# How often (seconds) it is written which jobs have not ended: most end before.
WRITE_PAUSE = 2.0
# So long (seconds) what a job has begun may take to be seen, and a report of its hosts.
SEEN, REPORTED = 60.0, 600.0
SHOWN = 10
_CUT = (JobStatus.CANCELLED, JobStatus.LOST, JobStatus.TIMED_OUT)
# What is done again by itself as long as it is wanted.
_CONTINUED = (
    *ACTIONS,
    *REMOVALS,
    *(kind.operation for kind in KINDS.values()),
    "create_osds",
    "remove_osds",
    "add_host",
    "add_host_label",
    "remove_host_label",
    "update_host_addr",
    "update_conf",
    "update_admin",
    "apply_tuned_profiles",
)
# Its host is not managed any more; or health says of the host itself how far it is.
_NOT_FOLLOWED = ("remove_host", STOPS_HOST, STARTS_HOST)


class LeftJobs:
    """Keep which jobs are under way, and tell what those became that a manager before left.

    ``manager`` is this one's name (``mgr.h1``), ``clock`` gives seconds since the epoch.
    """

    def __init__(self, core: Core, manager: str, clock: Callable[[], float] = time.time) -> None:
        self._core, self._clock = core, clock
        self._turn = Turn(manager, core.engine.controller, clock())
        self._others_end = clock() + OTHERS_JOBS_END
        self._written: Tuple[Dict[str, Any], float] = ({}, float("-inf"))

    def step(self, now: float) -> None:
        """Take over, note, judge and write; ``now`` is in monotonic seconds."""
        core = self._core
        with core.lock:
            if core.turns is None:
                core.turns = Turns.load(core.store, self._turn)
            self._follow(core.turns)
            self._note(core.turns)
            core.refresh.want(self._judge(core.turns))
            record = core.turns.to_json()
        if record == self._written[0] or now - self._written[1] < WRITE_PAUSE:
            return
        self._written = (self._written[0], now)
        try:
            core.store.set(KEY, record)
            self._written = (record, now)
        except NotKept as error:
            core.unkept.note(error)

    @under_lock
    def _note(self, turns: Turns) -> None:
        """Note which jobs of this manager have not ended."""
        core, known = self._core, turns.unfinished
        turns.unfinished = {
            record.id: known.get(record.id) or self._left(record)
            for record in core.engine.jobs()
            if record.request.changes
            and not record.status.final
            and record.id not in turns.left
            and record.request.operation not in _NOT_FOLLOWED
        }

    def _left(self, record: JobRecord) -> LeftJob:
        request = record.request
        return LeftJob(
            record.id,
            request.operation,
            request.summary,
            tuple(request.hosts),
            self._turn.controller,
            self._turn.manager,
            record.created,
            expected_of(self._core, request),
        )

    @under_lock
    def _follow(self, turns: Turns) -> None:
        """Follow those that go on without their manager, as AWX lets them."""
        core = self._core
        left = [
            Left(
                job.id,
                job.operation,
                job.summary,
                job.controller,
                job.created,
                tuple(core.target(core.hosts.get(name)) for name in job.hosts),
            )
            for job in turns.left.values()
            if not job.done
            and job.controller != core.engine.controller
            and all(name in core.hosts for name in job.hosts)
        ]
        for completion in core.engine.follow(left):
            core.take_over(completion)

    @under_lock
    def _judge(self, turns: Turns) -> Set[str]:
        """Tell what is known of the jobs that were left; return the hosts to be asked."""
        asked: Set[str] = set()
        for job in list(turns.left.values()):
            ended = self._end_of(turns, job)
            if ended is None or job.done:
                continue
            self._judge_one(turns, job, ended, asked)
        oldest = self._clock() - KEPT
        turns.left = {name: job for name, job in turns.left.items() if job.created > oldest}
        return {host for host in asked if not self._core.refresh.pending(host)}

    def _end_of(self, turns: Turns, job: LeftJob) -> Optional[float]:
        """Return when a job ended, None while it may go on; one that ended well is left out.

        One on another host ends itself when nobody looks after it.
        """
        record = self._record_of(job)
        if record is None:
            return self._others_end if self._clock() >= self._others_end else None
        if record.status.final and record.status not in _CUT:
            turns.left.pop(job.id, None)
            return None
        return (record.finished or record.created) if record.status.final else None

    def _record_of(self, job: LeftJob) -> Optional[JobRecord]:
        records = {record.id: record for record in self._core.engine.jobs()}
        return records.get(job.id)

    def _judge_one(self, turns: Turns, job: LeftJob, ended: float, asked: Set[str]) -> None:
        core, passed = self._core, self._clock() - ended
        wanted = [each for each in job.expected if each.host in core.hosts]
        states = [(each, holds(core, each, job.created, ended)) for each in wanted]
        unknown = sorted({each.host for each, state in states if state is None})
        missing = [words_of(each, holds=False) for each, state in states if state is False]
        if not wanted:
            self._tell(turns, job, "what it did is not known", done=False)
        elif unknown:
            asked.update(unknown)
            if passed > REPORTED:
                text = f"what it did is not known: {some_of(unknown, SHOWN)} did not report since"
                self._tell(turns, job, text, done=False)
        elif not missing:
            words = [words_of(each, holds=True) for each in wanted]
            self._tell(turns, job, f"its work was done: {some_of(words, SHOWN)}", done=True)
        elif passed > SEEN:
            self._tell(turns, job, f"not done: {some_of(missing, SHOWN)}", done=False)

    def _tell(self, turns: Turns, job: LeftJob, text: str, *, done: bool) -> None:
        """Keep what became of a job; its services' events say it, and health where it is needed."""
        core, continued = self._core, job.operation in _CONTINUED
        if not done:
            then = "it is done by itself if it is still wanted" if continued else "ask for it again"
            text = f"{text}; {then}"
        if text == job.said:
            return
        turns.tell(job, text, self._clock(), done=done)
        for service in services_of(core, job.expected):
            core.events.note(service, f"job {job.id} of {job.manager} was cut: {text}")
        if done:
            core.forget_failures(job.id)
        elif not continued:
            self._warn(job, text)

    def _warn(self, job: LeftJob, text: str) -> None:
        core = self._core
        for host in job.hosts:
            if host in core.hosts:
                core.failures[job.operation, host] = Failure(
                    job.operation,
                    host,
                    f"it was cut when {job.manager} ended; {text}",
                    job.id,
                    self._clock(),
                    job.summary,
                )
