"""Real runs of ansible-runner, on this machine and towards hosts that do not answer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

from adapter.engine import processes
from adapter.engine.completion import Completion
from adapter.engine.local import LocalEngine
from adapter.engine.model import HostStatus, JobStatus, Request, Target
from adapter.engine.ssh_files import SshFiles
from adapter.errors import JobCancelled, JobFailed, JobLost, JobTimedOut
from tests.unit.engine.harness import CONTENT, Engines, drain, finish, is_alive, local, until

HOSTILE = "{{ lookup('pipe', 'touch CANARY') }}"
SECRET = "canary-in-a-variable"


class Ended:
    """Jobs that ran once for all tests of this file: each costs more than a second."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.arguments: List[str] = []
        engine = LocalEngine(state, CONTENT, SshFiles(state), python=sys.executable)
        canary = HOSTILE.replace("CANARY", str(state / "canary"))
        far = Target("far", "127.0.0.1", port=1)
        given = {canary: [canary, {"deep": canary}], "number": 1, "none": None, "key": SECRET}
        requests = {
            "hostile": Request("get_report", local("h0"), {"given": given, "other": canary}),
            "failed": Request("fail_some", local("h0", "h1", "h2", "h3")),
            "none": Request("matches_none", local("h0", "h1")),
            "broken": Request("broken", local("h0", "h1")),
            "phases": Request("two_phases", local("h0", "h1"), phases=("alpha", "beta")),
            "pardon": Request("pardon", local("h0")),
            "loop": Request("loop", local("h0"), check=True, diff=True),
            "unreachable": Request("get_report", (*local("h0"), far)),
        }
        self.jobs: Dict[str, Completion] = {}
        self.heard: List[tuple] = []
        for name, request in requests.items():
            data = {**request.to_json(), "changes": False}
            self.jobs[name] = engine.submit(Request.from_json(data))
        self.jobs["phases"].on_change(lambda job: self.heard.append((job.progress, job.message)))
        while engine.poll():
            self._look_at_processes()
            time.sleep(0.05)
        self.logs = {name: list(engine.log(job.job_id)) for name, job in self.jobs.items()}

    def _look_at_processes(self) -> None:
        for pid in os.listdir("/proc"):
            if pid.isdigit():
                for name in ("cmdline", "environ"):
                    try:
                        text = Path(f"/proc/{pid}/{name}").read_bytes().decode("utf-8", "replace")
                    except OSError:
                        continue
                    if SECRET in text:
                        self.arguments.append(text)

    def directory(self, name: str) -> Path:
        return self.state / "jobs" / self.jobs[name].job_id

    def statuses(self, name: str) -> List[str]:
        return [outcome.status.value for outcome in self.jobs[name].outcomes.values()]


@pytest.fixture(scope="module")
def ended(has_ansible: None) -> Iterator[Ended]:
    state = Path(tempfile.mkdtemp(prefix="orch-"))
    yield Ended(state)
    shutil.rmtree(state)


def test_hostile_strings_stay_data(ended: Ended) -> None:
    job = ended.jobs["hostile"]
    canary = HOSTILE.replace("CANARY", str(ended.state / "canary"))
    assert job.exception is None
    given = {canary: [canary, {"deep": canary}], "number": 1, "none": None, "key": SECRET}
    assert job.result["h0"] == {"name": "h0", "given": given}
    assert not (ended.state / "canary").exists()


def test_variables_are_in_no_argument_and_no_environment(ended: Ended) -> None:
    assert ended.jobs["hostile"].result["h0"]["given"]["key"] == SECRET
    assert ended.arguments == []


def test_files_are_private_and_runner_leaves_none(ended: Ended) -> None:
    directory = ended.directory("hostile")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert {path.name for path in directory.iterdir()} == {
        *("request.json", "record.json", "inventory.yml", "vars.yml", "events.jsonl"),
        *("output.log", "worker.log", "lock", "lease", "result.json"),
    }
    assert (directory / "worker.log").read_text() == ""


def test_a_failed_host_names_its_reason(ended: Ended) -> None:
    job = ended.jobs["failed"]
    assert isinstance(job.exception, JobFailed)
    text = str(job.exception)
    assert text.startswith("fail_some: failed on 3 of 4 hosts: h1 (disk is gone); h2 (")
    assert "the module came apart); h3 (the playbook published no result for this host). " in text
    assert text.endswith(f"See the log of job {job.job_id}.")
    assert ended.statuses("failed") == ["ok", "failed", "failed", "no result"]
    assert job.result == {"h0": {"name": "h0"}}
    assert any("fatal: [h1]" in line for line in ended.logs["failed"])


def test_a_playbook_that_matches_no_host_has_failed(ended: Ended) -> None:
    assert ended.statuses("none") == ["no result"] * 2
    assert "matched no hosts" in str(ended.jobs["none"].exception)


def test_a_playbook_that_cannot_be_read_has_failed(ended: Ended) -> None:
    text = str(ended.jobs["broken"].exception)
    assert "h0, h1 (ansible-playbook ended with" in text
    assert "no_such_module_anywhere" in text
    assert "\n" not in text


