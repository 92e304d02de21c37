"""Completion, the sentences about outcomes, and the in-memory engine."""

from __future__ import annotations

import pickle
import threading
from typing import Any, Dict, List, Mapping

import pytest

from adapter.engine.completion import Completion
from adapter.engine.memory import MemoryEngine
from adapter.engine.model import HostOutcome, HostStatus, JobRecord, JobStatus, Request
from adapter.engine.outcomes import UNKNOWN_STATE, describe_failures, one_line, settle
from adapter.errors import InvalidValue, JobCancelled, JobFailed, UnknownName
from tests.unit.engine.harness import local

OK = HostOutcome(HostStatus.OK, result={"a": 1})
REQUEST = Request("get_report", local("h1", "h2"))


def answer(request: Request) -> Mapping[str, HostOutcome]:
    return dict.fromkeys(request.hosts, OK)


def record(status: JobStatus = JobStatus.RUNNING, **settings: Any) -> JobRecord:
    return JobRecord("1-get_report", REQUEST, status, 1.0, **settings)


def failed(*reasons: str) -> Dict[str, HostOutcome]:
    return {f"h{n}": HostOutcome(HostStatus.FAILED, text) for n, text in enumerate(reasons)}


def test_the_memory_engine_completes_at_the_poll() -> None:
    engine = MemoryEngine(answer)
    completion = engine.submit(REQUEST)
    assert not completion.is_finished
    heard: List[str] = []
    completion.on_host(lambda host, outcome: heard.append(host))
    assert engine.poll() is False
    assert completion.wait(0)
    assert completion.result == {"h1": {"a": 1}, "h2": {"a": 1}}
    assert heard == ["h1", "h2"]
    assert [job.id for job in engine.jobs()] == [completion.job_id]
    assert engine.completion(completion.job_id) is completion
    assert list(engine.log(completion.job_id))


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (RuntimeError("no such thing"), "failed on 2 of 2 hosts: h1, h2 (no such thing)"),
        (lambda request: 1 / 0, "failed on 2 of 2 hosts: h1, h2 (division by zero)"),
        (lambda request: {"h1": OK}, "failed on 1 of 2 hosts: h2 (no result was published)"),
        (lambda request: {**failed("x", "gone"), "h2": OK}, "failed on 1 of 2 hosts: h1 (gone)"),
    ],
)
def test_failures_of_the_memory_engine(answers: Any, text: str) -> None:
    engine = MemoryEngine(answers)
    completion = engine.submit(REQUEST)
    engine.poll()
    assert isinstance(completion.exception, JobFailed)
    assert text in str(completion.exception)


def test_cancelling_in_memory() -> None:
    engine = MemoryEngine(answer)
    completion = engine.submit(REQUEST)
    completion.cancel()
    assert isinstance(completion.exception, JobCancelled)
    engine.poll()
    assert completion.status is JobStatus.CANCELLED
    assert engine.cancel(completion.job_id).status is JobStatus.CANCELLED
    with pytest.raises(UnknownName):
        engine.cancel("nothing")
    with pytest.raises(InvalidValue):
        engine.submit(Request("get_report", ()))


def test_a_raising_listener_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    engine = MemoryEngine(answer)
    completion = engine.submit(REQUEST)
    heard: List[Any] = []
    completion.on_host(lambda host, outcome: 1 / 0)
    completion.on_host(lambda host, outcome: heard.append(host))
    completion.on_change(lambda it: 1 / 0)
    completion.on_change(heard.append)
    engine.poll()
    assert heard == ["h1", "h2", completion]
    assert "listener" in caplog.text


def test_who_waits_can_drive_the_engine() -> None:
    engine = MemoryEngine(answer)
    assert engine.submit(REQUEST).wait(5, poll=engine.poll)
    assert not engine.submit(REQUEST).wait(0.01)


def test_who_waits_is_woken_after_the_listeners() -> None:
    engine = MemoryEngine(answer)
    completion = engine.submit(REQUEST)
    order: List[str] = []
    completion.on_change(lambda it: order.append("listener"))
    waiter = threading.Thread(target=lambda: completion.wait(5) and order.append("waiter"))
    waiter.start()
    engine.poll()
    waiter.join()
    assert order == ["listener", "waiter"]


