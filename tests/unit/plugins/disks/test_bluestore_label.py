"""What BlueStore's label says, read without Ceph's tools; its key is never read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugins.module_utils.disks.bluestore_label import parse_label, read_label
from tests.unit.plugins.labels import FSID, OSD_UUID, SECRET, label
from tests.unit.plugins.tree import CASES, load

LABELS = CASES / "labels"
MAIN = {"kind": "block", "osd_uuid": OSD_UUID, "osd_id": 3, "cluster": FSID, "ready": True}
UNREADABLE = {"kind": "", "osd_uuid": "", "osd_id": -1, "cluster": "", "ready": False}


def test_a_label_that_ceph_has_written() -> None:
    case = load(LABELS / "release_20.yml")

    assert parse_label(bytes.fromhex(case["label"])) == case["expect"]


def test_the_test_makes_the_same_labels() -> None:
    assert parse_label(label()) == MAIN


@pytest.mark.parametrize(("kind", "name"), [("bluefs db", "db"), ("bluefs wal", "wal")])
def test_db_and_wal_say_only_the_uuid(kind: str, name: str) -> None:
    expected = {"kind": name, "osd_uuid": OSD_UUID, "osd_id": -1, "cluster": "", "ready": False}

    assert parse_label(label(kind=kind)) == expected


def test_an_osd_that_was_not_made_to_the_end_is_not_ready() -> None:
    assert parse_label(label(ready=False)) == {**MAIN, "osd_id": -1, "ready": False}


def test_the_key_does_not_leave_the_label() -> None:
    assert SECRET not in json.dumps(parse_label(label()))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"\0" * 4096, None),
        (b"bluestore block devic", None),
        (label()[:100], UNREADABLE),
        (label()[:62], UNREADABLE),
        (b"bluestore block device" + b"\xff" * 4000, UNREADABLE),
        (label(kind="something new"), {**UNREADABLE, "osd_uuid": OSD_UUID}),
        (label(cluster="x\n{{ y }}"), {**MAIN, "cluster": ""}),
    ],
)
def test_what_is_no_label(data: bytes, expected: object) -> None:
    assert parse_label(data) == expected


def test_copies_are_read_where_the_first_is_gone(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as stream:
        stream.truncate(2 << 30)
    assert read_label(str(disk)) is None
    with disk.open("r+b") as stream:
        stream.seek(1 << 30)
        stream.write(label())
    assert read_label(str(disk)) == {**MAIN, "place": 1 << 30}
    with disk.open("r+b") as stream:
        stream.write(label(whoami=4))
    assert read_label(str(disk)) == {**MAIN, "osd_id": 4, "place": 0}
