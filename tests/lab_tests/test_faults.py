"""The manager dies in the middle of a job: the job ends or is declared lost, and runs once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab_tests.conftest import log_size, tracebacks
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.slow_light import slow_light

FINAL = ("succeeded", "failed", "cancelled", "timed out", "lost")


def kill_manager(lab: Lab, whom: str) -> None:
    """End the manager with SIGKILL, and start it again without systemd's pause.

    ``main`` is the manager alone, ``all`` everything that runs in its unit, its jobs too.
    """
    lab.sh(
        lab.first,
        'pid=$(systemctl show -P MainPID ceph-mgr@h1); test "$pid" -gt 1; '
        "systemctl kill -s KILL --kill-whom=$1 ceph-mgr@h1; "
        "while test -d /proc/$pid; do sleep 0.1; done; "
        "systemctl reset-failed ceph-mgr@h1; systemctl restart ceph-mgr@h1",
        whom,
    )


def answers(lab: Lab) -> bool:
    """Tell whether the backend of a new manager answers."""
    status = lab.ceph("orch", "status", seconds=60)
    assert status.rc == 0, status.err
    return "Backend: ansible" in status.out


@pytest.mark.fault("Hosts of a lab with real Ceph", "manager killed in the middle of a job", full=2)
@pytest.mark.parametrize("whom", ["main", "all"])
def test_a_manager_killed_in_the_middle_of_a_job(
    cluster: Lab, whom: str, record_property: Callable[[str, object], None]
) -> None:
    log = log_size(cluster)
    crashes = cluster.ceph_json("crash", "ls")
    with slow_light(cluster, "h2", seconds=25) as job:
        assert job.works()
        before = [row["id"] for row in cluster.jobs() if row["operation"] == "blink_device_light"]
        kill_manager(cluster, whom)
        wait_until("the new manager answers", lambda: answers(cluster), cluster.patience(60))

        def ended() -> str:
            status = job.status()
            return status if status in FINAL else ""

        print(wait_until("the job has ended", ended, cluster.patience(30)))
        after = [row["id"] for row in cluster.jobs() if row["operation"] == "blink_device_light"]
        assert after == before, "there is another job than before"
        wait_until("the host has stopped", lambda: not job.works(), cluster.patience(30))
        assert len(job.seen()) == 1, "the host was asked more than once"
        details = cluster.job(job.job_id)
        print(f"{details['status']}: {details['message']}; {details['outcomes']}")
        if whom == "all":
            assert details["status"] == "lost"
        if details["status"] != "succeeded":
            assert details["outcomes"]["h2"]["message"], "no reason is given for the host"
        record_property("outcome", details["status"])
    assert cluster.ceph_json("crash", "ls") == crashes == []
    assert tracebacks(cluster, log) == []
    assert sorted(cluster.listed_hosts()) == cluster.hosts()
    assert sorted(cluster.listed_devices()) == cluster.hosts(), "reports were forgotten"
    wait_until(
        "no process of a job is left on the manager's host",
        lambda: cluster.ssh(cluster.first, "pgrep", "-f", "adapter.engine.worker").rc == 1,
        cluster.patience(30),
    )


@pytest.mark.fault("Hosts of a lab with real Ceph", "manager failed over in the middle", full=2)
def test_a_job_goes_on_when_the_manager_is_failed_over(cluster: Lab) -> None:
    """``ceph mgr fail`` respawns the only manager in place: its jobs are read on."""
    log = log_size(cluster)
    with slow_light(cluster, "h2", seconds=15) as job:
        cluster.ok("mgr", "fail")
        wait_until("the manager answers again", lambda: answers(cluster), cluster.patience(60))
        assert job.wait_for_end(cluster.patience(60)) == "succeeded"
        assert len(job.seen()) == 1, "the host was asked more than once"
    assert cluster.ceph_json("crash", "ls") == []
    assert tracebacks(cluster, log) == []
