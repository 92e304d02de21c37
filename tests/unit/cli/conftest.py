"""Fixtures for the tests of the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.door import Door


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """Return the command on an empty directory, with an engine that answers at once."""
    return Door(tmp_path)


@pytest.fixture
def three(door: Door) -> Door:
    """Return the command on a directory with the hosts h1, h2, h10."""
    for number in (1, 2, 10):
        door.run("host", "add", f"h{number}", f"10.0.0.{number}", "--labels", "osd")
    door.requests.clear()
    return door
