"""A daemon that no host reports may be one of the cluster all the same: that is said."""

from __future__ import annotations

import pytest

from adapter.errors import AdapterError, UnknownName
from adapter.interface import raise_if_exception
from adapter.reconcile.ownership import read_places
from tests.unit.reconcile.fake_cluster import Cluster, drive_group


@pytest.fixture
def made(cluster: Cluster) -> Cluster:
    raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h2")]))
    cluster.settle()
    for osd in cluster.monitors.osds.values():
        osd.up = False
    read_places(cluster.core)
    return cluster


def start(cluster: Cluster, name: str) -> None:
    raise_if_exception(cluster.orchestrator.daemon_action("start", name))


def test_of_a_host_that_has_not_reported_to_this_manager(made: Cluster) -> None:
    """A manager that has just taken over, and does not reach the host."""
    made.core.reports.forget("h2")
    made.offline("h2")
    said = r"osd\.0 is on host 'h2'.*has not reported to this manager yet: .+"
    with pytest.raises(AdapterError, match=said):
        start(made, "osd.0")


def test_of_a_host_that_was_installed_anew(made: Cluster) -> None:
    report = made._report("h2")
    made.core.reports.absorb("h2", {**report, "daemons": []}, 2.0)
    with pytest.raises(AdapterError, match="daemon add osd h2:DEVICE --skip-validation"):
        start(made, "osd.0")


def test_of_none(made: Cluster) -> None:
    with pytest.raises(UnknownName, match=r"There is no daemon 'mds\.x'"):
        start(made, "mds.x")
