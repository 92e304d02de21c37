"""Fixtures for the tests of packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.door import Door


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """Return the command on an empty directory."""
    return Door(tmp_path)
