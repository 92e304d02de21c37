"""``ceph orch status``: which backend, whether it is available, why not, and always at once."""

from __future__ import annotations

import statistics

from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.slow_light import slow_light

ROUNDS = 5
# Two commands that take the same time differ by far less in their medians, however busy it is.
MOST_RATIO = 2.5


def test_the_backend_is_ansible_and_available(cluster: Lab) -> None:
    lines = cluster.ok("orch", "status").splitlines()
    assert lines[:2] == ["Backend: ansible", "Available: Yes"]
    data = cluster.ceph_json("orch", "status")
    assert data["backend"] == "ansible"
    assert data["available"] is True
    assert "reason" not in data


def test_status_answers_as_fast_as_other_commands_while_a_playbook_runs(cluster: Lab) -> None:
    with slow_light(cluster, "h2") as job:
        cluster.times("orch", "status")
        other, ours = [], []
        for _ in range(ROUNDS):
            other += cluster.times("mgr", "stat")
            ours += cluster.times("orch", "status")
        listing = cluster.times("orch", "host", "ls")[0]
        assert job.works()
        assert job.status() == "running"
    ratio = statistics.median(ours) / statistics.median(other)
    print(
        f"orch status {statistics.median(ours):.2f} s, mgr stat {statistics.median(other):.2f} s, "
        f"host ls {listing:.2f} s while a job ran: ratio {ratio:.2f}"
    )
    assert ratio < MOST_RATIO


def test_status_answers_while_a_job_waits_for_a_host_that_hangs(cluster: Lab) -> None:
    # A job that is still at it when the cable is pulled would be the one that waits for the host.
    wait_until("no job runs", lambda: not _at_work(cluster), 60)
    known = {row["id"] for row in cluster.jobs()}
    cluster.link("h2", "down")
    cluster.ok("orch", "device", "ls", "--refresh")

    def hanging() -> list[str]:
        return [
            row["id"]
            for row in cluster.jobs()
            if row["id"] not in known and row["status"] == "running" and "h2" in row["hosts"]
        ]

    (job,) = wait_until("a job waits for the host", hanging, 20)
    lines = cluster.ok("orch", "status").splitlines()
    assert lines[:2] == ["Backend: ansible", "Available: Yes"]
    cluster.ok("orch", "host", "ls")
    assert cluster.job(job)["status"] == "running"


def test_without_a_key_it_says_why_not(cluster: Lab) -> None:
    key = cluster.ok("config-key", "get", "mgr/ansible/ssh_identity_key")
    public = cluster.ok("ansible", "get-pub-key")
    before = cluster.listed_hosts()
    try:
        cluster.ok("ansible", "clear-key")
        line = cluster.ok("orch", "status").splitlines()[1]
        assert line.startswith("Available: No")
        assert "ssh key" in line
        assert "enerate" in line, "no remedy is named"
        data = cluster.ceph_json("orch", "status")
        assert data["available"] is False
        assert "ssh key" in data["reason"]
        refused = cluster.ceph("orch", "host", "add", "h9", "192.0.2.9")
        assert refused.rc != 0
        assert "ssh key" in refused.err
    finally:
        cluster.ok("ansible", "set-priv-key", "-i", "-", stdin=key)
    assert cluster.ok("orch", "status").splitlines()[1] == "Available: Yes"
    assert cluster.ok("ansible", "get-pub-key") == public
    assert cluster.ok("ansible", "check-host", "h2")
    assert cluster.listed_hosts() == before


def test_with_all_hosts_down_it_says_why_not(cluster: Lab) -> None:
    # The manager's own host cannot be down while it answers; it is not managed for a while.
    cluster.ok("orch", "host", "rm", cluster.first, "--force")
    others = [name for name in cluster.hosts() if name != cluster.first]
    try:
        for name in others:
            cluster.link(name, "down")
        line = wait_until(
            "not available with all hosts down",
            lambda: _second_line_with(cluster, "Available: No"),
            cluster.patience(30),
        )
        assert "no host answers" in line
        assert any(name in line for name in others), "no host is named"
        assert "no answer" in line or "no route" in line, "no reason is given"
    finally:
        for name in others:
            cluster.link(name, "up")
    wait_until(
        "available again",
        lambda: _second_line_with(cluster, "Available: Yes"),
        cluster.patience(30),
    )
    settle(cluster)


def _at_work(cluster: Lab) -> list[str]:
    return [row["id"] for row in cluster.jobs() if row["status"] in ("queued", "running")]


def _second_line_with(lab: Lab, beginning: str) -> str:
    line = lab.ok("orch", "status").splitlines()[1]
    return line if line.startswith(beginning) else ""
