"""The process that asked dies, its clock jumps, the power fails: jobs end, and once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import pytest

from adapter.engine.jobs import Keep
from adapter.engine.local import LocalEngine
from adapter.engine.model import HostStatus, JobStatus
from tests.soak.conftest import MakeEngine
from tests.soak.faulty import (
    GRACE,
    UNIT_CONTENT,
    Steps,
    assert_all_over,
    assert_hosts_are_free,
    await_end,
    directory,
    faulty_python,
    saved,
)
from tests.unit.engine.harness import drain, finish, is_alive, stub_python, stub_request, until

Record = Callable[[str, object], None]
# An engine that is closed leaves its workers to the next one.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

PARENTS = "The process that asked for the job"
CLOCKS = "The clock and the power"

PARENT = """
import sys, time
sys.path[:0] = {paths!r}
from pathlib import Path
from adapter.engine.local import LocalEngine
from adapter.engine.ssh_files import SshFiles
from tests.soak.faulty import CONTENT, Steps, here
state = Path({state!r})
steps = Steps(state, here("h0", "h1", "h2"))
engine = LocalEngine(state, CONTENT, SshFiles(state), python=sys.executable, lease={lease!r})
job = engine.submit(steps.request("h1", timeout={timeout!r}))
steps.wait(engine, job, "h1")
print(job.job_id, flush=True)
while True:
    engine.poll()
    time.sleep(0.05)
"""


def kill_a_parent(state: Path, *, timeout: float, lease: float) -> str:
    """Have a process start a job that hangs on h1, kill it, and return the job's id."""
    paths = [str(Path(__file__).resolve().parents[2]), *sys.path]
    program = PARENT.format(paths=paths, state=str(state), timeout=timeout, lease=lease)
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        job_id = parent.stdout.readline().strip()
        parent.send_signal(signal.SIGKILL)
    assert job_id
    return job_id


@pytest.mark.fault(PARENTS, "parent killed, a new one attaches", full=5)
def test_a_new_parent_attaches(
    make_engine: MakeEngine, state: Path, steps: Steps, record_property: Record, pace: float
) -> None:
    """Seen to fail without ``LocalEngine._adopt``."""
    job_id = kill_a_parent(state, timeout=6.0 * pace, lease=30.0)
    engine = make_engine()
    job = engine.completion(job_id)
    assert job.status is JobStatus.RUNNING
    await_end(engine, job, 6.0 * pace + GRACE)
    assert job.status is JobStatus.TIMED_OUT
    statuses = [outcome.status for outcome in job.outcomes.values()]
    assert statuses == [HostStatus.CHANGED, HostStatus.NO_RESULT, HostStatus.CHANGED]
    assert_all_over(engine, state, job, list(steps.modules().values()))
    record_property("outcome", job.status.value)


@pytest.mark.fault(PARENTS, "parent killed, nobody comes", full=5, short=False)
def test_nobody_comes(
    make_engine: MakeEngine, state: Path, steps: Steps, record_property: Record
) -> None:
    """Seen to fail without the look at the lease in the watchdog."""
    job_id = kill_a_parent(state, timeout=60.0, lease=7.0)
    result = state / "jobs" / job_id / "result.json"
    until(result.exists, lambda: None, 7.0 + GRACE)
    engine = make_engine()
    job = finish(engine, engine.completion(job_id))
    assert job.status is JobStatus.LOST
    assert "gone for 7 s" in job.message
    assert_all_over(engine, state, job, list(steps.modules().values()))
    record_property("outcome", job.status.value)


