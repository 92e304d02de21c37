"""No field of a drive group is accepted and ignored: one case, one entry of the data file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from adapter.cluster.drive_group_fields import check_drive_group, without_lvm
from adapter.errors import AdapterError, InvalidValue
from adapter.interface import DriveGroupSpec, ServiceSpec

CASES: Dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("drive_groups_refused.yml").read_text(encoding="utf-8")
)


def drive_group(case: Dict[str, Any]) -> DriveGroupSpec:
    data: Dict[str, Any] = {
        "service_type": "osd",
        "service_id": "x",
        "placement": {"hosts": ["h2"]},
        **case.get("top", {}),
        "spec": {"data_devices": {"rotational": 1}, **case.get("spec", {})},
    }
    spec = ServiceSpec.from_json(data)
    assert isinstance(spec, DriveGroupSpec)
    return spec


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_done_is_refused(name: str) -> None:
    spec = drive_group(CASES[name])
    with pytest.raises(InvalidValue) as raised:
        check_drive_group(spec)
    text = str(raised.value)
    for part in CASES[name]["said"]:
        assert part in text
    assert "Spec(" not in text
    assert "Selection" not in text


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"osds_per_device": 3, "encrypted": True, "tpm2": True, "data_allocate_fraction": 0.5},
        {"db_devices": {"rotational": 0}, "db_slots": 5, "block_db_size": "60G"},
        {"db_slots": 0, "wal_slots": 0, "method": "raw"},
        {"wal_devices": {"rotational": 0}, "wal_slots": 2, "block_wal_size": 2147483648},
        {"method": "raw", "osds_per_device": 1, "data_allocate_fraction": 1},
        {"osd_id_claims": {"h2": ["3", 4]}, "crush_device_class": "ssd"},
        {"data_devices": {"paths": [{"path": "/dev/sdb", "crush_device_class": "nvme"}]}},
    ],
)
def test_what_is_done_passes(spec: Dict[str, Any]) -> None:
    check_drive_group(drive_group({"spec": spec}))


def test_all_that_is_wrong_is_said_at_once() -> None:
    case = {
        "top": {"config": {"osd_memory_target": 4294967296}},
        "spec": {
            "db_slots": 5,
            "wal_slots": 2,
            "journal_size": "5G",
            "data_directories": ["/srv/osd"],
        },
    }
    with pytest.raises(AdapterError) as raised:
        check_drive_group(drive_group(case))
    for name in ("config", "db_slots", "wal_slots", "journal_size", "data_directories"):
        assert f"Invalid {name} " in str(raised.value)


def test_what_needs_lvm_is_said_in_the_words_of_the_host() -> None:
    spec = drive_group({"spec": {"osds_per_device": 3, "encrypted": True}})
    assert [problem.field for problem in without_lvm(spec)] == ["osds_per_device", "encrypted"]
    assert without_lvm(drive_group({})) == []
