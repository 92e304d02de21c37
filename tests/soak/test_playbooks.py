"""Playbooks that hang, ask, cannot be read, raise or print too much: the job ends and says why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import pytest

from adapter.engine.local import LocalEngine
from adapter.engine.model import HostStatus, JobStatus, Request
from adapter.engine.processes import descendants
from adapter.errors import InvalidValue
from tests.soak.conftest import MakeEngine
from tests.soak.faulty import (
    GRACE,
    Steps,
    assert_all_over,
    await_end,
    directory,
    faulty_python,
    here,
)

Record = Callable[[str, object], None]
PLAYBOOKS = "The playbook"


@pytest.mark.fault(PLAYBOOKS, "module that never returns and ignores SIGTERM", full=5)
def test_a_module_that_never_returns(
    engine: LocalEngine, state: Path, steps: Steps, record_property: Record, pace: float
) -> None:
    """Seen to fail without the search for what is left: the module went on."""
    job = engine.submit(steps.request("h1", timeout=6.0, stubborn=True))
    pids = steps.wait(engine, job, "h1")
    await_end(engine, job, 6.0 * pace + GRACE)
    assert job.status is JobStatus.TIMED_OUT
    assert [outcome.status for outcome in job.outcomes.values()] == [
        HostStatus.CHANGED,
        HostStatus.NO_RESULT,
        HostStatus.CHANGED,
    ]
    assert job.outcomes["h1"].message == "interrupted at: second: Do the second step"
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", f"{job.status.value}; the other hosts' work is kept")


@pytest.mark.fault(PLAYBOOKS, "unexpected prompt", full=3)
def test_an_unexpected_prompt(
    engine: LocalEngine, state: Path, record_property: Record, pace: float
) -> None:
    """Seen to fail without the deadlines of worker and parent: it waits for an answer."""
    job = engine.submit(Request("prompt", here("h0", "h1"), timeout=4.0 * pace))
    await_end(engine, job, 4.0 * pace + GRACE)
    assert job.status in (JobStatus.TIMED_OUT, JobStatus.FAILED)
    assert "third" not in job.outcomes["h0"].result, "somebody answered"
    assert_all_over(engine, state, job)
    record_property("outcome", job.status.value)


@pytest.mark.fault(PLAYBOOKS, "playbook with a syntax error", full=3)
def test_a_syntax_error(engine: LocalEngine, state: Path, record_property: Record) -> None:
    """Seen to fail where ``EventReader`` does not listen to complaints: no reason is given."""
    job = engine.submit(Request("syntax", here("h0"), timeout=30.0))
    await_end(engine, job, 30.0)
    assert job.status is JobStatus.FAILED
    assert "ansible-playbook ended with" in str(job.exception)
    assert "conflicting action statements" in str(job.exception)
    assert_all_over(engine, state, job)
    record_property("outcome", job.status.value)


@pytest.mark.fault(PLAYBOOKS, "playbook missing at the request", full=3)
def test_a_missing_playbook(engine: LocalEngine, state: Path, record_property: Record) -> None:
    """Seen to fail without the look for the playbook: a job is made."""
    with pytest.raises(InvalidValue, match="there is no"):
        engine.submit(Request("no_such_playbook", here("h0")))
    assert engine.jobs() == []
    record_property("outcome", "refused, no job")


@pytest.mark.fault(PLAYBOOKS, "playbook gone when the job starts", full=3)
def test_a_playbook_that_is_taken_away(
    make_engine: MakeEngine, state: Path, record_property: Record
) -> None:
    """Seen to fail as ``test_a_syntax_error``."""
    content = state / "content"
    (content / "playbooks").mkdir(parents=True)
    (content / "ansible.cfg").write_text("[defaults]\n")
    playbook = content / "playbooks" / "gone.yml"
    playbook.write_text("- hosts: all\n")
    fault = f"import os\nif worker: os.unlink({str(playbook)!r})"
    engine = make_engine(content=content, python=faulty_python(state, fault))
    job = engine.submit(Request("gone", here("h0"), timeout=30.0))
    await_end(engine, job, 30.0)
    assert job.status is JobStatus.FAILED
    assert "could not be found" in str(job.exception)
    assert_all_over(engine, state, job)
    record_property("outcome", job.status.value)


@pytest.mark.fault(PLAYBOOKS, "callback plugin that raises", full=3)
def test_a_callback_that_raises(engine: LocalEngine, state: Path, record_property: Record) -> None:
    """Seen to fail without the ``except`` around listeners: polling ends with their error."""
    job = engine.submit(Request("raising", here("h0", "h1"), timeout=30.0))
    heard = []
    job.on_host(lambda host, outcome: heard.append(host) or 1 / 0)
    job.on_change(lambda _: 1 / 0)
    await_end(engine, job, 30.0)
    assert job.exception is None
    assert "a callback came apart" in (directory(state, job) / "output.log").read_text()
    assert {"h0", "h1"} <= set(heard)
    assert_all_over(engine, state, job)
    record_property("outcome", job.status.value)


@pytest.mark.fault(PLAYBOOKS, "much output (50 MB in full)", full=3)
def test_much_output(
    engine: LocalEngine, state: Path, record_property: Record, is_full: bool
) -> None:
    """Seen to fail with a thousand times the bound of ``Output``."""
    size = 50_000_000 if is_full else 10_000_000
    job = engine.submit(Request("shout", here("h0"), {"bytes": size}, timeout=120.0))
    most = _peak_memory_until_end(engine, job)
    assert job.exception is None, job.exception
    sizes = {path.name: path.stat().st_size for path in directory(state, job).iterdir()}
    assert sum(sizes.values()) < 4_000_000, sizes
    assert most < 20 * size + 200_000_000
    assert_all_over(engine, state, job)
    record_property(
        "outcome", f"{job.status.value}; of {size / 1e6:.0f} MB the job keeps less than 4"
    )


@pytest.mark.fault(PLAYBOOKS, "host that answers 20 MB", full=3)
def test_a_large_answer(
    engine: LocalEngine, state: Path, record_property: Record, pace: float
) -> None:
    """Seen to fail with a hundred times the bound of ``Lines``: the parent reads all of it."""
    job = engine.submit(Request("shout", here("h0"), {"publish_bytes": 20_000_000}, timeout=120.0))
    await_end(engine, job, 120.0 * pace + GRACE)
    assert job.status is JobStatus.FAILED
    assert job.outcomes["h0"].message == "it answered 20 MB, more than 17 MB"
    assert (directory(state, job) / "events.jsonl").stat().st_size < 1_000_000
    assert_all_over(engine, state, job)
    record_property("outcome", "failed; the host and the size are named")


SLOW = """
if worker:
    import time
    from adapter.engine.events import EventReader
    quick = EventReader.lines
    def lines(self, event):
        time.sleep(0.5)
        return quick(self, event)
    EventReader.lines = lines
"""


@pytest.mark.fault(PLAYBOOKS, "event handler slower than the events", full=3)
def test_a_slow_event_handler(
    make_engine: MakeEngine, state: Path, record_property: Record, pace: float
) -> None:
    """Seen to fail without ``_read_the_rest``: the last events are lost, with the result."""
    engine = make_engine(python=faulty_python(state, SLOW))
    job = engine.submit(Request("many_events", here("h0", "h1"), {"count": 10}, timeout=90.0))
    await_end(engine, job, 90.0 * pace + GRACE)
    assert job.exception is None, job.exception
    assert job.result == {host: {"counted": True, "filler": ""} for host in ("h0", "h1")}
    assert_all_over(engine, state, job)
    record_property("outcome", job.status.value)


def _peak_memory_until_end(engine: LocalEngine, job) -> int:
    """Poll until the job has ended; return the most memory that its worker had, in bytes."""
    most = 0
    while not job.wait(0.1, poll=engine.poll, interval=0.05):
        for pid in descendants(os.getpid()):
            most = max(most, _memory(pid))
    return most


def _memory(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return int(fields[1]) * 4096