def test_a_late_listener_hears_what_is_known() -> None:
    engine = MemoryEngine(answer)
    completion = engine.submit(REQUEST)
    engine.poll()
    heard: List[Any] = []
    completion.on_host(lambda host, outcome: heard.append((host, outcome.result)))
    completion.on_change(heard.append)
    assert heard == [("h1", {"a": 1}), ("h2", {"a": 1}), completion]


def test_a_listener_may_submit() -> None:
    engine = MemoryEngine(answer)
    followers: List[Completion] = []
    first = engine.submit(REQUEST)
    first.on_change(lambda it: followers.append(engine.submit(REQUEST)))
    assert engine.poll() is True
    engine.poll()
    assert followers[0].is_finished


def test_progress_never_goes_back_and_the_end_is_the_end() -> None:
    completion = Completion(record())
    completion.update(record(progress=0.5, message="a"), {"h1": OK})
    completion.update(record(progress=0.2, message="b"), {})
    assert (completion.progress, completion.message) == (0.5, "b")
    completion.update(record(JobStatus.CANCELLED, progress=1.0), {})
    completion.update(record(JobStatus.SUCCEEDED), {"h1": HostOutcome()})
    assert completion.status is JobStatus.CANCELLED
    assert completion.outcomes["h1"] == OK
    assert completion.record.outcomes["h1"].result == {}
    assert completion.outcomes["h2"].status is HostStatus.WAITING


def test_errors_are_one_line_and_can_be_pickled() -> None:
    outcomes = {"h1": HostOutcome(HostStatus.UNREACHABLE, "timed\nout"), "h2": HostOutcome()}
    for status in JobStatus:
        completion = Completion(record(status, message="it ended"), outcomes=outcomes)
        error = completion.exception
        assert (error is None) == (status in (JobStatus.SUCCEEDED, *JobStatus)[:3]), status
        assert completion.is_errored() is (error is not None)
        if error is not None:
            assert "\n" not in str(error)
            assert error.job == "1-get_report"
            assert str(pickle.loads(pickle.dumps(error))) == str(error)
    error = Completion(record(JobStatus.LOST, message="gone."), outcomes=outcomes).exception
    assert str(error).startswith("get_report: gone; failed before: h1 (timed out). See the log of")


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ((), ""),
        (("a",), "h0 (a)"),
        (("a", "b."), "h0 (a); h1 (b)"),
        (("a", "a", "b"), "h0, h1 (a); h2 (b)"),
        (("a",) * 9, "h0, h1, h2 and 6 more (a)"),
        (("a", "b", "c", "d", "e"), "h0 (a); h1 (b); h2 (c); and 2 more hosts"),
        (("",), "h0 (failed)"),
    ],
)
def test_failed_hosts_are_described(reasons: Any, words: str) -> None:
    assert describe_failures(failed(*reasons)) == words


def test_one_line() -> None:
    assert one_line(" a\r\n\tb ") == "a b"
    assert one_line("x" * 10**7, 12) == "xxxx ... xxx"


def test_what_is_left_out_of_a_long_line_is_its_middle() -> None:
    line = one_line("it failed. " + "blah " * 10**6 + "Do this.", 40)
    assert line.startswith("it failed. blah")
    assert line.endswith("blah Do this.")
    assert len(line) <= 40


def test_only_who_published_is_good() -> None:
    quiet = HostOutcome(HostStatus.OK)
    final = settle(REQUEST, {"h1": OK, "h2": quiet, "h9": OK}, {"h1"}, reason="silent")
    assert [(host, o.status, o.message) for host, o in final.items()] == [
        ("h1", HostStatus.OK, ""),
        ("h2", HostStatus.NO_RESULT, "silent"),
    ]


def test_what_an_interrupted_host_was_at() -> None:
    request = Request("operation", local("done", "at", "silent", "between"))
    known = dict.fromkeys(request.hosts, OK)
    final = settle(
        request,
        {**known, "silent": HostOutcome()},
        {"done", "at", "between"},
        reason="cancelled before this host answered",
        interrupted=True,
        through={"done"},
        at={"at": "role: task", "silent": "role: first"},
    )
    assert {host: (outcome.status.value, outcome.message) for host, outcome in final.items()} == {
        "done": ("ok", ""),
        "at": ("no result", "interrupted at: role: task"),
        "silent": ("no result", "cancelled before this host answered; it was at: role: first"),
        "between": ("no result", UNKNOWN_STATE),
    }
