"""For how long a job and its worker are waited for, and whether another worker may go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from adapter.engine.child import Child
from adapter.engine.jobs import JobDir

# The worker ends a job by itself; the parent does it only when the worker has not for so long.
# With what follows it is less than the ten seconds that a job may have beyond its deadline.
STOP_GRACE = 6.5
# Starts a worker anew for a job whose own is gone; it gets the job's lock.
Resume = Callable[[JobDir, str, int], Child]


@dataclass(frozen=True)
class Patience:
    """How a job is looked after that may outlive its worker.

    ``left`` is empty where the job ends with its worker; otherwise it says what to do about a job
    that may go on without one. ``beyond`` is for how many seconds it may be there in addition to
    its own time, ``stop`` how long its worker may take to end it. ``resume`` starts another worker
    where one is gone; without it such a job is lost.
    """

    beyond: float = 0.0
    stop: float = STOP_GRACE
    resume: Optional[Resume] = None
    left: str = ""
