"""A host says whether it has the backend as it was installed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict

import pytest

from adapter.cli.mgr_files import install
from adapter.cli.place import CONTENT, MODULE, Place
from plugins.module_utils.host.backend_state import read_backend
from plugins.module_utils.host.state import read_identity
from plugins.module_utils.system.reading import Roots


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root as `orch-ansible mgr install` makes it."""
    root = tmp_path_factory.mktemp("host")
    install(Place(root=root))
    return root


@pytest.fixture
def host(installed: Path, tmp_path: Path) -> Path:
    """Return a copy of it that a test may change."""
    copy = tmp_path / "host"
    shutil.copytree(installed, copy, symlinks=True)
    return copy


def below(host: Path, path: str) -> Path:
    return host / path.lstrip("/")


def read(host: Path) -> Any:
    return read_backend(str(host / "usr"))


def test_what_was_installed_lacks_nothing(host: Path) -> None:
    found = read(host)
    assert (found["lacks"], bool(found["version"])) == ("", True)
    cache = below(host, CONTENT) / "adapter/__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "core.pyc").write_text("byte code")
    assert read(host)["lacks"] == "", "byte code is nobody's business"


def test_a_host_without_any_says_none(tmp_path: Path) -> None:
    assert read_backend(str(tmp_path)) is None


def test_it_is_part_of_the_identity(host: Path) -> None:
    assert read_identity(Roots(usr=str(host / "usr")))["backend"] == read(host)


BROKEN: Dict[str, Callable[[Path], Any]] = {
    f"{CONTENT} is not there": lambda host: below(host, CONTENT).rename(host / "away"),
    f"{MODULE} is not there": lambda host: shutil.rmtree(below(host, MODULE)),
    "adapter/core.py is not there": lambda host: (
        below(host, CONTENT) / "adapter/core.py"
    ).unlink(),
    "adapter/core.py has been changed": lambda host: (
        below(host, CONTENT) / "adapter/core.py"
    ).write_text(""),
    "is not there (and ": lambda host: shutil.rmtree(below(host, CONTENT) / "roles"),
    "playbooks has been changed": lambda host: _lead_elsewhere(
        below(host, CONTENT) / "collections/ansible_collections/ceph_orch/ansible/playbooks"
    ),
}


def _lead_elsewhere(link: Path) -> None:
    link.unlink()
    link.symlink_to("/tmp")


@pytest.mark.parametrize("says", BROKEN)
def test_what_is_wrong_is_named(host: Path, says: str) -> None:
    BROKEN[says](host)
    lacks = read(host)["lacks"]
    assert says.rstrip() in lacks
    assert len(lacks) <= 256


def test_without_a_manifest_what_ceph_mgr_loads_counts(host: Path) -> None:
    for path in (CONTENT, MODULE):
        (below(host, path) / "installed.json").unlink()
    assert read(host) == {"version": "", "lacks": "", "python": "", "job_lacks": ""}
    (below(host, CONTENT) / "ansible.cfg").unlink()
    assert read(host)["lacks"].endswith("ansible.cfg is not there")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"files": []}', '{"files": {"x": 5}}', "\xff"])
def test_a_manifest_that_says_nothing_is_survived(host: Path, text: str) -> None:
    (below(host, MODULE) / "installed.json").write_text(text, encoding="latin-1")
    assert isinstance(read(host)["lacks"], str)


def test_a_directory_in_place_of_a_file_is_a_change(host: Path) -> None:
    path = below(host, CONTENT) / "ansible.cfg"
    path.unlink()
    os.mkdir(path)
    assert read(host)["lacks"].endswith("ansible.cfg has been changed")


def installed_for(host: Path, answer: str, status: int = 0) -> str:
    """Let the backend be installed for an interpreter that answers so; return what it lacks."""
    python = host / "python"
    python.write_text(f"#!/bin/sh\necho '{answer}'\nexit {status}\n", encoding="utf-8")
    python.chmod(0o755)
    path = below(host, CONTENT) / "installed.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "python": str(python)}), encoding="utf-8")
    found = read(host)
    assert (found["python"], found["lacks"]) == (str(python), "")
    return str(found["job_lacks"])


def test_what_runs_playbooks_is_part_of_it(host: Path) -> None:
    assert installed_for(host, "") == ""
    said = installed_for(host, "ansible ansible_runner")
    assert said.endswith(
        "python lacks ansible (package ansible-core), ansible_runner (package "
        "python3-ansible-runner)"
    )


def test_an_interpreter_that_does_not_answer_is_none(host: Path) -> None:
    assert installed_for(host, "", status=1)


@pytest.mark.parametrize("needs", [["yaml"], "yaml", 5, None])
def test_needs_that_say_nothing_are_survived(host: Path, needs: Any) -> None:
    path = below(host, CONTENT) / "installed.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "python": sys.executable, "needs": needs}))
    assert isinstance(read(host)["job_lacks"], str)


def test_a_real_interpreter_is_asked(host: Path) -> None:
    path = below(host, CONTENT) / "installed.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    needs = {"json": "python3", "no_such_module": "a-package"}
    path.write_text(json.dumps({**manifest, "python": sys.executable, "needs": needs}))
    assert "lacks no_such_module (package a-package)" in read(host)["job_lacks"]


@pytest.mark.parametrize(
    ("flag", "free", "says"),
    [
        (os.ST_RDONLY, 1 << 20, "is read-only"),
        (0, 100, "has less than 16 MiB free"),
        (0, 1 << 20, ""),
    ],
)
def test_a_state_directory_without_room_is_a_lack(
    host: Path, flag: int, free: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = below(host, "/var/lib/ceph/orch-ansible")
    state.mkdir(parents=True, exist_ok=True)
    place = SimpleNamespace(f_flag=flag, f_bavail=free, f_frsize=4096)
    monkeypatch.setattr("os.statvfs", lambda path: place if str(path) == str(state) else None)
    assert installed_for(host, "").endswith(says)
