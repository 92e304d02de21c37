"""What dies around an OSD while it is made, drained, removed and replaced.

Nothing is done twice, nothing is forgotten, and no disk other than the planned one is written to.
The short form kills the manager a few times; OSD_KILLS=20 is the whole one (docs/reliability.md).
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.osds.osd_lab import Osds
from tests.lab_tests.test_faults import answers, kill_manager

WHOLE = 20
KILLS = int(os.environ.get("OSD_KILLS", "3"))
HOST = "h2"
# A step of the cycle waits for a new manager more than once when the machine is busy.
STEP_SECONDS = 240.0


def osds(lab: Lab) -> dict[int, dict[str, Any]]:
    """Return the OSDs of the map by id, with their state in the tree.

    One that never booted stands beside the tree.
    """
    tree = lab.ceph_json("osd", "tree")
    nodes = [*tree["nodes"], *tree["stray"]]
    return {node["id"]: node for node in nodes if node["type"] == "osd"}


def up(lab: Lab) -> set[int]:
    return {number for number, node in osds(lab).items() if node["status"] == "up"}


def available(lab: Lab, host: str, path: str) -> bool:
    return bool(lab.listed_devices().get(host, {}).get(path, {}).get("available"))


def sums(lab: Lab, disks: dict[str, str]) -> dict[str, str]:
    """Return the checksums of disks by host; the short form reads past the first label's copy."""
    script = "cat $1 | b2sum" if KILLS >= WHOLE else "head -c 1200M $1 | b2sum"
    return {host: lab.sh(host, script, path).split()[0] for host, path in disks.items()}


def leave_three(lab: Lab) -> None:
    """Remove what an earlier run left on the second disks."""
    seconds = {machine.disks[1].rpartition("/")[2] for machine in lab.machines.values()}
    rows = lab.ceph_json("osd", "metadata")
    extra = [str(row["id"]) for row in rows if row.get("devices") in seconds]
    if extra:
        lab.ok("orch", "osd", "rm", *extra, "--force", "--zap")
        wait_until("the queue is empty", lambda: idle(lab), STEP_SECONDS)


def idle(lab: Lab) -> bool:
    return "No OSD" in lab.ok("orch", "osd", "rm", "status")


@pytest.fixture(scope="module")
def three(lab: Lab, osds_of_lab: Osds) -> Iterator[Lab]:
    """Return three hosts with an OSD on the first disk of each, and noise on the last one."""
    osds_of_lab.empty()
    for name, machine in lab.machines.items():
        lab.sh(name, "head -c 64M /dev/urandom >$1; sync", machine.disks[-1])
    for name, machine in lab.machines.items():
        if available(lab, name, machine.disks[0]):
            lab.ok("orch", "daemon", "add", "osd", f"{name}:{machine.disks[0]}")
    wait_until("three OSDs are up", lambda: len(up(lab)) >= 3, 120)
    leave_three(lab)
    yield lab
    for name, machine in lab.machines.items():
        lab.sh(name, "wipefs -aq $1; head -c 64M /dev/zero >$1", machine.disks[-1])


def kill(lab: Lab, chance: random.Random) -> None:
    """Kill the manager, and its jobs too one time out of three."""
    kill_manager(lab, chance.choice(["main", "main", "all"]))


def fail_over(lab: Lab, chance: random.Random) -> None:
    """Let the other manager take over, when there is one."""
    del chance
    before = lab.ceph_json("mgr", "stat")["active_name"]
    assert lab.fail_over(60) != before


class Killer:
    """Harm the manager at random moments, in a thread, ``count`` times in all."""

    def __init__(
        self, lab: Lab, count: int, seed: int, harm: Callable[[Lab, random.Random], None] = kill
    ) -> None:
        self._lab = lab
        self._left = count
        self._harm = harm
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.killed = 0

    def __enter__(self) -> Killer:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(60)

    def _run(self) -> None:
        while self._left and not self._stop.wait(self._random.uniform(0.3, 9.0)):
            self._harm(self._lab, self._random)
            self._left -= 1
            self.killed += 1


def ask(lab: Lab, done: Callable[[], bool], *command: str) -> None:
    """Ask until the manager has taken the request, or what was asked for has begun already."""

    def taken() -> bool:
        if done():
            return True
        answer = lab.ceph(*command, seconds=60)
        print(answer)
        return answer.rc == 0

    wait_until(f"{' '.join(command)} is taken", taken, STEP_SECONDS, every=1.0)


def test_a_manager_killed_at_random_points_of_the_life_of_an_osd(three: Lab) -> None:
    live_through(three, KILLS, kill)


