"""Every store keeps records the same way."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Callable, Dict, Optional

import pytest

from adapter.cluster import osd_owners, unused_keys
from adapter.cluster import store as store_module
from adapter.cluster.store import KINDS, MemoryStore, Store, YamlStore, copy_of
from adapter.errors import NotKept, NotReady, UnreadableRecord

StoreMaker = Callable[[Path], Store]


@pytest.fixture(params=[lambda path: MemoryStore(), YamlStore], ids=["memory", "yaml"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: Store = request.param(tmp_path / "state")
    return made


def test_what_was_set_is_got(store: Store) -> None:
    store.set("host.h1.example.org", {"hostname": "h1.example.org", "labels": ["ä", "{{ x }}"]})

    assert store.get("host.h1.example.org") == {
        "hostname": "h1.example.org",
        "labels": ["ä", "{{ x }}"],
    }
    assert list(store.items("host")) == ["h1.example.org"]


def test_none_removes_and_removing_twice_is_no_error(store: Store) -> None:
    store.set("host.h1", {"hostname": "h1"})
    store.set("host.h1", None)
    store.set("host.h1", None)

    assert store.get("host.h1") is None
    assert store.items("host") == {}


def test_a_returned_record_is_a_copy(store: Store) -> None:
    store.set("host.h1", {"hostname": "h1"})
    record: Optional[Dict[str, object]] = store.get("host.h1")
    assert record is not None
    record["hostname"] = "h2"

    assert store.get("host.h1") == {"hostname": "h1"}


@pytest.mark.parametrize("text", ["- a list", "a: [", "just text"])
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "h1.yml").write_text(text)

    with pytest.raises(NotReady, match=r"h1\.yml"):
        YamlStore(tmp_path).get("host.h1")


@pytest.mark.parametrize("data", [b"- a list", b"a: [", b"\xff\xfe", b"a: \x00", b""])
def test_one_file_that_cannot_be_read_is_named_and_the_others_are_there(
    tmp_path: Path, data: bytes
) -> None:
    store = YamlStore(tmp_path)
    store.set("host.h2", {"hostname": "h2"})
    (tmp_path / "host" / "h1.yml").write_bytes(data)

    records = store.items("host")
    assert records == {"h2": {"hostname": "h2"}}
    assert list(records.unreadable) == ["h1"]
    assert str(tmp_path / "host" / "h1.yml") in store.shown_by("host.h1")
    assert store.removed_by("host.h1") == f"`rm {tmp_path / 'host' / 'h1.yml'}`"
    assert (tmp_path / "host" / "h1.yml").read_bytes() == data


def test_a_file_that_is_none_is_not_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "host" / "h1.yml").mkdir(parents=True)

    assert "it cannot be read" in YamlStore(tmp_path).items("host").unreadable["h1"]
    with pytest.raises(UnreadableRecord):
        YamlStore(tmp_path).get("host.h1")


@pytest.mark.parametrize("record", [{"hostname": "h1"}, None])
def test_a_directory_that_takes_no_files_refuses(
    tmp_path: Path, record: Optional[Dict[str, object]]
) -> None:
    (tmp_path / "host").write_text("in the way")

    with pytest.raises(NotKept, match=r"host\.h1.*is not kept") as caught:
        YamlStore(tmp_path).set("host.h1", record)
    assert caught.value.errno in (errno.EEXIST, errno.ENOTDIR)


def test_a_directory_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "host").write_text("in the way")

    assert YamlStore(tmp_path).items("spec") == {}
    with pytest.raises(UnreadableRecord, match="host"):
        YamlStore(tmp_path).items("host")


def test_a_copy_knows_what_could_not_be_read() -> None:
    store = MemoryStore()
    store.set("host.h1", {"hostname": "h1"})
    store.spoil("host.h1", "it is not YAML")

    assert store.items("host") == {}
    assert store.items("host").unreadable == {"h1": "it is not YAML"}
    with pytest.raises(UnreadableRecord, match="not YAML"):
        store.get("host.h1")
    store.set("host.h1", {"hostname": "h1"})
    assert store.items("host").unreadable == {}


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    YamlStore(tmp_path).set("host.h1", {"hostname": "h1"})

    assert [path.name for path in (tmp_path / "host").iterdir()] == ["h1.yml"]


def test_all_kinds_of_records_are_known() -> None:
    """What is copied, or moves from a manager to a directory, is all that there is."""
    package = Path(store_module.__file__).parent
    found = set()
    for path in package.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'^KIND = "([a-z_]+)"', text, re.MULTILINE))
    owners = {osd_owners.OWNER, osd_owners.DESTROYED, osd_owners.PENDING}

    assert set(KINDS) == found | owners | {unused_keys.MONS, "state"}


def test_a_copy_has_all_and_what_cannot_be_read_too() -> None:
    store = MemoryStore()
    store.set("host.h1", {"hostname": "h1"})
    store.spoil("spec.mds.a", "it is not JSON")

    copy = copy_of(store)
    copy.set("host.h2", {"hostname": "h2"})

    assert copy.get("host.h1") == {"hostname": "h1"}
    assert copy.items("spec").unreadable == {"mds.a": "it is not JSON"}
    assert store.get("host.h2") is None
