"""An installed tree is run from only where nobody else can have written it."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from plugins.module_utils.host.backend_tree import digest_of, unpack
from tests.unit.modes import UMASKS, modes, umask


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree as an installation makes it."""
    top = tmp_path / "tree"
    for name in (
        "adapter/cli/app.py",
        "adapter/cli/__pycache__/app.pyc",
        "bin/orch",
        "ansible.cfg",
    ):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    for path in [top, *top.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return top


OPEN: Dict[str, Callable[[Path], Any]] = {
    "the tree": lambda top: top.chmod(0o777),
    "a directory": lambda top: (top / "adapter").chmod(0o775),
    "a file": lambda top: (top / "adapter/cli/app.py").chmod(0o666),
    "byte code": lambda top: (top / "adapter/cli/__pycache__/app.pyc").chmod(0o666),
    "its directory": lambda top: (top / "adapter/cli/__pycache__").chmod(0o777),
    "the command": lambda top: (top / "bin").chmod(0o777),
}


@pytest.mark.parametrize("case", OPEN)
def test_a_tree_that_others_could_write_is_none(tree: Path, case: str) -> None:
    """It would run as root to mend itself; so it is sent anew, and that one runs."""
    assert digest_of(str(tree))
    OPEN[case](tree)
    assert digest_of(str(tree)) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_tree_with_a_file_of_somebody_else_is_none(tree: Path) -> None:
    os.chown(tree / "adapter/cli/__pycache__/app.pyc", 1234, 1234)
    assert digest_of(str(tree)) == ""


@pytest.mark.parametrize("mask", UMASKS)
def test_what_is_unpacked_has_its_modes(tmp_path: Path, mask: int) -> None:
    archive = tmp_path / "tree.tar.gz"
    with tarfile.open(archive, "w:gz") as made:
        member = tarfile.TarInfo("adapter/cli/app.py")
        member.size, member.mode = 1, 0o777
        made.addfile(member, io.BytesIO(b"x"))
    top = tmp_path / "out"
    top.mkdir(mode=0o700)
    top.chmod(0o700)

    with umask(mask):
        unpack(str(archive), str(top))

    assert modes(top) == {
        ".": 0o700,
        "adapter": 0o755,
        "adapter/cli": 0o755,
        "adapter/cli/app.py": 0o644,
    }
