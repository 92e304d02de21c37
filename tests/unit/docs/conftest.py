"""Fixtures for the tests of documents."""

from __future__ import annotations

import pytest

from tests.unit.methods.world import World


@pytest.fixture
def world() -> World:
    """Return an orchestrator on in-memory collaborators."""
    return World()
