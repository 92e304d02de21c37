"""Whether a job that had to wait for its turn may still begin.

Who submitted it asked the monitors a moment before. What they said is old when the job has waited
behind another one, or when it took long to keep a record of it: then it is asked again, right
before the job starts. Monitors may take long to answer, and nothing waits here: the question has
a thread of its own.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

from adapter.errors import ReportAwaited
from adapter.interface import OrchestratorError

# Asks whether a job may begin; raises ``OrchestratorError`` with what speaks against it, or
# ``ReportAwaited`` where it is to be asked again.
Ask = Callable[[str], None]

# So long (seconds) an answer holds: a failed host is out of the quorum after some seconds.
HOLDS = 2.0
# How often is asked where nobody can say it yet.
ASK_AGAIN = 2.0
# So long an answer is waited for: other jobs wait behind this one.
ANSWERED_WITHIN = 60.0


@dataclass(frozen=True)
class Asked:
    """A question that was answered well at ``at`` (monotonic seconds), and can be asked again."""

    ask: Ask
    at: float = field(default_factory=time.monotonic)

    def __call__(self, job_id: str) -> None:
        """Ask again."""
        self.ask(job_id)


def together(ask: Ask, before: Optional[Ask]) -> Asked:
    """Return both questions as one: ``before``, if there is one, and when it was answered."""

    def both(job_id: str) -> None:
        ask(job_id)
        if before is not None:
            before(job_id)

    return Asked(both, before.at) if isinstance(before, Asked) else Asked(both)


@dataclass(frozen=True)
class Verdict:
    """What was said of a job: it may begin, or is refused, or waits."""

    may: bool = False
    refused: str = ""


def verdict_of(ask: Ask, job_id: str) -> Optional[Verdict]:
    """Ask; return None where nobody can say it yet."""
    try:
        ask(job_id)
    except ReportAwaited:
        return None
    except OrchestratorError as error:
        return Verdict(refused=f"not begun: {' '.join(str(error).split())}")
    except Exception as error:  # noqa: BLE001 - a job is not begun on a guess
        return Verdict(refused=f"not begun: {type(error).__name__}: {error}")
    return Verdict(may=True)


class Gate:
    """The question of one job, and its answer as long as it holds (monotonic seconds)."""

    def __init__(self, ask: Ask, now: float) -> None:
        self._ask = ask
        self._holds_until = HOLDS + (ask.at if isinstance(ask, Asked) else now)
        self._asked_at: Optional[float] = None
        self._thread: Optional[threading.Thread] = None
        self._said: Optional[Verdict] = None
        self._ask_at = 0.0

    def look(self, job_id: str, now: float) -> Verdict:
        """Return what is known now; it is asked for as long as nothing is."""
        if now <= self._holds_until:
            return Verdict(may=True)
        if self._said is not None:
            said, self._said = self._said, None
            self._asked_at = None
            self._holds_until = now + HOLDS if said.may else self._holds_until
            return said
        if self._asked_at is None:
            self._asked_at = now
        if now - self._asked_at > ANSWERED_WITHIN:
            return Verdict(refused="not begun: the monitors do not say whether that is safe now")
        if now >= self._ask_at and (self._thread is None or not self._thread.is_alive()):
            self._ask_at = now + ASK_AGAIN
            self._thread = threading.Thread(target=self._run, args=(job_id,), daemon=True)
            self._thread.start()
        return Verdict()

    def _run(self, job_id: str) -> None:
        self._said = verdict_of(self._ask, job_id)
