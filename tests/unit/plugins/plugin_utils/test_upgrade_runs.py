"""Of two runs of an upgrade by hand one is refused, and what a dead one has left is taken over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Dict

import pytest

from plugins.plugin_utils.upgrade_runs import (
    RUNS,
    Claim,
    Processes,
    Run,
    RunsElsewhere,
    this_run,
)
from tests.unit.plugins.plugin_utils.asked_cluster import Cluster


class Machine:
    """A machine with processes: by their ids when they were started."""

    def __init__(self, top: Path, boot: str) -> None:
        self._top = top
        (top / "sys/kernel/random").mkdir(parents=True)
        (top / "sys/kernel/random/boot_id").write_text(f"{boot}\n")
        (top / "self/ns").mkdir(parents=True)
        (top / "self/ns/pid").touch()
        self.processes = Processes(str(top))

    def start(self, pid: int, started: int, state: str = "S") -> None:
        directory = self._top / str(pid)
        directory.mkdir(exist_ok=True)
        fields = [state, *["0"] * 18, str(started), "0"]
        # A name may have anything in it.
        (directory / "stat").write_text(f"{pid} (a) b (c)) {' '.join(fields)}\n")

    def end(self, pid: int) -> None:
        (self._top / str(pid) / "stat").unlink()

    def run(self, pid: int, worker: int) -> Run:
        at_work = tuple((each, self.processes.started(each)) for each in (pid, worker))
        return Run("root", "h1", pid, self.processes.here(), 1_790_000_000.0, 0.0, at_work)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path / "here", "b00f")
    for pid in (10, 11, 20, 21):
        found.start(pid, pid * 100)
    return found


def claim(cluster: Cluster, machine: Machine, pid: int, worker: int) -> Claim:
    return Claim(cluster.ask, machine.run(pid, worker), machine.processes)


def kept(cluster: Cluster) -> Dict[str, str]:
    return {key: text for key, text in cluster.store.items() if key.startswith(RUNS)}


def test_one_run_has_one_key_from_its_first_turn_to_its_end(
    cluster: Cluster, machine: Machine
) -> None:
    claim(cluster, machine, 10, 11).take()
    (first,) = kept(cluster).values()
    machine.start(12, 1200)
    later = claim(cluster, machine, 10, 12)
    later.take()
    (second,) = kept(cluster).values()
    assert json.loads(second)["since"] == json.loads(first)["since"]
    assert json.loads(second)["at_work"] == [[10, 1000], [12, 1200]]
    later.release()
    assert kept(cluster) == {}


def test_another_run_is_refused_with_who_since_when_and_how_to_go_on(
    cluster: Cluster, machine: Machine
) -> None:
    claim(cluster, machine, 10, 11).take()
    (key,) = kept(cluster)
    with pytest.raises(RunsElsewhere) as refused:
        claim(cluster, machine, 20, 21).take()
    said = str(refused.value)
    assert "root on h1 (process 10) since 2026-09-21 " in said
    assert f"`ceph config-key rm '{key}'`" in said
    assert [*kept(cluster)] == [key]
    with pytest.raises(RunsElsewhere):
        claim(cluster, machine, 20, 21).look()


def test_of_two_that_begin_together_none_goes_on_beside_the_other(
    cluster: Cluster, machine: Machine
) -> None:
    other = claim(cluster, machine, 20, 21)
    mine = claim(cluster, machine, 10, 11)

    def meanwhile(words: object) -> None:
        cluster.before = lambda words: None
        other.take()

    cluster.before = meanwhile
    with pytest.raises(RunsElsewhere, match="process 20"):
        mine.take()
    assert [json.loads(text)["pid"] for text in kept(cluster).values()] == [20]


def test_a_run_whose_processes_have_ended_is_no_run(cluster: Cluster, machine: Machine) -> None:
    claim(cluster, machine, 10, 11).take()
    # The playbook was killed, the worker is still at a host.
    machine.end(10)
    with pytest.raises(RunsElsewhere):
        claim(cluster, machine, 20, 21).take()
    # Another process has got the number.
    machine.start(10, 999_999)
    machine.start(11, 1100, state="Z")
    claim(cluster, machine, 20, 21).look()
    assert len(kept(cluster)) == 1, "whoever only looks changes nothing"
    claim(cluster, machine, 20, 21).take()
    assert [json.loads(text)["pid"] for text in kept(cluster).values()] == [20]


def test_nobody_says_of_another_machine_that_a_process_has_ended(
    cluster: Cluster, machine: Machine, tmp_path: Path
) -> None:
    claim(cluster, machine, 10, 11).take()
    for boot in ("another", ""):
        other = Machine(tmp_path / f"there{boot}", boot)
        other.start(20, 2000)
        with pytest.raises(RunsElsewhere, match="process 10"):
            claim(cluster, other, 20, 21).take()
    (text,) = kept(cluster).values()
    # A container of the same machine.
    key = f"{RUNS}other"
    cluster.store = {key: json.dumps({**json.loads(text), "place": "b00f 1"})}
    machine.end(10)
    machine.end(11)
    with pytest.raises(RunsElsewhere, match="process 10"):
        claim(cluster, machine, 20, 21).take()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "<<< binary blob of length 4 >>>",
        '{"user": 1, "machine": "", "pid": [], "place": "", "since": 0, "seen": 0, "at_work": []}',
        *(
            '{"user": "", "machine": "", "pid": 1, "place": "", "seen": 0, "at_work": [], "since": '
            + since
            for since in ("1e99}", "NaN}", "-1}")
        ),
    ],
)
def test_a_key_that_cannot_be_read_is_somebody(
    cluster: Cluster, machine: Machine, text: str
) -> None:
    cluster.store[f"{RUNS}1\x1b[2J"] = text
    with pytest.raises(RunsElsewhere) as refused:
        claim(cluster, machine, 10, 11).take()
    assert "cannot be read" in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(kept(cluster)) == 1


def test_a_key_of_its_own_that_cannot_be_read_is_written_anew(
    cluster: Cluster, machine: Machine
) -> None:
    run = machine.run(10, 11)
    cluster.store[run.key] = "<"
    Claim(cluster.ask, run, machine.processes).take()
    assert json.loads(cluster.store[run.key])["pid"] == 10


def test_where_processes_are_not_seen_a_run_ends_by_its_own_word_alone(
    cluster: Cluster, machine: Machine, tmp_path: Path
) -> None:
    blind = Processes(str(tmp_path / "nothing"))
    run = replace(machine.run(10, 11), place=blind.here(), at_work=((10, 0), (11, 0)))
    Claim(cluster.ask, run, blind).take()
    assert not run.ended(blind)
    with pytest.raises(RunsElsewhere):
        claim(cluster, machine, 20, 21).take()


def test_this_process_is_the_worker_of_its_parent() -> None:
    processes = Processes()
    run = this_run(processes)
    assert not run.ended(processes)
    assert run.key == this_run(processes).key
    assert str(run.pid) in run.key
