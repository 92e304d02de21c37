"""Disks of an OSD that somebody else purged wait for a whole while of calm, each time anew."""

from __future__ import annotations

from adapter.cluster.osd_removals import Stage
from adapter.interface import raise_if_exception
from adapter.reconcile.osd_copies import CALM_FOR
from tests.unit.reconcile.fake_cluster import Cluster


def test_the_time_of_calm_begins_anew_when_an_osd_was_back(full: Cluster) -> None:
    monitors = full.monitors
    monitors.pg_num = monitors.osds[0].pgs = monitors.osds[1].pgs = 3
    raise_if_exception(full.orchestrator.remove_osds(["0"], zap=True))
    full.settle(2)

    def purge() -> None:
        monitors.epoch += 1
        del monitors.osds[0]
        full.step()
        full.step()
        assert full.core.removals.all()[0].stage is Stage.CLEANING

    osd = monitors.osds[0]
    purge()
    full.now += CALM_FOR - 6
    full.step()
    assert full.wiped == []

    # Its daemon ran on and is in the map again; then it is purged once more.
    monitors.osds[0] = osd
    monitors.epoch += 1
    full.settle(2)
    assert full.core.removals.all()[0].stage is Stage.DRAINING
    full.now += CALM_FOR
    purge()
    assert full.wiped == []
    full.settle(20)
    assert full.wiped == ["osd.0"]
