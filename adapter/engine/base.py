"""The engine as the other packages see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, List, Optional, Protocol, Sequence, Tuple

from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.model import JobRecord, Request, Target


@dataclass(frozen=True)
class Away:
    """Say why an engine begins no jobs for now, although nothing is wrong here.

    With ``queues`` what is asked for waits until it does; otherwise it is refused.
    """

    reason: str
    queues: bool = False


@dataclass(frozen=True)
class Left:
    """A changing job that had not ended when its manager did, and where its hosts are.

    ``controller`` is the machine that has its record, ``created`` in epoch seconds.
    """

    id: str
    operation: str
    summary: str
    controller: str
    created: float
    targets: Tuple[Target, ...]


class Engine(Protocol):
    """Run operations somewhere and tell what becomes of them.

    An engine has no thread of its own: ``poll`` moves everything on, and the caller decides who
    calls it (the serve loop in ceph-mgr, the waiting command in ``orch-ansible``). All methods
    can be called from any thread. ``controller`` is this machine's name, ``directory`` where the
    records of jobs are on it.
    """

    def ready(self) -> str:
        """Return why no job could be started now, with the remedy, or nothing."""
        ...

    def away(self) -> Optional[Away]:
        """Return why no job begins for now, from memory; None where nothing keeps them."""
        ...

    @property
    def controller(self) -> str:
        """Return the name of the machine that runs the jobs."""
        ...

    @property
    def directory(self) -> str:
        """Return the directory of the jobs' records."""
        ...

    def submit(self, request: Request, before: Optional[Ask] = None) -> Completion:
        """Record a job and start it, or queue it behind the writers of its hosts.

        One that has had to wait starts only if ``before`` still lets it when its turn comes; else
        it ends as failed, with that reason.

        Raises ``InvalidValue`` for an empty list of hosts or a playbook that does not exist.
        """
        ...

    def poll(self) -> bool:
        """Read what is new from every job and start what can; tell whether any job is active."""
        ...

    def follow(self, left: Sequence[Left]) -> List[Completion]:
        """Follow jobs that go on elsewhere without the process that began them.

        Nobody waits; returns those that have been found since this was called last.
        """
        ...

    def jobs(self) -> List[JobRecord]:
        """Return all recorded jobs, the newest first, without the hosts' results."""
        ...

    def completion(self, job_id: str) -> Completion:
        """Return a job's completion, also of one that an earlier process started.

        Raises ``UnknownName``.
        """
        ...

    def asked(self, job_id: str) -> Request:
        """Return what was asked for, with the variables. Raises ``UnknownName``."""
        ...

    def log(self, job_id: str) -> Iterator[str]:
        """Yield what the job printed, line by line. Raises ``UnknownName``."""
        ...

    def cancel(self, job_id: str) -> JobRecord:
        """Ask a job to stop, on the hosts too; a finished one is returned as it is."""
        ...

    def overtake(self, job_id: str, reason: str) -> bool:
        """End a queued job, which another one makes needless; tell whether it had not begun."""
        ...
