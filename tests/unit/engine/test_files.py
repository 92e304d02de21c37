"""What only its owner may read is so, whatever the umask and whatever was there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adapter.cli import content
from adapter.cluster.reports import Reports
from adapter.cluster.store import YamlStore
from adapter.engine.files import private_dir, write_json, write_private
from tests.unit.modes import UMASKS, modes, umask


@pytest.mark.parametrize("mask", UMASKS)
def test_directories_above_a_private_one_are_nobody_elses_to_write(
    tmp_path: Path, mask: int
) -> None:
    with umask(mask):
        private_dir(tmp_path / "a/b/c")

    found = modes(tmp_path)
    assert (found["a"], found["a/b"], found["a/b/c"]) == (0o755, 0o755, 0o700)


def test_a_private_directory_that_was_opened_is_closed(tmp_path: Path) -> None:
    private_dir(tmp_path / "a").chmod(0o777)
    assert private_dir(tmp_path / "a").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mask", UMASKS)
def test_what_lies_where_a_file_is_written_does_not_give_it_its_mode(
    tmp_path: Path, mask: int
) -> None:
    left = tmp_path / f".f.{os.getpid()}.tmp"
    left.write_text("of a process with the same number")
    left.chmod(0o666)
    with umask(mask):
        write_private(tmp_path / "f", "x")
        write_json(tmp_path / "g", {})

    assert (modes(tmp_path)["f"], modes(tmp_path)["g"]) == (0o600, 0o600)


@pytest.mark.parametrize("mask", UMASKS)
def test_records_and_reports(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        YamlStore(tmp_path / "mine/here").set("host.h1", {"hostname": "h1"})
        Reports(tmp_path / "state/reports").absorb("h1", {"facts": {"hostname": "h1"}}, 1.0)

    found = modes(tmp_path)
    assert {name: mode for name, mode in found.items() if name != "."} == {
        "mine": 0o755,
        "mine/here": 0o755,
        "mine/here/host": 0o755,
        "mine/here/host/h1.yml": 0o600,
        "state": 0o755,
        "state/reports": 0o700,
        "state/reports/h1.json": 0o600,
    }


def test_a_store_and_reports_that_everybody_may_write_are_closed(tmp_path: Path) -> None:
    """A record that somebody else puts there would lead to another machine."""
    store = YamlStore(tmp_path / "here")
    reports = Reports(tmp_path / "reports")
    store.set("host.h1", {"hostname": "h1"})
    reports.absorb("h1", {"facts": {"hostname": "h1"}}, 1.0)
    for name in ("here", "here/host", "reports"):
        (tmp_path / name).chmod(0o777)

    store.set("host.h2", {"hostname": "h2"})
    reports.absorb("h1", {"facts": {"hostname": "h1"}}, 2.0)

    found = modes(tmp_path)
    assert (found["here"], found["here/host"], found["reports"]) == (0o755, 0o755, 0o700)


@pytest.mark.parametrize("mask", UMASKS)
def test_the_view_of_the_content(tmp_path: Path, mask: int) -> None:
    """Playbooks are found through its links; they run as root."""
    root = tmp_path / "share"
    for name in content.PARTS:
        (root / name).mkdir(parents=True)
    with umask(mask):
        view = content.usable_content(tmp_path / "dir", root)

    found = {*modes(view).values(), modes(tmp_path)["dir"]}
    assert found == {0o755}
    (view / "collections").chmod(0o777)
    content.usable_content(tmp_path / "dir", root)
    assert modes(view)["collections"] == 0o755
