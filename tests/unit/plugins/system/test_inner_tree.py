"""Below a directory in which a container may write nothing leads out of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from plugins.module_utils.system.inner_tree import InnerTree


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "top").mkdir()
    return tmp_path / "top"


@pytest.fixture
def tree(top: Path) -> InnerTree:
    return InnerTree(str(top), (os.geteuid(), os.getegid()))


def test_a_file_is_its_owners_alone_and_others_may_look_into_directories(
    top: Path, tree: InnerTree
) -> None:
    tree.write("a/b/c.conf", "text")
    tree.make_directory("d")

    assert (top / "a/b/c.conf").read_text() == "text"
    assert stat.S_IMODE((top / "a/b/c.conf").stat().st_mode) == 0o600
    assert {stat.S_IMODE((top / each).stat().st_mode) for each in ("a", "a/b", "d")} == {0o755}
    assert tree.has_file("a/b/c.conf", "text")
    assert tree.has_directory("d")
    assert tree.others(["a/b/c.conf", "d"]) == []
    assert tree.others(["d"]) == ["a", "a/b", "a/b/c.conf"]


def test_a_file_with_other_text_or_that_is_none_is_not_the_one(top: Path, tree: InnerTree) -> None:
    tree.write("a", "text")
    (top / "b").mkdir()
    os.mkfifo(top / "c")
    os.symlink("a", top / "d")

    assert not tree.has_file("a", "tex")
    assert not tree.has_file("a", "text and more")
    assert not tree.has_file("b", "")
    assert not tree.has_file("c", "")
    assert not tree.has_file("d", "text")
    assert not tree.has_directory("a")


def test_nothing_is_written_through_a_link(top: Path, tree: InnerTree, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f").write_text("theirs")
    os.symlink(tmp_path / "outside", top / "etc")

    for act in (
        lambda: tree.write("etc/f", "ours"),
        lambda: tree.make_directory("etc/g"),
        lambda: tree.make_directory("etc"),
    ):
        with pytest.raises(OSError, match=r"\] a link or a file .* remove it: .*/etc"):
            act()
    tree.remove("etc/f")

    assert os.listdir(tmp_path / "outside") == ["f"]
    assert (tmp_path / "outside/f").read_text() == "theirs"


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(
    top: Path, tree: InnerTree, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_text("theirs")
    os.symlink(tmp_path / "outside", top / "f")
    os.symlink(tmp_path / "outside", top / "f.ceph-orch-new")

    tree.write("f", "ours")

    assert (top / "f").read_text() == "ours"
    assert (tmp_path / "outside").read_text() == "theirs"
    assert os.listdir(top) == ["f"]


def test_a_directory_with_something_in_it_is_not_removed(top: Path, tree: InnerTree) -> None:
    tree.write("a/ours", "x")
    (top / "a/theirs").write_text("y")

    tree.remove("a/ours")
    tree.remove("a")
    assert os.listdir(top / "a") == ["theirs"]

    (top / "a/theirs").unlink()
    tree.remove("a")
    tree.remove("a")
    assert os.listdir(top) == []
