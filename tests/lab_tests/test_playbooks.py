"""The playbooks by hand: the same answers, idempotent, --check changes nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from tests.lab_tests.lab_client import (
    CONTENT,
    RECORD,
    ROOT,
    STATE,
    Answer,
    Lab,
    run,
    wait_until,
)

HOST = "h3"
ENCLOSURE = "/run/lab-tests-playbooks"
READING = ("available", "get_facts", "get_hosts", "get_inventory", "list_daemons", "rescan_host")
THROUGH_INVOKER = {"ceph_orch_invoker": True}
RECAP = re.compile(
    r"^(?P<host>\S+)\s+: ok=\d+\s+changed=(?P<changed>\d+)\s+unreachable=(?P<unreachable>\d+)\s+"
    r"failed=(?P<failed>\d+)",
    re.M,
)
RESULT = re.compile(r"^(?:ok|changed): \[(?P<host>[^\]]+)\] => (?P<data>\{.*\})$", re.M)
# Everything that a playbook may change on a host, with owner, mode and content.
FINGERPRINT = f"""
mkdir -p {ENCLOSURE}
find /etc /var/lib/ceph-orch-ansible {ENCLOSURE} -printf '%p %m %u %g %l\\n' 2>/dev/null | sort
find /etc /var/lib/ceph-orch-ansible {ENCLOSURE} -type f -print0 2>/dev/null | sort -z |
xargs -0 sha256sum
"""
SLOT = f"{ENCLOSURE}/class/enclosure/0:0:8:0/Slot01"
MAKE_ENCLOSURE = f"""
rm -rf {ENCLOSURE}; mkdir -p "{SLOT}/device/block/$1"
for light in locate fault active; do echo 0 >"{SLOT}/$light"; done
"""


def by_hand(
    lab: Lab, playbooks: tuple[str, ...], *words: str, seconds: float = 300.0, **variables: Any
) -> Answer:
    """Run playbooks on the manager's host as an operator does: hosts from the mons."""
    if lab.locked:
        words, variables = (*words, "-u", lab.user), {**variables, **THROUGH_INVOKER}
    given = ("-e", json.dumps(variables)) if variables else ()
    environment = {
        "ORCH_ANSIBLE_SOURCE": "ceph",
        "ORCH_ANSIBLE_SSH_CONFIG": f"{STATE}/ssh_config",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_CALLBACK_FORMAT_PRETTY": "False",
    }
    settings = [f"{name}={value}" for name, value in environment.items()]
    paths = [f"playbooks/{name}.yml" for name in playbooks]
    command = ["env", *settings, "ansible-playbook", *paths, "-v", *given, *words]
    script = f"cd {CONTENT} && {shlex.join(command)}"
    return lab.ssh(lab.first, "sh", "-c", script, seconds=seconds)


def recap(answer: Answer, *hosts: str) -> int:
    """Return how many tasks changed something, on hosts that all went well."""
    assert answer.rc == 0, answer.out[-3000:] + answer.err
    rows = {row["host"]: row for row in RECAP.finditer(answer.out)}
    assert sorted(rows) == sorted(hosts), answer.out[-1000:]
    assert {(row["unreachable"], row["failed"]) for row in rows.values()} == {("0", "0")}
    return sum(int(row["changed"]) for row in rows.values())


def published(answer: Answer) -> dict[str, Any]:
    """Return what each host published."""
    found: dict[str, Any] = {}
    for row in RESULT.finditer(answer.out):
        data = json.loads(row["data"])
        # A role without a module of ours hands it on as statistics alone.
        stats = data.get("ansible_stats", {}).get("data", {}).get("ceph_orch_result", {})
        told = data.get("ceph_orch_result") or stats.get("hosts", {}).get(row["host"])
        if told:
            found.setdefault(row["host"], {}).update(told)
    return found


def comparable(device: Any) -> tuple[Any, ...]:
    keys = ("available", "rejected_reasons", "device_id")
    return (*(device[key] for key in keys), device["sys_api"]["size"])


def devices_of(answer: Answer) -> dict[str, dict[str, Any]]:
    return {
        host: {device["path"]: comparable(device) for device in result["devices"]}
        for host, result in published(answer).items()
    }


def devices_listed(lab: Lab) -> dict[str, dict[str, Any]]:
    return {
        host: {path: comparable(device) for path, device in found.items()}
        for host, found in lab.listed_devices().items()
    }


def the_manager_lists(lab: Lab, devices: dict[str, dict[str, Any]]) -> None:
    """Wait until the manager lists these devices: it asks for a new report and does not wait."""
    # Other playbooks by hand may have run since the last report.
    lab.ok("orch", "device", "ls", "--refresh")
    wait_until("device ls shows the same", lambda: devices_listed(lab) == devices, 120)


def fingerprint(lab: Lab, host: str) -> str:
    return lab.sh(host, FINGERPRINT)


