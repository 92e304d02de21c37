"""Fixtures for the tests of the reconciler."""

from __future__ import annotations

import pytest

from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, drive_group


@pytest.fixture
def cluster() -> Cluster:
    """Return three hosts with two free disks each, all known to the orchestrator."""
    return Cluster()


@pytest.fixture
def full(cluster: Cluster) -> Cluster:
    """Return a cluster with six OSDs of the drive group ``osd.all``, two on each host."""
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle()
    cluster.requests.clear()
    cluster.monitors.log.clear()
    return cluster
