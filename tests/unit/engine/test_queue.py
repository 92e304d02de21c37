"""What the parent does with its children: queue, follow, reap, declare lost, end by force."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from adapter.engine.completion import Completion
from adapter.engine.jobs import Keep
from adapter.engine.local import LocalEngine
from adapter.engine.model import HostStatus, JobStatus, Request, Target
from adapter.errors import InvalidValue, JobCancelled, JobLost, JobTimedOut, UnknownName
from tests.unit.engine.harness import (
    CONTENT,
    Engines,
    drain,
    finish,
    is_alive,
    local,
    stub_python,
    stub_request,
    until,
)


def job_dir(state: Path, completion: Completion) -> Path:
    return state / "jobs" / completion.job_id


def go(state: Path, completion: Completion) -> None:
    (job_dir(state, completion) / "go").touch()


def running(*completions: Completion) -> List[bool]:
    return [completion.status is JobStatus.RUNNING for completion in completions]


def worker_pid(state: Path, completion: Completion) -> int:
    return json.loads((job_dir(state, completion) / "record.json").read_text())["pid"]


def test_a_job_succeeds_and_tells_its_listeners(stub_engine: LocalEngine) -> None:
    completion = stub_engine.submit(stub_request("ok", "h1", "h2"))
    heard, changes = {}, []
    completion.on_host(lambda host, outcome: heard.update({host: outcome}))
    completion.on_change(lambda it: changes.append((it.progress, it.is_finished)))
    completion.on_change(lambda it: 1 / 0)
    finish(stub_engine, completion)
    assert completion.status is JobStatus.SUCCEEDED
    assert completion.exception is None
    assert completion.result == {"h1": {"host": "h1"}, "h2": {"host": "h2"}}
    assert {host: outcome.result for host, outcome in heard.items()} == completion.result
    assert changes[-1] == (1.0, True)
    assert changes == sorted(changes)


def test_no_child_is_left_as_a_zombie(stub_engine: LocalEngine, state: Path) -> None:
    completion = finish(stub_engine, stub_engine.submit(stub_request()))
    drain(stub_engine)
    assert not Path(f"/proc/{worker_pid(state, completion)}").exists()
    assert stub_engine.poll() is False


def test_an_idle_engine_opens_nothing(
    stub_engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(stub_engine, stub_engine.submit(stub_request()))
    drain(stub_engine)

    def refuse(*arguments: object, **settings: object) -> None:
        raise AssertionError(arguments)

    for name in ("open", "listdir", "stat"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert stub_engine.poll() is False


def test_the_environment_is_made_from_nothing(
    stub_engine: LocalEngine, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/usr/share/ceph/mgr")
    monkeypatch.setenv("SECRET", "canary")
    with open(CONTENT / "ansible.cfg", "rb") as inheritable:
        os.set_inheritable(inheritable.fileno(), True)
        completion = finish(stub_engine, stub_engine.submit(stub_request()))
    environment = json.loads((job_dir(state, completion) / "environment.json").read_text())
    environment.pop("LC_CTYPE", None)
    wanted = {"PATH", "LANG", "HOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "CEPH_ORCH_JOB"}
    assert set(environment) == wanted
    assert environment["HOME"] == str(state)
    assert (Path(environment["PYTHONPATH"]) / "adapter" / "engine").is_dir()
    descriptors = (job_dir(state, completion) / "descriptors").read_text().split()
    assert len(descriptors) == 5, "standard streams, the lock, and the listing itself"


def test_two_writers_of_one_host_go_one_after_the_other(
    stub_engine: LocalEngine, state: Path
) -> None:
    first = stub_engine.submit(stub_request("gate", "h1", "h2"))
    second = stub_engine.submit(stub_request("gate", "h2", "h3"))
    third = stub_engine.submit(stub_request("gate", "h3"))
    other = stub_engine.submit(stub_request("gate", "h4"))
    reader = stub_engine.submit(stub_request("gate", "h1", changes=False))
    stub_engine.poll()
    # The third shares no host with a running job, but it may not overtake the second.
    assert running(first, second, third, other, reader) == [True, False, False, True, True]
    says = "get_report: queued; it waits for job {}, which changes host '{}'"
    assert second.message == says.format(first.job_id, "h2")
    assert third.message == says.format(second.job_id, "h3")
    go(state, first)
    finish(stub_engine, first)
    assert running(second, third) == [True, False]
    go(state, second)
    finish(stub_engine, second)
    assert running(third) == [True]
    for completion in (third, other, reader):
        go(state, completion)
    drain(stub_engine)


def test_one_place_is_kept_for_readers(make_engine: Engines, state: Path) -> None:
    engine = make_engine(stub=True, max_running=2)
    writers = [engine.submit(stub_request("gate", name)) for name in ("h1", "h2")]
    readers = [engine.submit(stub_request("gate", "h1", changes=False)) for _ in range(2)]
    assert running(*writers, *readers) == [True, False, True, False]
    assert writers[1].message.endswith("it waits until one of 2 running jobs has ended")
    for completion in (*writers, *readers):
        go(state, completion)
    drain(engine)
    assert all(completion.status is JobStatus.SUCCEEDED for completion in (*writers, *readers))


def test_engines_of_two_processes_do_not_write_to_one_host_at_once(
    make_engine: Engines, state: Path
) -> None:
    here, there = make_engine(stub=True), make_engine(stub=True)
    first = here.submit(stub_request("gate"))
    second = there.submit(stub_request("ok"))
    there.poll()
    assert second.status is JobStatus.QUEUED
    third = here.submit(stub_request("ok"))
    go(state, first)
    finish(here, first)
    finish(there, second)
    finish(here, third)
    assert second.record.started < third.record.started


def test_a_queued_job_can_be_cancelled(stub_engine: LocalEngine, state: Path) -> None:
    first = stub_engine.submit(stub_request("gate"))
    second = stub_engine.submit(stub_request("ok"))
    second.cancel()
    assert second.wait(0)
    assert isinstance(second.exception, JobCancelled)
    assert "before it was started" in str(second.exception)
    go(state, first)
    drain(stub_engine)
    assert stub_engine.cancel(first.job_id).status is JobStatus.SUCCEEDED


def test_only_what_has_not_begun_can_be_overtaken(
    make_engine: Engines, stub_engine: LocalEngine, state: Path
) -> None:
    first, second, third = (stub_engine.submit(stub_request("gate")) for _ in range(3))
    assert not stub_engine.overtake(first.job_id, "overtaken: too late")
    assert not stub_engine.overtake("nothing", "overtaken: it is not there")
    assert not make_engine(stub=True).overtake(second.job_id, "overtaken: by a stranger")
    heard = []
    second.on_host(lambda host, outcome: heard.append(outcome.message))
    assert stub_engine.overtake(second.job_id, "overtaken: job x does it")
    assert second.wait(0)
    assert (second.status, second.message) == (JobStatus.CANCELLED, "overtaken: job x does it")
    assert heard == ["overtaken: job x does it"]
    assert second.record.never_began
    assert not first.record.never_began
    assert not stub_engine.overtake(second.job_id, "overtaken: twice")
    for completion in (first, third):
        go(state, completion)
    drain(stub_engine)
    assert [job.status for job in (first, third)] == [JobStatus.SUCCEEDED] * 2
    assert not any(job.record.never_began for job in (first, third))


def test_a_worker_that_dies_is_lost(stub_engine: LocalEngine) -> None:
    completion = finish(stub_engine, stub_engine.submit(stub_request("die", "h1", "h2")))
    assert isinstance(completion.exception, JobLost)
    assert "without a result (signal 9)" in str(completion.exception)
    # It changes hosts and was interrupted, so having published is not enough.
    assert completion.outcomes["h1"].status is HostStatus.NO_RESULT
    assert completion.outcomes["h1"].result == {"host": "h1"}
    assert completion.result == {}


def test_what_a_lost_reader_had_published_is_good(stub_engine: LocalEngine) -> None:
    completion = finish(stub_engine, stub_engine.submit(stub_request("die", changes=False)))
    assert completion.status is JobStatus.LOST
    assert completion.result == {"h1": {"host": "h1"}}


@pytest.mark.parametrize(("reason", "error"), [("cancel", JobCancelled), ("deadline", JobTimedOut)])
def test_a_worker_that_does_not_stop_is_killed(
    make_engine: Engines, state: Path, reason: str, error: type
) -> None:
    now = [0.0]
    engine = make_engine(stub=True, monotonic=lambda: now[0], clock=lambda: now[0])
    completion = engine.submit(stub_request("stubborn", timeout=60))
    events = job_dir(state, completion) / "events.jsonl"
    until(lambda: completion.outcomes["h1"].status.good, engine.poll)
    pid = worker_pid(state, completion)
    if reason == "cancel":
        completion.cancel()
    else:
        now[0] += 61
    engine.poll()
    assert is_alive(pid), "the worker has some seconds for it"
    now[0] += 7
    engine.poll()
    now[0] += 2
    finish(engine, completion, 10)
    assert not is_alive(pid)
    assert isinstance(completion.exception, error)
    assert events.exists()


def test_a_python_that_is_gone_is_seen_before_any_job(make_engine: Engines) -> None:
    assert make_engine().ready() == ""
    said = make_engine(python="/nowhere/python3").ready()

    assert said.startswith("There is no interpreter /nowhere/python3 any more")
    assert "`PATH /" in said, "the command itself begins with the interpreter that is gone"
    assert "/bin/orch-ansible mgr install --python PATH`" in said


def test_a_python_that_is_not_there(make_engine: Engines) -> None:
    engine = make_engine(python="/nowhere/python3")
    completion = finish(engine, engine.submit(stub_request()))
    assert str(completion.exception).startswith(
        "get_report: /nowhere/python3 cannot be started: No such file or directory."
    )


PARENT = """
import sys, os
sys.path[:0] = {paths!r}
from tests.unit.engine.harness import stub_request
from adapter.engine.local import LocalEngine
from adapter.engine.ssh_files import SshFiles
from pathlib import Path
engine = LocalEngine({state!r}, {content!r}, SshFiles({state!r}), python={stub!r})
jobs = [engine.submit(stub_request("gate", "h1")), engine.submit(stub_request("gate", "h1"))]
print(*(job.job_id for job in jobs), flush=True)
os._exit(0)
"""


def settings_of_a_process(state: Path) -> Dict[str, Any]:
    return {
        "paths": [str(Path(__file__).resolve().parents[3]), *sys.path],
        "state": str(state),
        "content": str(CONTENT),
        "stub": stub_python(state),
    }


def test_another_process_reads_on_where_the_first_has_ended(
    make_engine: Engines, state: Path
) -> None:
    program = [sys.executable, "-c", PARENT.format(**settings_of_a_process(state))]
    printed = subprocess.run(program, stdout=subprocess.PIPE, check=True, text=True).stdout
    running_id, queued_id = printed.split()
    engine = make_engine(stub=True)
    attached = engine.completion(running_id)
    assert attached.status is JobStatus.RUNNING
    heard = []
    attached.on_host(lambda host, outcome: heard.append((host, outcome.result)))
    never = finish(engine, engine.completion(queued_id))
    assert never.status is JobStatus.CANCELLED
    assert "not started" in str(never.exception)
    assert "ask again" in str(never.exception)
    # Another writer of the same host still waits for the job of the process that has ended.
    waiting = engine.submit(stub_request("ok"))
    engine.poll()
    assert waiting.status is JobStatus.QUEUED
    go(state, attached)
    finish(engine, attached)
    finish(engine, waiting)
    assert attached.result == {"h1": {"host": "h1"}}
    assert heard[-1] == ("h1", {"host": "h1"})


def test_a_job_that_ended_meanwhile_took_as_long_as_it_took(
    make_engine: Engines, state: Path
) -> None:
    """Nobody looked at it for ten minutes."""
    program = [sys.executable, "-c", PARENT.format(**settings_of_a_process(state))]
    printed = subprocess.run(program, stdout=subprocess.PIPE, check=True, text=True).stdout
    running_id, queued_id = printed.split()
    job = state / "jobs" / running_id
    (job / "go").touch()
    while not (job / "result.json").exists():
        time.sleep(0.05)
    engine = make_engine(stub=True, clock=lambda: time.time() + 661.0)
    ended = finish(engine, engine.completion(running_id)).record
    assert ended.started is not None
    assert ended.finished is not None
    assert ended.finished - ended.started < 60.0
    never = finish(engine, engine.completion(queued_id)).record
    assert never.started is None
    assert engine.asked(queued_id).variables == {"behaviour": "gate"}
    with pytest.raises(UnknownName):
        engine.asked("20260101T000000-none-0000")


IMPORTS = """
import sys
sys.path[:0] = {paths!r}
import adapter.engine.access, adapter.engine.local, adapter.engine.memory, adapter.engine.ssh
bad = {{"ansible", "ansible_runner", "pexpect", "multiprocessing", "asyncio", "ctypes", "jinja2"}}
print(sorted(bad & set(sys.modules)))
"""


def test_the_parent_loads_little(state: Path) -> None:
    program = [sys.executable, "-c", IMPORTS.format(**settings_of_a_process(state))]
    assert subprocess.run(program, stdout=subprocess.PIPE, check=True).stdout == b"[]\n"


SUBINTERPRETER = """
import sys
sys.path[:0] = {paths!r}
from adapter.engine.local import LocalEngine
from adapter.engine.model import Target
from adapter.engine.ssh import SshProber
from tests.unit.engine.harness import finish, drain, stub_request
from adapter.engine.ssh_files import SshFiles
files = SshFiles({state!r})
engine = LocalEngine({state!r}, {content!r}, files, python={stub!r})
job = finish(engine, engine.submit(stub_request("ok", "h1")))
drain(engine)
assert job.result == {{"h1": {{"host": "h1"}}}}, job.message
assert SshProber(files).probe(Target("h1", "127.0.0.1", connection="local")).ok
print("in a sub-interpreter")
"""


def test_it_runs_in_a_sub_interpreter(state: Path) -> None:
    pytest.importorskip("_testcapi", reason="this Python cannot make a sub-interpreter")
    program = SUBINTERPRETER.format(**settings_of_a_process(state))
    runner = f"import _testcapi, sys; sys.exit(_testcapi.run_in_subinterp({program!r}))"
    done = subprocess.run([sys.executable, "-c", runner], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("in a sub-interpreter\n", 0), done.stderr


def test_an_attached_worker_that_is_killed_is_lost(make_engine: Engines, state: Path) -> None:
    first = make_engine(stub=True)
    completion = first.submit(stub_request("hang"))
    until(lambda: completion.outcomes["h1"].status.good, first.poll)
    second = make_engine(stub=True)
    again = second.completion(completion.job_id)
    os.kill(worker_pid(state, completion), signal.SIGKILL)
    drain(first)
    finish(second, again)
    assert again.status is completion.status is JobStatus.LOST


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_closing_leaves_running_jobs_alone(make_engine: Engines, state: Path) -> None:
    engine = make_engine(stub=True)
    first, second = (engine.submit(stub_request("gate")) for _ in range(2))
    pid = worker_pid(state, first)
    engine.close()
    assert engine.poll() is False
    assert second.status is JobStatus.CANCELLED
    later = make_engine(stub=True)
    assert is_alive(pid)
    go(state, first)
    assert finish(later, later.completion(first.job_id)).status is JobStatus.SUCCEEDED
    drain(later)
    assert not Path(f"/proc/{pid}").exists()


def test_closing_waits_for_workers_that_are_about_to_end(make_engine: Engines, state: Path) -> None:
    """Nobody would reap them. Seen to fail without the wait: the worker was still there."""
    slow = state.parent / "slow-python"
    slow.write_text(f'#!/bin/sh\n{stub_python(state)} "$@"\nsleep 0.7\n')
    slow.chmod(0o700)
    engine = make_engine(python=str(slow))
    finished = engine.submit(stub_request("ok"))
    until(lambda: finished.status.final, engine.poll)
    pid = worker_pid(state, finished)
    assert is_alive(pid)
    engine.close()
    assert not is_alive(pid)


def test_ended_jobs_are_kept_without_results_and_read_again(
    make_engine: Engines, state: Path
) -> None:
    engine = make_engine(stub=True)
    job_id = finish(engine, engine.submit(stub_request("ok", "h1", "h2"))).job_id
    (record,) = engine.jobs()
    assert record.status is JobStatus.SUCCEEDED
    assert dict(record.request.variables) == {}
    assert all(not outcome.result for outcome in record.outcomes.values())
    for reader in (engine, make_engine(stub=True)):
        again = reader.completion(job_id)
        assert again.wait(0)
        assert again.result == {"h1": {"host": "h1"}, "h2": {"host": "h2"}}
        heard = []
        again.on_host(lambda host, outcome, heard=heard: heard.append(host))
        assert heard == ["h1", "h2"]


def test_old_jobs_are_removed(make_engine: Engines, state: Path) -> None:
    engine = make_engine(stub=True, keep=Keep(count=3))
    held = engine.submit(stub_request("gate"))
    for _ in range(5):
        finish(engine, engine.submit(stub_request("ok", "h2")))
        drain_reaped(engine)
    assert len(engine.jobs()) == 4
    assert held.job_id in [job.id for job in engine.jobs()]
    assert len(list((state / "jobs").glob("2*"))) == 4
    go(state, held)
    finish(engine, held)


def drain_reaped(engine: LocalEngine) -> None:
    """A job is only removed when its worker has let go of the lock."""
    until(lambda: not engine._ending, engine.poll)


def test_names_that_are_not_known(stub_engine: LocalEngine) -> None:
    for name in ("nothing", "../../etc", "20261123T051200-get_report-3f2a"):
        with pytest.raises(UnknownName):
            stub_engine.completion(name)
        with pytest.raises(UnknownName):
            stub_engine.cancel(name)
        with pytest.raises(UnknownName):
            stub_engine.log(name)


ONE = local("h1")


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (Request("get_report", ()), "at least one host"),
        (Request("get_report", local("h1", "h1")), "named twice"),
        (Request("no_such_thing", ONE), "there is no"),
        (Request("../get_report", ONE), "operation"),
        (Request("get_report", ONE, {"a b": 1}), "variable"),
        (Request("get_report", ONE, {"ansible_ssh_common_args": "x"}), "variable"),
        (Request("get_report", ONE, timeout=0), "timeout"),
        (Request("get_report", ONE, timeout=float("nan")), "timeout"),
        (Request("get_report", ONE, timeout=float("inf")), "timeout"),
        (Request("get_report", (Target("-oProxyCommand=x", "h1"),)), "host name"),
        (Request("get_report", (Target("all", "h1"),)), "host name"),
        (Request("get_report", (Target("h[1:3]", "h1"),)), "host name"),
        (Request("get_report", (Target("h1", "-oProxyCommand=x"),)), "address"),
        (Request("get_report", (Target("h1", "a b"),)), "address"),
        (Request("get_report", (Target("h1", "h1", user="root;id"),)), "user"),
        (Request("get_report", (Target("h1", "h1", port=0),)), "port"),
        (Request("get_report", (Target("h1", "h1", connection="docker"),)), "connection"),
        (Request("get_report", (Target("h1", "h1", python="python3"),)), "python"),
        (Request("get_report", (Target("h1", "h1", python="/bin/x\n- y"),)), "python"),
    ],
)
def test_what_is_refused(
    stub_engine: LocalEngine, state: Path, request_: Request, part: str
) -> None:
    with pytest.raises(InvalidValue, match=part):
        stub_engine.submit(request_)
    assert stub_engine.jobs() == []
    assert list((state / "jobs").glob("*2*")) == []
