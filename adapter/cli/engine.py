"""What stands between the command and the engine: it remembers jobs, and can make them checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Iterator, List, Optional, Sequence

from adapter.engine.access import Ssh
from adapter.engine.base import Away, Engine, Left
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.local import LocalEngine
from adapter.engine.model import JobRecord, Request, Target
from adapter.engine.ssh import ProbeResult


class WatchedEngine:
    """An ``Engine`` that remembers what this command submitted.

    With ``check`` every job is a dry run: Ansible's check mode, with differences. Before one that
    changes hosts is submitted, ``before_change`` is called, which may raise.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        check: bool = False,
        before_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._check, self._before_change = check, before_change
        self.submitted: List[Completion] = []

    def ready(self) -> str:
        """Return why no job could be started now, or nothing."""
        return self._engine.ready()

    def away(self) -> Optional[Away]:
        """Return why no job begins for now."""
        return self._engine.away()

    @property
    def controller(self) -> str:
        """Return the name of this machine."""
        return self._engine.controller

    @property
    def directory(self) -> str:
        """Return where the jobs' records are."""
        return self._engine.directory

    def submit(self, request: Request, before: Optional[Ask] = None) -> Completion:
        """Submit a job, as a dry run if so wished."""
        if self._check:
            request = replace(request, check=True, diff=True, changes=False)
        elif request.changes:
            self._before_change()
        completion = self._engine.submit(request, before)
        self.submitted.append(completion)
        return completion

    def poll(self) -> bool:
        """Move everything on."""
        return self._engine.poll()

    def follow(self, left: Sequence[Left]) -> List[Completion]:
        """Follow jobs that go on elsewhere."""
        return self._engine.follow(left)

    def jobs(self) -> List[JobRecord]:
        """Return all recorded jobs, the newest first."""
        return self._engine.jobs()

    def completion(self, job_id: str) -> Completion:
        """Return a job's completion."""
        return self._engine.completion(job_id)

    def asked(self, job_id: str) -> Request:
        """Return what was asked for."""
        return self._engine.asked(job_id)

    def log(self, job_id: str) -> Iterator[str]:
        """Yield what the job printed."""
        return self._engine.log(job_id)

    def cancel(self, job_id: str) -> JobRecord:
        """Ask a job to stop."""
        return self._engine.cancel(job_id)

    def overtake(self, job_id: str, reason: str) -> bool:
        """End a queued job that another one makes needless."""
        return self._engine.overtake(job_id, reason)

    def close(self) -> None:
        """End what is still queued: nobody would start it any more."""
        if isinstance(self._engine, LocalEngine):
            self._engine.close()


class LocalAccess:
    """The ``Ssh`` of a command that only looks at this very machine: no key is needed."""

    def __init__(self, ssh: Ssh) -> None:
        self._ssh = ssh

    def ready(self) -> str:
        """Return nothing: nothing is missing."""
        return ""

    def pin(self, hosts: object) -> None:
        """Do nothing: there is no host to be pinned."""

    def resolve(self, name: str) -> str:
        """Return the address that a name means here."""
        return self._ssh.resolve(name)

    def probe(
        self, target: Target, *, learn_keys: bool = False, as_root: bool = False
    ) -> ProbeResult:
        """Look at this machine."""
        return self._ssh.probe(target, learn_keys=learn_keys, as_root=as_root)

    def close(self, target: Target, *, gently: bool = False) -> None:
        """Do nothing: there is no connection."""
