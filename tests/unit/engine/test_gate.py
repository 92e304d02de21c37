"""A job that had to wait is asked about again when its turn comes; nothing else is held up."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import List

import pytest

from adapter.engine.completion import Completion
from adapter.engine.gate import ANSWERED_WITHIN, HOLDS, Asked, Gate, Verdict, verdict_of
from adapter.engine.local import LocalEngine
from adapter.engine.memory import MemoryEngine
from adapter.engine.model import JobStatus, Request, Target
from adapter.errors import AdapterError, JobFailed, ReportAwaited
from tests.unit.engine.harness import Engines, drain, finish, stub_request, until


def refuse(job: str) -> None:
    raise AdapterError("no quorum would be left.", "Wait.")


class Clock:
    """Monotonic seconds that go by when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def go(state: Path, completion: Completion) -> None:
    (state / "jobs" / completion.job_id / "go").touch()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(make_engine: Engines, clock: Clock) -> LocalEngine:
    return make_engine(stub=True, monotonic=clock)


def test_what_starts_at_once_is_not_asked_again(engine: LocalEngine) -> None:
    job = finish(engine, engine.submit(stub_request(), refuse))
    assert job.status is JobStatus.SUCCEEDED


def test_an_answer_that_is_old_at_once_is_asked_for_again(
    engine: LocalEngine, clock: Clock
) -> None:
    """A record of the job was written meanwhile, and the monitors took long for that."""
    old = Asked(refuse, clock.now - HOLDS - 1)
    job = engine.submit(stub_request(), old)
    drain(engine)
    assert job.record.started is None
    assert "not begun: no quorum would be left. Wait." in str(job.exception)

    job = finish(engine, engine.submit(stub_request(), Asked(refuse, clock.now)))
    assert job.status is JobStatus.SUCCEEDED


def test_what_waited_and_is_refused_does_not_begin(
    engine: LocalEngine, clock: Clock, state: Path
) -> None:
    first = engine.submit(stub_request("gate"))
    second = engine.submit(stub_request(), refuse)
    third = engine.submit(stub_request())
    clock.now += HOLDS + 1
    go(state, first)
    drain(engine)
    assert second.status is JobStatus.FAILED
    assert second.record.started is None
    assert isinstance(second.exception, JobFailed)
    assert "not begun: no quorum would be left. Wait." in str(second.exception)
    assert not (state / "jobs" / second.job_id / "events.jsonl").exists()
    assert third.status is JobStatus.SUCCEEDED


def test_what_waited_and_is_right_still_begins(
    engine: LocalEngine, clock: Clock, state: Path
) -> None:
    asked: List[str] = []
    first = engine.submit(stub_request("gate"))
    second = engine.submit(stub_request(), asked.append)
    clock.now += HOLDS + 1
    go(state, first)
    drain(engine)
    assert second.status is JobStatus.SUCCEEDED
    assert asked == [second.job_id]


def test_monitors_that_do_not_answer_hold_up_no_other_host(
    engine: LocalEngine, clock: Clock, state: Path
) -> None:
    silent = threading.Event()
    try:
        first = engine.submit(stub_request("gate"))
        second = engine.submit(stub_request(), lambda job: bool(silent.wait()))
        clock.now += HOLDS + 1
        go(state, first)
        finish(engine, first)
        other = finish(engine, engine.submit(stub_request("ok", "h2")))
        assert other.status is JobStatus.SUCCEEDED
        assert "it is asked again whether that is safe" in second.message
        clock.now += ANSWERED_WITHIN + 1
        until(lambda: second.is_finished, engine.poll)
        assert "the monitors do not say whether that is safe now" in str(second.exception)
    finally:
        silent.set()


def test_it_can_be_cancelled_while_it_is_asked(
    engine: LocalEngine, clock: Clock, state: Path
) -> None:
    silent = threading.Event()
    try:
        first = engine.submit(stub_request("gate"))
        second = engine.submit(stub_request(), lambda job: bool(silent.wait()))
        clock.now += HOLDS + 1
        go(state, first)
        until(lambda: "asked again" in second.message, engine.poll)
        second.cancel()
        drain(engine)
        assert second.status is JobStatus.CANCELLED
    finally:
        silent.set()


def test_a_host_that_is_still_to_report_is_waited_for() -> None:
    def later(job: str) -> None:
        raise ReportAwaited("h2 is asked.")

    assert verdict_of(later, "1") is None


def test_a_question_that_breaks_lets_nothing_begin() -> None:
    assert verdict_of(lambda job: 1 / 0, "1") == Verdict(  # type: ignore[arg-type, return-value]
        refused="not begun: ZeroDivisionError: division by zero"
    )


def test_an_answer_holds_for_some_seconds_only() -> None:
    gate = Gate(refuse, 0.0)
    assert gate.look("1", HOLDS).may
    assert not gate.look("1", HOLDS + 1).may


def test_the_engine_in_memory_does_the_same() -> None:
    engine = MemoryEngine(lambda request: {})
    engine.held.add("h1")
    job = engine.submit(Request("get_report", (Target("h1", "10.0.0.1"),)), refuse)
    engine.held.clear()
    engine.poll()
    assert job.status is JobStatus.FAILED
    assert job.record.started is None
    assert "not begun" in job.message
