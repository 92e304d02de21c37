"""Who owns an OSD, and that another one with its id is nobody's yet."""

from __future__ import annotations

from adapter.cluster.osd_map import Osd, OsdMap
from adapter.cluster.osd_owners import NO_SERVICE, DestroyedOsd, OsdOwners, PendingOsd
from adapter.cluster.store import MemoryStore


def osd_map(*osds: Osd) -> OsdMap:
    return OsdMap(epoch=1, osds={osd.osd_id: osd for osd in osds})


def test_an_owner_that_somebody_set_lasts_as_long_as_the_osd() -> None:
    store = MemoryStore()
    owners = OsdOwners(store)
    one, two = Osd(0, uuid="a", up=True), Osd(1, uuid="b", up=True)
    owners.assign([one, two], "osd.lab")
    owners.follow(osd_map(one, two))
    assert OsdOwners(store).service_of(0) == "osd.lab"

    owners.follow(osd_map(two))
    assert owners.service_of(0) == NO_SERVICE
    assert owners.service_of(1) == "osd.lab"

    destroyed = Osd(1, uuid="", destroyed=True)
    owners.follow(osd_map(destroyed))
    assert owners.service_of(1) == "osd.lab"
    owners.follow(osd_map(Osd(1, uuid="c", up=True)))
    assert OsdOwners(store).service_of(1) == NO_SERVICE


def test_a_new_osd_does_not_take_over_from_one_that_went_while_nobody_looked() -> None:
    store = MemoryStore()
    OsdOwners(store).assign([Osd(0, uuid="a", up=True)], "osd.lab")
    owners = OsdOwners(store)

    owners.follow(osd_map())
    owners.follow(osd_map(Osd(3, uuid="x", up=True)))
    assert owners.service_of(0) == "osd.lab", "the map may be older than the OSD"
    owners.follow(osd_map(Osd(0, uuid="z", up=True)))
    assert owners.service_of(0) == NO_SERVICE


def test_a_host_that_was_added_under_another_name_keeps_the_ids_that_wait_on_it() -> None:
    owners = OsdOwners(MemoryStore())
    owners.keep_destroyed(DestroyedOsd(1, "h1", "osd.lab", ("A",)))
    owners.keep_pending(2, PendingOsd("h1", "osd.lab"))
    destroyed = Osd(1, uuid="", destroyed=True, host="h1")
    assert owners.free_ids(osd_map(destroyed), "h1") == [1]

    owners.learn({}, {"h1": "h1.example", "h1.example": "h1.example"}.get)
    assert owners.free_ids(osd_map(destroyed), "h1.example") == [1]
    assert owners.free_ids(osd_map(destroyed), "h1") == []
    assert owners.on_host("osd.lab", "h1.example", osd_map(destroyed)) == {2}
