"""Jobs as an operator sees them: progress, list, details, log, cancel, and the same by hand."""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime
from typing import Any

import pytest

from tests.lab_tests.lab_awx import BY_AWX
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.slow_light import slow_light

RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M)


def test_a_job_while_it_runs_and_afterwards(cluster: Lab) -> None:
    with slow_light(cluster, "h2", seconds=15) as job:

        def shown() -> str:
            status = cluster.ok("-s")
            _, _, progress = status.partition("progress:")
            assert "Switch the ident light on for h2" in progress, status
            return progress

        print(wait_until("`ceph -s` shows it", shown, 10))
        events = cluster.ceph_json("progress", "json")["events"]
        (event,) = [each for each in events if job.job_id in each["id"]]
        assert 0 <= event["progress"] <= 1
        (line,) = [
            line for line in cluster.ok("ansible", "job", "ls").splitlines() if job.job_id in line
        ]
        assert "running" in line
        assert job.works()
        assert job.wait_for_end(60) == "succeeded"
    wait_until("`ceph -s` no longer shows it", lambda: "ident light" not in cluster.ok("-s"), 10)
    assert_shown(cluster, job.job_id)


def assert_shown(lab: Lab, job_id: str) -> None:
    """See that who, what, which hosts, when, how by hand and each host's outcome are shown."""
    details = lab.job(job_id)
    manager = lab.ceph_json("mgr", "stat")["active_name"]
    assert details["actor"] == f"mgr.{manager}"
    assert details["controller"] == lab.first
    assert details["operation"] == "blink_device_light"
    assert "ident light on" in details["summary"]
    assert details["hosts"] == ["h2"]
    created, started, finished = (
        datetime.fromisoformat(details[key].replace("Z", "+00:00"))
        for key in ("created", "started", "finished")
    )
    assert created <= started < finished
    assert details["outcomes"]["h2"]["status"] == "changed"
    text = lab.ok("ansible", "job", "show", job_id)
    for word in (f"mgr.{manager}", "blink_device_light", details["command"], "h2  changed"):
        assert word in text
    for word in ("Who", "What", "Hosts", "Started", "Finished", "By hand"):
        assert re.search(rf"^{word}\b", text, re.M), f"{word} is not shown"
    log = lab.ok("ansible", "job", "log", job_id)
    assert "PLAY [" in log
    assert RECAP.search(log)
    assert len(lab.ok("ansible", "job", "log", job_id, "2").splitlines()) == 2


def test_background_reads_are_listed_with_all_only(cluster: Lab) -> None:
    everything = cluster.jobs()
    reads = [row["id"] for row in everything if row["operation"] == "get_inventory"]
    assert reads, "there was no background refresh"
    short = {row["id"] for row in cluster.ceph_json("ansible", "job", "ls")}
    good = {row["id"] for row in everything if row["status"] == "succeeded"}
    assert not short & good & set(reads)
    created = [row["created"] for row in everything]
    assert created == sorted(created), "not from old to new"


def test_a_cancelled_job_ends_on_the_host_too(cluster: Lab) -> None:
    with slow_light(cluster, "h2", seconds=28) as job:
        assert job.works()
        said = cluster.ok("ansible", "job", "cancel", job.job_id)
        assert job.job_id in said
        assert job.wait_for_end(cluster.patience(20)) == "cancelled"
        wait_until("the host has stopped", lambda: not job.works(), cluster.patience(5))
        assert len(job.seen()) == 1
        again = cluster.ok("ansible", "job", "cancel", job.job_id)
        assert "ended already" in again
    details = cluster.job(job.job_id)
    assert "cancel" in details["message"]
    assert details["outcomes"]["h2"]["status"] != "changed"


@pytest.mark.skipif(BY_AWX, reason="of a job that AWX has run there is no command")
def test_the_command_by_hand_does_the_same(cluster: Lab) -> None:
    cluster.ok("orch", "host", "label", "add", "h2", "by-hand")
    job = wait_until("the label's job has ended", lambda: last(cluster, "add_host_label"), 60)
    log = cluster.ok("ansible", "job", "log", job["id"])
    command = cluster.job(job["id"])["command"]
    done = cluster.ssh(cluster.first, "sh", stdin=f"{command}\n", seconds=120)
    assert done.rc == 0, done.out + done.err
    theirs, ours = RECAP.findall(done.out), RECAP.findall(log)
    print(f"{command}\n{RECAP.search(done.out)}")
    assert [(host, failed) for host, *_, failed in theirs] == [("h2", "0")]
    # The same tasks; what the job changed is there already.
    assert [(host, ok) for host, ok, *_ in theirs] == [(host, ok) for host, ok, *_ in ours]
    assert theirs[0][2] == "0"


def last(lab: Lab, operation: str) -> dict[str, Any]:
    """Return the newest job of an operation when it has ended."""
    found = [row for row in lab.jobs() if row["operation"] == operation]
    return found[-1] if found and found[-1]["finished"] else {}


def test_an_unknown_job_is_one_line_of_error(cluster: Lab) -> None:
    for verb in ("show", "log", "cancel"):
        answer = cluster.ceph("ansible", "job", verb, "../../etc")
        assert answer.rc != 0, shlex.join(["job", verb])
        assert len(answer.err.strip().splitlines()) == 1
        assert "'../../etc'" in answer.err


def test_formats_of_the_job_list(cluster: Lab) -> None:
    rows = json.loads(cluster.ok("ansible", "job", "ls", "--all", "-f", "json"))
    wanted = {"id", "operation", "status", "progress", "hosts", "actor", "summary", "message"}
    assert all(wanted <= set(row) for row in rows)
    assert cluster.ceph("ansible", "job", "ls", "-f", "xml").rc != 0