class Clock:
    """A clock on the wall that can be set."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_stubs(make_engine: MakeEngine, state: Path) -> MakeEngine:
    """Make engines whose worker is the stub."""

    def make(**settings: object) -> LocalEngine:
        return make_engine(content=UNIT_CONTENT, python=stub_python(state), **settings)

    return make


@pytest.mark.fault(CLOCKS, "clock set a day on, then the parent started anew", full=5)
def test_the_clock_is_set_on(
    make_stubs: MakeEngine, state: Path, clock: Clock, record_property: Record
) -> None:
    """Seen to fail with the time since the start by the clock on the wall: it is too late."""
    first = make_stubs(clock=clock)
    job = first.submit(stub_request("gate", timeout=300.0))
    until(lambda: job.outcomes["h1"].status.good, first.poll)
    first.close()
    clock.offset = 86400.0
    ticks = [time.monotonic()]
    second = make_stubs(clock=clock, monotonic=lambda: ticks[0])
    again = second.completion(job.job_id)
    for _ in range(5):
        ticks[0] += 5.0
        second.poll()
        assert again.status is JobStatus.RUNNING, again.message
    (directory(state, job) / "go").touch()
    finish(second, again)
    assert again.status is JobStatus.SUCCEEDED
    record_property("outcome", "goes on; succeeded")


@pytest.mark.fault(CLOCKS, "clock set a day back in the job", full=5)
def test_the_clock_is_set_back(
    make_stubs: MakeEngine, state: Path, clock: Clock, record_property: Record
) -> None:
    """Seen to fail with finished jobs sorted by their times: the newest are removed."""
    engine = make_stubs(clock=clock, keep=Keep(count=2))
    for _ in range(3):
        finish(engine, engine.submit(stub_request("ok")))
        drain(engine)
    job = engine.submit(stub_request("gate", "h1", timeout=300.0))
    clock.offset = -86400.0
    waiting = engine.submit(stub_request("ok", "h1"))
    engine.poll()
    assert (job.status, waiting.status) == (JobStatus.RUNNING, JobStatus.QUEUED)
    (directory(state, job) / "go").touch()
    finish(engine, job)
    finish(engine, waiting)
    drain(engine)
    finish(engine, engine.submit(stub_request("ok", "h2")))
    drain(engine)
    kept = [record.id for record in engine.jobs()]
    assert waiting.job_id in kept, "the newest jobs were removed as if they were the oldest"
    assert job.record.finished >= job.record.started
    record_property("outcome", "succeeded; the newest jobs are kept")


BACKWARDS = """
if worker:
    import time
    real, calls = time.time, []
    def backwards():
        calls.append(0)
        return real() - 3600.0 * len(calls)
    time.time = backwards
