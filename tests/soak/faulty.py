"""A worker with a fault in it, jobs that hang, and what is looked at when they have ended."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence

from adapter.engine import processes
from adapter.engine.completion import Completion
from adapter.engine.local import LocalEngine
from adapter.engine.model import JobStatus, Request, Target
from adapter.engine.ssh_files import SshFiles
from tests.unit.engine.harness import CONTENT as UNIT_CONTENT
from tests.unit.engine.harness import drain, finish, is_alive, stub_python, stub_request, until

CONTENT = Path(__file__).resolve().parents[1] / "fixtures" / "soak" / "content"
# What a job may need beyond its deadline until it has a terminal state.
GRACE = 10.0

_PROGRAM = """#!{python}
import runpy, sys
module, sys.argv = sys.argv[2], sys.argv[2:]
worker = module == "adapter.engine.worker"
{fault}
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def faulty_python(state: Path, fault: str) -> str:
    """Return a program that stands where Python is expected and runs ``fault`` before the module.

    The module's arguments are in ``sys.argv``; ``worker`` tells it from other children.
    """
    path = state / "faulty-python"
    path.write_text(_PROGRAM.format(python=sys.executable, fault=fault))
    path.chmod(0o700)
    return str(path)


def here(*names: str) -> tuple[Target, ...]:
    """Return hosts that are this very machine."""
    return tuple(Target(name, "127.0.0.1", connection="local") for name in names)


class Steps:
    """A job of three steps, of which the second hangs on some hosts.

    On a machine that is ``pace`` times slower, its deadlines are so much longer.
    """

    def __init__(self, state: Path, targets: Sequence[Target], pace: float = 1.0) -> None:
        self.pace = pace
        self.pids = state / "pids"
        self.pids.mkdir(exist_ok=True)
        self.targets = tuple(targets)

    def request(self, *hang: str, timeout: float = 60.0, **variables: Any) -> Request:
        """Return the request; ``hang`` names the hosts whose second step does not return."""
        given = {"hang": list(hang), "pids": str(self.pids), **variables}
        phases = ("first", "second", "third")
        timeout *= self.pace
        return Request("steps", self.targets, given, timeout=timeout, phases=phases)

    def modules(self) -> Dict[str, int]:
        """Return the processes of the second step by host, as far as they have begun."""
        found = {}
        for path in self.pids.iterdir():
            text = path.read_text().strip()
            if text:
                found[path.name] = int(text)
        return found

    def wait(self, engine: LocalEngine, job: Completion, *hosts: str) -> Dict[str, int]:
        """Wait until these hosts are at their second step, and all others have done the third."""
        wanted = set(hosts)
        others = [target.name for target in self.targets if target.name not in wanted]
        until(
            lambda: (
                wanted <= self.modules().keys()
                and all("third" in job.outcomes[host].result for host in others)
            ),
            engine.poll,
            60,
        )
        return {host: self.modules()[host] for host in hosts}


def task_worker(state: Path, job: Completion, module: int) -> int:
    """Return the process that ansible-playbook forked for a task: above its module."""
    main, pid = playbook_process(state, job), module
    while processes.parent(pid) != main:
        pid = processes.parent(pid)
        assert pid > 1, f"{module} is not below ansible-playbook"
    return pid


def directory(state: Path, job: Completion) -> Path:
    """Return a job's directory."""
    return state / "jobs" / job.job_id


def saved(state: Path, job: Completion) -> Dict[str, Any]:
    """Return a job's record as it is on disk."""
    record: Dict[str, Any] = json.loads((directory(state, job) / "record.json").read_text())
    return record


def of_the_job(state: Path, job: Completion, *words: str) -> List[int]:
    """Return the job's processes whose command line has all these words."""
    found = []
    for pid in processes.marked(saved(state, job)["marker"]):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if all(word in command for word in words):
            found.append(pid)
    return found


def playbook_process(state: Path, job: Completion) -> int:
    """Return the main process of ansible-playbook: the one whose parent is the worker."""
    worker = saved(state, job)["pid"]
    (pid,) = [
        pid for pid in of_the_job(state, job, "ansible-playbook") if processes.parent(pid) == worker
    ]
    return pid


def await_end(engine: LocalEngine, job: Completion, seconds: float) -> float:
    """Wait for the job's end; return how long it took. Fails if it is not there in time."""
    started = time.monotonic()
    assert job.wait(seconds, poll=engine.poll, interval=0.02), (
        f"no end in {seconds} s: {job.record}"
    )
    return time.monotonic() - started


def assert_all_over(
    engine: LocalEngine, state: Path, job: Completion, pids: Sequence[int] = ()
) -> None:
    """See that each host has an outcome, nothing runs any more, and the hosts are free."""
    record = job.record
    assert record.status.final
    for host, outcome in record.outcomes.items():
        assert outcome.status.value != "waiting", host
        assert outcome.status.good or outcome.message, f"no reason is given for {host}"
    drain(engine, 20)
    marker = job_marker(state, job)
    left = [pid for pid in pids if is_alive(pid)] + processes.marked(marker)
    assert left == [], [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left if is_alive(pid)]
    assert_hosts_are_free(state, record.request.hosts)


def assert_hosts_are_free(state: Path, hosts: Sequence[str]) -> None:
    """See that the next writer of these hosts starts, in another process, at once."""
    other = LocalEngine(state, UNIT_CONTENT, SshFiles(state), python=stub_python(state))
    next_writer = other.submit(stub_request("ok", *hosts))
    # What could not be written down when it ended has ended at the first look.
    other.poll()
    assert next_writer.status is not JobStatus.QUEUED, other.jobs()
    finish(other, next_writer)
    drain(other)
    assert next_writer.exception is None


def job_marker(state: Path, job: Completion) -> str:
    """Return the mark of a job's processes."""
    path = directory(state, job) / "request.json"
    return str(json.loads(path.read_text())["marker"])
