"""A directory that is installed as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adapter.cli.tree import MANIFEST, Item, Items, Tree, read_tree
from adapter.errors import AdapterError, NotReady

ITEMS: Items = {
    "a/b.py": Item(b"b\n"),
    "a/run": Item(b"#!\n", executable=True),
    "links/to/a": Item(link="../../a"),
    "c": Item(b"c\n"),
}
FACTS = {"version": "1"}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "share" / "thing")


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_was_put_is_there_with_its_modes_whatever_the_umask(tree: Tree) -> None:
    old = os.umask(0o077)
    try:
        tree.put(ITEMS, FACTS)
    finally:
        os.umask(old)

    assert (tree.directory / "links/to/a/b.py").read_text() == "b\n"
    modes = {
        name: (tree.directory / name).stat().st_mode & 0o777
        for name in (".", "a", "a/b.py", "a/run", MANIFEST)
    }
    assert modes == {".": 0o755, "a": 0o755, "a/b.py": 0o644, "a/run": 0o755, MANIFEST: 0o644}
    assert tree.differences(ITEMS, FACTS) == []
    assert names(tree.directory.parent) == ["thing"], "nothing temporary is left"


def test_differences_are_named_and_put_removes_them(tree: Tree) -> None:
    tree.put(ITEMS, FACTS)
    (tree.directory / "c").write_text("changed by hand\n")
    wanted = {**ITEMS, "new": Item(b"")}
    del wanted["links/to/a"]

    lines = tree.differences(wanted, {"version": "2"})

    base = tree.directory
    assert lines[:3] == [f"change {base}/c", f"add {base}/new", f"remove {base}/links/to/a"]
    assert lines[3].startswith("change version in ")
    assert lines[3].endswith(" from '1' to '2'")
    tree.put(wanted, {"version": "2"})
    assert tree.differences(wanted, {"version": "2"}) == []
    assert not (base / "links").exists()


def test_byte_code_is_ours_and_other_files_are_not(tree: Tree) -> None:
    tree.put(ITEMS, FACTS)
    (tree.directory / "a/__pycache__").mkdir()
    (tree.directory / "a/__pycache__/b.pyc").write_bytes(b"")
    assert tree.foreign() == []
    (tree.directory / "a/mine").write_text("")

    with pytest.raises(NotReady, match="a/mine"):
        tree.put({**ITEMS, "new": Item(b"")}, FACTS)
    assert tree.remove() == ["a/mine"]
    assert [str(path.relative_to(tree.directory)) for path in tree.directory.rglob("*")] == [
        "a",
        "a/mine",
    ]


def test_a_directory_of_somebody_else_is_not_touched(tree: Tree) -> None:
    tree.directory.mkdir(parents=True)

    for action in (tree.manifest, tree.remove, lambda: tree.put(ITEMS, FACTS)):
        with pytest.raises(NotReady, match="was not made by"):
            action()
    (tree.directory / MANIFEST).write_text('{"files": []}')
    with pytest.raises(NotReady, match="was not made by"):
        tree.differences(ITEMS, FACTS)
    assert names(tree.directory) == [MANIFEST]


def test_a_failure_in_the_middle_leaves_what_was_there(tree: Tree) -> None:
    tree.put(ITEMS, FACTS)

    def broken(_: Path) -> None:
        raise AdapterError("no space")

    with pytest.raises(AdapterError, match="no space"):
        tree.put({"c": Item(b"2")}, FACTS, broken)

    assert tree.differences(ITEMS, FACTS) == []
    assert names(tree.directory.parent) == ["thing"]


def test_removing_takes_away_all_of_it_and_twice_is_no_error(tree: Tree) -> None:
    tree.put(ITEMS, FACTS)

    assert tree.remove() == []
    assert not tree.directory.exists()
    assert tree.remove() == []


def test_a_manifest_cannot_lead_outside(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("")
    tree.put(ITEMS, FACTS)
    text = (tree.directory / MANIFEST).read_text()
    (tree.directory / MANIFEST).write_text(text.replace('"c"', '"../../precious"'))

    tree.remove()

    assert (tmp_path / "precious").exists()
    with pytest.raises(AdapterError, match="not a name inside"):
        Tree(tmp_path / "x").put({"../y": Item(b"")}, FACTS)


def test_hidden_files_and_byte_code_are_not_read(tmp_path: Path) -> None:
    for name in (".hidden", "x.pyc", "x.py", "__pycache__/y", "sub/.z", "sub/z"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to("x.py")

    items = read_tree(tmp_path, "base")

    assert sorted(items) == ["base/link", "base/sub/z", "base/x.py"]
    assert items["base/link"] == Item(link="x.py")
    assert list(read_tree(tmp_path / "x.py")) == ["x.py"]
