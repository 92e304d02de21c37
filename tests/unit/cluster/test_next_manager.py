"""Everything that one manager keeps is what the next one reads: every field of every record."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Callable, Dict

import pytest

from adapter.cluster.daemon_actions import DaemonAction, DaemonActions
from adapter.cluster.deployments import Deployment, Deployments
from adapter.cluster.drains import Drain
from adapter.cluster.hosts import Host, Hosts
from adapter.cluster.osd_intents import Intent, Intents
from adapter.cluster.osd_owners import DestroyedOsd, OsdOwners
from adapter.cluster.osd_plan import Disk, Group
from adapter.cluster.osd_removals import Removal, Removals, Stage
from adapter.cluster.service_actions import ServiceAction, ServiceActions
from adapter.cluster.set_options import ServiceSettings, SetOptions
from adapter.cluster.specs import OsdClaims, Specs, Wanted
from adapter.cluster.store import MemoryStore
from adapter.cluster.unused_keys import MONS, UnusedKey, UnusedKeys
from adapter.interface import ServiceSpec

# By kind: what is not in the record, because the next look finds it again.
NOT_KEPT = {"action": ("reason",)}
UUID = "0b8f5ac8-1f0a-4f8a-9a5b-3f4a5b6c7d8e"
DISK = Disk("/dev/vdb", 10**12, "VENDOR_1")
EVERY: Dict[str, Any] = {
    "host": Host(
        hostname="h1",
        addr="10.0.0.1",
        labels=("a", "b"),
        status="maintenance",
        keys=("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8XkTkvVjUe6Kq8AhnwL0Ktow/Mjwz9nH0cHqJbyl6W",),
        machine_id="m1",
        python="/usr/bin/python3.11",
        location={"rack": "r1"},
        connection="local",
        spec_labels=("osd",),
        added=5.0,
        dropped_labels=("c",),
        drain=Drain(6.0, ("b",), ((7, UUID),), zap=True, begun=True, done=8.0),
    ),
    "spec": Wanted(
        ServiceSpec.from_json({"service_type": "mon", "placement": {"count": 3}}),
        created=1.0,
        deleted=2.0,
        claims=OsdClaims(frozenset({("h1", "a")}), frozenset({("h2", "b")}), frozenset({"h3"})),
        had=3,
        applied=6.0,
    ),
    "intent": Intent(
        "h1",
        (
            Group(
                (DISK,),
                (Disk("/dev/vdc", 1, "x"),),
                (Disk("/dev/vdd", 2, "y"),),
                (7,),
                {"encrypted": True},
            ),
        ),
        asked=3.0,
        begun=("/dev/vdb",),
        by_hand=("/dev/vdb",),
        unwanted=("/dev/vdb",),
    ),
    "removal": Removal(
        osd_id=7,
        uuid=UUID,
        host="h1",
        stage=Stage.CLEANING,
        replace=True,
        force=True,
        zap=True,
        no_destroy=True,
        service="osd.big",
        disks=("VENDOR_1",),
        crush_weight=1.5,
        was_in=False,
        epoch=11,
        asked=1.0,
        drain_started=2.0,
        drain_done=3.0,
        asked_stop=True,
        stopped=True,
        empty=True,
        up_from=9,
        taken=True,
        label=UUID,
        left=12,
        asked_wipe=True,
        cleaned=True,
        places=(("/dev/vdb", "VENDOR_1"),),
        weights=((-3, 1.5), (-9, 0.5)),
        drain="h1",
        hostname="node1",
        pgs_before=9,
        pgs=4,
        reason="waiting",
        tries=2,
    ),
    "action": ServiceAction(
        "osd.big", "restart", ("osd.1",), ("osd.2",), 5.0, "waiting", {"osd.1": 2}, 7, 9
    ),
    "daemon_action": DaemonAction(
        "service.mds.a", "stop", ("mds.a", "mds.b"), "mds.a", force=True, asked=5.0
    ),
    "daemon_added": DaemonAction(
        "mds.a", "add", ("mds.a",), "mds.a", force=True, asked=5.0, host="h1", network="10.0.0.0/24"
    ),
    "unused_key": UnusedKey("mds", "a", "h1", "job-1", 6.0),
    "removed_mon": UnusedKey("mon", "h1", "h1", "job-1", 6.0),
    "deployment": Deployment(
        *("rgw", "a.h1.abcdef", "rgw.a", (8000,), "10.0.0.1", ("rgw_frontends",), "d1", 7.0, True),
        files="f1",
        rank=1,
    ),
    "settings": ServiceSettings(
        "rgw.a",
        frozenset({("client.rgw.a", "rgw_zone")}),
        8.0,
        {("client.rgw.a", "rgw_zone"): "old"},
    ),
    "destroyed": DestroyedOsd(7, "h1", "osd.big", ("VENDOR_1",), ("VENDOR_2",)),
}


def _intents(store: MemoryStore, record: Intent) -> None:
    intents = Intents(store)
    intents.add(record.host, record.groups, record.asked, by_hand=True)
    intents.begin(record.host)
    intents.give_up(record.host)


# By kind: how a manager keeps a record, and how the next one gets it.
KEEPERS: Dict[str, Callable[[MemoryStore, Any], Any]] = {
    "host": lambda store, record: Hosts(store).save(record),
    "spec": lambda store, record: Specs(store).save(record),
    "intent": _intents,
    "removal": lambda store, record: Removals(store).save(record),
    "action": lambda store, record: ServiceActions(store).save(record),
    "daemon_action": lambda store, record: DaemonActions(store).save(record),
    "daemon_added": lambda store, record: DaemonActions(store).save(record),
    "unused_key": lambda store, record: UnusedKeys(store).save(record),
    "removed_mon": lambda store, record: UnusedKeys(store, MONS).save(record),
    "deployment": lambda store, record: Deployments(store).save("h1", [record]),
    "settings": lambda store, record: SetOptions(store).save(
        record.service, record.options, record.changed, record.before
    ),
    "destroyed": lambda store, record: OsdOwners(store).keep_destroyed(record),
}
READERS: Dict[str, Callable[[MemoryStore], Any]] = {
    "host": lambda store: Hosts(store).get("h1"),
    "spec": lambda store: Specs(store).get("mon"),
    "intent": lambda store: Intents(store).all()[0],
    "removal": lambda store: Removals(store).get(7),
    "action": lambda store: ServiceActions(store).get("osd.big"),
    "daemon_action": lambda store: DaemonActions(store).all()[0],
    "daemon_added": lambda store: DaemonActions(store).all()[0],
    "unused_key": lambda store: UnusedKeys(store).all()[0],
    "removed_mon": lambda store: UnusedKeys(store, MONS).all()[0],
    "deployment": lambda store: Deployments(store).get("h1", "rgw.a.h1.abcdef"),
    "settings": lambda store: SetOptions(store).get("rgw.a"),
    "destroyed": lambda store: OsdOwners(store).destroyed(7),
}


@pytest.mark.parametrize("kind", EVERY)
def test_the_next_manager_reads_every_field(kind: str) -> None:
    store, record = MemoryStore(), EVERY[kind]
    KEEPERS[kind](store, record)
    found = READERS[kind](store)
    names = [each.name for each in fields(record) if each.name not in NOT_KEPT.get(kind, ())]
    lost = {name for name in names if getattr(found, name) != getattr(record, name)}
    assert not lost


@pytest.mark.parametrize("kind", EVERY)
def test_no_field_stands_at_its_default(kind: str) -> None:
    """One that does would be read the same where it is forgotten."""
    record = EVERY[kind]
    if kind == "daemon_action":
        # What is only of one that is added stands in the next record.
        record = replace(record, host="h1", network="10.0.0.0/24")
    assert not [each.name for each in fields(record) if getattr(record, each.name) == each.default]
