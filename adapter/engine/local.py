"""The engine on this machine: a child process per job, files between them.

Nothing here waits and nothing has a thread. What one process starts, any later one can follow:
all that is known of a job is in its directory.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from adapter.engine import child as children
from adapter.engine.base import Away, Left
from adapter.engine.checks import check_request
from adapter.engine.child import Child
from adapter.engine.completion import Completion
from adapter.engine.files import PathLike, read_json, try_lock
from adapter.engine.gate import Ask, Gate
from adapter.engine.jobs import (
    JobDir,
    JobDirs,
    Keep,
    Tail,
    new_id,
    record_from_json,
    salvaged,
    surplus,
)
from adapter.engine.model import JobRecord, JobStatus, Request
from adapter.engine.patience import Patience
from adapter.engine.progress import Progress
from adapter.engine.running import Running
from adapter.engine.scheduler import schedule
from adapter.engine.ssh_files import SshFiles
from adapter.errors import NotReady, UnknownName

_TRIES = 20
# For so many seconds `close` waits for workers that have told their result.
_LAST_MOMENT = 5.0
_SEE_JOBS = "List the jobs to see their ids."


class LocalEngine:
    """Implement ``Engine`` with ansible-runner in child processes.

    ``state_dir`` holds ``jobs/``; ``content_root`` is the directory with ``ansible.cfg`` and
    ``playbooks/``. At most ``max_running`` jobs run at a time, one place of them is kept for jobs
    that only read. A job whose parent does not poll for ``lease`` seconds stops itself. Jobs of an
    earlier process are followed from the beginning.
    """

    def __init__(
        self,
        state_dir: PathLike,
        content_root: PathLike,
        ssh: SshFiles,
        *,
        python: str = "",
        controller: str = "",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        max_running: int = 4,
        keep: Optional[Keep] = None,
        lease: float = 30.0,
    ) -> None:
        self._state = Path(state_dir).absolute()
        self._content = Path(content_root).absolute()
        self._ssh = ssh
        self._python = python or children.default_python()
        self.controller = controller or socket.gethostname()
        self.directory = str(self._state)
        self._clock, self._monotonic = clock, monotonic
        self._max_running = max_running
        self._keep = keep or Keep()
        self._lease = lease
        self._dirs = JobDirs(self._state / "jobs")
        self._lock = threading.RLock()
        self._polling = threading.Lock()
        self._active: Dict[str, Running] = {}
        self._records: Dict[str, JobRecord] = {}
        self._sizes: Dict[str, int] = {}
        self._ending: List[Child] = []
        self._untold: List[Completion] = []
        self._completions: weakref.WeakValueDictionary[str, Completion] = (
            weakref.WeakValueDictionary()
        )
        self._dirs.sweep()
        self._adopt()

    def ready(self) -> str:
        """Return why no job could be started now, or nothing; a look, not a try."""
        return children.problem_of(self._python)

    def away(self) -> Optional[Away]:
        """Return nothing: this machine is here."""
        return None

    def submit(self, request: Request, before: Optional[Ask] = None) -> Completion:
        """Record a job and start it, or queue it behind the writers of its hosts.

        ``before`` is asked again where the job has had to wait for its turn.

        Raises ``InvalidValue`` for hosts, variables or a playbook that cannot be, ``NotReady``
        if the state directory cannot be written.
        """
        check_request(request, self._content)
        with self._lock:
            # What others asked for before goes before it, whatever the clocks say.
            self._adopt()
        try:
            running = self._create(request)
        except OSError as error:
            raise NotReady(
                f"The job cannot be recorded in {self._dirs.root}: {error.strerror}.",
                "Is the disk full, or the directory somebody else's?",
            ) from error
        if before is not None:
            running.gate = Gate(before, self._monotonic())
        with self._lock:
            self._follow(running)
            self._start_ready()
        running.completion.notify()
        return running.completion

    def poll(self) -> bool:
        """Read what is new, start what can; tell whether any job is active.

        Listeners are called from here, with no lock held.
        """
        if not self._polling.acquire(blocking=False):
            return self._is_active()
        try:
            with self._lock:
                active = list(self._active.values())
            for running in active:
                self._step(running)
            with self._lock:
                told = [running.completion for running in active] + self._untold
                self._untold = []
                self._ending = [child for child in self._ending if child.is_alive]
                if active:
                    self._start_ready()
            for completion in told:
                completion.notify()
            return self._is_active()
        finally:
            self._polling.release()

    def follow(self, left: Sequence[Left]) -> List[Completion]:
        """Follow none: what runs a job here ends without the process that began it."""
        del left
        return []

    def jobs(self) -> List[JobRecord]:
        """Return all recorded jobs, the newest first, without results and, ended, variables."""
        with self._lock:
            records = dict(self._records)
            records.update((key, job.completion.record) for key, job in self._active.items())
        return sorted(records.values(), key=lambda job: (job.created, job.id), reverse=True)

    def completion(self, job_id: str) -> Completion:
        """Return a job's completion, with the hosts' results read again if it has ended.

        Raises ``UnknownName``.
        """
        with self._lock:
            known = self._completions.get(job_id)
            if known is not None:
                return known
            record = self._records.get(job_id)
        job = self._dirs.get(job_id)
        if record is None or job is None:
            raise UnknownName("job", job_id, _SEE_JOBS)
        progress = Progress(record.request)
        for event in Tail(job.file("events.jsonl")).read_all():
            progress.apply(event)
        outcomes = {
            host: replace(progress.outcomes[host], status=final.status, message=final.message)
            for host, final in record.outcomes.items()
            if host in progress.outcomes
        }
        return Completion(record, outcomes=outcomes)

    def asked(self, job_id: str) -> Request:
        """Return what was asked for, with the variables: the records have none.

        Raises ``UnknownName``.
        """
        job = self._dirs.get(job_id)
        request = job.request() if job is not None else None
        if request is None:
            raise UnknownName("job", job_id, _SEE_JOBS)
        return request

    def log(self, job_id: str) -> Iterator[str]:
        """Yield what the job printed, line by line, then what its worker complained about.

        Raises ``UnknownName``.
        """
        job = self._dirs.get(job_id)
        if job is None:
            raise UnknownName("job", job_id, _SEE_JOBS)
        return _lines(job)

    def cancel(self, job_id: str) -> JobRecord:
        """Ask a job to stop, on the hosts too; a finished one is returned as it is.

        Raises ``UnknownName``.
        """
        with self._lock:
            running = self._active.get(job_id)
            if running is None:
                if job_id not in self._records:
                    raise UnknownName("job", job_id, _SEE_JOBS)
                return self._records[job_id]
            if running.is_queued and running.lock is not None:
                running.end_unstarted("cancelled before it was started")
                self._retire(running)
                self._untold.append(running.completion)
            else:
                running.ask_to_stop()
        running.completion.notify()
        return running.completion.record

    def overtake(self, job_id: str, reason: str) -> bool:
        """End a job of this process that is queued; tell whether it had not begun."""
        with self._lock:
            running = self._active.get(job_id)
            if running is None or not running.is_queued or running.lock is None:
                return False
            running.end_unstarted(reason)
            self._retire(running)
            self._untold.append(running.completion)
        running.completion.notify()
        return True

    def follows(self, job_id: str) -> bool:
        """Tell whether a job is active here."""
        with self._lock:
            return job_id in self._active

    def close(self) -> None:
        """Forget everything: running jobs go on without this process, queued ones are ended.

        Workers whose jobs have ended are waited for, for a moment: they are about to end.
        """
        until = self._monotonic() + _LAST_MOMENT
        with self._lock:
            ending, self._ending = self._ending, []
            for running in self._active.values():
                if running.is_queued and running.lock is not None:
                    running.end_unstarted(
                        "not started, because the process that runs jobs was ending; ask again"
                    )
            self._active.clear()
        for child in ending:
            child.wait(max(0.0, until - self._monotonic()))

    def _create(self, request: Request) -> Running:
        now = self._clock()
        marker = secrets.token_hex(8)
        settings = {**self._settings(), "marker": marker}
        record = JobRecord(
            id="",
            request=request,
            status=JobStatus.QUEUED,
            created=now,
            message=f"{request.operation}: queued",
            controller=self.controller,
        )
        for _ in range(_TRIES):
            record = replace(record, id=new_id(request.operation, now))
            with contextlib.suppress(FileExistsError):
                job = self._dirs.create(record, settings, marker)
                break
        else:
            raise FileExistsError(None, "no free job id")
        record = replace(record, request=replace(request, secrets={}))
        running = self._running(job, record, marker)
        running.lock = job.try_lock()
        if running.lock is None:
            # Nobody could ever start it.
            self._dirs.remove(job.id, ended=True)
            raise OSError(errno.EMFILE, "its lock cannot be held; too many open files?")
        return running

    def _settings(self) -> Dict[str, Any]:
        """Return what workers are told beside the request."""
        return {
            "content_root": str(self._content),
            "state_dir": str(self._state),
            "ssh_config": str(self._ssh.config_path),
            "lease": self._lease,
            "ssh_stays": self._state in self._ssh.config_path.parents,
            **self._more_settings(),
        }

    def _running(self, job: JobDir, record: JobRecord, marker: str) -> Running:
        return Running(
            job,
            record,
            marker,
            clock=self._clock,
            monotonic=self._monotonic,
            cancel=self.cancel,
            clean=lambda job: children.start_cleaner(job, python=self._python, home=self._state),
            patience=self._patience(job),
        )

    def _patience(self, job: JobDir) -> Patience:
        """Return how a job is looked after: what runs it ends with its worker."""
        del job
        return Patience()

    def _more_settings(self) -> Dict[str, Any]:
        """Return what workers are told in addition."""
        return {}

    def _follow(self, running: Running) -> None:
        self._active[running.job.id] = running
        self._completions[running.job.id] = running.completion

    def _adopt(self) -> None:
        """Take in the jobs in the state directory that are not known yet."""
        for job_id in self._dirs.ids():
            if job_id in self._active or job_id in self._records:
                continue
            job = JobDir(self._dirs.root / job_id)
            data = read_json(job.file("record.json"))
            record = record_from_json(data)
            if record is None or record.id != job_id:
                data = read_json(job.file("request.json"))
                record = salvaged(job)
            if record is None:
                self._dirs.remove(job_id, ended=True)
            elif record.status.final:
                self._records[job_id] = record
            else:
                running = self._running(job, record, str(data.get("marker") or ""))
                if not running.is_queued:
                    running.attach(data.get("pid"), data.get("started_at"))
                self._follow(running)

    def _step(self, running: Running) -> None:
        running.step()
        if running.record.status.final:
            with self._lock:
                self._retire(running)
                self._rotate()

    def _retire(self, running: Running) -> None:
        """Keep a job that has ended as its record only."""
        slim = replace(running.record.request, variables={})
        self._records[running.job.id] = replace(running.record, request=slim)
        if self._active.pop(running.job.id, None) is not None and running.child is not None:
            self._ending.append(running.child)

    def _rotate(self) -> None:
        for job_id in self._records:
            if job_id not in self._sizes:
                self._sizes[job_id] = JobDir(self._dirs.root / job_id).size()
        finished = list(self._records.values())
        for job_id in surplus(finished, self._sizes, self._keep, self._clock()):
            if self._dirs.remove(job_id, ended=True):
                self._records.pop(job_id, None)
                self._sizes.pop(job_id, None)

    def _start_ready(self) -> None:
        """Start the queued jobs that can run, in the order in which they became known.

        Other processes may share the state directory, so this is one process's at a time.
        """
        if not any(job.is_queued for job in self._active.values()):
            return
        turn = try_lock(self._dirs.root / "starting")
        if turn is None:
            return
        try:
            self._adopt()
            for running, reason in schedule(list(self._active.values()), self._max_running):
                if reason:
                    running.wait_for(reason)
                elif running.lock is not None and self._is_open(running):
                    self._start(running)
        finally:
            os.close(turn)

    def _is_open(self, running: Running) -> bool:
        """Tell whether a job may begin now; one that may not any more is ended."""
        if running.gate is None:
            return True
        verdict = running.gate.look(running.job.id, self._monotonic())
        if verdict.refused:
            running.end_refused(verdict.refused)
            self._retire(running)
            self._untold.append(running.completion)
        elif not verdict.may:
            running.wait_for("it is asked again whether that is safe")
        return verdict.may

    def _start(self, running: Running) -> None:
        if running.lock is None:
            return
        lock = running.lock
        running.job.renew_lease()
        try:
            child = children.start(
                running.job, running.marker, lock, python=self._python, home=self._state
            )
        except OSError as error:
            running.end_failed(f"{self._python} cannot be started: {error.strerror}")
            self._retire(running)
            self._untold.append(running.completion)
        else:
            running.started(child)
        finally:
            os.close(lock)
            running.lock = None

    def _is_active(self) -> bool:
        with self._lock:
            return bool(self._active or self._ending or self._untold)


def _lines(job: JobDir) -> Iterator[str]:
    for name in ("output.log", "worker.log"):
        with (
            contextlib.suppress(OSError),
            open(job.file(name), encoding="utf-8", errors="replace") as handle,
        ):
            for line in handle:
                yield line.rstrip("\n")