@pytest.mark.skipif(KILLS < WHOLE, reason=f"takes minutes; OSD_KILLS={WHOLE} runs it")
def test_managers_that_take_over_from_each_other_in_the_life_of_an_osd(three: Lab) -> None:
    lab = three
    managers = "h1 h3"
    lab.ok("orch", "apply", "mgr", f"--placement={managers}")
    try:
        standby = lambda: lab.ceph_json("mgr", "stat")["num_standby"] == 1  # noqa: E731
        wait_until("a second manager is there", standby, STEP_SECONDS)
        live_through(lab, max(2, KILLS // 4), fail_over)
    finally:
        lab.ok("orch", "apply", "mgr", "--placement=h1")
        alone = lambda: lab.ceph_json("mgr", "stat")["num_standby"] == 0  # noqa: E731
        wait_until("the first manager is alone", alone, STEP_SECONDS)
        wait_until("it answers", lambda: answers(lab), 60)
    assert lab.ceph_json("mgr", "stat")["active_name"] == lab.first


def live_through(lab: Lab, count: int, harm: Callable[[Lab, random.Random], None]) -> None:
    """Make, drain, remove and replace an OSD while something is done to managers."""
    disk = lab.machines[HOST].disks[1]
    others = {name: machine.disks[-1] for name, machine in lab.machines.items()}
    before, kept = sums(lab, others), set(osds(lab))

    def new() -> set[int]:
        return set(osds(lab)) - kept

    def is_up() -> bool:
        return bool(up(lab) - kept)

    def queued() -> bool:
        return not idle(lab)

    killed = 0
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}")
    while killed < count:
        with Killer(lab, count - killed, seed + killed, harm) as killer:
            ask(lab, lambda: bool(new()), "orch", "daemon", "add", "osd", f"{HOST}:{disk}")
            wait_until("the OSD is up", is_up, STEP_SECONDS, every=1.0)
            assert len(new()) == 1, osds(lab)
            (first,) = new()

            wait_for = lambda number=first: queued() or number not in osds(lab)  # noqa: E731
            ask(lab, wait_for, "orch", "osd", "rm", str(first), "--zap")
            wait_until("the queue is empty", lambda: idle(lab), STEP_SECONDS, every=1.0)
            wait_until("the OSD is gone", lambda: not new(), STEP_SECONDS)
            free = lambda: available(lab, HOST, disk)  # noqa: E731
            wait_until("its disk is free", free, STEP_SECONDS, every=1.0)

            ask(lab, lambda: bool(new()), "orch", "daemon", "add", "osd", f"{HOST}:{disk}")
            wait_until("an OSD is up again", is_up, STEP_SECONDS, every=1.0)
            (second,) = new()

            def destroyed(number: int = second) -> bool:
                return osds(lab)[number]["status"] == "destroyed"

            wait_for = lambda: queued() or destroyed()  # noqa: E731
            ask(lab, wait_for, "orch", "osd", "rm", str(second), "--replace", "--zap")
            wait_until("it is destroyed", destroyed, STEP_SECONDS, every=1.0)
            wait_until("the queue is empty", lambda: idle(lab), STEP_SECONDS, every=1.0)
            wait_until("its disk is free", free, STEP_SECONDS, every=1.0)
            begun = lambda: not destroyed()  # noqa: E731
            ask(lab, begun, "orch", "daemon", "add", "osd", f"{HOST}:{disk}")
            wait_until("it is up again", is_up, STEP_SECONDS, every=1.0)
            assert new() == {second}, "the replacement has another id"

            ask(lab, queued, "orch", "osd", "rm", str(second), "--zap", "--force")
            wait_until("the queue is empty", lambda: idle(lab), STEP_SECONDS, every=1.0)
            wait_until("its disk is free", free, STEP_SECONDS, every=1.0)
        killed += killer.killed
        print(f"{killed} of {count} so far")
    wait_until("the manager answers", lambda: answers(lab), 60)
    assert set(osds(lab)) == kept, "other OSDs than before"
    assert up(lab) == kept
    assert sums(lab, others) == before, "a disk was written to that nobody named"
    assert lab.ceph_json("crash", "ls") == []


def test_a_host_that_is_switched_off_while_its_osd_is_removed(three: Lab) -> None:
    lab = three
    disk = lab.machines["h3"].disks[1]
    kept = set(osds(lab))
    lab.ok("orch", "daemon", "add", "osd", f"h3:{disk}")
    wait_until("the OSD is up", lambda: up(lab) - kept, STEP_SECONDS)
    (number,) = set(osds(lab)) - kept
    lab.power("h3", "off")
    lab.ok("orch", "osd", "rm", str(number), "--zap")

    def waits_for_host() -> bool:
        return "h3" in lab.ok("orch", "osd", "rm", "status").partition("cleaning")[2]

    wait_until("the queue names the host", waits_for_host, STEP_SECONDS, every=1.0)
    lab.power("h3", "on")

    wait_until("the queue is empty", lambda: idle(lab), STEP_SECONDS, every=1.0)
    assert set(osds(lab)) == kept
    wait_until("the disk is free", lambda: available(lab, "h3", disk), STEP_SECONDS, every=1.0)
    wait_until("the host's other OSD is up again", lambda: up(lab) == kept, STEP_SECONDS)
