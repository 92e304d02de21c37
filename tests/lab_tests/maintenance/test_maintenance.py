"""Hosts enter maintenance and leave it under load: nothing is lost, nothing is left behind.

With SHORT=1 it is one host, in and out. MAINTENANCE_KILLS says how often the manager is killed.
"""

from __future__ import annotations

import os
import random
import threading

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.maintenance.conftest import SHORT
from tests.lab_tests.maintenance.ground import SECONDS, Ground
from tests.lab_tests.test_playbooks import by_hand, recap

KILLS = int(os.environ.get("MAINTENANCE_KILLS", "3"))
KILL = """
systemctl kill -s KILL --kill-whom=$2 ceph-mgr@$1 || true
systemctl reset-failed ceph-mgr@$1 || true; systemctl start ceph-mgr@$1 || true
"""
whole = pytest.mark.skipif(SHORT, reason="not in the short form")


def other(ground: Ground, *hosts: str) -> str:
    """Return a host that is none of these."""
    return next(each for each in sorted(ground.lab.machines) if each not in hosts)


def standby(ground: Ground) -> str:
    """Return the host of the standby manager, after the first one is active."""
    activate(ground, "h1")
    return "h2"


def activate(ground: Ground, host: str) -> str:
    """Have the manager of a host active, and the other one stand by; return the host."""
    if ground.active() != host:
        ground.lab.ok("mgr", "fail", ground.active())
    wait_until(f"mgr.{host} is active", lambda: ground.active() == host, SECONDS)
    wait_until("the other one stands by", lambda: len(standbys(ground.lab)) == 1, SECONDS)
    return host


def standbys(lab: Lab) -> list[str]:
    return [str(row["name"]) for row in lab.ceph_json("mgr", "dump")["standbys"]]


def test_in_and_out_leaves_everything_as_it_was(ground: Ground) -> None:
    host = standby(ground)
    before = ground.snapshot()
    assert ground.lab.ok_when_settled("orch", "host", "ok-to-stop", host).startswith(
        "It is presumed"
    )
    with ground.writing(other(ground, host)):
        ground.enter(host)
        assert ground.status(host) == "maintenance"
        ground.wait_health(f"host {host} is in maintenance since")
        assert host not in ground.quorum()
        masked = ground.lab.sh(host, "systemctl list-unit-files --state=masked --no-legend 'ceph*'")
        assert f"ceph-mon@{host}.service" in masked
        answer = ground.lab.ceph("orch", "daemon", "start", f"mon.{host}")
        assert f"Host '{host}' is in maintenance" in answer.err
        ground.leave(host)
    ground.assert_as_before(before)
    assert ground.status(host) == ""
    ground.wait_health("")


@whole
def test_by_hand_a_second_run_changes_nothing_and_a_dry_run_foretells(ground: Ground) -> None:
    ground.wait_well()
    host = standby(ground)
    before = ground.snapshot()
    for name in ("enter_host_maintenance", "exit_host_maintenance"):
        now = ground.snapshot()
        assert recap(by_hand(ground.lab, (name,), "-l", host, "--check"), host) == 1
        assert ground.snapshot() == now
        assert recap(by_hand(ground.lab, (name,), "-l", host), host) == 1
        assert recap(by_hand(ground.lab, (name,), "-l", host), host) == 0
        assert recap(by_hand(ground.lab, (name,), "-l", host, "--check"), host) == 0
    ground.assert_as_before(before)


@whole
def test_the_only_gateway_is_refused_then_forced(ground: Ground) -> None:
    ground.wait_well()
    before = ground.snapshot()
    answer = ground.lab.ceph("orch", "host", "maintenance", "enter", "h3")
    assert answer.rc != 0
    assert "no other daemon of service rgw.only runs" in answer.err
    assert ground.snapshot() == before
    with ground.writing("h2"):
        ground.enter("h3", "--force")
        ground.leave("h3")
    ground.assert_as_before(before)


@whole
def test_the_active_manager_s_host_goes_on_from_the_other_one(ground: Ground) -> None:
    ground.wait_well()
    # The first host's ceph.conf may name no other monitor than its own.
    host = activate(ground, "h2")
    before = ground.snapshot()
    with ground.writing("h3"):
        ground.enter(host)
        assert ground.active() != host
        ground.leave(host)
    ground.assert_as_before(before)


@whole
def test_a_host_that_restarts_meanwhile_stays_stopped(ground: Ground) -> None:
    ground.wait_well()
    host = standby(ground)
    before = ground.snapshot()
    ground.enter(host)
    ground.lab.power(host, "off")
    assert "ANSIBLE_HOST_OFFLINE" not in ground.lab.ok("health", "detail")
    ground.lab.power(host, "on")
    ground.lab.sh(host, "systemctl start ceph.target ceph-osd.target")
    runs = "systemctl list-units --no-legend --plain --state=active 'ceph*@*.service'"
    assert ground.lab.sh(host, runs).strip() == ""
    wait_until("it answers", lambda: ground.status(host) == "maintenance", SECONDS)
    ground.leave(host)
    ground.assert_as_before(before)


@whole
def test_a_host_that_is_off_enters_and_leaves(ground: Ground) -> None:
    ground.wait_well()
    host = standby(ground)
    before = ground.snapshot()
    ground.lab.power(host, "off")
    wait_until("it is offline", lambda: ground.status(host) == "offline", SECONDS)
    wait_until(
        "its OSDs are down",
        lambda: ground.lab.ceph_json("osd", "stat")["num_up_osds"] <= 4,
        SECONDS,
    )
    ground.enter(host)
    ground.wait_health("It was offline then: its units were not touched")
    ground.lab.power(host, "on")
    wait_until("it answers", lambda: ground.status(host) == "maintenance", SECONDS)
    ground.leave(host)
    ground.assert_as_before(before)


class Killer(threading.Thread):
    """Kill the active manager at random moments, ``most`` times at most."""

    def __init__(self, ground: Ground, seed: int, most: int) -> None:
        super().__init__(daemon=True)
        self._ground, self._random, self._over = ground, random.Random(seed), threading.Event()
        self.killed, self._most = 0, most

    def run(self) -> None:
        while self.killed < self._most and not self._over.wait(self._random.uniform(0.5, 8.0)):
            name = self._ground.active()
            if name:
                self._ground.lab.sh(name, KILL, name, self._random.choice(("main", "all")))
                self.killed += 1

    def end(self) -> None:
        self._over.set()
        self.join(60)


@whole
def test_a_manager_that_is_killed_anywhere_is_followed_by_one_that_goes_on(ground: Ground) -> None:
    ground.wait_well()
    before, host = ground.snapshot(), "h3"
    killed = {"enter": 0, "leave": 0}
    with ground.writing("h2"):
        # Until it was killed so often on both ways.
        while min(killed.values()) < KILLS:
            for way, asked in (
                ("enter", lambda: ground.enter(host, "--force")),
                ("leave", lambda: ground.leave(host)),
            ):
                killer = Killer(ground, seed=7 + sum(killed.values()), most=KILLS)
                killer.start()
                try:
                    asked()
                finally:
                    killer.end()
                killed[way] += killer.killed
    print(f"managers killed: {killed}")
    ground.assert_as_before(before)
