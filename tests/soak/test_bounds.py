"""Very many jobs: the state directory and the parent's memory stay as they are."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Callable, List, Tuple

import pytest

from adapter.engine.completion import Completion
from adapter.engine.jobs import Keep
from adapter.engine.local import LocalEngine
from adapter.engine.model import JobStatus
from tests.soak.conftest import MakeEngine
from tests.soak.faulty import UNIT_CONTENT, directory
from tests.unit.engine.harness import drain, finish, is_alive, stub_python, stub_request, until

Record = Callable[[str, object], None]
# What a worker itself writes into the directory of its job.
OF_WORKER = {"descriptors", "reserve"}
KEPT = 50
FILES_PER_JOB = 15
BYTES_PER_JOB = 32 * 1024
# Of what Python does not give back, not of what a job leaves: 10,000 times 1 kB were 10 MB.
MOST_GROWTH = 8 * 1024 * 1024


def resident() -> int:
    """Return this process's memory in bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def used(root: Path) -> Tuple[int, int]:
    """Return the files with directories, and the bytes, below a directory."""
    count, size = 0, 0
    for place, directories, files in os.walk(root):
        count += len(directories) + len(files)
        size += sum(os.lstat(os.path.join(place, name)).st_size for name in files)
    return count, size


def run_jobs(engine: LocalEngine, count: int) -> None:
    """Run so many jobs, three at a time; every tenth of them dies."""
    for start in range(0, count, 3):
        jobs = [
            engine.submit(stub_request("die" if number % 10 == 9 else "ok", f"h{number % 3}"))
            for number in range(start, min(start + 3, count))
        ]
        for job in jobs:
            finish(engine, job)


def names_in(state: Path, job: Completion) -> List[str]:
    """Return what the directory of a job has."""
    return sorted(path.name for path in directory(state, job).iterdir())


@pytest.mark.fault("Bounds", "very many small jobs (10,000 in full)", full=1)
def test_very_many_jobs(
    make_engine: MakeEngine, state: Path, record_property: Record, is_full: bool
) -> None:
    """Seen to fail without ``_rotate`` (11 files of each job stay)."""
    count = 10_000 if is_full else 200
    engine = make_engine(
        content=UNIT_CONTENT, python=stub_python(state), keep=Keep(count=KEPT), max_running=6
    )
    held = engine.submit(stub_request("gate", "held", timeout=86400.0))
    until(lambda: held.outcomes["held"].status.good, engine.poll)
    # Its worker writes some of them when the job runs already.
    until(lambda: OF_WORKER.issubset(names_in(state, held)), engine.poll)
    files = names_in(state, held)
    run_jobs(engine, 60)
    before = resident()
    most_files = most_bytes = done = 0
    while done < count:
        run_jobs(engine, min(100, count - done))
        done += 100
        number, size = used(state / "jobs")
        most_files, most_bytes = max(most_files, number), max(most_bytes, size)
    growth = resident() - before
    assert most_files <= (KEPT + 6) * FILES_PER_JOB
    assert most_bytes <= (KEPT + 6) * BYTES_PER_JOB
    assert growth < MOST_GROWTH
    assert held.status is JobStatus.RUNNING
    assert files == names_in(state, held)
    (directory(state, held) / "go").touch()
    assert finish(engine, held).status is JobStatus.SUCCEEDED
    drain(engine)
    left = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    assert not any(_is_child(path) and is_alive(int(path.name)) for path in left)
    jobs = f"{count:,} jobs"
    record_property(
        "outcome",
        f"{jobs}: at most {most_files} files, {most_bytes / 1e6:.1f} MB; "
        f"memory of the parent {growth / 1e6:+.1f} MB",
    )


def _is_child(process: Path) -> bool:
    try:
        fields = (process / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return False
    return int(fields[1]) == os.getpid()
