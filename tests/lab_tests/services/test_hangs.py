"""Daemons that hang: their units are active, and the maps have them for a while."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

HUNG = "kill -STOP $(pidof {program}) && echo hung"
WELL = "kill -CONT $(pidof {program}) 2>/dev/null || true"


@contextmanager
def hung(lab: Lab, host: str, program: str) -> Iterator[None]:
    """Let a program of a host hang, as one does whose disk or network is gone."""
    assert "hung" in lab.inside(host, HUNG.format(program=program))
    try:
        yield
    finally:
        lab.inside(host, WELL.format(program=program))


@pytest.fixture
def gateways(services: Services) -> Iterator[Services]:
    """Return two object gateways, on h2 and h3."""
    services.lab.ok("orch", "apply", "rgw", "hang", "--placement=h2,h3", "--port=8190")
    services.wait_runs("rgw.hang", 2)
    yield services
    services.remove("rgw.hang")


def test_the_gateway_that_answers_stays(gateways: Services) -> None:
    lab = gateways.lab

    def is_said() -> bool:
        events = gateways.ls()["rgw.hang"].get("events", ())
        return any("does not answer" in event for event in events)

    with hung(lab, "h2", "radosgw"):
        lab.ok("orch", "apply", "rgw", "hang", "--placement=h2", "--port=8190")
        wait_until("the service says what it waits for", is_said, SECONDS)
        assert gateways.hosts("rgw.hang") == ["h2", "h3"]
        code = "curl -s -o /dev/null -w '%{http_code}' http://h3:8190"
        assert lab.sh("h1", code).strip() == "200"
    gone = ["h2"]
    wait_until("the other one goes", lambda: gateways.hosts("rgw.hang") == gone, 3 * SECONDS)


def test_the_active_manager_is_not_stopped_for_one_that_hangs(services: Services) -> None:
    lab = services.lab
    lab.ok("orch", "apply", "mgr", "--placement=h1,h2")
    services.wait_runs("mgr", 2)
    active = str(lab.ceph_json("mgr", "dump")["active_name"])
    standby = "h2" if active == "h1" else "h1"

    def refused() -> str:
        answer = lab.ceph("orch", "daemon", "stop", f"mgr.{active}")
        assert answer.rc != 0, answer
        # A manager that a placement left out is in the map for half a minute more.
        early = ("waiting for the report", "it is being stopped")
        return "" if any(each in answer.err for each in early) else answer.err

    wait_until("two are in the map", lambda: len(managers(lab)) == 2, 2 * SECONDS)
    with hung(lab, standby, "ceph-mgr"):
        said = wait_until("the stop is refused with a reason", refused, SECONDS)
    assert "does not answer" in said, said
    assert lab.ceph_json("mgr", "dump")["active_name"] == active


def test_a_host_whose_systemd_hangs_has_not_lost_its_daemons(services: Services) -> None:
    lab = services.lab
    before = {row["daemon_name"] for row in services.ps() if row["hostname"] == "h3"}
    assert before
    leader = lab.machines["h3"].leader
    os.kill(leader, signal.SIGSTOP)
    try:
        lab.ok("orch", "ps", "h3", "--refresh")
        wait_until("health names the host", lambda: "systemd" in health(lab), 2 * SECONDS)
        now = {row["daemon_name"] for row in services.ps() if row["hostname"] == "h3"}
        assert now == before
    finally:
        os.kill(leader, signal.SIGCONT)
    lab.ok("orch", "ps", "h3", "--refresh")
    wait_until("its report is well again", lambda: "systemd" not in health(lab), 3 * SECONDS)


def managers(lab: Lab) -> list[str]:
    found = lab.ceph_json("mgr", "dump")
    return [found["active_name"], *(row["name"] for row in found["standbys"])]


def health(lab: Lab) -> str:
    checks = lab.ceph_json("health", "detail")["checks"]
    ours = [check for name, check in checks.items() if "ANSIBLE" in name]
    return " ".join(row["message"] for check in ours for row in check["detail"])
