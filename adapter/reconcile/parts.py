"""The parts of a round, each guarded for itself: one that fails does not stop the others."""

from __future__ import annotations

import logging
from typing import Callable, Dict, Iterable, Optional, TypeVar

from adapter.errors import EngineAway

log = logging.getLogger(__name__)

T = TypeVar("T")
# How long a part that failed is left alone (seconds).
RETRY = 5.0
# A job of another manager's host ends itself when nobody has renewed its lease for 30 s.
OTHERS_JOBS_END = 45.0


class Parts:
    """Run parts; ``problems`` says by part what went wrong unexpectedly when it ran last."""

    def __init__(self) -> None:
        self.problems: Dict[str, str] = {}
        self._not_before: Dict[str, float] = {}

    def run(self, name: str, act: Callable[[], Optional[float]], now: float) -> Optional[float]:
        """Run a part, and return its pause; a failure is logged once and tried again later.

        ``now`` and what is returned are in (monotonic) seconds.
        """
        wait = self._not_before.get(name, now) - now
        if wait > 0:
            return wait
        try:
            pause = act()
        except EngineAway:
            # Health says so already.
            self._not_before[name] = now + RETRY
            return RETRY
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            if problem != self.problems.get(name):
                log.exception("%s failed", name)
            self.problems = {**self.problems, name: problem}
            self._not_before[name] = now + RETRY
            return RETRY
        self._not_before.pop(name, None)
        if name in self.problems:
            self.problems = {key: each for key, each in self.problems.items() if key != name}
        return pause


def for_each(items: Iterable[T], act: Callable[[T], object]) -> None:
    """Act on each; what the last one to fail raises is raised when all have had their turn."""
    first: Optional[Exception] = None
    last: Optional[Exception] = None
    for item in items:
        try:
            act(item)
        except Exception as error:  # noqa: BLE001 - raised below
            first, last = first or error, error
    if last is None:
        return
    if last is not first and last.__context__ is None:
        # The log then shows the first one too.
        last.__context__ = first
    raise last
