"""Cancelling, and hosts that hang: what is gone, how soon, and what the others notice of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import pytest

from adapter.engine.local import LocalEngine
from adapter.engine.model import HostStatus, JobStatus, Target
from adapter.engine.ssh_files import SshFiles
from tests.soak.conftest import MakeEngine
from tests.soak.faulty import GRACE, Steps, assert_all_over, await_end, directory, here, of_the_job
from tests.unit.engine.harness import Sshd, is_alive, until

Record = Callable[[str, object], None]
CANCEL = "Cancel"
HANGING = "Hosts that hang"
# As the design has it: what is left of a job here two seconds after the request is killed.
HERE_SECONDS = 2.0
# How much one host may delay the others.
DELAY = 5.0


@pytest.fixture
def remote_steps(state: Path, sshd: Sshd, pace: float) -> Steps:
    """Return the job on three hosts behind ssh, which are this very machine."""
    return Steps(state, [replace(sshd.target, name=name) for name in ("h0", "h1", "h2")], pace)


@pytest.fixture
def remote_engine(make_engine: MakeEngine, state: Path, sshd: Sshd) -> LocalEngine:
    files = SshFiles(state, sshd.key, user=sshd.user)
    files.write([(sshd.target, [sshd.public_host_key])])
    return make_engine(files)


@pytest.mark.fault(CANCEL, "cancel a module that ignores SIGTERM, on hosts behind ssh", full=10)
def test_cancelling_ends_stubborn_modules_on_hosts(
    remote_engine: LocalEngine,
    state: Path,
    remote_steps: Steps,
    record_property: Record,
    pace: float,
) -> None:
    """Seen to fail without ``end_on_hosts``: the modules go on."""
    job = remote_engine.submit(remote_steps.request("h1", "h2", stubborn=True))
    pids = remote_steps.wait(remote_engine, job, "h1", "h2")
    began = time.monotonic()
    job.cancel()
    until(lambda: not of_the_job(state, job, "ansible-playbook"), remote_engine.poll)
    here_after = time.monotonic() - began
    await_end(remote_engine, job, GRACE)
    assert not any(map(is_alive, pids.values())), "it was called cancelled too early"
    there_after = time.monotonic() - began
    assert job.status is JobStatus.CANCELLED
    assert there_after < GRACE
    assert here_after < HERE_SECONDS * pace
    assert job.outcomes["h1"].message == "interrupted at: second: Do the second step"
    assert_all_over(remote_engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)
    record_property("seconds", {"here": here_after, "on the hosts": there_after})


@pytest.mark.fault(CANCEL, "cancel a module that ignores SIGTERM, on this machine", full=10)
def test_cancelling_ends_stubborn_modules_here(
    engine: LocalEngine, state: Path, steps: Steps, record_property: Record, pace: float
) -> None:
    """Seen to fail without the search for what is left: the module goes on."""
    job = engine.submit(steps.request("h1", stubborn=True))
    pids = steps.wait(engine, job, "h1")
    began = time.monotonic()
    job.cancel()
    await_end(engine, job, GRACE)
    here_after = time.monotonic() - began
    assert here_after < 2 * HERE_SECONDS * pace
    assert job.status is JobStatus.CANCELLED
    assert job.outcomes["h1"].message == "interrupted at: second: Do the second step"
    assert_all_over(engine, state, job, list(pids.values()))
    record_property("outcome", job.status.value)
    record_property("seconds", {"here": here_after})


@pytest.mark.fault(CANCEL, "cancel in the first moments of a job", full=10)
def test_cancelling_at_once(
    engine: LocalEngine, state: Path, steps: Steps, record_property: Record
) -> None:
    """Seen to fail without the look for the request in the watchdog and in the parent."""
    job = engine.submit(steps.request("h0", "h1", "h2"))
    job.cancel()
    await_end(engine, job, GRACE)
    assert job.status is JobStatus.CANCELLED
    assert {outcome.status for outcome in job.outcomes.values()} == {HostStatus.NO_RESULT}
    assert_all_over(engine, state, job, list(steps.modules().values()))
    record_property("outcome", job.status.value)


def times_of_results(state: Path, job, key: str) -> Dict[str, float]:
    """Return when each host published a key, by the clock of the worker."""
    found = {}
    for line in (directory(state, job) / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if key in (event.get("result") or {}):
            found[event["host"]] = event["t"]
    return found


@pytest.mark.fault(HANGING, "one of four hosts hangs in the middle", full=5)
def test_a_hanging_host_delays_no_other(
    engine: LocalEngine, state: Path, record_property: Record, pace: float
) -> None:
    """Seen to fail with the strategy ``linear``: the others never come to their third step."""
    steps = Steps(state, here("h0", "h1", "h2", "h3"), pace)
    job = engine.submit(steps.request("h1", timeout=8.0))
    await_end(engine, job, 8.0 * pace + GRACE)
    before, last = times_of_results(state, job, "first"), times_of_results(state, job, "third")
    assert sorted(last) == ["h0", "h2", "h3"]
    longest = max(last[host] - before["h1"] for host in last)
    assert longest < DELAY * pace
    assert job.status is JobStatus.TIMED_OUT
    assert [host for host, outcome in job.outcomes.items() if not outcome.status.good] == ["h1"]
    assert_all_over(engine, state, job, list(steps.modules().values()))
    record_property("outcome", f"{job.status.value}; the other hosts succeeded")
    record_property("seconds", {"until the others' last result": longest})


class Listener:
    """Something on loopback that accepts connections and then says ``greeting`` at most."""

    def __init__(self, greeting: bytes) -> None:
        self._greeting = greeting
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._accepted: List[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._accepted.append(connection)
            connection.sendall(self._greeting)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for connection in self._accepted:
            connection.close()


@pytest.fixture
def make_listener() -> Iterator[Callable[[bytes], Listener]]:
    made: List[Listener] = []

    def make(greeting: bytes) -> Listener:
        made.append(Listener(greeting))
        return made[-1]

    yield make
    for listener in made:
        listener.close()


def hang_in_ssh(
    engine: LocalEngine,
    state: Path,
    listener: Listener,
    record_property: Record,
    *,
    timeout: float,
    pace: float,
) -> None:
    """Run the job on two good hosts and one whose sshd hangs; see what becomes of each."""
    hung = Target("h1", "127.0.0.1", port=listener.port)
    steps = Steps(state, (*here("h0", "h2"), hung), pace)
    job = engine.submit(steps.request(timeout=timeout))
    await_end(engine, job, timeout * pace + GRACE)
    first, last = times_of_results(state, job, "first"), times_of_results(state, job, "third")
    assert sorted(last) == ["h0", "h2"]
    assert max(last.values()) - min(first.values()) < DELAY * pace
    assert job.status in (JobStatus.FAILED, JobStatus.TIMED_OUT)
    bad = {host: outcome for host, outcome in job.outcomes.items() if not outcome.status.good}
    assert list(bad) == ["h1"]
    assert bad["h1"].status in (HostStatus.UNREACHABLE, HostStatus.NO_RESULT)
    assert_all_over(engine, state, job)
    record_property("outcome", f"{job.status.value}; the other hosts succeeded")


@pytest.mark.fault(HANGING, "sshd that accepts and says nothing", full=5, short=False)
def test_an_sshd_that_says_nothing(
    engine: LocalEngine,
    state: Path,
    make_listener: Callable[[bytes], Listener],
    record_property: Record,
    pace: float,
) -> None:
    """Seen to fail with the strategy ``linear``: the others wait for it."""
    hang_in_ssh(engine, state, make_listener(b""), record_property, timeout=20.0, pace=pace)


@pytest.mark.fault(HANGING, "sshd that greets and then hangs", full=5)
def test_an_sshd_that_hangs_after_its_greeting(
    engine: LocalEngine,
    state: Path,
    make_listener: Callable[[bytes], Listener],
    record_property: Record,
    pace: float,
) -> None:
    """Seen to fail with the strategy ``linear``: the others wait for it."""
    listener = make_listener(b"SSH-2.0-OpenSSH_9.2\r\n")
    hang_in_ssh(engine, state, listener, record_property, timeout=8.0, pace=pace)
