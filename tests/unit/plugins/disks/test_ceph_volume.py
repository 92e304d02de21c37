"""What ceph-volume and LVM say is read with care, and kept only while it holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugins.module_utils.disks.blkid import parse_blkid
from plugins.module_utils.disks.block import allows_loop_devices, own_blocks
from plugins.module_utils.disks.ceph_volume import (
    fingerprint,
    finish,
    only_own,
    parse_inventory,
)
from plugins.module_utils.disks.inventory import inspections
from plugins.module_utils.disks.lvm import parse_volumes
from plugins.module_utils.disks.report import DeviceReport, loop_setting
from plugins.module_utils.system import json_cache
from plugins.module_utils.system.command import Answer
from plugins.module_utils.system.json_cache import JsonCache
from tests.unit.plugins.tree import Tree, case_files, load, write


@pytest.mark.parametrize("path", case_files("inventories"), ids=lambda path: path.stem)
def test_inventory(path: Path) -> None:
    case = load(path)
    if case.get("refused"):
        with pytest.raises(ValueError):
            parse_inventory(case["text"])
    else:
        assert parse_inventory(case["text"]) == case["expect"]


@pytest.mark.parametrize("path", case_files("lvm"), ids=lambda path: path.stem)
def test_volumes(path: Path) -> None:
    case = load(path)
    if case.get("refused"):
        with pytest.raises(ValueError, match="LVM's report"):
            parse_volumes(case["text"])
        return
    found = {
        name: {"groups": entry["groups"], "volumes": list(entry["volumes"].values())}
        for name, entry in parse_volumes(case["text"]).items()
    }

    expected = {
        name: {"groups": entry["groups"], "volumes": entry["volumes"]}
        for name, entry in case["expect"].items()
    }
    assert found == expected


class _Said:
    """A command that has ended."""

    def __init__(self, **answer: str) -> None:
        self._answer = Answer(**answer)

    def result(self, timeout: float) -> Answer:
        return self._answer


def test_a_failure_is_told_with_its_reason() -> None:
    said = _Said(
        err="stack\nRuntimeError: no udev data\n", problem="ceph-volume ended with status 1"
    )

    assert finish(said, 1) == (None, "ceph-volume ended with status 1: RuntimeError: no udev data")


def test_an_answer_that_is_no_inventory_is_a_failure() -> None:
    rows, problem = finish(_Said(out="usage: ceph-volume"), 1)

    assert rows is None
    assert problem.startswith("ceph-volume inventory gave no usable JSON")


def test_blkid_paragraphs() -> None:
    text = "DEVNAME=/dev/a\nTYPE=xfs\nLABEL=a=b\n\nDEVNAME=/dev/b\nPTTYPE=gpt\n\nnonsense\n"

    assert parse_blkid(text) == {
        "/dev/a": {"TYPE": "xfs", "LABEL": "a=b"},
        "/dev/b": {"PTTYPE": "gpt"},
    }


def test_devices_of_other_hosts_are_left_out(tmp_path: Path) -> None:
    blocks = own_blocks(Tree(tmp_path, {"disks": {"sda": {}}}).roots)
    paths = ["/dev/sda", "/dev/not-here", "/dev/null", "/etc/passwd", "/dev/../etc", "/dev/{{x}}"]
    rows = [{"path": path} for path in paths]

    assert only_own(rows, blocks) == [{"path": "/dev/sda"}]


DISKS = {
    "sda": {
        "number": "8:0",
        "attributes": {"queue/scheduler": "[none]"},
        "udev": {"ID_BUS": "ata"},
    },
    "sdb": {"number": "8:16", "parts": {"sdb1": {"number": "8:17"}}},
}
CHANGES = {
    "an attribute": {"files": {"sys/block/sda/queue/scheduler": "[bfq]"}},
    "the size": {"files": {"sys/block/sda/size": "1"}},
    "udev's data": {"files": {"udev/b8:0": "E:ID_BUS=usb\n"}},
    "a partition's udev data": {"files": {"udev/b8:17": "E:ID_PART_ENTRY_NAME=x\n"}},
    "a holder": {"files": {"sys/block/sdb/sdb1/holders/md0/dm/uuid": "x"}},
    "a mount": {"files": {"proc/self/mountinfo": "1 2 8:0 / /srv rw - xfs x rw\n"}},
    "another device": {"files": {"sys/block/sdx/size": "1"}},
}


def _mark(tree: Tree, setting: str = "") -> str:
    blocks = own_blocks(tree.roots)
    pieces = [piece for block in blocks for piece in [block, *block.parts]]
    contents = {name: job() for name, job in inspections(pieces).items()}
    return fingerprint(tree.roots, blocks, contents, setting)


@pytest.mark.parametrize("change", CHANGES)
def test_what_decides_the_answer_changes_the_fingerprint(change: str, tmp_path: Path) -> None:
    tree = Tree(tmp_path, {"disks": DISKS})
    before = _mark(tree)

    assert _mark(tree) == before
    for name, value in CHANGES[change]["files"].items():
        write(tmp_path / name, value)
    assert _mark(tree) != before


@pytest.mark.parametrize("offset", [0, 1 << 30, 1080])
def test_a_signature_changes_the_fingerprint(offset: int, tmp_path: Path) -> None:
    tree = Tree(tmp_path, {"disks": DISKS})
    before = _mark(tree)
    with (tmp_path / "dev/sda").open("r+b") as stream:
        stream.seek(offset)
        stream.write(b"\x53\xef" if offset == 1080 else b"bluestore block device")

    assert _mark(tree) != before


def test_loop_devices_change_the_fingerprint(tmp_path: Path) -> None:
    tree = Tree(tmp_path, {"disks": DISKS})

    assert _mark(tree, "1") != _mark(tree, "")


@pytest.mark.parametrize(
    ("setting", "allowed"), [("1", True), ("TRUE", True), ("", False), ("No", False), ("0", False)]
)
def test_the_variable_for_loop_devices(setting: str, allowed: bool) -> None:
    assert allows_loop_devices(setting) is allowed


def test_the_variable_is_taken_from_the_environment_then_from_etc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "CEPH_VOLUME_ALLOW_LOOP_DEVICES"
    roots = Tree(tmp_path, {"files": {"etc/environment": f'# x\n{name}="1"\nA=b\n'}}).roots
    monkeypatch.delenv(name, raising=False)
    assert loop_setting(roots) == "1"
    monkeypatch.setenv(name, "no")
    assert loop_setting(roots) == "no"


def test_kept_answers_hold_while_mark_and_age_fit(tmp_path: Path) -> None:
    kept = JsonCache("x.json", 600, directory=str(tmp_path / "run"))
    kept.save("m1", [1])

    assert kept.load("m1") == [1]
    assert kept.load("m2") is None
    assert JsonCache("x.json", 0, directory=str(tmp_path / "run")).load("m1") is None
    assert (tmp_path / "run/x.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


def test_nothing_is_kept_in_check_mode(tmp_path: Path) -> None:
    JsonCache("x.json", 600, write=False, directory=str(tmp_path / "run")).save("m1", [1])

    assert not (tmp_path / "run").exists()


def test_files_that_others_could_have_written_do_not_count(tmp_path: Path) -> None:
    run = tmp_path / "run"
    kept = JsonCache("x.json", 600, directory=str(run))
    kept.save("m1", [1])
    os.chmod(run / "x.json", 0o644)
    assert kept.load("m1") is None
    kept.save("m1", [1])
    (run / "y.json").symlink_to(run / "x.json")
    assert JsonCache("y.json", 600, directory=str(run)).load("m1") is None


def test_a_directory_of_others_is_not_used(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    os.chmod(run, 0o777)
    json_cache.save_private(str(run / "x.json"), {"a": 1})

    assert list(run.iterdir()) == []


def test_the_report_reads_the_disks_itself(tmp_path: Path) -> None:
    roots = Tree(tmp_path, {"disks": {"sda": {}, "sdb": {"content": {0: "XFSB"}}}}).roots
    report = DeviceReport(roots, JsonCache("x.json", 0, directory=str(tmp_path / "run")))

    assert [(row["path"], row["available"]) for row in report.rows()] == [
        ("/dev/sda", True),
        ("/dev/sdb", False),
    ]
    assert (report.source, report.error) == ("module", "")
