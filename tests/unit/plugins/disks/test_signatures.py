"""What is recognised on a disk: one case, one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.disks.signatures import inspect
from tests.unit.plugins.tree import case_files, content, load

SIZE = 64 << 20


def _image(path: Path, pieces: dict, size: int = SIZE) -> str:
    with path.open("wb") as stream:
        stream.truncate(size)
        for offset, value in pieces.items():
            stream.seek(offset if offset >= 0 else size + offset)
            stream.write(content(value))
    return str(path)


@pytest.mark.parametrize("path", case_files("signatures"), ids=lambda path: path.stem)
def test_signature(path: Path, tmp_path: Path) -> None:
    case = load(path)
    size = case.get("size", SIZE)
    found = inspect(_image(tmp_path / "disk", case["content"], size), size)

    assert (found["type"], found["table"]) == (case["type"], case["table"])


def test_a_change_of_the_volume_group_is_noticed(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    states = []
    for sequence in (b"seqno 1", b"seqno 2"):
        image = _image(disk, {512: "LABELONE", 4608: {"hex": sequence.hex()}})
        states.append(inspect(image, SIZE)["lvm"])

    assert states[0] != states[1]
    assert all(states)


def test_a_disk_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert inspect(str(tmp_path / "none"), SIZE) == {"error": "No such file or directory"}


def test_a_disk_is_never_opened_for_writing(tmp_path: Path) -> None:
    image = Path(_image(tmp_path / "disk", {0: "XFSB"}))
    before = image.stat().st_mtime_ns
    image.chmod(0o400)

    assert inspect(str(image), SIZE)["type"] == "xfs"
    assert image.stat().st_mtime_ns == before
