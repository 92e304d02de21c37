"""One OSD after the other: what is down or about to be counts, whatever the statistics say."""

from __future__ import annotations

import pytest

from adapter.errors import AdapterError
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


@pytest.fixture(autouse=True)
def stale(full: Cluster) -> None:
    full.monitors.stale = True


def stop(cluster: Cluster, name: str, *, force: bool = False) -> str:
    return str(raise_if_exception(cluster.orchestrator.daemon_action("stop", name, force=force)))


def test_an_osd_that_is_down_counts_before_the_statistics_show_it(full: Cluster) -> None:
    full.monitors.osds[0].up = False
    with pytest.raises(AdapterError, match=r"osd.2 cannot be stopped now: 3 PGs would be inactive"):
        stop(full, "osd.2")
    assert stop(full, "osd.2", force=True).startswith("Scheduled to stop osd.2")


def test_an_osd_that_is_being_stopped_counts_before_it_is_down(full: Cluster) -> None:
    stop(full, "osd.0")
    with pytest.raises(AdapterError, match="would be inactive"):
        stop(full, "osd.2")
    full.settle(30)
    assert stop(full, "osd.2").startswith("Scheduled to stop osd.2")


def test_a_destroyed_osd_is_in_nobodys_way(full: Cluster) -> None:
    full.monitors.osds[0].up = False
    full.monitors.osds[0].destroyed = True
    assert stop(full, "osd.2").startswith("Scheduled to stop osd.2")
