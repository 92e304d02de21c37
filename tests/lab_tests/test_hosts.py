"""``ceph orch host ...``: add, list, labels, addresses, remove, offline and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import RECORD, Lab, wait_until

SHAPES: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parent / "data" / "shapes.yml").read_text()
)
# The third host of the lab: nothing of the cluster runs there.
SPARE = "h3"


def columns(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_host_ls_has_the_shapes_that_tools_expect(cluster: Lab) -> None:
    rows = cluster.ceph_json("orch", "host", "ls")
    assert [sorted(row) for row in rows] == [SHAPES["host_ls"]] * len(cluster.hosts())
    assert {row["hostname"]: row["addr"] for row in rows} == {
        name: machine.addr for name, machine in cluster.machines.items()
    }
    assert list(yaml.safe_load_all(cluster.ok("orch", "host", "ls", "-f", "yaml"))) == rows
    lines = cluster.ok("orch", "host", "ls").splitlines()
    assert columns(lines[0]) == SHAPES["host_ls_columns"]
    assert [columns(line) for line in lines[1:-1]] == [
        [name, machine.addr] for name, machine in cluster.machines.items()
    ]
    assert lines[-1] == f"{len(rows)} hosts in cluster"
    # Stock Ceph adds columns for the backend cephadm only; the answer must not be less.
    assert cluster.ceph_json("orch", "host", "ls", "--detail") == rows
    assert cluster.ok("orch", "host", "ls", "--detail").splitlines()[0] == lines[0]


def test_rm_and_add_again_with_labels(cluster: Lab) -> None:
    machine = cluster.machines["h2"]
    removed = cluster.ok("orch", "host", "rm", "h2")
    assert "h2" in removed
    assert "h2" not in cluster.listed_hosts()
    assert "h2" not in cluster.listed_devices()
    added = cluster.ok("orch", "host", "add", "h2", machine.addr, "--labels", "a,b")
    assert added.startswith(f"Added host 'h2' with addr '{machine.addr}'")
    row = cluster.listed_hosts()["h2"]
    assert row == {"hostname": "h2", "addr": machine.addr, "labels": ["a", "b"], "status": ""}
    plain = cluster.ok("orch", "host", "ls").splitlines()
    assert ["h2", machine.addr, "a,b"] in [columns(line) for line in plain]
    wait_until("its devices are listed", lambda: "h2" in cluster.listed_devices(), 60)
    wait_until("its own record says so", lambda: record(cluster, "h2")["labels"] == ["a", "b"], 30)
    assert record(cluster, "h2")["addr"] == machine.addr
    (listed,) = [row for row in cluster.ceph_json("orch", "device", "ls") if row["name"] == "h2"]
    assert listed["labels"] == ["a", "b"]
    assert [row["hostname"] for row in cluster.ceph_json("orch", "host", "ls", "--label", "b")] == [
        "h2"
    ]


def record(lab: Lab, host: str) -> dict[str, Any]:
    answer = lab.ssh(host, "cat", RECORD)
    assert answer.rc == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


def test_rm_takes_the_hosts_own_record_away(cluster: Lab) -> None:
    assert record(cluster, SPARE)["hostname"] == SPARE
    cluster.ok("orch", "host", "rm", SPARE)
    wait_until(
        "the record on the host is gone",
        lambda: cluster.ssh(SPARE, "test", "-e", RECORD).rc == 1,
        30,
    )


def test_a_bare_host_is_added_and_gets_what_it_needs(cluster: Lab) -> None:
    bare = [machine for machine in cluster.machines.values() if machine.image == "bare"]
    if not bare:
        pytest.skip("this lab has no bare host (lab up --bare h3)")
    host = bare[0]
    cluster.ok("orch", "host", "rm", host.name)
    wait_until(
        "the record on the host is gone",
        lambda: cluster.ssh(host.name, "test", "-e", RECORD).rc == 1,
        30,
    )
    remove = "apt-get -qq purge -y python3-minimal libpython3-stdlib; apt-get -qq autoremove -y"
    cluster.sh(host.name, f"export DEBIAN_FRONTEND=noninteractive; {remove}; rm -f {RECORD}")
    assert cluster.ssh(host.name, "sh", "-c", "command -v python3").rc != 0
    assert cluster.ssh(host.name, "sh", "-c", "command -v ceph-volume").rc != 0
    cluster.ok("orch", "host", "add", host.name, host.addr, "--labels", "bare")
    wait_until("its devices are listed", lambda: host.name in cluster.listed_devices(), 120)
    assert sorted(cluster.listed_devices()[host.name]) == sorted(host.disks)
    assert cluster.listed_hosts()[host.name]["status"] == ""
    assert cluster.sh(host.name, "command -v python3").strip() == "/usr/bin/python3"


def test_labels_are_added_and_removed(cluster: Lab) -> None:
    said = cluster.ok("orch", "host", "label", "add", "h2", "rack-1")
    assert said.strip() == "Added label rack-1 to host h2"
    cluster.ok("orch", "host", "label", "add", "h2", "_no_schedule")
    assert cluster.listed_hosts()["h2"]["labels"] == ["rack-1", "_no_schedule"]
    wait_until(
        "the host's own record follows",
        lambda: record(cluster, "h2")["labels"] == ["_no_schedule", "rack-1"],
        60,
    )
    assert cluster.ok("orch", "host", "label", "add", "h2", "rack-1")
    assert cluster.listed_hosts()["h2"]["labels"] == ["rack-1", "_no_schedule"]
    said = cluster.ok("orch", "host", "label", "rm", "h2", "rack-1")
    assert said.strip() == "Removed label rack-1 from host h2"
    assert cluster.listed_hosts()["h2"]["labels"] == ["_no_schedule"]


def test_set_addr_moves_a_host_to_another_of_its_addresses(cluster: Lab) -> None:
    machine = cluster.machines["h2"]
    other = machine.addr.rpartition(".")[0] + ".212"
    cluster.sh("h2", "ip addr add $1/24 dev host0", other)
    try:
        said = cluster.ok("orch", "host", "set-addr", "h2", other)
        assert said.strip() == f"Updated host 'h2' addr to '{other}'"
        assert cluster.listed_hosts()["h2"]["addr"] == other
        cluster.ok("ansible", "check-host", "h2")
        wait_until(
            "the host's own record follows", lambda: record(cluster, "h2")["addr"] == other, 60
        )
        cluster.ok("orch", "host", "set-addr", "h2", machine.addr)
        assert cluster.listed_hosts()["h2"]["addr"] == machine.addr
    finally:
        cluster.sh("h2", "ip addr del $1/24 dev host0", other)
    cluster.ok("ansible", "check-host", "h2")
    assert cluster.listed_hosts()["h2"]["status"] == ""


def test_a_host_that_is_switched_off_is_offline_and_comes_back_by_itself(cluster: Lab) -> None:
    cluster.power(SPARE, "off")
    row = wait_until(
        "the host is shown offline",
        lambda: cluster.listed_hosts()[SPARE]["status"] == "Offline" and cluster.listed_hosts(),
        cluster.patience(30),
    )
    assert [name for name, each in row.items() if each["status"]] == [SPARE]
    assert ["h3", cluster.machines[SPARE].addr, "Offline"] in [
        columns(line) for line in cluster.ok("orch", "host", "ls").splitlines()
    ]
    (line,) = wait_until(
        "the health says so", lambda: cluster.health_lines("ANSIBLE_HOST_OFFLINE"), 10
    )
    assert line.startswith(f"host {SPARE} is offline since ")
    assert re.search(r"no route|no answer|refused", line), f"no reason in {line!r}"
    assert SPARE in cluster.listed_devices(), "what is known of its disks was forgotten"
    cluster.power(SPARE, "on")
    wait_until(
        "the host is online by itself",
        lambda: cluster.listed_hosts()[SPARE]["status"] == "",
        cluster.patience(30),
    )
    wait_until(
        "the health warning is gone", lambda: not cluster.health_lines("ANSIBLE_HOST_OFFLINE"), 10
    )
