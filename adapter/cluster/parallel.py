"""Tell the monitors several things at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List, Sequence

_THREADS = 16


def run_parallel(calls: Sequence[Callable[[], Any]]) -> List[Any]:
    """Make all calls and return their answers in order; raises what the first of them raised.

    The monitors commit what comes together in one go; what comes one after the other waits up to
    a second each time.
    """
    if len(calls) <= 1:
        return [call() for call in calls]
    with ThreadPoolExecutor(min(_THREADS, len(calls)), thread_name_prefix="ask-mons") as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
