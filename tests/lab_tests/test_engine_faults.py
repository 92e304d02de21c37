"""A host is switched off or cut off in the middle of its task: the job ends and says so."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.slow_light import SlowLight, slow_light

Record = Callable[[str, object], None]
FAULTS = "Hosts of a lab with real Ceph"
# A job of a light has 60 s, and ten more until its state is known.
DEADLINE = 70.0


def ends_for(lab: Lab, job: SlowLight, seconds: float) -> tuple[str, float]:
    """Wait for the job's end; return its status and how long that took."""
    began = time.monotonic()
    status = job.wait_for_end(lab.patience(seconds))
    return status, time.monotonic() - began


def writes_again(lab: Lab, host: str) -> None:
    """See that the next job that changes the host runs, once the host is back."""
    known = {row["id"] for row in lab.jobs()}
    wait_until("the host is online", lambda: not lab.listed_hosts()[host]["status"], 120)
    lab.ok("orch", "host", "label", "add", host, "after-the-fault")
    new = [
        row["id"]
        for row in lab.jobs()
        if row["id"] not in known and row["operation"] == "add_host_label"
    ]
    job = lab.wait_for_job(new[-1], lab.patience(60))
    assert job["status"] == "succeeded", job["message"]


@pytest.mark.fault(FAULTS, "host switched off in its task", full=3)
def test_a_host_is_switched_off_in_its_task(cluster: Lab, record_property: Record) -> None:
    """ssh asks the host whether it is there, and the manager ends the connection of an offline one.

    Either is enough: with ``ServerAliveInterval 0`` alone this was not seen to fail.
    """
    with slow_light(cluster, "h2", seconds=28) as job:
        cluster.power("h2", "off")
        status, took = ends_for(cluster, job, DEADLINE)
        details = cluster.job(job.job_id)
        assert status in ("failed", "timed out")
        assert details["outcomes"]["h2"]["status"] in ("unreachable", "no result")
        assert details["outcomes"]["h2"]["message"], "no reason is given for the host"
    cluster.power("h2", "on")
    writes_again(cluster, "h2")
    record_property("outcome", f"{status}; the host is {details['outcomes']['h2']['status']}")
    record_property("seconds", {"until the end": took})


@pytest.mark.fault(FAULTS, "network cut in the task", full=3)
def test_the_network_is_cut_in_a_task(cluster: Lab, record_property: Record) -> None:
    """ssh asks the host whether it is there, and the manager ends the connection of an offline one.

    Either is enough: with ``ServerAliveInterval 0`` alone this was not seen to fail.
    """
    with slow_light(cluster, "h2", seconds=28) as job:
        cluster.link("h2", "down")
        status, took = ends_for(cluster, job, DEADLINE)
        details = cluster.job(job.job_id)
        assert status in ("failed", "timed out")
        assert details["outcomes"]["h2"]["status"] in ("unreachable", "no result")
        assert details["outcomes"]["h2"]["message"], "no reason is given for the host"
    cluster.link("h2", "up")
    writes_again(cluster, "h2")
    record_property("outcome", f"{status}; the host is {details['outcomes']['h2']['status']}")
    record_property("seconds", {"until the end": took})


@pytest.mark.fault(FAULTS, "cancel, a host behind a cut network", full=3)
def test_a_job_is_cancelled_whose_host_is_cut_off(cluster: Lab, record_property: Record) -> None:
    """Seen to fail with 60 s for the hosts' part and for the worker as a whole."""
    with slow_light(cluster, "h2", seconds=28) as job:
        cluster.link("h2", "down")
        cluster.ok("ansible", "job", "cancel", job.job_id)
        status, took = ends_for(cluster, job, 10.0)
        assert status == "cancelled"
        outcome = cluster.job(job.job_id)["outcomes"]["h2"]
        assert outcome["status"] == "no result"
        assert "interrupted" in outcome["message"] or "cancelled" in outcome["message"]
    cluster.link("h2", "up")
    writes_again(cluster, "h2")
    record_property("outcome", status)
    record_property("seconds", {"until the end": took})
