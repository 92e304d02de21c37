"""The lock of the state, and the mark of functions that are called with it held.

``under_lock`` stands where a docstring would say that the caller holds the lock: who reads a
function sees it, and who calls it without is told at once.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

if TYPE_CHECKING:
    from typing_extensions import ParamSpec  # for mypy only; typing has it from 3.10 on

    P = ParamSpec("P")

T = TypeVar("T")


class LockNotHeld(RuntimeError):
    """A function that needs the lock was called without it: a mistake in the program."""


class StateLock:
    """A lock for ``with`` that its thread may take again, and that knows whose it is."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # Only who has the lock changes these.
        self._owner: Optional[int] = None
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._owner = threading.get_ident()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
        self._lock.release()

    @property
    def held(self) -> bool:
        """Tell whether the calling thread has it."""
        return self._owner == threading.get_ident()


def under_lock(function: Callable[P, T]) -> Callable[P, T]:
    """Mark a function that is called with the lock held; else the call raises ``LockNotHeld``.

    Its first argument is the ``Core``, or an object that has the core as ``core`` or ``_core``.
    """

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        if not _lock_of(args[0]).held:
            raise LockNotHeld(f"{function.__qualname__} is called without the orchestrator's lock")
        return function(*args, **kwargs)

    return checked


def _lock_of(first: Any) -> StateLock:
    core = getattr(first, "_core", None) or getattr(first, "core", first)
    lock: StateLock = core.lock
    return lock
