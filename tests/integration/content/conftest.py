"""What the tests of the playbooks share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.content.installed import Installed
from tests.integration.content.runs import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """This machine, with a directory of its own."""
    return Machine(tmp_path)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The collection as ansible-galaxy builds and installs it."""
    return Installed(tmp_path_factory.mktemp("galaxy"))
