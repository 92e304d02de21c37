"""The lock knows whose it is, and what needs it refuses to work without it."""

from __future__ import annotations

import inspect
import threading
from typing import Any, Callable, List

import pytest

from adapter.state_lock import LockNotHeld, StateLock, under_lock


class Core:
    def __init__(self) -> None:
        self.lock = StateLock()

    @under_lock
    def count(self, more: int = 0) -> int:
        """Return what there is."""
        return 1 + more


class Public:
    def __init__(self, core: Core) -> None:
        self.core = core

    @under_lock
    def name(self) -> str:
        return "public"


class Private:
    def __init__(self, core: Core) -> None:
        self._core = core

    @under_lock
    def name(self) -> str:
        return "private"


@under_lock
def total(core: Core, *, more: int) -> int:
    return core.count(more)


def elsewhere(ask: Callable[[], Any]) -> Any:
    """Return what another thread is told, or what it raises."""
    found: List[Any] = []

    def run() -> None:
        try:
            found.append(ask())
        except LockNotHeld as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_that_has_it_may_take_it_again() -> None:
    lock = StateLock()
    held = [lock.held]
    with lock:
        with lock:
            held.append(lock.held)
        held.append(lock.held)
    held.append(lock.held)
    assert held == [False, True, True, False]


def test_it_is_free_again_after_an_error() -> None:
    lock = StateLock()
    with pytest.raises(ValueError, match="no"), lock:
        raise ValueError("no")
    assert not lock.held

    def take() -> bool:
        with lock:
            return lock.held

    assert elsewhere(take)


def test_another_thread_waits_for_it_and_has_it_not() -> None:
    lock, order = StateLock(), []
    begun = threading.Event()

    def run() -> None:
        begun.set()
        with lock:
            order.append("second")

    thread = threading.Thread(target=run)
    with lock:
        thread.start()
        assert begun.wait(10)
        assert not elsewhere(lambda: lock.held)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda core: core.count(), 1),
        (lambda core: core.count(more=2), 3),
        (lambda core: total(core, more=1), 2),
        (lambda core: Public(core).name(), "public"),
        (lambda core: Private(core).name(), "private"),
    ],
)
def test_what_needs_it_works_with_it_and_not_without(
    ask: Callable[[Core], Any], answer: Any
) -> None:
    core = Core()
    with pytest.raises(LockNotHeld, match="is called without the orchestrator's lock"):
        ask(core)
    with core.lock:
        assert ask(core) == answer
        assert isinstance(elsewhere(lambda: ask(core)), LockNotHeld)


def test_the_error_names_what_was_called() -> None:
    with pytest.raises(LockNotHeld, match=r"^Core\.count is called without"):
        Core().count()


def test_what_is_marked_looks_as_it_is_written() -> None:
    assert list(inspect.signature(Core.count).parameters) == ["self", "more"]
    assert Core.count.__doc__ == "Return what there is."
