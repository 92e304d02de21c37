"""Ports, who goes first, and jobs that are overtaken, with the stock ``ceph`` on real hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

GATEWAYS = ("rgw.range", "rgw.second", "rgw.third")


@pytest.fixture(autouse=True)
def without_leftovers(services: Services) -> Iterator[None]:
    """Remove the services of each test."""
    yield
    services.remove(*GATEWAYS, "mds.first")


def spec(name: str, port: int, host: str, each: int = 1) -> str:
    return json.dumps(
        {
            "service_type": "rgw",
            "service_id": name,
            "placement": {"hosts": [host], "count_per_host": each},
            "spec": {"rgw_frontend_port": port},
        }
    )


def refused(lab: Lab, *specs: str) -> str:
    """Return why a file is refused, by the dry run as well."""
    text = "\n---\n".join(specs)
    answer = lab.ceph("orch", "apply", "-i", "-", stdin=text)
    assert answer.rc != 0, answer.out
    dry = lab.ceph("orch", "apply", "-i", "-", "--dry-run", stdin=text)
    assert "has it on host" in dry.out + dry.err or "listens on it" in dry.out + dry.err
    return answer.err


def told(lab: Lab) -> dict[str, str]:
    """Return what the monitors tell gateways to listen on."""
    rows: list[dict[str, Any]] = lab.ceph_json("config", "dump")
    return {
        row["section"]: row["value"]
        for row in rows
        if row["name"] == "rgw_frontends" and "range" in row["section"]
    }


def test_ranges_and_redeploys(services: Services) -> None:
    """Seen to fail before: the ranges are accepted, and the redeploy gives the first port."""
    lab = services.lab
    both = spec("range", 8300, "h2", 2), spec("second", 8301, "h2")
    assert "rgw.range has it on host 'h2'" in refused(lab, *reversed(both))
    lab.ok("orch", "apply", "-i", "-", stdin=both[0])
    services.wait_runs("rgw.range", 2)
    assert "8301: rgw.range has it on host 'h2'" in refused(lab, both[1])

    before = told(lab)
    assert sorted(before.values()) == ["beast port=8300", "beast port=8301"]
    last = max(before, key=lambda section: before[section])
    jobs = len(lab.seen_jobs())
    lab.ok("orch", "daemon", "redeploy", last.partition(".")[2])
    wait_until("it was deployed again", lambda: len(lab.seen_jobs()) > jobs, SECONDS)
    services.wait_runs("rgw.range", 2)
    assert told(lab) == before


def test_what_listens_on_a_host_is_said_at_once(services: Services) -> None:
    """Seen to fail before: it is accepted, and fails on the host."""
    lab = services.lab
    lab.sh(
        "h3", "systemd-run -q --unit=lab-port python3 -m http.server 8310 --directory /var/empty"
    )
    try:
        lab.ok("orch", "device", "ls", "--refresh")

        def said() -> bool:
            # A dry run keeps nothing; what is kept may be tried again whatever listens.
            text = spec("third", 8310, "h3")
            answer = lab.ceph("orch", "apply", "-i", "-", "--dry-run", stdin=text)
            return "something listens on it on host 'h3'" in answer.out + answer.err

        wait_until("the host has reported it", said, SECONDS)
        assert "something listens on it on host 'h3'" in refused(lab, spec("third", 8310, "h3"))
    finally:
        lab.sh("h3", "systemctl stop lab-port")


def test_the_metadata_server_that_serves_stays(services: Services) -> None:
    """Seen to fail before: a hash draws who goes."""
    lab = services.lab
    lab.ok("fs", "volume", "create", "first", "--placement=*")
    try:
        services.wait_runs("mds.first", 3)

        def active() -> list[str]:
            rows = lab.ceph_json("orch", "ps", "--service-name", "mds.first")
            shown = [row["daemon_id"] for row in rows if row.get("is_active")]
            rows = lab.ceph_json("fs", "status", "first")["mdsmap"]
            assert shown == [row["name"] for row in rows if row["state"] == "active"]
            return shown

        for _ in range(2):
            wait_until("one serves", lambda: len(active()) == 1, SECONDS)
            (serving,) = active()
            said = lab.ok("orch", "apply", "mds", "first", "--placement=1")
            assert "2 of 3 daemons are removed" in said
            services.wait_runs("mds.first", 1)
            assert [row["daemon_id"] for row in services.ps("mds.first")] == [serving]
            lab.ok("orch", "apply", "mds", "first", "--placement=*")
            services.wait_runs("mds.first", 3)
            lab.ok("mds", "fail", serving)
    finally:
        services.remove_all()


def test_ten_labels_are_one_job_that_waits(services: Services) -> None:
    """Seen to fail before: ten jobs, one after the other."""
    lab = services.lab
    lab.ok("orch", "apply", "mds", "first", "--placement=h2")
    services.wait_runs("mds.first", 1)
    (daemon,) = [row["daemon_id"] for row in services.ps("mds.first")]
    slow = f"/run/systemd/system/ceph-mds@{daemon}.service.d"
    script = "mkdir -p $1 && printf '[Service]\\nExecStop=/bin/sleep 25\\n' >$1/slow.conf"
    lab.sh("h2", f"{script} && systemctl daemon-reload", slow)
    before = {row["id"] for row in lab.seen_jobs()}
    labels = [f"ten-{number}" for number in range(10)]
    try:
        # The host is at this for 25 s.
        lab.ok("orch", "daemon", "stop", f"mds.{daemon}", "--force")
        for label in labels:
            lab.ok("orch", "host", "label", "add", "h2", label)

        def ended() -> list[dict[str, Any]]:
            rows = [row for row in lab.seen_jobs() if row["id"] not in before]
            mine = [row for row in rows if row["operation"] == "add_host_label"]
            assert mine
            assert all(row["status"] not in ("queued", "running") for row in mine), mine
            return mine

        done = wait_until("they have ended", ended, SECONDS)
        assert [row["status"] for row in done].count("succeeded") == 1
        record = json.loads(lab.sh("h2", "cat /var/lib/ceph-orch-ansible/host.json"))
        assert set(labels) <= set(record["labels"])
        assert not services.health("ANSIBLE_JOB_FAILED")
    finally:
        for label in labels:
            lab.ceph("orch", "host", "label", "rm", "h2", label)
        lab.sh("h2", "rm -r $1; systemctl daemon-reload", slow)
