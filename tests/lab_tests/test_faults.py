"""The manager dies in the middle of a job: the job ends or is declared lost, and runs once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab_tests.conftest import log_size, tracebacks
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.slow_light import slow_light
from tests.lab_tests.test_engine_faults import writes_again

FAULTS = "Hosts of a lab with real Ceph"
# The host's part of a deployment takes so long, and can be interrupted in its middle.
SLOW_UNITS = """
cd /run/systemd/system; mkdir -p ceph-mds@.service.d
printf '[Service]\\nExecStartPre=/bin/sleep 12\\n' >ceph-mds@.service.d/slow.conf
systemctl daemon-reload
"""
QUICK_UNITS = "rm -r /run/systemd/system/ceph-mds@.service.d; systemctl daemon-reload"
STARTING = "systemctl list-units --no-legend --plain --state=activating 'ceph-mds@restart.*'"
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


def restart_unit(lab: Lab) -> None:
    """Restart the manager's unit as an operator does; systemd ends everything in it."""
    lab.sh(lab.first, "systemctl reset-failed ceph-mgr@h1; systemctl restart ceph-mgr@h1")


def crashes(lab: Lab) -> list[str]:
    """Return the crashes that the cluster knows.

    Ceph 20.2 leaves one for each of its own modules whenever a manager starts, and where the
    service crash has run they are listed. Those are not counted.
    """
    rows = lab.ceph_json("crash", "ls")
    loading = "PyModule::load_subclass_of"
    return [
        row["crash_id"]
        for row in rows
        if row.get("mgr_module") == "ansible" or row.get("mgr_module_caller") != loading
    ]


def answers(lab: Lab) -> bool:
    """Tell whether the backend of a new manager answers."""
    status = lab.ceph("orch", "status", seconds=60)
    assert status.rc == 0, status.err
    return "Backend: ansible" in status.out


@pytest.mark.fault(FAULTS, "manager killed in the middle of a job", full=2)
@pytest.mark.parametrize("whom", ["main", "all"])
def test_a_manager_killed_in_the_middle_of_a_job(
    cluster: Lab, whom: str, record_property: Callable[[str, object], None]
) -> None:
    """Seen to fail without ``LocalEngine._adopt``: the new manager does not know the job."""
    log = log_size(cluster)
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
    assert crashes(cluster) == []
    assert tracebacks(cluster, log) == []
    assert sorted(cluster.listed_hosts()) == cluster.hosts()
    assert sorted(cluster.listed_devices()) == cluster.hosts(), "reports were forgotten"
    wait_until(
        "no process of a job is left on the manager's host",
        lambda: cluster.ssh(cluster.first, "pgrep", "-f", "adapter.engine.worker").rc == 1,
        cluster.patience(30),
    )


@pytest.mark.fault(FAULTS, "manager failed over in the middle", full=2)
def test_a_job_goes_on_when_the_manager_is_failed_over(
    cluster: Lab, record_property: Callable[[str, object], None]
) -> None:
    """``ceph mgr fail`` respawns the only manager in place: its jobs are read on.

    Seen to fail without ``LocalEngine._adopt``: the manager does not know the job any more.
    """
    log = log_size(cluster)
    with slow_light(cluster, "h2", seconds=15) as job:
        cluster.ok("mgr", "fail")
        wait_until("the manager answers again", lambda: answers(cluster), cluster.patience(60))
        status = job.wait_for_end(cluster.patience(60))
        assert status == "succeeded"
        assert len(job.seen()) == 1, "the host was asked more than once"
        record_property("outcome", status)
    assert crashes(cluster) == []
    assert tracebacks(cluster, log) == []


@pytest.mark.fault(FAULTS, "manager's unit restarted in the middle of a job", full=2)
def test_the_managers_unit_is_restarted(
    cluster: Lab, record_property: Callable[[str, object], None]
) -> None:
    """Seen to fail without the worker's handlers of signals: the job is lost, its task unnamed."""
    log = log_size(cluster)
    with slow_light(cluster, "h2", seconds=25) as job:
        assert job.works()
        restart_unit(cluster)
        wait_until("the new manager answers", lambda: answers(cluster), cluster.patience(60))
        status = job.wait_for_end(cluster.patience(30))
        details = cluster.job(job.job_id)
        assert status == "cancelled", details
        outcome = details["outcomes"]["h2"]
        assert outcome["status"] == "no result"
        assert "at: ceph_orch.ansible.device_light: " in outcome["message"], outcome
        assert not job.works(), "the host is still at it"
        assert len(job.seen()) == 1, "the host was asked more than once"
        writes_again(cluster, "h2")
    assert crashes(cluster) == []
    assert tracebacks(cluster, log) == []
    record_property("outcome", f"{status}; the host's task is named")


@pytest.mark.fault(FAULTS, "manager's unit restarted while a service is deployed", full=2)
def test_the_managers_unit_is_restarted_in_work_of_its_own(
    cluster: Lab, record_property: Callable[[str, object], None]
) -> None:
    """Seen to fail without the worker's handlers of signals: the job is lost, its task unnamed."""
    before = set(deployments(cluster))
    cluster.sh("h2", SLOW_UNITS)
    try:
        cluster.ok("orch", "apply", "mds", "restart", "--placement=h2")
        wait_until("the daemon is starting", lambda: cluster.sh("h2", STARTING), 60)
        (job,) = set(deployments(cluster)) - before
        restart_unit(cluster)
        wait_until("the new manager answers", lambda: answers(cluster), cluster.patience(60))
        details = cluster.wait_for_job(job, cluster.patience(30))
        assert details["status"] == "cancelled", details
        assert details["outcomes"]["h2"]["status"] == "no result"
        assert "at: ceph_orch.ansible.daemon_deploy: " in details["outcomes"]["h2"]["message"], (
            details
        )
        cluster.sh("h2", QUICK_UNITS)
        wait_until("the service runs", lambda: runs(cluster, "mds.restart"), cluster.patience(90))
        # The new manager looks first: what has come up by itself is not deployed again.
        names = [row["daemon_id"] for row in cluster.ceph_json("orch", "ps", "h2")]
        (name,) = [name for name in names if name.startswith("restart.")]
        assert cluster.sh("h2", "systemctl is-enabled $1", f"ceph-mds@{name}").strip() == "enabled"
    finally:
        cluster.ssh("h2", "sh", "-c", QUICK_UNITS)
        cluster.ok("orch", "rm", "mds.restart")
        wait_until("it is gone", lambda: "mds.restart" not in services(cluster), 120)
    record_property("outcome", "cancelled; the next manager sees to it")


def deployments(lab: Lab) -> list[str]:
    """Return the jobs that deployed the service."""
    return [
        row["id"]
        for row in lab.jobs()
        if row["operation"] == "apply_mds" and "mds.restart." in row["summary"]
    ]


def services(lab: Lab) -> dict[str, dict[str, int]]:
    """Return the counts of all services by name."""
    return {row["service_name"]: row["status"] for row in lab.ceph_json("orch", "ls")}


def runs(lab: Lab, name: str) -> bool:
    return services(lab).get(name, {}).get("running") == 1
