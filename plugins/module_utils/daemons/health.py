"""Wait until daemons do their work, and say of those that do not what they lack."""

from __future__ import annotations

import time
from typing import Dict, Iterable, Mapping, Optional

from ..system.reading import Roots, to_int
from ..systemd.faults import is_skipped
from ..systemd.last_words import words_of
from ..systemd.units import has_failed, reason_skipped, runs, show_units
from .shapes import AwaitedShape

_INTERVAL = 0.1
# A daemon that cannot run, and that nobody can ask, ends within this time.
_SETTLE = 1.5


class _Watched:
    """A daemon that is waited for, and since when its present process runs.

    ``hopeless`` is a sentence when waiting is of no use.
    """

    def __init__(self, wanted: AwaitedShape) -> None:
        self.daemon = wanted.daemon
        self.port = wanted.port
        self.others = wanted.others
        self.must_answer: bool = getattr(wanted, "must_answer", False)
        self.hopeless = ""
        self._pid: Optional[str] = ""
        self._since = 0.0

    @property
    def pid(self) -> int:
        """Return the number of the present process."""
        return to_int(self._pid)

    def works(self, proc: str, state: Mapping[str, str], now: float) -> bool:
        """Tell whether the daemon does its work; one that cannot be asked only has to stay."""
        if state.get("MainPID") != self._pid:
            self._pid, self._since = state.get("MainPID"), now
        answer = self.daemon.kind.works(self, proc)
        return now - self._since >= _SETTLE if answer is None else answer


def wait_at_work(roots: Roots, wanted: Iterable[AwaitedShape], seconds: float) -> Dict[str, str]:
    """Wait for daemons; return a sentence by unit for each that does not work."""
    waiting = {one.daemon.unit: _Watched(one) for one in wanted}
    deadline = time.monotonic() + seconds
    problems: Dict[str, str] = {}
    while waiting:
        states = show_units(list(waiting))
        now = time.monotonic()
        for unit, state in states.items():
            watched = waiting[unit]
            if runs(state) and watched.works(roots.proc, state, now):
                del waiting[unit]
                continue
            problem = _problem_of(watched, state, now > deadline, seconds)
            if problem:
                wordless = watched.hopeless or is_skipped(state)
                problems[unit] = problem + ("" if wordless else words_of([unit]))
                del waiting[unit]
        if waiting:
            time.sleep(_INTERVAL)
    return problems


def _problem_of(watched: _Watched, state: Mapping[str, str], late: bool, seconds: float) -> str:
    """Return what is wrong with a daemon, if anything is already."""
    name = watched.daemon.unit
    if has_failed(state):
        return f"{name} did not stay up."
    if watched.hopeless:
        return watched.hopeless
    if is_skipped(state):
        return reason_skipped(name)
    if not late:
        return ""
    if not runs(state):
        return f"{name} did not become active within {seconds:g} s."
    # Why none could come up now, as the end of the sentence.
    why = watched.daemon.kind.lack_of_cluster(watched.daemon)
    return f"{name}: {watched.daemon.kind.lack} after {seconds:g} s{f': {why}' if why else ''}."
