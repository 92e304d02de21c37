"""Services through the stock ``ceph``: they run, move, heal and go."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.test_faults import answers

SECONDS = 180.0


def services(lab: Lab) -> dict[str, dict[str, Any]]:
    """Return ``ceph orch ls`` by name."""
    return {row["service_name"]: row for row in lab.ceph_json("orch", "ls")}


def daemons(lab: Lab, kind: str) -> dict[str, dict[str, Any]]:
    """Return ``ceph orch ps`` of a kind by the daemons' ids."""
    rows = lab.ceph_json("orch", "ps", "--daemon-type", kind)
    return {row["daemon_id"]: row for row in rows if isinstance(row, dict)}


def hosts_of(lab: Lab, kind: str) -> list[str]:
    """Return the hosts where daemons of a kind run."""
    return sorted(
        row["hostname"] for row in daemons(lab, kind).values() if row["status_desc"] == "running"
    )


def runs(lab: Lab, name: str) -> Callable[[], bool]:
    """Return a question whether all of a service runs."""

    def ask() -> bool:
        status = services(lab).get(name, {}).get("status", {})
        return bool(status.get("size")) and status["running"] == status["size"]

    return ask


def test_three_monitors_are_in_quorum(cluster: Lab) -> None:
    assert "Scheduled mon update" in cluster.ok("orch", "apply", "mon", "3")

    def quorum() -> int:
        return len(cluster.ceph_json("quorum_status")["quorum_names"])

    wait_until("three monitors in quorum", lambda: quorum() == 3, SECONDS)
    wait_until("orch ls shows them", runs(cluster, "mon"), SECONDS)
    assert hosts_of(cluster, "mon") == ["h1", "h2", "h3"]


def test_a_second_manager_takes_over_with_the_backend(cluster: Lab) -> None:
    cluster.ok("orch", "apply", "mgr", "2")
    wait_until("two managers", runs(cluster, "mgr"), SECONDS)
    wait_until("a standby", lambda: cluster.ceph_json("mgr", "stat")["num_standby"] == 1, 60)
    before = set(services(cluster))
    for _ in range(2):
        active = cluster.ceph_json("mgr", "stat")["active_name"]
        assert cluster.fail_over(60) != active
        wait_until("the backend answers", lambda: answers(cluster), 60)
        wait_until("it knows the services", lambda: before <= set(services(cluster)), 60)


def test_a_file_system_gets_its_daemons_from_the_volumes_module(cluster: Lab) -> None:
    cluster.ok("fs", "volume", "create", "data")

    def states() -> list[str]:
        return [row["state"] for row in cluster.ceph_json("fs", "status", "data")["mdsmap"]]

    wait_until(
        "an active MDS and a standby", lambda: sorted(states()) == ["active", "standby"], SECONDS
    )
    wait_until("orch ls shows them", runs(cluster, "mds.data"), 60)
    jobs = len(cluster.seen_jobs())
    cluster.ok("orch", "apply", "mds", "data")
    wait_until("the spec is kept", runs(cluster, "mds.data"), 60)
    assert [
        row["operation"] for row in cluster.seen_jobs()[jobs:] if row["operation"] == "apply_mds"
    ] == []


def test_a_label_that_moves_takes_its_daemon_along(cluster: Lab) -> None:
    cluster.ok("orch", "host", "label", "add", "h2", "fs")
    try:
        cluster.ok("orch", "apply", "mds", "moving", "--placement=label:fs")
        wait_until("it runs on h2", lambda: moving(cluster) == ["h2"], SECONDS)
        cluster.ok("orch", "host", "label", "add", "h3", "fs")
        cluster.ok("orch", "host", "label", "rm", "h2", "fs")
        wait_until("it runs on h3", lambda: moving(cluster) == ["h3"], SECONDS)
        cluster.ok("orch", "set-unmanaged", "mds.moving")
        cluster.ok("orch", "host", "label", "rm", "h3", "fs")
        assert services(cluster)["mds.moving"]["unmanaged"] is True
        cluster.ok("orch", "set-managed", "mds.moving")
    finally:
        cluster.ok("orch", "rm", "mds.moving")
        for host in ("h2", "h3"):
            cluster.ceph("orch", "host", "label", "rm", host, "fs")
    wait_until("nothing of it is left", lambda: "mds.moving" not in services(cluster), SECONDS)
    assert "mds.moving" not in cluster.ok("auth", "ls")


def moving(lab: Lab) -> list[str]:
    return sorted(
        row["hostname"]
        for name, row in daemons(lab, "mds").items()
        if name.startswith("moving.") and row["status_desc"] == "running"
    )


