"""A manager on another host takes over jobs that run in AWX, and launches none a second time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_awx import BY_AWX, LabAwx
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.slow_light import slow_light

pytestmark = pytest.mark.skipif(not BY_AWX, reason="with LAB_ENGINE=awx only")
OTHER, TARGET = "h2", "h3"
SECONDS = 180.0
# Nearly all that the module gives to a site's command.
LIGHT_SECONDS = 28


def managers(lab: Lab) -> dict[str, str]:
    """Return the hosts of the managers that run, by their names."""
    rows = lab.ceph_json("mgr", "metadata")
    return {row["name"]: row["hostname"] for row in rows if "hostname" in row}


def active(lab: Lab) -> str:
    """Return the host of the active manager, empty while there is none."""
    found = lab.ceph_json("mgr", "dump")
    return managers(lab).get(found["active_name"], "") if found["available"] else ""


@pytest.fixture(scope="module")
def two(lab: Lab) -> Iterator[Lab]:
    """Return the lab with managers on two hosts."""
    settle(lab)
    lab.ok("orch", "apply", "mgr", f"--placement={lab.first},{OTHER}")
    wait_until("two managers run", lambda: len(lab.ceph_json("mgr", "metadata")) == 2, SECONDS)
    standby = lambda: len(lab.ceph_json("mgr", "dump")["standbys"]) == 1  # noqa: E731
    wait_until("one stands by", standby, SECONDS)
    yield lab
    lab.ok_when_settled("orch", "apply", "mgr", f"--placement={lab.first}")
    alone = lambda: active(lab) == lab.first and not standbys(lab)  # noqa: E731
    wait_until("the first host's manager is alone", alone, SECONDS)


def standbys(lab: Lab) -> list[str]:
    return [row["name"] for row in lab.ceph_json("mgr", "dump")["standbys"]]


def fail(lab: Lab, host: str) -> None:
    """Have the monitors drop the active manager."""
    lab.ok("mgr", "fail")


def kill(lab: Lab, host: str) -> None:
    """Kill the active manager with all that it has started, before it is dropped.

    systemd starts it anew at once, and the monitors would take it again.
    """
    lab.sh(host, "systemctl kill --signal=KILL 'ceph-mgr@*'")
    fail(lab, host)


@pytest.mark.parametrize("how", [fail, kill], ids=["failed", "killed"])
def test_a_job_is_followed_from_another_host(two: Lab, how: object) -> None:
    awx: LabAwx = two.awx
    wait_until("one stands by", lambda: standbys(two), SECONDS)
    before = active(two)
    with slow_light(two, TARGET, LIGHT_SECONDS) as job:
        assert callable(how)
        how(two, before)
        after = wait_until(
            "a manager of another host is active",
            lambda: (found := active(two)) not in ("", before) and found,
            SECONDS,
        )
        assert after != before
        wait_until("it answers", lambda: two.ceph("ansible", "job", "ls").rc == 0, SECONDS)
        wait_until("it knows the job", lambda: two.ceph("ansible", "job", "show", job.job_id), 90)
        assert job.wait_for_end(two.patience(120)) == "succeeded"
        assert len(job.seen()) == 1
        record = two.job(job.job_id)
    launched = [each for each in awx.jobs() if job.job_id in each.row["extra_vars"]]
    assert len(launched) == 1
    assert awx.twice() == []
    assert record["outcomes"][TARGET]["status"] in ("ok", "changed")
    # What was made in AWX for it is deleted by who has followed it.
    names = lambda: [  # noqa: E731
        row["name"]
        for kind in ("inventories", "credentials")
        for row in awx.server.store.objects[kind].values()
        if job.job_id in row["name"] and not row.get("pending_deletion")
    ]
    wait_until("nothing of it is left in AWX", lambda: not names(), 60)
