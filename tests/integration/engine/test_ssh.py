"""Jobs on a host that is reached by ssh, an sshd of our own on loopback."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from adapter.engine.local import LocalEngine
from adapter.engine.model import JobStatus, Request
from adapter.engine.ssh import SshProber
from adapter.engine.ssh_files import SshFiles
from tests.unit.engine.harness import CONTENT, OTHER_KEY, Sshd, drain, finish, is_alive, until


def remote_engine(state: Path, files: SshFiles) -> LocalEngine:
    return LocalEngine(state, CONTENT, files, python=sys.executable)


def test_a_cancelled_job_ends_on_the_host_too(
    prober: SshProber, files: SshFiles, sshd: Sshd, state: Path, has_ansible: None
) -> None:
    files.write([(sshd.target, [sshd.public_host_key])])
    engine = remote_engine(state, files)
    started = state / "started"
    target = replace(sshd.target, user=sshd.user)
    job = engine.submit(Request("wait", (target,), {"started": str(started)}))
    pid = until(lambda: started.exists() and started.read_text().strip(), engine.poll)
    job.cancel()
    finish(engine, job, 20)
    assert job.status is JobStatus.CANCELLED
    assert not is_alive(int(pid))
    drain(engine)
    # The host is this very machine, and what was ended there was not the worker.
    last = (state / "jobs" / job.job_id / "events.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["type"] == "end"
    # The shared connection is left to those who use it.
    assert prober.probe(sshd.target).seconds < 30
    assert any(files.control_dir.iterdir())


def test_a_lost_job_is_ended_on_the_host_first(
    files: SshFiles, sshd: Sshd, state: Path, has_ansible: None
) -> None:
    files.write([(sshd.target, [sshd.public_host_key])])
    engine = remote_engine(state, files)
    started = state / "started"
    job = engine.submit(Request("wait", (sshd.target,), {"started": str(started)}))
    pid = until(lambda: started.exists() and started.read_text().strip(), engine.poll)
    record = json.loads((state / "jobs" / job.job_id / "record.json").read_text())
    os.kill(record["pid"], signal.SIGKILL)
    finish(engine, job, 30)
    assert job.status is JobStatus.LOST
    assert not is_alive(int(pid))
    drain(engine)


def test_a_host_with_another_key_is_not_spoken_to(
    files: SshFiles, sshd: Sshd, state: Path, has_ansible: None
) -> None:
    files.write([(sshd.target, [OTHER_KEY])])
    engine = remote_engine(state, files)
    job = finish(engine, engine.submit(Request("get_report", (sshd.target,))))
    drain(engine)
    assert job.outcomes["h1"].message == "Host key verification failed"
