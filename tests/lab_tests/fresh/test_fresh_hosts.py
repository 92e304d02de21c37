"""Three hosts with nothing but sshd, and a monitor: one file makes them a cluster.

Run on a lab of its own: `tests/lab/lab up --hosts 4 --disks 2 --bare h2,h3,h4`.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until

# Every package comes from the hosts' own sources, three hosts at a time.
SECONDS = 900.0
LABELS = {
    "h1": ["_admin", "mon", "mgr"],
    "h2": ["mon", "mgr", "osd"],
    "h3": ["mon", "osd", "mds"],
    "h4": ["osd", "rgw", "mds"],
}
SIZES = {"mon": 3, "mgr": 2, "mds.fs": 2, "rgw.s3": 1, "crash": 4}


def the_file(lab: Lab) -> str:
    """Return hosts, labels and services in one text, as an administrator writes it."""
    documents: list[dict[str, Any]] = [
        {
            "service_type": "host",
            "hostname": name,
            "addr": machine.addr,
            "labels": LABELS[name],
        }
        for name, machine in lab.machines.items()
    ]
    for kind, more in (("mon", {}), ("mgr", {}), ("mds", {"service_id": "fs"})):
        documents.append({"service_type": kind, **more, "placement": {"label": kind}})
    documents += [
        {
            "service_type": "osd",
            "service_id": "all",
            "placement": {"host_pattern": "*"},
            "spec": {"data_devices": {"all": True}},
        },
        {"service_type": "rgw", "service_id": "s3", "placement": {"label": "rgw"}},
        {"service_type": "crash", "placement": {"host_pattern": "*"}},
    ]
    return str(yaml.safe_dump_all(documents))


@pytest.fixture(scope="module")
def bare(lab: Lab) -> Lab:
    """Return a lab of which only the first host has Ceph, before anything was added."""
    images = [machine.image for machine in lab.machines.values()]
    if images != ["full", "bare", "bare", "bare"]:
        pytest.skip("needs a lab of four hosts, of which all but the first are bare")
    if lab.ceph_json("orch", "host", "ls"):
        pytest.skip("needs a lab to which no host was added yet")
    return lab


def test_one_file_makes_a_cluster_of_bare_hosts(bare: Lab) -> None:
    """Seen to fail before: no OSDs, monitors without monmaptool, a standby without a dashboard."""
    text = the_file(bare)
    bare.ok("orch", "apply", "-i", "-", stdin=text)
    disks = sum(len(machine.disks) for machine in bare.machines.values())

    def done() -> bool:
        rows = {row["service_name"]: row["status"] for row in bare.ceph_json("orch", "ls")}
        found = {name: rows.get(name, {}).get("running") for name in SIZES}
        assert found == SIZES, found
        assert bare.ceph_json("osd", "stat")["num_up_osds"] == disks
        assert len(bare.ceph_json("quorum_status")["quorum"]) == SIZES["mon"]
        return True

    wait_until("everything runs", done, SECONDS)
    (standby,) = bare.ceph_json("mgr", "dump")["standbys"]
    able = {each["name"] for each in standby["available_modules"] if each["can_run"]}
    assert {"ansible", "dashboard"} <= able
    wait_until("nothing of ours is in health", lambda: not ours_in_health(bare), 120)

    jobs = [row["id"] for row in bare.seen_jobs() if row["operation"] != "get_inventory"]
    said = bare.ok("orch", "apply", "-i", "-", stdin=text)
    assert said.count("is there already; nothing is changed") == len(bare.machines)
    bare.ok("orch", "ps", "--refresh")
    after = [row["id"] for row in bare.seen_jobs() if row["operation"] != "get_inventory"]
    assert after == jobs, "the same file did something"


def ours_in_health(lab: Lab) -> list[str]:
    checks = lab.ceph_json("health", "detail")["checks"]
    return [code for code in checks if code.startswith("ANSIBLE_")]
