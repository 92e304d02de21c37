"""The wheel: one package at the top level, and playbooks that run from where pip puts them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict, Set

import pytest

from adapter.cli.content import COLLECTION, LINKED, PARTS
from tests.integration.content.runs import BIN, ROOT

SHARE = "ceph_orch_ansible-0.1.0.data/data/share/ceph-orch-ansible"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built with what this environment has."""
    pytest.importorskip("hatchling", reason="what builds the wheel is not here")
    target = tmp_path_factory.mktemp("wheel")
    script = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    argv = [sys.executable, "-c", script, str(target)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (found,) = target.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> Set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_nothing_of_ours_but_the_package_is_at_the_top_level(names: Set[str]) -> None:
    """`plugins`, `roles` or `tests` there would be found by others as theirs."""
    top = {name.split("/")[0] for name in names}

    assert top == {"adapter", "ceph_orch_ansible-0.1.0.dist-info", SHARE.split("/")[0]}
    assert {name.split("/")[1] for name in names if name.startswith(SHARE.split("/")[0])} == {
        "data"
    }


def test_content_and_collection_are_whole(names: Set[str]) -> None:
    def files(folder: str) -> Set[str]:
        found = {path for path in (ROOT / folder).rglob("*") if path.is_file()}
        return {str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts}

    inside = {name[len(SHARE) + 1 :] for name in names if name.startswith(SHARE)}
    for part in PARTS:
        assert (files(part) or {part}) <= inside
    for part in LINKED:
        assert {f"{COLLECTION}/{name}" for name in files(part) or {part}} <= inside


def test_a_playbook_runs_from_where_pip_puts_it(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    share = tmp_path / SHARE
    kept: Dict[str, str] = {key: value for key, value in os.environ.items() if "ANSIBLE" not in key}
    argv = [str(BIN / "ansible-playbook"), "playbooks/get_hosts.yml", "-i", "h1,", "-c", "local"]

    done = subprocess.run(
        [*argv, "-e", f"ansible_python_interpreter={sys.executable}"],
        cwd=share,
        env={**kept, "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
