"""The engine's in-memory fake: a function answers instead of Ansible."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

from adapter.engine import outcomes as words
from adapter.engine.base import Away, Left
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask, verdict_of
from adapter.engine.model import HostOutcome, HostStatus, JobRecord, JobStatus, Request
from adapter.errors import EngineAway, InvalidValue, UnknownName

Answers = Mapping[str, HostOutcome]
Answer = Union[Callable[[Request], Answers], Exception]


class MemoryEngine:
    """Implement ``Engine`` without a process.

    ``answer(request)`` returns the outcome of each host; a host that it leaves out has no result.
    Where it raises (or is itself an exception) every host fails with that message. Nothing is
    answered before ``poll``, which completes what is pending. A job that changes one of the hosts
    ``held`` stays queued, and so does what comes after it on its hosts; it is asked about again
    before it is answered.
    """

    def __init__(self, answer: Answer, *, clock: Callable[[], float] = time.time) -> None:
        self._answer = answer
        self._clock = clock
        self._lock = threading.RLock()
        self._completions: Dict[str, Completion] = {}
        self._pending: List[str] = []
        self._before: Dict[str, Ask] = {}
        self._counter = itertools.count(1)
        self.requests: List[Request] = []
        self.held: Set[str] = set()
        self.controller, self.directory = "memory", "/nowhere"
        self.problem = ""
        self.left: List[Left] = []
        self.is_away: Optional[Away] = None

    def ready(self) -> str:
        """Return what a test says is missing; what answers is a function."""
        return self.problem or (self.is_away.reason if self.is_away else "")

    def away(self) -> Optional[Away]:
        """Return what a test says."""
        return self.is_away

    def submit(self, request: Request, before: Optional[Ask] = None) -> Completion:
        """Record a job; the next ``poll`` completes it. Raises ``InvalidValue``."""
        if not request.targets:
            raise InvalidValue("hosts", [], "an operation needs at least one host")
        if self.is_away is not None and not self.is_away.queues:
            raise EngineAway(self.is_away.reason)
        with self._lock:
            job_id = f"{next(self._counter):06d}-{request.operation}"
            now = self._clock()
            record = JobRecord(
                id=job_id,
                request=request,
                status=JobStatus.QUEUED if self._is_held(request) else JobStatus.RUNNING,
                created=now,
                started=None if self._is_held(request) else now,
                message=f"{request.operation}: starting",
                command=f"ansible-playbook playbooks/{request.operation}.yml",
                controller=self.controller,
            )
            completion = Completion(record, cancel=self.cancel)
            self._completions[job_id] = completion
            self._pending.append(job_id)
            if before is not None and record.status is JobStatus.QUEUED:
                self._before[job_id] = before
            self.requests.append(request)
        return completion

    def follow(self, left: Sequence[Left]) -> List[Completion]:
        """Note which were asked for; a function has left none."""
        self.left = list(left)
        return []

    def asked(self, job_id: str) -> Request:
        """Return what was asked for. Raises ``UnknownName``."""
        return self.completion(job_id).record.request

    def poll(self) -> bool:
        """Complete what is pending; tell whether any job is active."""
        with self._lock:
            pending, self._pending = self._turns()
        for job_id in pending:
            completion = self._completions[job_id]
            if not self._may_begin(job_id, completion):
                continue
            started = completion.record.started or self._clock()
            completion.update(replace(completion.record, started=started), {})
            answers = self._answers(completion.record.request)
            request = completion.record.request
            published = {host for host, outcome in answers.items() if outcome.result}
            outcomes = words.settle(request, answers, published, reason="no result was published")
            good = all(outcome.status.good for outcome in outcomes.values())
            self._end(completion, JobStatus.SUCCEEDED if good else JobStatus.FAILED, outcomes)
        with self._lock:
            return bool(self._pending)

    def _may_begin(self, job_id: str, completion: Completion) -> bool:
        """Ask about a job that had to wait; one that is refused is ended."""
        verdict = verdict_of(self._before[job_id], job_id) if job_id in self._before else None
        if verdict is None and job_id in self._before:
            with self._lock:
                self._pending.append(job_id)
            return False
        self._before.pop(job_id, None)
        if verdict is None or verdict.may:
            return True
        outcomes = words.settle(completion.record.request, {}, set(), reason=verdict.refused)
        self._end(completion, JobStatus.FAILED, outcomes, verdict.refused)
        return False

    def _is_held(self, request: Request) -> bool:
        return request.changes and not self._held_hosts().isdisjoint(request.hosts)

    def _held_hosts(self) -> Set[str]:
        """Return the hosts on which nothing that changes something can start now."""
        held = set(self.held)
        for job_id in self._pending:
            request = self._completions[job_id].record.request
            if request.changes and not held.isdisjoint(request.hosts):
                held.update(request.hosts)
        return held

    def _turns(self) -> Tuple[List[str], List[str]]:
        """Return the pending jobs that run now, and those that wait for their turn."""
        waiting = [
            job_id
            for job_id in self._pending
            if self._is_held(self._completions[job_id].record.request)
        ]
        return [job_id for job_id in self._pending if job_id not in waiting], waiting

    def jobs(self) -> List[JobRecord]:
        """Return all jobs, the newest first."""
        with self._lock:
            return [completion.record for completion in reversed(self._completions.values())]

    def completion(self, job_id: str) -> Completion:
        """Return a job's completion. Raises ``UnknownName``."""
        with self._lock:
            if job_id not in self._completions:
                raise UnknownName("job", job_id)
            return self._completions[job_id]

    def log(self, job_id: str) -> Iterator[str]:
        """Yield one line that names the job. Raises ``UnknownName``."""
        record = self.completion(job_id).record
        return iter([f"{record.id}: {record.message}"])

    def cancel(self, job_id: str) -> JobRecord:
        """Cancel a pending job; a finished one is returned as it is. Raises ``UnknownName``."""
        completion = self.completion(job_id)
        with self._lock:
            if job_id not in self._pending:
                return completion.record
            self._pending.remove(job_id)
        outcomes = words.settle(completion.record.request, {}, set(), reason="cancelled")
        self._end(completion, JobStatus.CANCELLED, outcomes)
        return completion.record

    def overtake(self, job_id: str, reason: str) -> bool:
        """End a queued job; tell whether it was one."""
        completion = self._completions.get(job_id)
        with self._lock:
            if completion is None or completion.status is not JobStatus.QUEUED:
                return False
            self._pending.remove(job_id)
            self.requests.remove(completion.record.request)
        outcomes = words.settle(completion.record.request, {}, set(), reason=reason)
        self._end(completion, JobStatus.CANCELLED, outcomes, reason)
        return True

    def _answers(self, request: Request) -> Answers:
        error = self._answer
        if not isinstance(error, Exception):
            try:
                return error(request)
            except Exception as raised:  # noqa: BLE001 - what a test's function raises is an answer
                error = raised
        return dict.fromkeys(request.hosts, HostOutcome(HostStatus.FAILED, words.one_line(error)))

    def _end(
        self,
        completion: Completion,
        status: JobStatus,
        outcomes: Dict[str, HostOutcome],
        message: str = "",
    ) -> None:
        record = replace(
            completion.record,
            status=status,
            finished=self._clock(),
            progress=1.0,
            message=message or words.describe_end(status, outcomes),
        )
        completion.update(record, outcomes)
        completion.notify()
