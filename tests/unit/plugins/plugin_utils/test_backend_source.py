"""Where a collection finds the backend that managers' hosts get."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def source() -> Any:
    return importlib.import_module("plugins.plugin_utils.backend_source")


def _tree(path: Path, *, content: bool = False, package: bool = False) -> Path:
    if content:
        (path / "playbooks").mkdir(parents=True)
        (path / "ansible.cfg").touch()
    if package:
        (path / "adapter/mgr").mkdir(parents=True)
        (path / "adapter/mgr/module.py").touch()
    return path


def test_where_the_backend_comes_from(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tmp_path / "site-packages/adapter"
    spec = SimpleNamespace(submodule_search_locations=[str(found)])
    monkeypatch.setattr(source.importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(source.sysconfig, "get_path", lambda name: str(tmp_path / "nothing"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    collection = tmp_path / "collection"
    collection.mkdir()
    found.mkdir(parents=True)

    share = _tree(tmp_path / "prefix/share/ceph-orch-ansible", content=True)
    assert source.backend_source(str(collection)) == ("", ""), "another project's package"
    (found / "mgr").mkdir()
    (found / "mgr/module.py").touch()
    assert source.backend_source(str(collection)) == (str(share), str(found))
    whole = _tree(tmp_path / "checkout", content=True, package=True)
    assert source.backend_source(str(whole)) == (str(whole), str(whole / "adapter"))
    assert source.backend_source(str(share)) == (str(share), str(found))

    (share / "ansible.cfg").unlink()
    assert source.backend_source(str(collection)) == ("", ""), "a package without the content"