"""


@pytest.mark.fault(CLOCKS, "clock running back under the worker", full=3, short=False)
def test_the_clock_runs_back_in_the_worker(
    make_engine: MakeEngine, state: Path, steps: Steps, record_property: Record, pace: float
) -> None:
    """Seen to fail with the watchdog on the clock on the wall: only the parent ends it."""
    engine = make_engine(python=faulty_python(state, BACKWARDS))
    job = engine.submit(steps.request("h1", timeout=6.0))
    pids = steps.wait(engine, job, "h1")
    await_end(engine, job, 6.0 * pace + GRACE)
    assert job.status is JobStatus.TIMED_OUT
    assert job.outcomes["h1"].message == "interrupted at: second: Do the second step"
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)


@pytest.mark.fault(CLOCKS, "power failed: files of the job are empty", full=5)
@pytest.mark.parametrize("damaged", ["record.json", "result.json", "request.json"])
def test_files_are_empty_after_the_power_failed(
    make_stubs: MakeEngine, state: Path, record_property: Record, damaged: str
) -> None:
    """Seen to fail without ``salvaged``, and with hosts taken for good whose result is lost."""
    engine = make_stubs()
    job = finish(engine, engine.submit(stub_request("ok", "h1", "h2")))
    drain(engine)
    path = directory(state, job)
    if damaged != "record.json":
        (path / "record.json").write_text(
            (path / "record.json").read_text().replace("succeeded", "running")
        )
    for name in (
        {damaged, "record.json"} - {"result.json"} if damaged == "request.json" else {damaged}
    ):
        (path / name).write_bytes(b"")
    later = make_stubs()
    if damaged == "request.json":
        assert later.jobs() == []
        assert not path.exists(), "a directory that nobody can read is kept for ever"
        record_property("outcome", "the job is forgotten")
        return
    again = finish(later, later.completion(job.job_id))
    assert again.status is (JobStatus.LOST if damaged == "result.json" else JobStatus.SUCCEEDED)
    if damaged == "result.json":
        assert {outcome.status for outcome in again.outcomes.values()} == {HostStatus.NO_RESULT}
    assert_hosts_are_free(state, ["h1", "h2"])
    record_property("outcome", again.status.value)


@pytest.mark.fault(PARENTS, "directory of a running job removed by hand", full=3)
@pytest.mark.parametrize(
    "attached", [pytest.param(False, marks=pytest.mark.fault(short=False)), True]
)
def test_the_directory_is_removed_by_hand(
    make_stubs: MakeEngine, state: Path, record_property: Record, attached: bool, pace: float
) -> None:
    """Seen to fail where a job without a lock is taken for one that lives."""
    engine = make_stubs()
    job = engine.submit(stub_request("gate", timeout=3.0))
    until(lambda: job.outcomes["h1"].status.good, engine.poll)
    pid = saved(state, job)["pid"]
    if attached:
        engine.close()
        engine = make_stubs()
        job = engine.completion(job.job_id)
    shutil.rmtree(directory(state, job))
    await_end(engine, job, 3.0 + GRACE)
    assert job.status in (JobStatus.LOST, JobStatus.TIMED_OUT)
    until(lambda: not is_alive(pid), engine.poll, 5)
    assert_hosts_are_free(state, ["h1"])
    record_property("outcome", job.status.value)


@pytest.mark.fault(PARENTS, "parent killed before it wrote the start down", full=3, short=False)
def test_a_start_that_was_not_written_down(
    make_stubs: MakeEngine, state: Path, record_property: Record, pace: float
) -> None:
    """Seen to fail without the look for events of a queued job: nobody counts its time."""
    first = make_stubs()
    job = first.submit(stub_request("stubborn", timeout=3.0))
    until(lambda: job.outcomes["h1"].status.good, first.poll)
    record = directory(state, job) / "record.json"
    pid = saved(state, job)["pid"]
    record.write_text(
        record.read_text().replace('"running"', '"queued"').replace(f'"pid":{pid}', '"pid":null')
    )
    first.close()
    second = make_stubs()
    again = second.completion(job.job_id)
    second.poll()
    assert again.status is JobStatus.RUNNING
    await_end(second, again, 3.0 + GRACE)
    assert again.status is JobStatus.TIMED_OUT
    assert not is_alive(pid)
    assert_hosts_are_free(state, ["h1"])
    record_property("outcome", again.status.value)


@pytest.mark.fault(PARENTS, "event that cannot be read (nested 100,000 deep)", full=3)
def test_an_event_that_cannot_be_read(
    make_stubs: MakeEngine, state: Path, record_property: Record
) -> None:
    """Seen to fail where only ``ValueError`` is caught: what stands beside it is lost too."""
    engine = make_stubs()
    job = engine.submit(stub_request("gate", timeout=60.0))
    until(lambda: job.outcomes["h1"].status.good, engine.poll)
    with open(directory(state, job) / "events.jsonl", "ab") as events:
        events.write(b"[" * 100_000 + b"]" * 100_000 + b"\n")
        events.write(b'{"type":"host","host":"h1","status":"ok","result":{"after":"it"}}\n')
    engine.poll()
    (directory(state, job) / "go").touch()
    await_end(engine, job, GRACE)
    assert job.status is JobStatus.SUCCEEDED
    assert job.result["h1"]["after"] == "it"
    record_property("outcome", f"{job.status.value}; the event is left out")
