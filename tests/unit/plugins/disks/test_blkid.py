"""blkid is asked about each disk that seems empty, and only its clear word counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.disks.blkid import judge, opinions
from plugins.module_utils.disks.block import own_blocks
from plugins.module_utils.disks.inventory import describe_devices, inspections, second_opinions
from plugins.module_utils.disks.report import DeviceReport, with_doubts
from plugins.module_utils.system.command import Answer, run
from plugins.module_utils.system.json_cache import JsonCache
from tests.unit.plugins.osd_host import OsdHost

ASM = {"content": {32: "ORCLDISK"}}


def rows(host: OsdHost) -> Dict[str, List[str]]:
    """Return the reasons for rejection that the host's report has, by disk."""
    report = DeviceReport(host.roots, JsonCache("x.json", 0, directory=str(host.top / "run")))
    return {row["path"]: row["rejected_reasons"] for row in report.rows()}


@pytest.mark.parametrize("order", [("sda", "sdb"), ("sdb", "sda")])
def test_a_disk_after_an_empty_one_is_looked_at(
    order: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank, used = order
    host = OsdHost(tmp_path, {"tree": {"disks": {blank: {}, used: ASM}}}, monkeypatch)

    assert rows(host) == {f"/dev/{blank}": [], f"/dev/{used}": ["Has a FileSystem"]}


CASES = {
    "several things": ({"blkid": {"sda": 8}}, "blkid finds several things on it"),
    "killed": ({"blkid": {"sda": 137}}, "blkid ended with status 137"),
    "missing": ({"lacks": ["blkid"]}, "blkid is not installed"),
}


@pytest.mark.parametrize("name", CASES)
def test_without_an_answer_a_disk_is_not_free(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, said = CASES[name]
    host = OsdHost(tmp_path, {"tree": {"disks": {"sda": {}}}, **case}, monkeypatch)

    (reason,) = rows(host)["/dev/sda"]
    assert reason.startswith("Failed to determine what is on the device (")
    assert said in reason
    assert ("Install util-linux" in reason) is (name == "missing")


def test_a_disk_that_hangs_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = {f"sd{letter}": {} for letter in "abcdefgh"}
    host = OsdHost(tmp_path, {"tree": {"disks": disks}}, monkeypatch)
    (tmp_path / "blkid").mkdir()
    (tmp_path / "blkid/sda.hangs").touch()
    blocks = own_blocks(host.roots)

    found = opinions(blocks, timeout=2.0)
    assert "did not end within" in found.pop("/dev/sda")["error"]
    blank = {"type": "", "table": "", "unknown": False}
    assert found == {f"/dev/{name}": blank for name in disks if name != "sda"}


def test_silence_of_a_disk_that_cannot_be_read_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """blkid ends with the same status, and says nothing, when it can open or read nothing."""
    host = OsdHost(tmp_path, {"tree": {"disks": {"sda": {}, "sdb": {}}}}, monkeypatch)
    blocks = own_blocks(host.roots)
    contents = {name: job() for name, job in inspections(blocks).items()}
    (tmp_path / "dev/sda").unlink()
    (tmp_path / "dev/sdb").write_bytes(b"short")

    changed = second_opinions(blocks, contents)
    assert changed["/dev/sda"]["error"] == "No such file or directory"
    assert changed["/dev/sdb"]["error"] == "it ends before the size that the kernel gives it"
    assert not any(row["available"] for row in describe_devices(host.roots, blocks, changed, {}))


UNKNOWN = {
    "an encrypted volume without a header": {0: "no signature at all"},
    "what follows a boot partition of a lost table": {(2 << 20) + 0x438: "53ef of ext4"},
    "the last of what a wipe overwrites": {(10 << 20) - 8: "database"},
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_data_that_nobody_knows_is_not_nothing(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks: Dict[str, Any] = {"sda": {}, "sdb": {"content": UNKNOWN[what]}}
    host = OsdHost(tmp_path, {"tree": {"disks": disks}}, monkeypatch)

    assert rows(host) == {
        "/dev/sda": [],
        "/dev/sdb": ["Has data of an unknown format (`ceph orch device zap` erases it)"],
    }


def test_what_ceph_volume_calls_available_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks: Dict[str, Any] = {"sda": {}, "sdb": {"content": {0: "no signature"}}, "sdc": {}}
    host = OsdHost(tmp_path, {"tree": {"disks": disks}}, monkeypatch)
    blocks = own_blocks(host.roots)
    contents = {name: job() for name, job in inspections(blocks).items()}
    said = [
        {"path": f"/dev/{name}", "available": name != "sdc", "rejected_reasons": [], "lvs": [name]}
        for name in disks
    ]
    found = with_doubts(host.roots, said, blocks, contents)
    assert [row["available"] for row in found] == [True, False, False]
    assert [len(row["rejected_reasons"]) for row in found] == [0, 1, 0]
    assert [row["lvs"] for row in found] == [["sda"], ["sdb"], ["sdc"]]


FOUND = "DEVNAME=/dev/a b\nTYPE=xfs\nUUID=1\n"
STATUSES = [
    (0, FOUND, {"type": "xfs", "table": ""}),
    (0, "DEVNAME=/dev/a\nPTTYPE=atari\n", {"type": "", "table": "atari"}),
    (0, "DEVNAME=/dev/a1\nPART_ENTRY_NUMBER=1\n", {"type": "", "table": ""}),
    (2, "", {"type": "", "table": ""}),
]


@pytest.mark.parametrize(("status", "text", "expected"), STATUSES)
def test_statuses(status: int, text: str, expected: Dict[str, str]) -> None:
    assert judge(Answer(text, "", "x ended" if status else "", status)) == expected


UNCLEAR = [
    Answer("", "", "", 0),
    Answer("garbage\n", "", "", 0),
    Answer(FOUND, "", "x", 2),
    Answer("", "blkid: cannot", "x", 2),
    Answer("", "", "x", 4),
    Answer("", "", "x", 8),
    Answer("", "", "x", -9),
    Answer(problem="it cannot be started"),
]


@pytest.mark.parametrize("answer", UNCLEAR)
def test_anything_else_is_no_answer(answer: Answer) -> None:
    assert judge(answer)["error"]


def test_the_status_of_a_program_is_known() -> None:
    assert run(["/bin/sh", "-c", "exit 2"], 30).status == 2
    assert run(["/bin/sh", "-c", ":"], 30).status == 0
    assert run(["/no/such/program"], 30).status is None
    assert run(["/bin/sleep", "600"], 0.1).status is None
