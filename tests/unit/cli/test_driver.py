"""Waiting: the progress line, the playbook's output, Ctrl-C."""

from __future__ import annotations

import io
from typing import Any, List

import pytest

from adapter.cli.driver import Driver, ProgressLine
from adapter.cli.engine import WatchedEngine
from adapter.engine.completion import Completion
from adapter.engine.memory import MemoryEngine
from adapter.engine.model import JobStatus, Request, Target
from tests.unit.cli.door import Door
from tests.unit.methods.world import well


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class HeldEngine(MemoryEngine):
    """An engine whose jobs do not end by themselves."""

    def poll(self) -> bool:
        return True


class InterruptedOnce(Driver):
    """A driver whose operator presses Ctrl-C while it waits for the first time."""

    pressed = False

    def _wait(self, jobs: List[Completion], seconds: float | None = None) -> None:
        if not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt
        super()._wait(jobs, seconds)


REQUEST = Request("get_inventory", (Target("h1", "10.0.0.1"),))


def test_the_line_is_written_over_and_cleared() -> None:
    stream = Terminal()
    line = ProgressLine(stream, wanted=True)

    line.show("10%")
    line.show("10%")
    line.show("x" * 500)
    line.clear()

    parts = stream.getvalue().split("\r\x1b[2K")
    assert parts[1] == "10%"
    assert len(parts) == 4, "the same text is written once"
    assert len(parts[2]) < 500
    assert parts[3] == ""


def test_a_line_that_is_too_long_keeps_its_end() -> None:
    """A message ends with the hosts it waits for, or with what to do."""
    stream = Terminal()
    ProgressLine(stream, wanted=True).show(f"{'a word ' * 40}and do this")

    assert stream.getvalue().endswith("and do this")
    assert " ... " in stream.getvalue()


@pytest.mark.parametrize(("stream", "wanted"), [(io.StringIO(), True), (Terminal(), False)])
def test_nothing_is_written_where_it_is_not_wanted(stream: io.StringIO, wanted: bool) -> None:
    line = ProgressLine(stream, wanted=wanted)

    line.show("10%")
    line.clear()

    assert stream.getvalue() == ""


def test_ctrl_c_cancels_the_job_and_says_so() -> None:
    said: List[str] = []
    engine = WatchedEngine(HeldEngine(well))
    driver = InterruptedOnce(engine, progress=False, verbose=False, say=said.append)
    job = engine.submit(REQUEST)
    driver.start()

    with pytest.raises(KeyboardInterrupt):
        driver.wait([job])
    driver.stop()

    assert job.status is JobStatus.CANCELLED
    assert said[0].startswith(f"Cancelling job {job.job_id}")
    assert said[1].startswith(f"Job {job.job_id}: ")


def test_an_interrupted_command_ends_with_130(three: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Driver, "_wait", interrupted)

    assert "stopped" in three.run("device", "ls", status=130).stderr


def test_ctrl_c_while_a_method_itself_waits_cancels_its_job(
    three: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryEngine, "poll", HeldEngine.poll)

    waits, wait = iter((True,)), Completion.wait

    def interrupted(job: Completion, *words: Any, **named: Any) -> bool:
        if next(waits, False):
            raise KeyboardInterrupt
        return wait(job, *words, **named)

    monkeypatch.setattr(Completion, "wait", interrupted)

    result = three.run("device", "light", "h1", "/dev/sdb", "ident", "on", status=130)

    assert "Cancelling job 000004-blink_device_light" in result.stderr


def test_verbose_prints_what_the_playbook_prints(three: Door) -> None:
    result = three.run("--verbose", "device", "ls", "h1")

    assert "000004-get_inventory: done" in result.stderr


def test_a_poller_that_dies_does_not_leave_the_command_waiting() -> None:
    class Broken(MemoryEngine):
        def poll(self) -> bool:
            raise RuntimeError("no more polls")

    engine = WatchedEngine(Broken(well))
    driver = Driver(engine, progress=False, verbose=False, say=lambda _: None)
    driver.start()

    with pytest.raises(RuntimeError, match="no more polls"):
        driver.wait([engine.submit(REQUEST)])
    driver.stop()
