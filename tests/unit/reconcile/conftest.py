"""Fixtures for the tests of the reconciler."""

from __future__ import annotations

from typing import Iterator

import pytest

from adapter.interface import raise_if_exception
from adapter.reconcile import parts
from tests.unit.reconcile.fake_cluster import Cluster, drive_group


@pytest.fixture(autouse=True)
def no_part_fails(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Fail where a part of the loop failed unexpectedly: the loop logs that and goes on."""
    yield
    if request.node.get_closest_marker("part_fails") is None:
        records = [each for each in caplog.get_records("call") if each.name == parts.__name__]
        assert [each.getMessage() for each in records] == []


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


@pytest.fixture
def whole(full: Cluster) -> Cluster:
    """Return a cluster with three monitors and managers, whose OSDs can be missed."""
    for host in ("h2", "h3"):
        for kind in ("mon", "mgr"):
            full.daemons[host, kind, host] = "running"
    full.monitors.mons = ["h1", "h2", "h3"]
    full.monitors.managers = ["h1", "h2", "h3"]
    full.monitors.quorum_counts = True
    full.monitors.can_stop = {0, 1, 2, 3, 4, 5}
    full.report(3)
    full.requests.clear()
    full.monitors.log.clear()
    full.now += 100.0
    return full
