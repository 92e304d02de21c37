"""A record of OSDs that cannot be read: what is made or leaves meanwhile, and what waits."""

from __future__ import annotations

import pytest

from adapter.cluster.osd_owners import PendingOsd
from adapter.errors import UnreadableRecord
from adapter.interface import DeviceSelection, raise_if_exception
from tests.unit.mgr.fake_mon import PREFIX
from tests.unit.reconcile.fake_cluster import drive_group
from tests.unit.reconcile.over_monitors import KeptCluster
from tests.unit.reconcile.records import apply, group, refused, where


@pytest.fixture
def cluster() -> KeptCluster:
    return KeptCluster()


# OSDs that are made.


def test_a_host_whose_osds_being_made_cannot_be_read_gets_no_others(cluster: KeptCluster) -> None:
    cluster.spoil("osd_creation.h2")
    text = apply(cluster, group())
    cluster.settle()

    assert [path for path in where(cluster) if path.startswith("h2")] == []
    assert len(where(cluster)) == 4
    assert "h2: the record osd_creation.h2 cannot be used" in text
    spec = drive_group("", "h2", data_devices=DeviceSelection(paths=["/dev/sdb"]))
    for result in (
        cluster.orchestrator.create_osds(spec),
        cluster.orchestrator.zap_device("h2", "/dev/sdb"),
    ):
        assert "osd_creation.h2" in refused(result)
    with pytest.raises(UnreadableRecord):
        cluster.core.intents.add("h2", (), 0.0)
    assert cluster.value("osd_creation.h2") == "xx"


def test_what_nobody_can_read_of_a_host_goes_with_the_host(cluster: KeptCluster) -> None:
    """Mended later, it would have OSDs made on the host when it is added again."""
    cluster.spoil("osd_creation.h2")
    cluster.spoil("osd_removal.7")
    cluster.settle()
    cluster.offline("h2")
    text = raise_if_exception(cluster.orchestrator.remove_host("h2", force=True, offline=True))
    assert "OSDs that were to be made there are not made; their record could not be read" in text
    assert "The records of the removals of osd.7 cannot be used" in text
    assert cluster.value("osd_creation.h2") is None
    assert cluster.value("osd_removal.7") == "xx"


def destroy_first(cluster: KeptCluster) -> None:
    """Have an OSD destroyed whose disk is gone."""
    apply(cluster, group())
    cluster.settle()
    raise_if_exception(cluster.orchestrator.remove_osds(["0"], replace=True))
    cluster.settle()
    assert cluster.monitors.osds[0].destroyed


def test_an_id_is_not_handed_out_while_nobody_knows_whose_it_was(cluster: KeptCluster) -> None:
    destroy_first(cluster)
    text = cluster.value("osd_vacant.0") or ""
    cluster.spoil("osd_vacant.0")
    cluster.free["h1"] = ["/dev/sdx"]
    cluster.report()
    assert cluster.monitors.osds[0].destroyed
    assert cluster.value("osd_vacant.0") == "xx"
    assert cluster.core.owners.free_ids(cluster.orchestrator.reconciler.osd_map, "h1") == []  # type: ignore[arg-type]

    cluster.spoil("osd_vacant.0", text)
    assert cluster.core.owners.free_ids(cluster.orchestrator.reconciler.osd_map, "h1") == [0]  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["osd_owner.5", "osd_made.5"])
def test_no_osd_is_planned_while_nobody_knows_whose_one_is(cluster: KeptCluster, key: str) -> None:
    cluster.spoil(key)
    said = apply(cluster, group())
    cluster.settle()

    assert where(cluster) == []
    assert key in said
    assert cluster.value(key) == "xx"
    del cluster.keys.values[PREFIX + key]
    cluster.start_anew()
    cluster.settle()
    assert len(where(cluster)) == 6


def test_where_an_osd_was_made_need_not_be_known_once_it_says_so(cluster: KeptCluster) -> None:
    apply(cluster, group(data_devices=DeviceSelection(size="1G:", limit=1)))
    cluster.settle()
    cluster.spoil("osd_made.1")
    cluster.settle()

    assert cluster.core.held_osds() == ""
    assert "osd_made.1" in cluster.bad_records()
    cluster.core.owners.keep_pending(1, PendingOsd("h1"))
    assert cluster.bad_records() == {}


def test_an_owner_is_written_anew(cluster: KeptCluster) -> None:
    apply(cluster, group())
    cluster.settle()
    cluster.spoil("osd_owner.2")
    raise_if_exception(cluster.orchestrator.set_osd_spec("osd.x", ["2"]))

    assert (cluster.bad_records(), cluster.core.held_osds()) == ({}, "")


# OSDs that leave.


def test_a_removal_that_cannot_be_read_stays_until_it_is_ended_and_asked_for_again(
    cluster: KeptCluster,
) -> None:
    apply(cluster, group())
    cluster.settle()
    cluster.spoil("osd_removal.2")
    cluster.settle()
    assert cluster.value("osd_removal.2") == "xx"
    assert 2 in cluster.monitors.osds

    raise_if_exception(cluster.orchestrator.stop_remove_osds(["2"]))
    raise_if_exception(cluster.orchestrator.remove_osds(["2"]))
    assert cluster.bad_records() == {}
    cluster.settle()
    assert 2 not in cluster.monitors.osds


def test_a_removal_that_cannot_be_read_can_be_stopped(cluster: KeptCluster) -> None:
    apply(cluster, group())
    cluster.settle()
    cluster.monitors.osds[3].pgs = 4
    raise_if_exception(cluster.orchestrator.remove_osds(["3"]))
    cluster.settle(2)
    cluster.spoil("osd_removal.2")
    text = raise_if_exception(cluster.orchestrator.stop_remove_osds(["2", "3"]))

    assert "osd.2" in text.partition("; ")[0]
    assert "not known" in text.partition("; ")[2]
    assert cluster.value("osd_removal.2") is None
    assert cluster.core.removals.all() == []
    assert cluster.monitors.osds[3].weight == 1.0
