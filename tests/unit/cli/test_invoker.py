"""The invoker is written for review as hosts get it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from adapter import __version__
from tests.unit.cli.door import Door


def test_it_is_written_for_review(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "invoker"

    said = door.run("invoker", "write", str(path)).stdout

    assert f"version {__version__}" in said
    assert f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}" in said
    assert path.read_bytes().startswith(b"#!/usr/bin/python3 -IS\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "is there already" in door.refused("invoker", "write", str(path))


@pytest.mark.parametrize("name", ["none/invoker", "."])
def test_a_place_that_cannot_be_written(door: Door, tmp_path: Path, name: str) -> None:
    door.refused("invoker", "write", str(tmp_path / name), status=1 if "/" in name else 2)