def test_get_inventory_by_hand_shows_what_device_ls_shows(cluster: Lab) -> None:
    answer = by_hand(cluster, ("get_inventory",))
    assert recap(answer, *cluster.hosts()) == 0
    the_manager_lists(cluster, devices_of(answer))


def test_the_mgrs_ssh_configuration_is_enough_by_hand(cluster: Lab) -> None:
    """As the user of the manager, with nothing but its ssh configuration and host names."""
    command = (
        f"cd {CONTENT} && ANSIBLE_SSH_ARGS='-F {STATE}/ssh_config' ANSIBLE_HOME={STATE}/ansible "
        "ansible-playbook playbooks/get_inventory.yml -i " + ",".join(cluster.hosts()) + ","
    )
    if cluster.locked:
        command += f" -e {shlex.quote(json.dumps(THROUGH_INVOKER))}"
    answer = cluster.ssh(cluster.first, "runuser", "-u", "ceph", "--", "sh", "-c", command)
    assert recap(answer, *cluster.hosts()) == 0


def test_from_another_machine_with_a_static_inventory(cluster: Lab, tmp_path: Path) -> None:
    lines = [f"{name} ansible_host={each.addr}" for name, each in cluster.machines.items()]
    inventory = tmp_path / "hosts"
    inventory.write_text(
        "\n".join(
            ["[all]", *lines, "[all:vars]", f"ansible_ssh_common_args=-F {cluster.ssh_config}"]
        )
    )
    program = Path(sys.executable).parent / "ansible-playbook"
    environment = [
        f"ANSIBLE_CONFIG={ROOT / 'ansible.cfg'}",
        "ANSIBLE_CALLBACK_RESULT_FORMAT=json",
        "ANSIBLE_CALLBACK_FORMAT_PRETTY=False",
        f"ANSIBLE_LOCAL_TEMP={tmp_path}",
        f"HOME={tmp_path}",
        f"PATH={os.environ['PATH']}",
    ]
    playbook = str(ROOT / "playbooks" / "get_inventory.yml")
    command = ["env", "-i", *environment, str(program), playbook, "-i", str(inventory), "-v"]
    answer = run(command, seconds=300)
    assert recap(answer, *cluster.hosts()) == 0
    the_manager_lists(cluster, devices_of(answer))


def test_reading_playbooks_change_nothing(cluster: Lab) -> None:
    before = fingerprint(cluster, HOST)
    for words in (("--check", "--diff"), ()):
        assert recap(by_hand(cluster, READING, *words), *cluster.hosts()) == 0
        assert fingerprint(cluster, HOST) == before


CHANGING = (
    "add_host",
    "add_host_label",
    "remove_host_label",
    "update_host_addr",
    "blink_device_light",
)


def test_changing_playbooks_are_idempotent(cluster: Lab) -> None:
    disk = cluster.machines[HOST].disks[0]
    name = disk.rpartition("/")[2]
    cluster.sh(HOST, MAKE_ENCLOSURE, name)
    variables = {
        "host_record_addr": cluster.machines[HOST].addr,
        "host_record_labels": ["x"],
        "host_record_fsid": cluster.ok("fsid").strip(),
        "device_light_locations": [{"host": HOST, "dev": name, "path": disk}],
        "device_light_kind": "ident",
        "device_light_on": True,
        "device_light_sysfs_root": ENCLOSURE,
    }
    # In check mode the record changes in each of its four playbooks, in truth in the first.
    assert_idempotent(cluster, CHANGING, variables, predicted=5, made=2)
    assert cluster.sh(HOST, f"cat {SLOT}/locate").strip() == "1"
    assert json.loads(cluster.sh(HOST, f"cat {RECORD}"))["labels"] == ["x"]


def test_remove_host_is_idempotent(cluster: Lab) -> None:
    variables = {"host_record_fsid": cluster.ok("fsid").strip()}
    assert_idempotent(cluster, ("remove_host",), variables, predicted=1, made=1)
    assert cluster.ssh(HOST, "test", "-e", RECORD).rc == 1
    recap(by_hand(cluster, ("add_host",), "-l", HOST, **variables), HOST)


def assert_idempotent(
    lab: Lab, playbooks: tuple[str, ...], variables: dict[str, Any], *, predicted: int, made: int
) -> None:
    """Check mode predicts changes and makes none; the first run makes them, the second none."""
    before = fingerprint(lab, HOST)
    checked = by_hand(lab, playbooks, "-l", HOST, "--check", "--diff", **variables)
    assert fingerprint(lab, HOST) == before, "check mode changed something"
    assert recap(checked, HOST) == predicted
    assert recap(by_hand(lab, playbooks, "-l", HOST, **variables), HOST) == made
    after = fingerprint(lab, HOST)
    assert after != before
    assert recap(by_hand(lab, playbooks, "-l", HOST, **variables), HOST) == 0
    assert fingerprint(lab, HOST) == after
