"""What the tests of the playbooks share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.content.runs import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """This machine, with a directory of its own."""
    return Machine(tmp_path)
