"""How often AWX is asked by all workers together, however many jobs they follow."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Callable

from adapter.engine.files import PRIVATE_FILE

# So many at once are let through, such as those of one launch.
_BURST = 10
# A time that is further away was written before this machine was started anew.
_LONGEST = 300.0


class Turns:
    """Turns that all who share a file take, ``rate`` a second; ``wait`` pauses for so many seconds.

    The file has the monotonic time, which all processes of a machine share, at which the next one
    would be due if they came evenly.
    """

    def __init__(self, path: Path, rate: float, wait: Callable[[float], None]) -> None:
        self._path, self._rate = path, rate
        self._wait = wait

    def take(self) -> None:
        """Wait for the next turn; where the file cannot be used, nobody waits."""
        try:
            pause = self._next()
        except OSError:
            return
        if pause > 0:
            self._wait(pause)

    def _next(self) -> float:
        """Take a turn; return for how many seconds it is to be waited for."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            now = time.monotonic()
            due = _number(os.pread(descriptor, 32, 0))
            if not now < due < now + _LONGEST:
                due = now
            os.pwrite(descriptor, f"{due + 1 / self._rate:031.6f}\n".encode("ascii"), 0)
        finally:
            os.close(descriptor)
        return due - now - (_BURST - 1) / self._rate


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
