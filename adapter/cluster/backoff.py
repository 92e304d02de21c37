"""How long something that failed is left alone."""

from __future__ import annotations

from dataclasses import dataclass

RETRY_FIRST, RETRY_LAST = 10.0, 600.0


@dataclass
class Backoff:
    """The back-off after so many failures. Times are monotonic seconds."""

    failures: int = 0
    until: float = 0.0

    def longer(self, now: float, last: float = RETRY_LAST) -> None:
        """Grow the back-off, to ``last`` seconds at most."""
        self.until = now + min(last, RETRY_FIRST * 2 ** min(self.failures, 10))
        self.failures += 1
