"""The engine that runs its jobs in AWX.

Queue, records, progress and locks are those of the engine on this machine; a job's worker launches
it in AWX and follows it instead of running Ansible. A worker that is gone loses nothing: the next
one finds the job in AWX and follows it on.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Optional

from adapter.awxapi.client import Awx
from adapter.engine import child as children
from adapter.engine.awx_place import Asking, AwxPlace
from adapter.engine.awx_sweep import Sweeper
from adapter.engine.completion import Completion
from adapter.engine.files import read_json
from adapter.engine.gate import Ask
from adapter.engine.jobs import JobDir
from adapter.engine.local import LocalEngine
from adapter.engine.model import Request
from adapter.engine.patience import Patience
from adapter.errors import AdapterError, InvalidValue, NotReady

# How many jobs are followed at a time: each asks AWX about once a second.
MOST_RUNNING = 10
_LOOK_EVERY = 15.0
_FIRST_LOOK = 10.0
# So long until the next look while it does not answer.
_LOOK_AGAIN = 5.0
# One answer that got lost is no reason to refuse anything.
_SURE_AFTER = 3.0
# A worker ends a little before its parent would end it.
_SPARE = 15.0


class AwxEngine(LocalEngine):
    """Implement ``Engine`` with job templates of AWX. ``place`` says which AWX, and how long."""

    def __init__(self, *arguments: Any, place: AwxPlace, **settings: Any) -> None:
        settings.setdefault("max_running", MOST_RUNNING)
        super().__init__(*arguments, **settings)
        self._reach = Reach(place, Sweeper(self._state, place, self.follows))

    def ready(self) -> str:
        """Return why no job could be started now, or nothing; AWX is asked in the background."""
        return super().ready() or self._reach.problem()

    def submit(self, request: Request, before: Optional[Ask] = None) -> Completion:
        """Record a job and start it, or queue it behind the writers of its hosts.

        Raises what the engine on this machine does, ``InvalidValue`` for a host that is this
        machine itself, and ``NotReady`` for a change while AWX is known not to answer.
        """
        refuse_this_machine(request)
        problem = self._reach.known() if request.changes else ""
        if problem:
            raise NotReady(f"No job is begun that changes something: {problem}")
        return super().submit(request, before)

    def poll(self) -> bool:
        """Read what is new, start what can; tell whether any job is active."""
        self._reach.look()
        return super().poll()

    def _patience(self, job: JobDir) -> Patience:
        return patience_of(job, self._python, self._state)

    def _more_settings(self) -> Dict[str, Any]:
        return {"awx": self._reach.place.to_json()}


def refuse_this_machine(request: Request) -> None:
    """Raise ``InvalidValue`` for a host that is this machine itself."""
    for target in request.targets:
        if target.connection != "ssh":
            reason = "it is this machine itself, which AWX does not reach"
            raise InvalidValue("host", target.name, reason)


def place_of(job: JobDir) -> Optional[AwxPlace]:
    """Return in which AWX a job is run, None for one that is run on this machine."""
    settings = read_json(job.file("request.json"))
    told = settings.get("awx") if isinstance(settings, dict) else None
    try:
        return AwxPlace.from_json(told) if isinstance(told, dict) else None
    except TypeError:
        return None


def patience_of(job: JobDir, python: str, home: Path) -> Patience:
    """Return how a job is looked after where it is run; see ``Patience``."""
    place = place_of(job)
    if place is None:
        return Patience()
    return Patience(
        beyond=place.beyond,
        stop=place.stop + place.request + _SPARE,
        resume=lambda job, marker, lock: children.start(
            job, marker, lock, python=python, home=home
        ),
        left="look in AWX whether it goes on there, before its hosts are changed again",
    )


class Reach:
    """Whether AWX answers and takes the login, as a thread has last seen it.

    Nobody waits for an AWX that is slow, but for the first look, and then only for some seconds.
    ``then`` is done in the thread while AWX is there, and raises nothing.
    """

    def __init__(
        self, place: AwxPlace, then: Callable[[Awx], None], every: float = _LOOK_EVERY
    ) -> None:
        self._place = place
        self._then = then
        self._every = every
        self._lock = threading.Lock()
        self._thread: Optional[threading.Thread] = None
        self._known = threading.Event()
        self._problem = ""
        self._looked_at = 0.0

    @property
    def place(self) -> AwxPlace:
        """Return the place with the paths of its collections, if they are known already."""
        return self._place

    def look(self) -> None:
        """Look again if the last time was long ago; nothing is waited for."""
        with self._lock:
            now = time.monotonic()
            if self._thread is not None and self._thread.is_alive():
                return
            pause = min(_LOOK_AGAIN, self._every) if self._problem else self._every
            if self._known.is_set() and now - self._looked_at < pause:
                return
            self._thread = threading.Thread(target=self._ask, name="awx", daemon=True)
            self._thread.start()

    def look_now(self) -> None:
        """Look as soon as that can be; nothing is waited for."""
        self._looked_at = float("-inf")
        self.look()

    def problem(self) -> str:
        """Return why AWX cannot be used, or nothing."""
        self.look()
        if not self._known.wait(_FIRST_LOOK):
            return f"AWX at {self._place.url} has not answered within {_FIRST_LOOK:g} s."
        return self._problem

    def known(self) -> str:
        """Return why AWX could not be used at the last look, or nothing; nobody waits."""
        return self._problem if self._known.is_set() else ""

    def _ask(self) -> None:
        patience = min(_SURE_AFTER, self._place.silence)
        asking = Asking(self._place, time.sleep, lambda: patience)
        try:
            self._place = replace(self._place, root=asking.ask(_root_of))
            problem = ""
        except AdapterError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - what is not known is not well
            problem = f"AWX at {self._place.url}: {type(error).__name__}: {error}"
        if problem and self._place.url not in problem:
            problem = f"{self._place.url}: {problem}"
        self._problem, self._looked_at = problem, time.monotonic()
        self._known.set()
        if not problem:
            asking.once(self._then)


def _root_of(awx: Awx) -> Dict[str, str]:
    awx.me()
    return awx.root
