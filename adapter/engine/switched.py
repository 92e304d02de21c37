"""The engine of managers: jobs run on this machine or in AWX, and that can change at any time.

A job has written down where it is run. What has begun there ends there; what has not begun yet
begins where it is wanted now. While AWX does not answer no job begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence

from adapter.engine.awx import MOST_RUNNING, Reach, patience_of, refuse_this_machine
from adapter.engine.awx_left import LeftInAwx
from adapter.engine.awx_place import AwxPlace
from adapter.engine.awx_sweep import Sweeper
from adapter.engine.base import Away, Left
from adapter.engine.completion import Completion
from adapter.engine.files import read_json, write_json
from adapter.engine.gate import Ask
from adapter.engine.jobs import JobDir
from adapter.engine.local import LocalEngine
from adapter.engine.model import Request
from adapter.engine.patience import Patience
from adapter.engine.running import Running
from adapter.errors import EngineAway


@dataclass(frozen=True)
class Where:
    """Where jobs are to run: in AWX at ``place``, or on this machine without one.

    ``problem`` says why it is not known at which place. While AWX takes no jobs, what is asked for
    waits with ``queues``, and is refused without.
    """

    place: Optional[AwxPlace] = None
    problem: str = ""
    queues: bool = False


class SwitchedEngine(LocalEngine):
    """Implement ``Engine``: jobs run where ``use`` has said last, at first on this machine."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self.where = Where()
        self._reach: Optional[Reach] = None
        # Ids of jobs of other managers that were found in AWX and are not told yet.
        self._found: List[str] = []
        super().__init__(*arguments, **settings)
        self._left = LeftInAwx(self._dirs, self._found.append)
        self._most_here = self._max_running

    def use(self, where: Where) -> None:
        """Have all jobs that have not begun yet run there."""
        with self._lock:
            if where.place != self.where.place:
                self._reach = self._reach_of(where.place) if where.place is not None else None
            self.where = where
            self._max_running = MOST_RUNNING if where.place is not None else self._most_here
        if self._reach is not None:
            self._reach.look_now()

    def _reach_of(self, place: AwxPlace) -> Reach:
        return Reach(place, Sweeper(self._state, place, self.follows))

    def ready(self) -> str:
        """Return why no job could be started now, or nothing; nobody waits for AWX."""
        away = self.away()
        return super().ready() or (away.reason if away is not None else "")

    def away(self) -> Optional[Away]:
        """Return why no job begins for now, as it was when AWX was looked at last."""
        where, reach = self.where, self._reach
        problem = where.problem or (reach.known() if reach is not None else "")
        return Away(problem, where.queues) if problem else None

    def submit(self, request: Request, before: Optional[Ask] = None) -> Completion:
        """Record a job and start it, or queue it; ``Engine`` says more.

        Raises ``EngineAway`` where it is refused because AWX does not answer, ``InvalidValue`` for
        a host that AWX cannot reach.
        """
        away = self.away()
        if away is not None and not away.queues:
            raise EngineAway(away.reason)
        if self.where.place is not None:
            refuse_this_machine(request)
        return super().submit(request, before)

    def poll(self) -> bool:
        """Read what is new, start what can; tell whether any job needs to be looked at soon."""
        if self._reach is not None:
            self._reach.look()
        active = super().poll()
        if not active or self.away() is None:
            return active
        with self._lock:
            rest = bool(self._ending or self._untold)
            return rest or not all(job.is_queued for job in self._active.values())

    def follow(self, left: Sequence[Left]) -> List[Completion]:
        """Follow jobs that managers on other hosts have launched in AWX and not ended."""
        place = self.where.place
        with self._lock:
            unknown = [job for job in left if job.id not in {*self._active, *self._records}]
            if self._found:
                self._adopt()
            found = [job_id for job_id in self._found if job_id in self._active]
            self._found[:] = [job_id for job_id in self._found if job_id not in found]
        if place is not None and unknown:
            self._left.look(place, self._settings(), unknown)
        return [self.completion(job_id) for job_id in found]

    def _start_ready(self) -> None:
        away = self.away()
        if away is None:
            super()._start_ready()
            return
        for running in self._active.values():
            if running.is_queued and running.lock is not None:
                running.wait_for(f"it waits because jobs cannot begin: {away.reason}")

    def _start(self, running: Running) -> None:
        self._move(running)
        super()._start(running)

    def _move(self, running: Running) -> None:
        """Have a queued job run where jobs run now. Where that cannot be written it stays."""
        path = running.job.file("request.json")
        settings = read_json(path)
        if not isinstance(settings, dict):
            return
        wanted = {key: value for key, value in settings.items() if key not in ("awx", "leaves")}
        wanted.update(self._more_settings())
        if wanted == settings:
            return
        try:
            write_json(path, wanted)
        except OSError:
            return
        running.patience = self._patience(running.job)

    def _patience(self, job: JobDir) -> Patience:
        return patience_of(job, self._python, self._state)

    def _more_settings(self) -> Dict[str, Any]:
        reach = self._reach
        # The next manager follows on what this one has launched.
        return {"awx": reach.place.to_json(), "leaves": True} if reach is not None else {}
