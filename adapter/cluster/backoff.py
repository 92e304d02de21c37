"""How long something that failed is left alone."""

from __future__ import annotations

from dataclasses import dataclass

RETRY_FIRST, RETRY_LAST = 10.0, 600.0
# Beyond so many doublings any back-off is the longest one.
_DOUBLINGS = 10


def pause_after(failures: int, first: float = RETRY_FIRST, last: float = RETRY_LAST) -> float:
    """Return the pause (seconds) after so many failures and one more: ``first``, then doubled."""
    doubled: float = first * 2 ** min(failures, _DOUBLINGS)
    return min(last, doubled)


@dataclass
class Backoff:
    """The back-off after so many failures. Times are monotonic seconds."""

    failures: int = 0
    until: float = 0.0

    def longer(self, now: float, last: float = RETRY_LAST, first: float = RETRY_FIRST) -> None:
        """Grow the back-off, from ``first`` seconds to ``last`` at most."""
        self.until = now + pause_after(self.failures, first, last)
        self.failures += 1
