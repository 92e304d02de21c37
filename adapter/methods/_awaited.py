"""Commands wait for a moment where a host is asked first whose answer decides."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

from adapter.core import Core
from adapter.errors import ReportAwaited

T = TypeVar("T")

# How often it is looked whether the host has reported (seconds).
LOOK_AGAIN = 0.25


def when_reported(core: Core, ask: Callable[[], T]) -> T:
    """Ask, and again for ``answer_wait`` seconds while a host's report is awaited.

    Who types the command again later than an answer holds would never get one. Raises what ``ask``
    does, ``ReportAwaited`` too.
    """
    end = time.monotonic() + core.answer_wait
    while True:
        try:
            return ask()
        except ReportAwaited:
            if time.monotonic() >= end:
                raise
        time.sleep(LOOK_AGAIN)
