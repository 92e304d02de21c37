"""Engines whose jobs are run by ansible-runner, on the same fixtures as the unit tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from adapter.engine.local import LocalEngine
from tests.unit.engine.conftest import files, make_engine, prober, sshd, state  # noqa: F401
from tests.unit.engine.harness import Engines


@pytest.fixture(scope="session")
def has_ansible() -> None:
    if importlib.util.find_spec("ansible_runner") is None:
        pytest.skip("ansible-runner is not installed")
    if not Path(sys.executable).with_name("ansible-playbook").exists():
        pytest.skip("ansible-playbook is not installed beside this Python")


@pytest.fixture
def engine(make_engine: Engines, has_ansible: None) -> LocalEngine:  # noqa: F811
    return make_engine()
