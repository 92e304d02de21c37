"""After a fail-over it is said where jobs are and what became of them; one that waits is heard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from adapter.cluster.waiting_jobs import LONG
from tests.lab_tests.lab_client import STATE, Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.slow_light import slow_light

HOST = "h3"
STOP = 'for p in $(pgrep -f "[w]orker.*$1"); do kill -s $2 $p; done; pgrep -f "[w]orker.*$1"'
TURNS = "mgr/ansible/state.turns"


@pytest.fixture(scope="module")
def two(services: Services) -> Services:
    """Return services of a lab with two managers, of which the first one is active."""
    lab = services.lab
    lab.ok("orch", "apply", "mgr", "--placement=h1 h2")
    services.wait_runs("mgr", 2)
    if lab.ceph_json("mgr", "stat")["active_name"] != lab.first:
        lab.fail_over()
    wait_until("the backend answers", services.ls, SECONDS)
    return services


def running(lab: Lab, operation: str) -> dict[str, Any]:
    """Return the running job of an operation."""
    rows = [row for row in lab.jobs() if row["operation"] == operation]
    return next((row for row in rows if row["status"] == "running"), {})


def by_hand(lab: Lab, text: str) -> str:
    """Run what a message names in backticks on the host that it names, and return its output."""
    (command,) = re.findall(r"`ssh h1 (runuser [^`]*)`", text)
    return lab.sh("h1", command)


def test_a_job_of_another_manager_is_found(two: Services) -> None:
    lab = two.lab
    with slow_light(lab, HOST, seconds=25) as job:
        assert job.works()
        lab.fail_over()
        wait_until("the next manager answers", two.ls, SECONDS)

        def said() -> str:
            answer = lab.ceph("ansible", "job", "show", job.job_id)
            assert answer.rc, answer.out
            assert f"Job {job.job_id} is on host h1 (Switch the ident light on" in answer.err
            return answer.err

        text = wait_until("the job is said to be there", said, SECONDS)
        print(text)
        assert f"Job       {job.job_id}" in by_hand(lab, text)
        log = lab.ceph("ansible", "job", "log", job.job_id).err
        assert "PLAY" in by_hand(lab, log)
        table = lab.ok("ansible", "job", "ls")
        print(table)
        assert "Jobs of other managers are on their hosts:" in table
        assert STATE in table

        def warned() -> bool:
            lines = lab.health_lines("ANSIBLE_JOB_FAILED")
            assert any("it was cut when mgr.h1 ended; what it did is not known" in x for x in lines)
            return True

        wait_until("health says it", warned, SECONDS)
        lab.ok("ansible", "job", "ack", job.job_id)
        wait_until("it is over", lambda: not lab.health_lines("ANSIBLE_JOB_FAILED"), 60)


@pytest.fixture
def left(two: Services) -> Iterator[Services]:
    """Return services of which the ones that a test makes are removed."""
    yield two
    two.remove("mds.left", "mds.late")


def test_its_work_was_done(left: Services) -> None:
    """Seen before: the next manager said nothing of it."""
    lab = left.lab
    if lab.ceph_json("mgr", "stat")["active_name"] != lab.first:
        lab.fail_over()
        wait_until("the manager answers", left.ls, SECONDS)
    lab.ok("orch", "apply", "mds", "left", f"--placement={HOST}")
    job = wait_until("its job runs", lambda: running(lab, "apply_mds"), SECONDS)
    # Its end is not seen by its manager, whatever it has done by then.
    lab.sh(lab.first, STOP, job["id"], "STOP")
    # Noted jobs are written within two seconds.
    wait_until("it is noted", lambda: job["id"] in lab.ok("config-key", "get", TURNS), 30)
    lab.fail_over()
    lab.sh(lab.first, STOP, job["id"], "CONT")

    def told() -> str:
        lines = [x for x in lab.ok("ansible", "job", "ls").splitlines() if job["id"] in x]
        assert any("its work was done: mds.left." in line for line in lines), lines
        return "\n".join(lines)

    print(wait_until("it is told", told, SECONDS))
    assert "its work was done" in lab.ceph("ansible", "job", "show", job["id"]).err
    events = " ".join(left.ls()["mds.left"].get("events", ()))
    assert f"job {job['id']} of mgr.h1 was cut: its work was done" in events
    assert not lab.health_lines("ANSIBLE_JOB_FAILED")


def test_a_job_that_waits_for_another_one_is_heard(left: Services) -> None:
    lab = left.lab
    manager = lab.ceph_json("mgr", "stat")["active_name"]
    lab.ok("orch", "apply", "mds", "left", f"--placement={HOST}")
    job = wait_until("a job runs", lambda: running(lab, "apply_mds"), SECONDS)
    lab.sh(manager, STOP, job["id"], "STOP")
    try:
        lab.ok("orch", "apply", "mds", "late", f"--placement={HOST}")
        lines = wait_until(
            "health says it", lambda: lab.health_lines("ANSIBLE_JOB_WAITS"), LONG + SECONDS
        )
        print(*lines, sep="\n")
        assert any(f"for host {HOST}, which job {job['id']} changes" in line for line in lines)
        table = lab.ok("ansible", "job", "ls")
        assert f"it waits for job {job['id']}, which changes host '{HOST}'" in table
        events = " ".join(left.ls()["mds.late"].get("events", ()))
        assert f"for host {HOST}, which job {job['id']} changes" in events
    finally:
        lab.sh(manager, STOP, job["id"], "CONT")
    wait_until("it is over", lambda: not lab.health_lines("ANSIBLE_JOB_WAITS"), SECONDS)
