"""How long something that failed is left alone."""

from __future__ import annotations

from dataclasses import dataclass

RETRY_FIRST, RETRY_LAST = 10.0, 600.0


@dataclass
class Pause:
    """The pause after so many failures. Times are monotonic seconds."""

    failures: int = 0
    until: float = 0.0

    def longer(self, now: float) -> None:
        """Grow the pause."""
        self.until = now + min(RETRY_LAST, RETRY_FIRST * 2 ** min(self.failures, 10))
        self.failures += 1
