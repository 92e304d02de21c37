"""Whatever of a job's processes dies or stops: the job ends, and so does what it did."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Callable

import pytest

from adapter.engine.local import LocalEngine
from adapter.engine.model import HostStatus, JobStatus
from tests.soak.faulty import (
    GRACE,
    Steps,
    assert_all_over,
    await_end,
    playbook_process,
    saved,
    task_worker,
)

Record = Callable[[str, object], None]
DEATHS = "A process of the job dies"


@pytest.mark.fault(DEATHS, "worker killed (SIGKILL)", full=5)
def test_the_worker_is_killed(
    engine: LocalEngine, state: Path, steps: Steps, record_property: Record
) -> None:
    """Seen to fail without ``Running._declare_lost``: the job runs for ever."""
    job = engine.submit(steps.request("h1"))
    pids = steps.wait(engine, job, "h1")
    os.kill(saved(state, job)["pid"], signal.SIGKILL)
    await_end(engine, job, GRACE)
    assert job.status is JobStatus.LOST
    assert "signal 9" in job.message
    assert job.outcomes["h1"].status is HostStatus.NO_RESULT
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)


@pytest.mark.fault(DEATHS, "worker killed (SIGTERM)", full=5)
def test_the_worker_is_terminated(
    engine: LocalEngine, state: Path, steps: Steps, record_property: Record
) -> None:
    """Seen to fail without the handlers of signals in the worker: it is lost, not cancelled."""
    job = engine.submit(steps.request("h1"))
    pids = steps.wait(engine, job, "h1")
    os.kill(saved(state, job)["pid"], signal.SIGTERM)
    await_end(engine, job, GRACE)
    assert job.status is JobStatus.CANCELLED
    assert "signal" in job.message
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)


@pytest.mark.fault(DEATHS, "worker stopped (SIGSTOP)", full=5)
def test_the_worker_is_stopped(
    engine: LocalEngine, state: Path, steps: Steps, record_property: Record, pace: float
) -> None:
    """Seen to fail with ``Running._enforce`` as it was, which was too late by 3 s."""
    job = engine.submit(steps.request("h1", timeout=5.0))
    pids = steps.wait(engine, job, "h1")
    os.kill(saved(state, job)["pid"], signal.SIGSTOP)
    await_end(engine, job, 5.0 * pace + GRACE)
    assert job.status is JobStatus.TIMED_OUT
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)


@pytest.mark.fault(DEATHS, "ansible-playbook killed (SIGKILL)", full=5)
def test_ansible_playbook_is_killed(
    engine: LocalEngine, state: Path, steps: Steps, record_property: Record
) -> None:
    """Seen to fail without the sweep after a play that was cut off: the module went on."""
    job = engine.submit(steps.request("h1"))
    pids = steps.wait(engine, job, "h1")
    os.kill(playbook_process(state, job), signal.SIGKILL)
    await_end(engine, job, GRACE)
    assert job.status is JobStatus.FAILED
    assert "killed" in job.message
    assert job.outcomes["h1"].status is HostStatus.NO_RESULT
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)


@pytest.mark.fault(DEATHS, "forked task worker killed (SIGKILL)", full=5)
def test_a_task_worker_is_killed(
    engine: LocalEngine, state: Path, steps: Steps, record_property: Record, pace: float
) -> None:
    """Seen to fail without the deadlines of worker and parent: ansible-core waits for ever."""
    job = engine.submit(steps.request("h1", timeout=6.0))
    pids = steps.wait(engine, job, "h1")
    os.kill(task_worker(state, job, pids["h1"]), signal.SIGKILL)
    await_end(engine, job, 6.0 * pace + GRACE)
    assert job.status in (JobStatus.FAILED, JobStatus.TIMED_OUT)
    assert job.outcomes["h1"].status is HostStatus.NO_RESULT
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)
