"""The command lines of ceph-volume, and what is learned when one fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from plugins.module_utils.osd import ceph_volume_calls as calls
from tests.unit.plugins.tree import case_files, load

GROUP: Dict[str, Any] = {
    "method": "",
    "data": [],
    "db": [],
    "wal": [],
    "osd_ids": [],
    "osdspec": "",
    "crush_device_class": "",
    "encrypted": False,
    "tpm2": False,
    "osds_per_device": 1,
    "block_db_size": "",
    "block_wal_size": "",
    "db_slots": 0,
    "wal_slots": 0,
    "data_allocate_fraction": 0.0,
}


def group(**values: Any) -> Dict[str, Any]:
    """Return a group as the module gets it; devices may be given by their paths alone."""
    found = {**GROUP, **values}
    for kind in ("data", "db", "wal"):
        found[kind] = [
            {"path": device, "size": 0, "device_id": ""} if isinstance(device, str) else device
            for device in found[kind]
        ]
    return found


@pytest.mark.parametrize("path", case_files("calls"), ids=lambda path: path.stem)
def test_lvm_batch(path: Path) -> None:
    """The exact words; no test machine has device mapper, so ceph-volume itself is not run."""
    case = load(path)
    argv = calls.lvm_batch(group(**case["group"]), case.get("osd_ids", []))

    assert " ".join(argv) == case["argv"].strip()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ""),
        ({"db": "/dev/sdx", "wal": "/dev/sdy"}, "--block.db /dev/sdx --block.wal /dev/sdy"),
        ({"device_class": "ssd", "osd_id": 0}, "--crush-device-class ssd --osd-id 0"),
    ],
)
def test_raw_prepare(arguments: Dict[str, Any], words: str) -> None:
    argv = calls.raw_prepare("/dev/sdb", **arguments)

    expected = f"ceph-volume raw prepare --bluestore --data /dev/sdb {words}"
    assert " ".join(argv) == expected.strip()


def test_the_other_calls() -> None:
    assert calls.zap_device("/dev/sdb") == [
        "ceph-volume",
        "lvm",
        "zap",
        "--destroy",
        "/dev/sdb",
    ]
    kept = "ceph-volume lvm zap --osd-id 3 --osd-fsid U"
    assert " ".join(calls.zap_osd(3, "U", destroy=False)) == kept
    assert " ".join(calls.zap_osd(3, "U", destroy=True)) == kept.replace("zap", "zap --destroy")
    assert " ".join(calls.lvm_activate(3, "U")) == "ceph-volume lvm activate --bluestore 3 U"


@pytest.mark.parametrize("path", case_files("failures"), ids=lambda path: path.stem)
def test_reason_of_failure(path: Path) -> None:
    case = load(path)

    assert calls.reason_of_failure(case["said"]) == case["reason"]
    assert calls.begun_osd(case["said"]) == case.get("begun", "")