def test_progress_goes_by_phases_and_never_back(ended: Ended) -> None:
    assert ended.jobs["phases"].exception is None
    assert ended.statuses("phases") == ["changed", "ok"]
    assert ended.heard == sorted(ended.heard, key=lambda heard: heard[0])
    messages = [message for _, message in ended.heard]
    assert any(message.startswith("two_phases: alpha on h") for message in messages)
    assert any(message.startswith("two_phases: beta on h") for message in messages)
    assert ended.heard[-1] == (1.0, "done on 2 hosts (1 changed)")


def test_what_the_playbook_dealt_with_is_no_failure(ended: Ended) -> None:
    job = ended.jobs["pardon"]
    assert job.exception is None
    assert ended.statuses("pardon") == ["changed"]
    assert job.result["h0"] == {"repaired": "h0"}
    events = (ended.directory("pardon") / "events.jsonl").read_text()
    assert "h0: Ignored: ignored: not so bad" in events


def test_loops_stats_and_diffs(ended: Ended) -> None:
    job = ended.jobs["loop"]
    result = job.result["h0"]
    assert (result["a"], result["b"], result["stats"]) == ("h0", "h0", True)
    diffs = [{"before": f"old {item}", "after": f"new {item}"} for item in "ab"]
    assert list(job.outcomes["h0"].diff) == diffs


def test_what_modules_see(ended: Ended) -> None:
    result = ended.jobs["loop"].result["h0"]
    environment = result["environment"]
    assert result["check"] is True
    assert "PYTHONPATH" not in environment
    assert environment["HOME"] == str(ended.state)
    assert environment["ANSIBLE_CONFIG"] == str(CONTENT / "ansible.cfg")


def test_an_unreachable_host_does_not_hold_the_others(ended: Ended) -> None:
    job = ended.jobs["unreachable"]
    assert ended.statuses("unreachable") == ["ok", "unreachable"]
    assert job.outcomes["far"].message == "Connection refused"
    assert job.result == {"h0": {"name": "h0", "given": {}}}


def test_the_command_runs_the_same_by_hand(ended: Ended) -> None:
    command = ended.jobs["loop"].record.command
    directory = ended.directory("loop")
    program = Path(sys.executable).with_name("ansible-playbook")
    assert command == (
        f"cd {CONTENT} && ANSIBLE_CONFIG=ansible.cfg "
        f"ANSIBLE_SSH_ARGS='-F {ended.state}/ssh_config -o ControlMaster=no' {program} "
        f"playbooks/loop.yml -i {directory}/inventory.yml -e @{directory}/vars.yml "
        "-e ceph_orch_by_hand=true --check --diff"
    )


def wait_request(state: Path, **settings: object) -> Request:
    variables = {"started": str(state / "started")}
    return Request("wait", local("h0", "h1"), variables, **settings)  # type: ignore[arg-type]


def modules(state: Path) -> List[int]:
    """Return the pids of the two modules once both wait."""
    started = state / "started"
    pids = [int(line) for line in started.read_text().split()] if started.exists() else []
    return pids if len(pids) == 2 else []


def assert_gone(engine: LocalEngine, state: Path, job: Completion, pids: List[int]) -> None:
    drain(engine)
    marker = json.loads((state / "jobs" / job.job_id / "record.json").read_text())["marker"]
    assert not any(map(is_alive, pids))
    assert processes.marked(marker) == []


def test_cancelling_ends_the_work(engine: LocalEngine, state: Path) -> None:
    job = engine.submit(wait_request(state))
    pids = until(lambda: modules(state), engine.poll)
    job.cancel()
    finish(engine, job, 12)
    assert_gone(engine, state, job, pids)
    assert isinstance(job.exception, JobCancelled)
    outcome = job.outcomes["h1"]
    assert (outcome.status, outcome.result) == (HostStatus.NO_RESULT, {"first": True})
    assert engine.cancel(job.job_id).status is JobStatus.CANCELLED


def test_a_deadline_ends_the_work(engine: LocalEngine, state: Path) -> None:
    job = engine.submit(wait_request(state, timeout=4.0))
    finish(engine, job, 15)
    assert_gone(engine, state, job, modules(state))
    assert isinstance(job.exception, JobTimedOut)
    assert "its deadline of 4 s has passed" in str(job.exception)


def test_a_killed_worker_leaves_no_work_behind(engine: LocalEngine, state: Path) -> None:
    job = engine.submit(wait_request(state))
    pids = until(lambda: modules(state), engine.poll)
    pid = json.loads((state / "jobs" / job.job_id / "record.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    finish(engine, job, 15)
    assert_gone(engine, state, job, pids)
    assert isinstance(job.exception, JobLost)


def test_a_job_without_a_parent_ends_itself(
    make_engine: Engines, state: Path, has_ansible: None
) -> None:
    engine = make_engine(lease=1.0)
    job = engine.submit(wait_request(state))
    # From here on nobody polls, which is what a dead parent looks like to the worker.
    result = state / "jobs" / job.job_id / "result.json"
    until(result.exists, lambda: None, 30)
    pids = modules(state)
    assert_gone(engine, state, job, pids)
    assert job.status is JobStatus.LOST
    assert "gone for 1 s" in job.message
