"""A job as its caller holds it: progress, outcomes, the error, listeners."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from adapter.engine import outcomes as words
from adapter.engine.model import HostOutcome, HostStatus, JobRecord, JobStatus
from adapter.errors import JobCancelled, JobError, JobFailed, JobLost, JobTimedOut

log = logging.getLogger(__name__)

HostListener = Callable[[str, HostOutcome], Any]
ChangeListener = Callable[["Completion"], Any]
News = Tuple[str, HostOutcome]

_ERRORS = {
    JobStatus.CANCELLED: JobCancelled,
    JobStatus.TIMED_OUT: JobTimedOut,
    JobStatus.LOST: JobLost,
}


class Completion:
    """What is known of one job now. All methods can be called from any thread.

    An engine calls ``update`` and then, holding no lock of its own, ``notify``; everything else
    is for the caller.
    """

    def __init__(
        self,
        record: JobRecord,
        *,
        outcomes: Optional[Mapping[str, HostOutcome]] = None,
        cancel: Optional[Callable[[str], Any]] = None,
    ) -> None:
        self._lock = threading.Lock()
        self._finished = threading.Event()
        self._cancel = cancel
        self._record = record
        self._outcomes = {host: HostOutcome() for host in record.request.hosts}
        self._outcomes.update(outcomes or {})
        self._host_listeners: List[HostListener] = []
        self._change_listeners: List[ChangeListener] = []
        self._news: List[News] = []
        self._owed: List[Tuple[HostListener, List[News]]] = []
        self._changed = False
        if record.status.final:
            self._finished.set()

    @property
    def job_id(self) -> str:
        """Return the job's id."""
        return self._record.id

    @property
    def record(self) -> JobRecord:
        """Return the job's record, with outcomes but without the hosts' results."""
        with self._lock:
            return replace(self._record, outcomes=words.without_results(self._outcomes))

    @property
    def status(self) -> JobStatus:
        """Return the job's status."""
        return self._record.status

    @property
    def progress(self) -> float:
        """Return the progress from 0.0 to 1.0; it never goes back."""
        return self._record.progress

    @property
    def message(self) -> str:
        """Return what is being done, or how it ended, on one line."""
        return self._record.message

    @property
    def outcomes(self) -> Dict[str, HostOutcome]:
        """Return what each host answered so far, results included."""
        with self._lock:
            return dict(self._outcomes)

    @property
    def result(self) -> Dict[str, Mapping[str, Any]]:
        """Return what each good host published."""
        with self._lock:
            return {
                host: outcome.result
                for host, outcome in self._outcomes.items()
                if outcome.status.good
            }

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing more can follow."""
        return self._record.status.final

    def is_errored(self) -> bool:
        """Tell whether the job ended and did not succeed."""
        return self.is_finished and self._record.status is not JobStatus.SUCCEEDED

    @property
    def exception(self) -> Optional[JobError]:
        """Return why the job did not succeed (one line), or None."""
        if not self.is_errored():
            return None
        record = self.record
        operation, job = record.request.operation, record.id
        remedy = f"See the log of job {job}."
        if record.status is JobStatus.FAILED:
            return JobFailed(job, f"{operation}: {record.message.rstrip('.')}.", remedy)
        error = _ERRORS[record.status]
        text = record.message or record.status.value
        reasons = words.describe_failures(_failed_themselves(record.outcomes))
        if reasons:
            text = f"{text.rstrip('.')}; failed before: {reasons}"
        return error(job, f"{operation}: {text.rstrip('.')}.", remedy)

    def cancel(self) -> None:
        """Ask the job to stop, on the hosts too; a finished one stays as it is."""
        if self._cancel is not None and not self.is_finished:
            self._cancel(self.job_id)

    def wait(
        self,
        timeout: Optional[float] = None,
        *,
        poll: Optional[Callable[[], Any]] = None,
        interval: float = 0.05,
    ) -> bool:
        """Wait until the job has ended and every listener has heard of it; tell whether it has.

        Somebody has to poll the engine meanwhile; who waits alone gives the engine's ``poll``,
        which is then called every ``interval`` seconds.
        """
        if poll is None:
            return self._finished.wait(timeout)
        end = None if timeout is None else time.monotonic() + timeout
        while not self._finished.is_set():
            poll()
            left = interval if end is None else min(interval, end - time.monotonic())
            if left <= 0:
                break
            self._finished.wait(left)
        return self._finished.is_set()

    def on_host(self, listener: HostListener) -> None:
        """Call ``listener(host, outcome)`` whenever a host's outcome changes; the last one holds.

        What is already known is told at the next poll, or at once if the job has ended.
        """
        with self._lock:
            queued = {host for host, _ in self._news}
            known = [(h, o) for h, o in self._outcomes.items() if _decided(o) and h not in queued]
            self._host_listeners.append(listener)
            if not self._finished.is_set():
                self._owed.append((listener, known))
                return
        _tell_all(listener, known)

    def on_change(self, listener: ChangeListener) -> None:
        """Call ``listener(completion)`` when progress, message or status changed.

        It is called at once if the job has ended.
        """
        with self._lock:
            self._change_listeners.append(listener)
            if not self._finished.is_set():
                return
        _tell(listener, self)

    def update(self, record: JobRecord, outcomes: Mapping[str, HostOutcome]) -> None:
        """Take over a newer record and the outcomes that changed (for engines)."""
        with self._lock:
            if self._record.status.final:
                return
            progress = max(record.progress, self._record.progress)
            self._record = replace(record, progress=progress, outcomes={})
            self._outcomes.update(outcomes)
            self._news.extend((h, o) for h, o in outcomes.items() if _decided(o))
            self._changed = True

    def notify(self) -> None:
        """Tell the listeners what ``update`` brought (for engines)."""
        while True:
            with self._lock:
                owed, self._owed = self._owed, []
                news, self._news = self._news, []
                changed, self._changed = self._changed or bool(news), False
                owed.extend((listener, news) for listener in self._host_listeners)
                change_listeners = list(self._change_listeners) if changed else []
                if not changed and not any(known for _, known in owed):
                    if self._record.status.final:
                        self._finished.set()
                    return
            for host_listener, known in owed:
                _tell_all(host_listener, known)
            for change_listener in change_listeners:
                _tell(change_listener, self)


def _decided(outcome: HostOutcome) -> bool:
    return outcome.status is not HostStatus.WAITING


def _failed_themselves(outcomes: Mapping[str, HostOutcome]) -> Dict[str, HostOutcome]:
    """Return the hosts that failed before the job as a whole did."""
    own = (HostStatus.FAILED, HostStatus.UNREACHABLE)
    return {host: outcome for host, outcome in outcomes.items() if outcome.status in own}


def _tell_all(listener: HostListener, news: List[News]) -> None:
    for host, outcome in news:
        _tell(listener, host, outcome)


def _tell(listener: Callable[..., Any], *arguments: Any) -> None:
    try:
        listener(*arguments)
    except Exception:
        log.exception("a listener of a job failed")
