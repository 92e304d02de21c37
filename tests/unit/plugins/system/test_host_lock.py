"""One run at a time works on a host's disks, and what it began outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.module_utils.system.host_lock import (
    CREATION,
    Detached,
    HostIsBusy,
    HostLock,
    Marked,
    is_at_work,
    unit_name,
)
from tests.unit.plugins.programs import only_programs_of

ROOT = Path(__file__).resolve().parents[4]
BEGIN = """
import sys
from plugins.module_utils.system.host_lock import Detached, HostLock
with HostLock(5.0, sys.argv[1]) as lock:
    Detached("x", ["cat", sys.argv[2]], lock)
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _fake_systemd_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = only_programs_of(tmp_path, monkeypatch) / "systemd-run"
    program.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    program.chmod(0o755)


def test_output_and_status(tmp_path: Path) -> None:
    with HostLock(5.0, str(tmp_path)) as lock:
        good = Detached("good", ["sh", "-c", "echo out; echo err >&2"], lock)
        bad = Detached("bad", ["sh", "-c", "echo why; exit 3"], lock)

        answer = good.result(30)
        assert (answer.err, answer.problem) == ("out\nerr\n", "")
        answer = bad.result(30)
        assert (answer.err, answer.problem) == ("why\n", "it ended with status 3")
        assert not bad.is_running
    assert sorted(os.listdir(tmp_path)) == ["bin", "disks.lock"]
    assert (tmp_path / "disks.lock").stat().st_mode & 0o777 == 0o600


def test_whether_anybody_is_at_work_can_be_asked(tmp_path: Path) -> None:
    place = str(tmp_path)
    assert not is_at_work("disks", place)
    with HostLock(5.0, place):
        assert is_at_work("disks", place)
    assert not is_at_work("disks", place)
    with Marked(CREATION, place):
        with Marked(CREATION, place):
            assert is_at_work(CREATION, place)
        assert is_at_work(CREATION, place), "nobody waits for another one"
    assert not is_at_work(CREATION, place)


def test_what_cannot_be_asked_may_be_at_work(tmp_path: Path) -> None:
    (tmp_path / "disks.lock").symlink_to(tmp_path / "elsewhere")
    assert is_at_work("disks", str(tmp_path))


def test_one_at_a_time(tmp_path: Path) -> None:
    with HostLock(5.0, str(tmp_path)):
        refused = HostLock(0.0, str(tmp_path))
        with pytest.raises(HostIsBusy, match="Another run has worked on the disks"):
            refused.__enter__()
    with HostLock(0.0, str(tmp_path)):
        pass


def test_the_work_of_a_killed_run_is_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    run = subprocess.Popen(
        [sys.executable, "-c", BEGIN, str(tmp_path), str(fifo)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "begun\n"
    run.send_signal(signal.SIGKILL)
    run.communicate()

    with pytest.raises(HostIsBusy), HostLock(0.0, str(tmp_path)):
        pass
    # The work reads the fifo to its end and is done.
    fifo.write_text("the work's end")
    with HostLock(30.0, str(tmp_path)):
        assert (tmp_path / "ceph-orch-x.log").read_text() == "the work's end"


def test_work_that_takes_too_long_is_left_to_itself(tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    with HostLock(5.0, str(tmp_path)) as lock:
        work = Detached("slow", ["cat", str(fifo)], lock)
        answer = work.result(0.1)

        assert "it still runs after 0.1 s as ceph-orch-slow.service" in answer.problem
        assert work.is_running
        fifo.write_text("")
        assert work.result(30).problem == ""


def test_names_of_units() -> None:
    assert unit_name("zap-cciss!c0d0") == "ceph-orch-zap-cciss_c0d0"
    assert unit_name("x y/../%i") == "ceph-orch-x_y_..__i"
