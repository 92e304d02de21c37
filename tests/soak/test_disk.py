"""The disk is full, the directory cannot be written, memory runs out: the job still ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from pathlib import Path
from typing import Callable, Iterator

import pytest

from adapter.engine.local import LocalEngine
from adapter.engine.model import HostStatus, JobStatus, Request
from adapter.errors import NotReady
from tests.soak.conftest import MakeEngine
from tests.soak.faulty import (
    GRACE,
    Steps,
    assert_all_over,
    await_end,
    directory,
    faulty_python,
    here,
    saved,
)
from tests.unit.engine.harness import finish

Record = Callable[[str, object], None]
RESOURCES = "The controller runs out of something"
needs_mounts = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@contextlib.contextmanager
def mounted(path: Path, *options: str) -> Iterator[None]:
    """Have a mount at a path for a while."""
    subprocess.run(["mount", *options, str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def small_disk(state: Path) -> Iterator[Path]:
    """Have the jobs on a file system of 24 MB and 600 inodes."""
    jobs = state / "jobs"
    jobs.mkdir(mode=0o700)
    with mounted(jobs, "-t", "tmpfs", "-o", "size=24m,nr_inodes=600,mode=700", "tmpfs"):
        yield jobs


class Hog(threading.Thread):
    """Take all bytes of a small disk, and whatever is given back, until closed; inodes too."""

    def __init__(self, disk: Path, *, inodes: bool = True) -> None:
        super().__init__(daemon=True)
        self._inodes = inodes
        self._place = disk / "hog"
        self._place.mkdir()
        self._full, self._over = threading.Event(), threading.Event()
        self.start()
        assert self._full.wait(30)

    def run(self) -> None:
        number = 0
        with open(self._place / "bytes", "wb", buffering=0) as file:
            while not self._over.is_set():
                with contextlib.suppress(OSError):
                    while file.write(b"x" * 4096):
                        pass
                with contextlib.suppress(OSError):
                    while self._inodes:
                        (self._place / str(number)).touch()
                        number += 1
                self._full.set()
                self._over.wait(0.001)

    def close(self) -> None:
        """Give back everything."""
        self._over.set()
        self.join()
        for path in self._place.iterdir():
            path.unlink()
        self._place.rmdir()


@needs_mounts
@pytest.mark.fault(RESOURCES, "job directory full in the middle of a job", full=5)
def test_the_disk_fills_up_in_the_job(
    small_disk: Path,
    make_engine: MakeEngine,
    state: Path,
    steps: Steps,
    record_property: Record,
    pace: float,
) -> None:
    """Seen to fail without the reserved room (the result is lost), and without the removal of
    what was begun for a job that is refused.
    """
    engine = make_engine()
    job = engine.submit(steps.request("h1", timeout=6.0))
    pids = steps.wait(engine, job, "h1")
    hog = Hog(small_disk)
    await_end(engine, job, 6.0 * pace + GRACE)
    assert job.status is JobStatus.TIMED_OUT
    assert (directory(state, job) / "result.json").exists(), "its room was reserved"
    later = make_engine()
    record = finish(later, later.completion(job.job_id)).record
    assert record.status is JobStatus.TIMED_OUT
    statuses = [outcome.status for outcome in record.outcomes.values()]
    assert statuses == [HostStatus.CHANGED, HostStatus.NO_RESULT, HostStatus.CHANGED]
    hog.close()
    hog = Hog(small_disk, inodes=False)
    for _ in range(3):
        with pytest.raises(NotReady, match="No space left on device"):
            engine.submit(steps.request())
    assert [path.name for path in small_disk.glob(".new-*")] == []
    hog.close()
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", f"{job.status.value}; the record is on the disk, new jobs refused")


@needs_mounts
@pytest.mark.fault(RESOURCES, "job directory full when a job is cancelled", full=5, short=False)
def test_a_job_is_cancelled_on_a_full_disk(
    small_disk: Path,
    engine: LocalEngine,
    state: Path,
    steps: Steps,
    record_property: Record,
) -> None:
    """Seen to fail without the signal where the request cannot be written: it is ended by force."""
    job = engine.submit(steps.request("h1"))
    pids = steps.wait(engine, job, "h1")
    hog = Hog(small_disk)
    job.cancel()
    await_end(engine, job, GRACE)
    assert "signal" in job.message, "it was only ended by force"
    assert job.status is JobStatus.CANCELLED
    hog.close()
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)


@needs_mounts
@pytest.mark.fault(RESOURCES, "state directory read-only in the middle of a job", full=5)
def test_the_directory_becomes_read_only(
    make_engine: MakeEngine, state: Path, steps: Steps, record_property: Record, pace: float
) -> None:
    """Seen to fail without locks that are only read: the other process follows it for ever."""
    engine = make_engine()
    job = engine.submit(steps.request("h1", timeout=15.0))
    pids = steps.wait(engine, job, "h1")
    with mounted(state, "--bind", str(state)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(state)], check=True)
        other = make_engine()
        followed = other.completion(job.job_id)
        await_end(engine, job, 15.0 * pace + GRACE)
        await_end(other, followed, GRACE)
        for each in (job, followed):
            # The worker ends at its deadline and cannot say so; who sees that it is gone may not
            # have come to the deadline yet.
            assert each.status in (JobStatus.TIMED_OUT, JobStatus.LOST)
            assert "Read-only file system" in each.message
        with pytest.raises(NotReady, match="Read-only file system"):
            engine.submit(steps.request())
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", f"{job.status.value}; says that it cannot be kept")


LIMITED = "if worker:\n    import resource\n    resource.setrlimit(resource.{0}, ({1}, {1}))"


@pytest.mark.fault(RESOURCES, "files of the job limited to 1 MB (RLIMIT_FSIZE)", full=3)
def test_a_limit_of_file_sizes(
    make_engine: MakeEngine, state: Path, record_property: Record, pace: float
) -> None:
    """Seen to fail where ansible-playbook is believed that it succeeded."""
    fault = LIMITED.format("RLIMIT_FSIZE", 1_000_000)
    engine = make_engine(python=faulty_python(state, fault))
    request = Request("shout", here("h0"), {"publish_bytes": 3_000_000}, timeout=30.0)
    job = engine.submit(request)
    await_end(engine, job, 30.0 * pace + GRACE)
    assert job.status is JobStatus.FAILED
    assert job.outcomes["h0"].message
    assert_all_over(engine, state, job)
    record_property("outcome", job.status.value)


@pytest.mark.fault(RESOURCES, "out of memory (RLIMIT_AS)", full=3)
@pytest.mark.parametrize(
    "megabytes",
    [
        pytest.param(60, marks=pytest.mark.fault(short=False)),
        120,
        pytest.param(240, marks=pytest.mark.fault(short=False)),
    ],
)
def test_out_of_memory(
    make_engine: MakeEngine, state: Path, record_property: Record, megabytes: int, pace: float
) -> None:
    """Seen to fail without results of exceptions and without ``Running._declare_lost``."""
    fault = LIMITED.format("RLIMIT_AS", megabytes * 1_000_000)
    engine = make_engine(python=faulty_python(state, fault))
    job = engine.submit(Request("shout", here("h0"), {"bytes": 50_000_000}, timeout=30.0))
    await_end(engine, job, 30.0 * pace + GRACE)
    assert job.status in (JobStatus.FAILED, JobStatus.LOST)
    assert job.outcomes["h0"].status in (HostStatus.FAILED, HostStatus.NO_RESULT)
    assert_all_over(engine, state, job)
    record_property("outcome", job.status.value)


TOO_MANY = "if worker:\n    import os\n    os.kill(os.getpid(), 9)"


@pytest.mark.fault(RESOURCES, "worker killed before it began (out of memory)", full=5)
def test_a_worker_that_never_begins(
    make_engine: MakeEngine, state: Path, record_property: Record
) -> None:
    """Seen to fail without ``Running._declare_lost``."""
    engine = make_engine(python=faulty_python(state, TOO_MANY))
    job = engine.submit(Request("shout", here("h0")))
    await_end(engine, job, GRACE)
    assert job.status is JobStatus.LOST
    assert saved(state, job)["status"] == "lost"
    assert_all_over(engine, state, job)
    record_property("outcome", job.status.value)
