"""Stops that follow each other closely, and those that had to wait: never the quorum, never the
last manager. What was acknowledged is done after a fail-over, and a restart comes to an end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.slow_light import slow_light

ALL = ["h1", "h2", "h3"]


@pytest.fixture
def three(services: Services) -> Iterator[Services]:
    """Return three monitors and three managers that are well, and leave them so."""
    lab = services.lab
    for kind in ("mon", "mgr"):
        lab.ok("orch", "apply", kind, "--placement=*")
        services.wait_runs(kind, 3)
    wait_until("three monitors in quorum", lambda: quorum(lab) == ALL, SECONDS)
    wait_until("three managers", lambda: len(managers(lab)) == 3, SECONDS)
    yield services
    # A stop that is still under way would stop it again.
    wait_until("no job is under way", lambda: not unfinished(lab), 120)
    for host in ALL:
        lab.sh(host, f"systemctl start ceph-mon@{host} ceph-mgr@{host}")
    wait_until("three monitors in quorum", lambda: quorum(lab) == ALL, SECONDS)
    wait_until("three managers", lambda: len(managers(lab)) == 3, SECONDS)
    # What was refused or stopped on purpose counts no more.
    time.sleep(50)


def quorum(lab: Lab) -> list[str]:
    return sorted(lab.ceph_json("quorum_status")["quorum_names"])


def managers(lab: Lab) -> list[str]:
    found = lab.ceph_json("mgr", "dump")
    return [found["active_name"], *(row["name"] for row in found["standbys"])]


def unfinished(lab: Lab) -> list[str]:
    rows = json.loads(lab.ok("ansible", "job", "ls", "--all", "--format", "json"))
    return [row["id"] for row in rows if row["status"] in ("queued", "running")]


def runs(lab: Lab, unit: str) -> bool:
    host = unit.rpartition("@")[2]
    return lab.sh(host, f"systemctl is-active {unit} || true").strip() == "active"


def test_of_two_stops_in_a_second_one_is_refused(three: Services) -> None:
    lab = three.lab
    both = [lab.start("orch", "daemon", "stop", f"mon.{host}") for host in ("h2", "h3")]
    for process in both:
        process.communicate(timeout=120)
    codes = [process.returncode for process in both]
    assert sorted(code == 0 for code in codes) == [False, True], codes
    wait_until("one monitor stops", lambda: len(quorum(lab)) == 2, 60)
    time.sleep(20)
    assert len(quorum(lab)) == 2


def test_no_monitor_is_removed_beside_one_that_is_stopped(three: Services) -> None:
    lab = three.lab
    lab.ok("orch", "daemon", "stop", "mon.h2")
    answer = lab.ceph("orch", "daemon", "rm", "mon.h3", "--force")
    assert answer.rc != 0, answer
    # On a slow machine it is out of the quorum by then, and the monitors say it.
    assert "mon.h2 is going down or just did" in answer.err or "quorum" in answer.err, answer
    assert runs(lab, "ceph-mon@h3")


def test_a_stop_that_waited_is_not_done_when_another_monitor_has_failed(three: Services) -> None:
    lab = three.lab

    def refused() -> bool:
        assert "not begun" in lab.ok("health", "detail")
        return True

    # Whoever leaves the slow job ends what waits behind it.
    with slow_light(lab, "h2", seconds=25):
        lab.ok("orch", "daemon", "stop", "mon.h2")
        lab.sh("h3", "systemctl stop ceph-mon@h3")
        wait_until("mon.h3 is out", lambda: quorum(lab) == ["h1", "h2"], 60)
        wait_until("the stop is refused", refused, 60)
    assert quorum(lab) == ["h1", "h2"]


def test_the_last_manager_is_not_stopped(three: Services) -> None:
    lab = three.lab
    active, *standbys = managers(lab)
    for name in standbys:
        lab.ok("orch", "daemon", "stop", f"mgr.{name}")
    for _ in range(8):
        answer = lab.ceph("orch", "daemon", "stop", f"mgr.{active}")
        assert answer.rc != 0, answer
        time.sleep(4)
    assert runs(lab, f"ceph-mgr@{active}")


def test_a_removal_is_kept_over_a_fail_over(three: Services) -> None:
    lab = three.lab
    three.remove("crash")
    lab.ok("orch", "apply", "crash", "--placement=*")
    time.sleep(1.5)
    lab.ok("orch", "rm", "crash")
    lab.fail_over()
    wait_until("crash is gone", lambda: "crash" not in three.ls(), 300)
    for host in ALL:
        units = "systemctl list-units --no-legend --plain --state=active 'ceph-crash*'"
        assert lab.sh(host, units).strip() == ""


def test_a_restart_ends_though_one_osd_does_not_start(three: Services) -> None:
    lab = three.lab
    rows = three.ps()
    osds = {row["daemon_id"]: row for row in rows if row["daemon_type"] == "osd"}
    bad = min(osds)
    host, service = osds[bad]["hostname"], osds[bad]["service_name"]
    unit = f"ceph-osd@{bad}.service"
    breaks = (
        f"mkdir -p /run/systemd/system/{unit}.d; printf '[Service]\\nExecStartPre=/bin/false\\n'"
    )
    try:
        lab.sh(host, f"{breaks} >/run/systemd/system/{unit}.d/bad.conf; systemctl daemon-reload")
        lab.ok("orch", "restart", service)

        def given_up() -> bool:
            text = " ".join(three.ls()[service].get("events", ()))
            assert f"osd.{bad} is given up after 3 tries" in text, text
            return True

        wait_until("it is given up", given_up, 400)
        lab.ok("orch", "start", service)
    finally:
        lab.sh(
            host,
            f"rm -rf /run/systemd/system/{unit}.d; systemctl daemon-reload; "
            f"systemctl reset-failed {unit}; systemctl start {unit}",
        )
