"""What goes wrong between AWX and who asks it."""

from __future__ import annotations

import random
import threading

# A gateway fails before or after AWX has done what was asked; the answer is lost, or slow; it is
# done late, when nobody waits for it any more; the login is not accepted.
BEFORE, AFTER, CUT, SLOW = "before", "after", "cut", "slow"
LATE, NO_LOGIN = "late", "no login"
KINDS = (BEFORE, AFTER, CUT, SLOW, LATE, NO_LOGIN)
BAD_GATEWAY = (502, b"<html><h1>502 Bad Gateway</h1></html>", {"Content-Type": "text/html"})


class Troubles:
    """Trouble for a share of all requests, but never for more than ``most`` one after the other."""

    def __init__(self, seed: int, share: float, most: int = 3) -> None:
        self._dice = random.Random(seed)
        self._share, self._most = share, most
        self._lock = threading.Lock()
        self._row = 0

    def __call__(self, method: str, path: str) -> str:
        """Return the trouble of a request, or nothing."""
        with self._lock:
            if self._row >= self._most or self._dice.random() >= self._share:
                self._row = 0
                return ""
            self._row += 1
            return self._dice.choice(KINDS)