def test_a_killed_daemon_is_an_error_and_comes_back(cluster: Lab) -> None:
    wait_until("the file system's daemons run", runs(cluster, "mds.data"), SECONDS)
    name, row = next(
        (name, row) for name, row in daemons(cluster, "mds").items() if name.startswith("data.")
    )
    unit = f"ceph-mds@{name}.service"
    # A unit that fails too often is given up by systemd.
    cluster.sh(
        row["hostname"],
        "mkdir -p /run/systemd/system/$1.d && printf '[Service]\\nRestart=no\\n' "
        ">/run/systemd/system/$1.d/no.conf && systemctl daemon-reload && systemctl kill -s KILL $1",
        unit,
    )
    try:
        cluster.ok("orch", "ps", "--refresh")
        seen = lambda: daemons(cluster, "mds")[name]["status_desc"]  # noqa: E731
        wait_until("it is an error, or back already", lambda: seen() in ("error", "running"), 60)
    finally:
        cluster.sh(row["hostname"], "rm -r /run/systemd/system/$1.d; systemctl daemon-reload", unit)
    wait_until("it runs again by itself", runs(cluster, "mds.data"), SECONDS)


def test_the_small_services_run_and_go(cluster: Lab) -> None:
    kinds = {"crash": 3, "rbd-mirror": 1, "cephfs-mirror": 1}
    for kind, count in kinds.items():
        placement = "*" if count == 3 else "1"
        cluster.ok("orch", "apply", kind, f"--placement={placement}")
    for kind in kinds:
        wait_until(f"{kind} runs", runs(cluster, kind), SECONDS)
    for kind in kinds:
        cluster.ok("orch", "rm", kind)
    for kind in kinds:
        wait_until(f"{kind} is gone", lambda kind=kind: kind not in services(cluster), SECONDS)


def test_an_object_gateway_serves_a_bucket(cluster: Lab) -> None:
    cluster.ok("orch", "apply", "rgw", "s3", "--placement=1", "--port=8090")
    wait_until("the gateway runs", runs(cluster, "rgw.s3"), SECONDS)
    (row,) = daemons(cluster, "rgw").values()
    address = cluster.machines[row["hostname"]].addr
    user = json.loads(
        cluster.sh(
            cluster.first,
            "radosgw-admin user info --uid=t 2>/dev/null || "
            "radosgw-admin user create --uid=t --display-name=t",
        )
    )
    key = user["keys"][0]
    put = cluster.sh(
        cluster.first, S3, f"http://{address}:8090", key["access_key"], key["secret_key"]
    )
    assert put.strip() == "same"
    clash = cluster.ceph("orch", "apply", "rgw", "other", "--placement=*", "--port=8090")
    assert clash.rc != 0
    assert "rgw.s3 has it on host" in clash.err
    cluster.ok("orch", "rm", "rgw.s3")
    wait_until("the gateway is gone", lambda: "rgw.s3" not in services(cluster), SECONDS)


# Signed requests with the tool that every host has.
S3 = """
sign="--aws-sigv4 aws:amz:us-east-1:s3 --user $2:$3"
head -c 200000 /dev/urandom >/tmp/object
for try in 1 2 3 4 5 6 7 8 9 10; do
  curl -fsS $sign -X PUT "$1/bucket" && break || sleep 1
done
curl -fsS $sign -T /tmp/object "$1/bucket/object"
curl -fsS $sign "$1/bucket/object" | cmp - /tmp/object && echo same
"""


def test_what_is_exported_can_be_applied(cluster: Lab) -> None:
    before = cluster.ok("orch", "ls", "--export")
    jobs = len(cluster.seen_jobs())
    cluster.ok("orch", "apply", "-i", "-", stdin=before)
    assert cluster.ok("orch", "ls", "--export") == before
    done = [row["operation"] for row in cluster.seen_jobs()[jobs:]]
    assert [each for each in done if each.startswith("apply_")] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["apply", "loki"], "this backend does not deploy it"),
        (["apply", "mds", "x", "--placement=label:none"], "it matches no host"),
        (["apply", "mds", "x", "--placement=nope"], "no host 'nope'"),
        (["rm", "mds.nope"], "no service 'mds.nope'"),
        (["restart", "mds.nope"], "no service 'mds.nope'"),
        (["daemon", "restart", "mds.nope.x"], "no daemon"),
        (["stop", "mon"], "would stop the cluster"),
        (["rm", "mon", "--force"], "a cluster needs it"),
    ],
)
def test_what_cannot_be_is_one_line_and_a_status(cluster: Lab, words: list[str], says: str) -> None:
    answer = cluster.ceph("orch", *words)
    assert answer.rc != 0
    assert says in answer.err
    assert len(answer.err.strip().splitlines()) == 1
