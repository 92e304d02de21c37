"""One job that has not ended, as its parent follows it: only files are read."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping, Optional

from adapter.engine import outcomes as words
from adapter.engine import processes
from adapter.engine.child import Child
from adapter.engine.completion import Completion
from adapter.engine.files import read_json
from adapter.engine.gate import Gate
from adapter.engine.jobs import JobDir, Tail
from adapter.engine.model import HostOutcome, JobRecord, JobStatus
from adapter.engine.patience import Patience
from adapter.engine.progress import Progress

log = logging.getLogger(__name__)

# A small part of the time after which a worker gives up on a silent parent.
LEASE_INTERVAL = 5.0
_KILL_AFTER = 1.5
_CLEAN_SECONDS = 3.0
_RESUMES = 3
_NOT_STARTED = "not started, because the process that was to start it has ended; ask again"
_LOST = "the process that ran it ended without a result"

Times = Callable[[], float]


class Running:
    """A queued or running job: its record, its progress, its process.

    ``step`` is called by one thread at a time. ``lock`` is the descriptor of the job's lock while
    the job is queued by this process.
    """

    def __init__(
        self,
        job: JobDir,
        record: JobRecord,
        marker: str,
        *,
        clock: Times,
        monotonic: Times,
        cancel: Callable[[str], Any],
        clean: Callable[[JobDir], subprocess.Popen[bytes]],
        patience: Optional[Patience] = None,
    ) -> None:
        self.job = job
        self.marker = marker
        self.record = record
        self.completion = Completion(record, cancel=cancel)
        self.child: Optional[Child] = None
        self.lock: Optional[int] = None
        self.gate: Optional[Gate] = None
        self._clock, self._monotonic = clock, monotonic
        self._progress = Progress(record.request)
        self._tail = Tail(job.file("events.jsonl"))
        self._lease_at = 0.0
        self._deadline: Optional[float] = None
        self._started_at: Optional[float] = None
        self._cancelled_at: Optional[float] = None
        self._killed_at: Optional[float] = None
        self._swept_at: Optional[float] = None
        self._failing = False
        # Another process has started it: it may have ended long before it is looked at here.
        self._is_attached = False
        self._clean = clean
        self.patience = patience or Patience()
        self._resumed = 0
        self._cleaner: Optional[subprocess.Popen[bytes]] = None
        self._cleaning_since = 0.0

    @property
    def is_queued(self) -> bool:
        """Tell whether the job waits for its start."""
        return self.record.status is JobStatus.QUEUED

    def wait_for(self, reason: str) -> None:
        """Say what the queued job waits for."""
        message = f"{self.record.request.operation}: queued; {reason}"
        if message != self.record.message:
            self.set(message=message)

    def started(self, child: Child) -> None:
        """Record that the job runs in this process."""
        self.child, self.lock = child, None
        self.set(
            status=JobStatus.RUNNING,
            started=self._clock(),
            message=f"{self.record.request.operation}: starting",
        )
        self._count_down(self._monotonic())
        self.save()

    def attach(self, pid: Optional[int], started_at: Any = None) -> None:
        """Follow a job that another process started, at that monotonic time."""
        self.child, self._is_attached = Child(self.job, self.marker, pid, None), True
        self._count_down(started_at if isinstance(started_at, float) else None)

    def set(self, **changes: Any) -> None:
        """Change the record; the completion's listeners hear of it when ``notify`` is called."""
        self.record = replace(self.record, **changes)
        self.completion.update(self.record, {})

    def save(self) -> None:
        """Write the record, for those who come after this process."""
        pid = self.child.pid if self.child is not None else None
        self.job.write_record(self.record, self.marker, pid, self._started_at)

    def ask_to_stop(self) -> None:
        """Ask the worker to stop; if it does not, ``step`` ends it."""
        if not self.job.ask_to_stop() and self.child is not None:
            self.child.terminate()
        if self._cancelled_at is None:
            self._cancelled_at = self._monotonic()

    def end_unstarted(self, message: str) -> None:
        """End a job that never ran as cancelled."""
        outcomes = words.settle(self.record.request, {}, set(), reason=message)
        self._end(JobStatus.CANCELLED, message, outcomes)
        self._let_go()

    def end_refused(self, reason: str) -> None:
        """End a job that may not begin any more."""
        self.end_failed(reason)
        self._let_go()

    def _let_go(self) -> None:
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def end_failed(self, message: str) -> None:
        """End a job that could not be started."""
        outcomes = words.settle(self.record.request, {}, set(), reason=message)
        self._end(JobStatus.FAILED, message, outcomes)

    def step(self) -> None:
        """Renew the lease, read what is new, and see whether the job has ended.

        Nothing is raised: a job that cannot be followed is ended when its time is over.
        """
        try:
            if self.is_queued:
                self._step_queued()
            else:
                self._step_running(self._monotonic())
        except Exception as error:
            if not self._failing:
                log.exception("job %s cannot be followed", self.job.id)
            self._failing = True
            now = self._monotonic()
            if self.record.status.final:
                return
            if self._deadline is not None and now > self._deadline + self.patience.stop:
                if self.child is not None:
                    self.child.kill()
                reason = words.one_line(f"it cannot be followed: {type(error).__name__}: {error}")
                self.end_failed(reason)

    def _step_running(self, now: float) -> None:
        if now - self._lease_at >= LEASE_INTERVAL or self._lease_at == 0.0:
            self._lease_at = now
            self.job.renew_lease()
        # The result is written after the last event, so it is looked for before they are read.
        ended = self.job.has_result
        alive = ended or (not self._is_given_up(now) and self._is_alive)
        self._read_events(everything=ended or not alive)
        if ended:
            self._take_result()
        elif not alive and not self.job.has_result:
            if not self._resume():
                self._declare_lost(now)
        elif alive:
            self._enforce(now)

    def _step_queued(self) -> None:
        """Look after a job that another process has queued."""
        if self.lock is not None:
            return
        data = read_json(self.job.file("record.json")) or {}
        if data.get("status") == JobStatus.RUNNING.value:
            self.attach(data.get("pid"), data.get("started_at"))
            self.set(status=JobStatus.RUNNING, started=data.get("started"))
        elif self.job.has_result:
            self.attach(None)
            self._read_events(everything=True)
            self._take_result()
        elif not self.job.is_abandoned and self.job.file("events.jsonl").exists():
            # Who started it died, or its disk was full, before that was written down.
            self._read_events(everything=False)
            self.attach(self._progress.pid)
            self.set(status=JobStatus.RUNNING, started=self._clock())
        elif self.job.is_abandoned and not self.job.has_result:
            self.end_unstarted(_NOT_STARTED)

    @property
    def _is_alive(self) -> bool:
        return self.child is not None and self.child.is_alive

    def _is_given_up(self, now: float) -> bool:
        """Tell whether the worker was killed and is still there, as where a disk hangs."""
        return self._killed_at is not None and now - self._killed_at > _KILL_AFTER

    def _count_down(self, started_at: Optional[float]) -> None:
        """Set the deadline, by the clock on the wall only where nothing better is known.

        The monotonic time is the same in all processes until the machine is started anew, and
        no job lives through that.
        """
        now = self._monotonic()
        if started_at is None or started_at > now:
            passed = max(0.0, self._clock() - (self.record.started or self.record.created))
            started_at = now - passed
        self._started_at = started_at
        self._deadline = started_at + self.record.request.timeout + self.patience.beyond

    def _read_events(self, *, everything: bool) -> None:
        changed: Dict[str, HostOutcome] = {}
        before = self.record
        lines = self._tail.read_all() if everything else self._tail.read()
        heard = False
        for event in lines:
            heard = True
            host = self._progress.apply(event)
            if host is not None:
                changed[host] = self._progress.outcomes[host]
        if not heard:
            return
        progress = self._progress
        self.record = replace(
            self.record,
            progress=progress.fraction,
            message=progress.message,
            command=progress.command or before.command,
            no_command=progress.no_command or before.no_command,
        )
        if self.record != before or changed:
            self.completion.update(self.record, changed)

    def _take_result(self) -> None:
        data = read_json(self.job.file("result.json"))
        data = data if isinstance(data, dict) else {}
        try:
            status = JobStatus(data.get("status"))
        except ValueError:
            status = JobStatus.LOST
        told = words.read_outcomes(data.get("outcomes"))
        outcomes = {
            host: replace(known, status=told[host].status, message=told[host].message)
            for host, known in self._progress.outcomes.items()
            if host in told
        }
        outcomes = words.settle(
            self.record.request,
            {**self._progress.outcomes, **outcomes},
            self._progress.published,
            reason=_LOST,
            interrupted=status is JobStatus.LOST,
        )
        command = str(data.get("command") or self.record.command)
        reason = str(data.get("no_command") or self.record.no_command)
        self.record = replace(self.record, command=command, no_command=reason)
        message = str(data.get("message") or status.value)
        self._finish(status, message, outcomes, self._now_or_then())

    def _resume(self) -> bool:
        """Start another worker in the place of one that is gone; tell whether there is one."""
        start = self.patience.resume
        if start is None or self._killed_at is not None or self._resumed >= _RESUMES:
            return False
        lock = self.job.try_lock()
        if lock is None:
            # Another worker has it, unless it was removed by whoever has seen its end.
            return self.job.path.exists()
        self._resumed += 1
        self.job.renew_lease()
        try:
            self.child = start(self.job, self.marker, lock)
        except OSError:
            return False
        finally:
            os.close(lock)
        self.save()
        return True

    def _declare_lost(self, now: float) -> None:
        """End a job whose worker is gone, after what it left behind has been ended."""
        left = self.child.left_behind() if self.child is not None else []
        if left and self._swept_at is None:
            # ansible-playbook passes this on to its task workers; a kill would not.
            processes.signal_all(left, signal.SIGTERM)
            self._swept_at = now
            self._hosts_are_clean(now)
        if left and self._swept_at is not None and now - self._swept_at < _KILL_AFTER:
            return
        processes.signal_all(left, signal.SIGKILL)
        if not self._hosts_are_clean(now):
            return
        status, message = JobStatus.LOST, _LOST
        code = self.child.exit_code if self.child is not None else None
        if self.patience.left:
            # Whether it has ended is not known here, whatever was asked for.
            message = f"{_LOST}; {self.patience.left}"
        elif self._cancelled_at is not None:
            status, message = JobStatus.CANCELLED, "cancelled"
        elif self._is_late(now):
            status, message = (
                JobStatus.TIMED_OUT,
                words.describe_timeout(self.record.request.timeout),
            )
        elif code is not None and code < 0:
            message = f"{message} (signal {-code})"
        outcomes = words.settle(
            self.record.request,
            self._progress.outcomes,
            self._progress.published,
            reason=f"{message} before this host answered",
            interrupted=True,
        )
        self._end(status, message, outcomes)

    def _hosts_are_clean(self, now: float) -> bool:
        """Tell whether what a changing job may have left on its hosts has been ended.

        The next writer of a host must not meet it there. It takes some seconds at most, and what
        runs on a host that does not answer is left alone.
        """
        request = self.record.request
        if not request.changes or all(target.connection != "ssh" for target in request.targets):
            return True
        if self._cleaner is None:
            try:
                self._cleaner = self._clean(self.job)
            except OSError:
                return True
            self._cleaning_since = now
        if self._cleaner.poll() is None and now - self._cleaning_since > _CLEAN_SECONDS:
            self._cleaner.kill()
            self._cleaner.wait()
        return self._cleaner.poll() is not None

    def _end(self, status: JobStatus, message: str, outcomes: Mapping[str, HostOutcome]) -> None:
        """Write the result in the worker's place."""
        finished = self._now_or_then()
        data = {
            "status": status.value,
            "message": message,
            "rc": None,
            "outcomes": {
                host: outcome.to_json(with_result=False)
                for host, outcome in words.without_results(outcomes).items()
            },
        }
        try:
            self.job.write_result(data)
        except OSError as error:
            message = f"{message}; this cannot be kept in {self.job.path}: {error.strerror}"
        self.job.drop_work()
        self.job.drop_secrets()
        self._finish(status, message, outcomes, finished)

    def _now_or_then(self) -> float:
        """Return when the job ended: of one that is only followed here, by its files."""
        now = self._clock()
        return min(now, self.job.last_sign() or now) if self._is_attached else now

    def _finish(
        self,
        status: JobStatus,
        message: str,
        outcomes: Mapping[str, HostOutcome],
        finished: float,
    ) -> None:
        before = self.completion.outcomes
        changed = {host: value for host, value in outcomes.items() if before.get(host) != value}
        self.record = replace(
            self.record,
            status=status,
            # A clock that was set back makes no job end before its start.
            finished=max(finished, self.record.started or 0.0),
            progress=1.0,
            message=words.one_line(message, words.SENTENCE_LENGTH),
        )
        self.completion.update(self.record, changed)
        self.record = self.completion.record
        self.save()

    def _enforce(self, now: float) -> None:
        """End a worker that should have ended the job by itself."""
        asked = self._cancelled_at is not None and now - self._cancelled_at > self.patience.stop
        late = self._deadline is not None and now > self._deadline + self.patience.stop
        if not (asked or late) or self.child is None or self._killed_at is not None:
            return
        # What is below it gets the time for a good end from ``_declare_lost``.
        self._killed_at = now
        self.child.kill_worker()

    def _is_late(self, now: float) -> bool:
        return self._deadline is not None and now > self._deadline
