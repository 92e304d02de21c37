"""Every store keeps records the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Optional

import pytest

from adapter.cluster.store import MemoryStore, Store, YamlStore
from adapter.errors import NotReady

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


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    YamlStore(tmp_path).set("host.h1", {"hostname": "h1"})

    assert [path.name for path in (tmp_path / "host").iterdir()] == ["h1.yml"]
