"""Fixtures for the tests of the reconciler."""

from __future__ import annotations

import pytest

from tests.unit.reconcile.twin import Cluster


@pytest.fixture
def cluster() -> Cluster:
    """Return three hosts with two free disks each, all known to the orchestrator."""
    return Cluster()
