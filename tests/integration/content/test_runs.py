"""The playbooks do on this machine what they say: predicted, done, done again, undone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Dict

import pytest

from tests.integration.content.runs import ROOT, Machine

# A value that becomes a file if anything evaluates it.
HOSTILE = "{{ lookup('ansible.builtin.pipe', 'touch CANARY') }}$(touch CANARY)`touch CANARY`"


def test_reading_playbooks(machine: Machine) -> None:
    run = machine.play("get_inventory", "get_facts", "available", "list_daemons", "get_hosts")

    assert run.status == 0, run.output
    assert run.changed == []
    inventory = run.published("Read facts, disks, daemons and packages of hosts")
    parts = {"schema", "clock", "identity", "timings", "devices", "devices_source", "storage"}
    parts |= {"facts", "daemons", "packages"}
    assert set(inventory) == parts
    assert set(inventory["storage"]) == {"at_work", "device_mapper", "links"}
    source = "ceph-volume" if shutil.which("ceph-volume") else "module"
    assert inventory["devices_source"] == source
    facts = run.published("Read the facts of hosts")
    release = os.uname().release
    assert facts["facts"]["kernel"] == release
    assert facts["facts"]["memory_total_kb"] > 0
    assert f"kernel.osrelease={release}" in facts["facts"]["sysctl_options"].split("\n")
    names = {"hostname", "fqdn", "machine_id", "python", "record", "conf", "admin", "backend"}
    names |= {"maintenance", "tuned", "upgrade_left"}
    assert set(facts["identity"]) == names
    answers = run.published("Look whether hosts answer")
    assert set(answers) == {"schema", "clock", "identity", "timings"}
    assert isinstance(run.published("List the Ceph daemons on hosts")["daemons"], list)
    assert run.custom["_run"]["ceph_orch_result"] == {
        "schema": 1,
        "hosts": {
            "h1": {
                "schema": 1,
                "host": {"hostname": "h1", "addr": "h1", "labels": [], "status": ""},
            }
        },
    }


def test_one_call_reports_everything(machine: Machine) -> None:
    everything = ["facts", "devices", "daemons", "packages"]
    run = machine.play("get_inventory", variables={"host_report_gather": everything})

    assert run.status == 0, run.output
    published = run.published()
    assert set(everything) <= set(published)
    assert set(published["timings"]) == set(everything)
    assert len([row for row in run.rows if row["result"]]) == 1


def test_another_machine_is_refused(machine: Machine, tmp_path: Path) -> None:
    run = machine.play(
        "update_host_addr",
        variables={
            "host_report_expect_machine_id": "0" * 32,
            "host_record_path": str(tmp_path / "host.json"),
        },
    )

    assert run.status != 0
    assert "Another machine answers" in run.failures[0]
    assert not (tmp_path / "host.json").exists()


def test_arguments_that_make_no_sense_are_refused(machine: Machine) -> None:
    run = machine.play("get_inventory", variables={"host_report_gather": ["everything"]})
    assert run.status != 0
    assert "gather must be one or more of: facts, devices, daemons" in run.output
    run = machine.play("blink_device_light", variables={"device_light_kind": "ident"})
    assert run.status != 0
    assert "device_light_locations" in run.output


def test_a_host_is_added_and_removed(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "ceph-orch-ansible" / "host.json"
    variables = dict(
        host_report_gather=[],
        host_record_path=str(path),
        host_record_hostname="h1",
        host_record_addr="192.0.2.1",
        host_record_labels=["b", "a"],
        host_record_fsid="cluster-1",
    )

    predicted = machine.play("add_host", variables=variables, options=("--check", "--diff"))
    assert predicted.status == 0, predicted.output
    assert len(predicted.changed) == 1
    assert '"cluster": "cluster-1"' in predicted.diffs[0]["after"]
    assert not path.parent.exists()

    done = machine.play("add_host", "add_host", variables=variables)
    assert done.status == 0, done.output
    assert done.changed == predicted.changed
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record == {
        "schema": 1,
        "hostname": "h1",
        "addr": "192.0.2.1",
        "labels": ["a", "b"],
        "cluster": "cluster-1",
    }
    assert done.published()["record"] == record

    other = machine.play(
        "add_host_label", "remove_host", variables={**variables, "host_record_fsid": "cluster-2"}
    )
    assert other.status != 0
    assert "its record names cluster-1" in other.failures[0]
    assert json.loads(path.read_text(encoding="utf-8")) == record

    taken = machine.play(
        "remove_host_label",
        variables={
            **variables,
            "host_record_fsid": "cluster-2",
            "host_record_labels": [],
            "host_record_takeover": True,
        },
    )
    assert taken.status == 0, taken.output
    assert json.loads(path.read_text(encoding="utf-8"))["labels"] == []

    kept = machine.play("remove_host", variables=_only(path))
    assert "nothing was said of which cluster this is" in kept.failures[0]
    only = {**_only(path), "host_record_fsid": "cluster-2"}
    predicted = machine.play("remove_host", variables=only, options=("--check",))
    assert len(predicted.changed) == 1
    assert path.exists()
    gone = machine.play("remove_host", "remove_host", variables=only)
    assert len(gone.changed) == 1
    assert gone.published()["record"] is None
    assert not path.parent.exists()


def test_a_record_that_is_there_as_wanted_is_not_written_again(
    machine: Machine, tmp_path: Path
) -> None:
    """Reading cuts long texts; what counts is what the file holds."""
    variables = dict(
        host_report_gather=[],
        host_record_path=str(tmp_path / "host.json"),
        host_record_hostname="h1",
        host_record_labels=["x" * 300],
    )
    assert len(machine.play("add_host", variables=variables).changed) == 1
    assert machine.play("add_host", variables=variables).changed == []


def _only(path: Path) -> Dict[str, Any]:
    return {"host_record_path": str(path)}


@pytest.fixture
def enclosure(tmp_path: Path) -> Path:
    """An enclosure with one disk, made of files."""
    slot = tmp_path / "sys/class/enclosure/0:0:8:0/Slot 01"
    (slot / "device/block/sdx").mkdir(parents=True)
    (slot / "locate").write_text("0\n")
    return slot / "locate"


def _light(tmp_path: Path, **variables: Any) -> Dict[str, Any]:
    return {
        "device_light_sysfs_root": str(tmp_path / "sys"),
        "device_light_kind": "ident",
        "device_light_on": True,
        "device_light_locations": [
            {"host": "h1", "dev": "sdx", "path": ""},
            {"host": "h2", "dev": "sdy", "path": "/dev/sdy"},
        ],
        **variables,
    }


def test_a_light_is_switched_and_read_back(
    machine: Machine, tmp_path: Path, enclosure: Path
) -> None:
    on = _light(tmp_path)
    predicted = machine.play("blink_device_light", variables=on, options=("--check", "--diff"))
    assert predicted.status == 0, predicted.output
    assert len(predicted.changed) == 1
    assert predicted.diffs[0]["before"] == "/dev/sdx ident off\n"
    assert predicted.diffs[0]["after"] == "/dev/sdx ident on\n"
    assert enclosure.read_text() == "0\n"

    done = machine.play("blink_device_light", "blink_device_light", variables=on)
    assert done.changed == predicted.changed
    assert enclosure.read_text() == "1"
    light = {"dev": "sdx", "path": "/dev/sdx", "kind": "ident", "on": True}
    assert done.published()["lights"] == [{**light, "method": "enclosure", "read_back": True}]

    off = machine.play("blink_device_light", variables=_light(tmp_path, device_light_on=False))
    assert off.published()["lights"][0]["read_back"] is False
    assert enclosure.read_text() == "0"


def test_lights_of_other_hosts_and_bad_paths(
    machine: Machine, tmp_path: Path, enclosure: Path
) -> None:
    others = [{"host": "h2", "dev": "sdx", "path": ""}]
    run = machine.play(
        "blink_device_light", variables=_light(tmp_path, device_light_locations=others)
    )
    assert run.status == 0, run.output
    assert run.published() == {"lights": []}

    bad = [
        {"host": "h1", "dev": "sdx", "path": ""},
        {"host": "h1", "dev": "s", "path": "/dev/../x"},
    ]
    run = machine.play("blink_device_light", variables=_light(tmp_path, device_light_locations=bad))
    assert "Invalid path '/dev/../x'" in run.failures[0]
    assert enclosure.read_text() == "0\n"


def test_adapters_look_for_disks(machine: Machine, tmp_path: Path) -> None:
    scans = [tmp_path / f"sys/class/scsi_host/host{number}/scan" for number in range(2)]
    for scan in scans:
        scan.parent.mkdir(parents=True)
        scan.write_text("")
    variables = dict(host_report_gather=[], host_rescan_sysfs_root=str(tmp_path / "sys"))

    predicted = machine.play("rescan_host", variables=variables, options=("--check",))
    assert predicted.published()["rescan"]["message"] == "2 of 2 adapters would look for new disks"
    assert [scan.read_text() for scan in scans] == ["", ""]
    done = machine.play("rescan_host", variables=variables)
    assert done.published()["rescan"] == {
        "adapters": 2,
        "asked": 2,
        "failed": [],
        "appeared": [],
        "vanished": [],
        "message": "2 of 2 adapters looked for new disks",
    }
    assert [scan.read_text() for scan in scans] == ["- - -", "- - -"]
    assert done.changed == []


def test_hostile_values_stay_data(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canaries = [tmp_path / "CANARY", ROOT / "CANARY", ROOT / "playbooks/CANARY", Path("/CANARY")]
    path = tmp_path / "host.json"
    run = machine.play(
        "add_host",
        "get_hosts",
        variables=dict(
            host_report_gather=[],
            host_record_path=str(path),
            host_record_hostname=HOSTILE,
            host_record_addr=HOSTILE,
            host_record_labels=[HOSTILE, "-oProxyCommand=touch CANARY"],
            host_record_fsid=HOSTILE,
        ),
        host={"orch_record": {"hostname": "h1", "labels": [HOSTILE]}},
    )

    assert run.status == 0, run.output
    assert json.loads(path.read_text(encoding="utf-8"))["hostname"] == HOSTILE
    assert run.custom["_run"]["ceph_orch_result"]["hosts"]["h1"]["host"]["labels"] == [HOSTILE]

    bad = [{"host": "h1", "dev": HOSTILE, "path": HOSTILE}]
    run = machine.play(
        "blink_device_light",
        variables=_light(
            tmp_path, device_light_locations=bad, device_light_command=["echo", HOSTILE]
        ),
    )
    assert "it is not a device file" in run.failures[0]
    assert [canary for canary in canaries if canary.exists()] == []


OSD_PLAYBOOKS = ("remove_osds", "replace_device", "zap_device", "daemon_action", "service_action")
OSD_VARIABLES = {
    "osd_remove_fsid": "x",
    "osd_remove_osds": {"h2": [{"osd_id": 1, "osd_uuid": "x"}]},
    "device_zap_fsid": "x",
    "device_zap_devices": {"h2": [{"path": "/dev/sdb"}]},
    "daemon_action_action": "stop",
    "daemon_action_units": {"h2": ["ceph-osd@1.service"]},
}


def test_a_host_without_a_part_in_a_plan_is_left_alone(machine: Machine) -> None:
    run = machine.play(*OSD_PLAYBOOKS, variables=OSD_VARIABLES)

    assert run.status == 0, run.output
    assert run.changed == []
    published = run.published()
    assert [published[key] for key in ("removed", "zapped", "units")] == [[], [], []]
    assert isinstance(published["daemons"], list)


@pytest.mark.parametrize(
    ("playbook", "variables", "said"),
    [
        ("zap_device", {"device_zap_devices": {"h1": [{"path": HOSTILE}]}}, 'Invalid path "{{'),
        ("daemon_action", {"daemon_action_units": {"h1": [HOSTILE]}}, 'Invalid unit "{{'),
        ("daemon_action", {"daemon_action_units": {"h1": ["ssh.service"]}}, "not a unit of Ceph"),
        (
            "remove_osds",
            {"osd_remove_osds": {"h1": [{"osd_id": 1, "osd_uuid": HOSTILE}]}},
            'Invalid osd_uuid "{{',
        ),
        ("create_osds", {"osd_create_fsid": HOSTILE, "osd_create_groups": {}}, "Invalid fsid"),
    ],
)
def test_hostile_plans_stay_data(
    machine: Machine, tmp_path: Path, playbook: str, variables: Dict[str, Any], said: str
) -> None:
    canaries = [tmp_path / "CANARY", ROOT / "CANARY", ROOT / "playbooks/CANARY", Path("/CANARY")]
    given = {**OSD_VARIABLES, **variables}
    run = machine.play(playbook, variables=given, options=("--check",))

    assert run.status != 0
    assert said in run.failures[0]
    assert [canary for canary in canaries if canary.exists()] == []
