"""A record that cannot be read is not one that is not there: what depends on it waits."""

from __future__ import annotations

import json
from typing import List

import pytest

from adapter.cluster.hosts import Host
from adapter.cluster.osd_owners import DestroyedOsd
from adapter.engine.ssh import ProbeResult
from adapter.errors import NotReady
from adapter.interface import (
    DeviceSelection,
    HostSpec,
    MDSSpec,
    PlacementSpec,
    RGWSpec,
    raise_if_exception,
)
from tests.unit.mgr.fake_mon import PREFIX
from tests.unit.reconcile.over_monitors import KeptCluster
from tests.unit.reconcile.records import apply, group, refused, where

KINDS = (
    "host.h9",
    "spec.mds.x",
    "osd_removal.4",
    "osd_creation.h1",
    "osd_owner.4",
    "osd_vacant.4",
    "osd_made.4",
    "service_action.mds.x",
    "daemon_action.mds.x",
    "state.paused",
)


def daemons(cluster: KeptCluster, kind: str) -> List[str]:
    return sorted(host for host, each, _ in cluster.daemons if each == kind)


@pytest.fixture
def cluster() -> KeptCluster:
    return KeptCluster()


@pytest.mark.parametrize("key", KINDS)
@pytest.mark.parametrize("text", ["xx", "[]", "{", '{"a": 1}', '"x"', '{"stage": 3}'])
def test_every_kind_is_named_with_a_remedy_and_stays(
    cluster: KeptCluster, key: str, text: str
) -> None:
    cluster.spoil(key, text)
    cluster.settle()

    line = cluster.bad_records()[key]
    assert f"`ceph config-key get mgr/ansible/{key}`" in line
    assert "writes it anew" in line or f"`ceph config-key rm mgr/ansible/{key}`" in line
    assert len(line) < 500, "health would cut it"
    assert cluster.value(key) == text


@pytest.mark.parametrize("key", ["osd_vacant.x", "osd_owner.²", "osd_made.-1", "osd_removal.7"])
def test_a_record_whose_name_does_not_fit_is_named(cluster: KeptCluster, key: str) -> None:
    removal = {"osd_id": 8, "uuid": "u", "host": "h1", "stage": "draining", "service": "osd.x"}
    cluster.spoil(key, json.dumps(removal))

    assert list(cluster.bad_records()) == [key]


def test_a_record_that_is_repaired_by_hand_is_taken_over(cluster: KeptCluster) -> None:
    apply(cluster, MDSSpec(service_id="x", placement=PlacementSpec(count=1)))
    text = cluster.value("spec.mds.x") or ""
    destroyed = json.dumps({"host": "h1", "service": "osd", "disks": []})
    cluster.spoil("spec.mds.x")
    cluster.spoil("osd_vacant.3")
    cluster.core.reload()
    cluster.write("spec.mds.x", text)
    cluster.write("osd_vacant.3", destroyed)

    assert cluster.bad_records() == {}
    assert cluster.core.specs.find("mds.x") is not None
    assert cluster.core.owners.destroyed(3) == DestroyedOsd(3, "h1")


# Hosts.


def test_services_stay_as_they_are_while_a_host_cannot_be_read(cluster: KeptCluster) -> None:
    apply(cluster, MDSSpec(service_id="x", placement=PlacementSpec(count=2)))
    apply(cluster, MDSSpec(service_id="gone", placement=PlacementSpec(count=3)))
    cluster.settle()
    before = dict(cluster.daemons)
    text = cluster.value("host.h1") or ""
    cluster.spoil("host.h1", "{")
    assert "host.h1" in raise_if_exception(cluster.orchestrator.remove_service("mds.gone"))
    said = apply(cluster, MDSSpec(service_id="y", placement=PlacementSpec(count=2)))
    cluster.settle()

    assert cluster.daemons == before
    assert cluster.core.specs.find("mds.gone") is not None
    assert "waiting until the record host.h1 can be used again" in said
    assert cluster.core.held() in said

    cluster.spoil("host.h1", text)
    cluster.settle(30)
    assert cluster.core.held() == ""
    assert cluster.core.specs.find("mds.gone") is None
    assert len(daemons(cluster, "mds")) == 4


def test_no_osd_is_planned_while_a_host_cannot_be_read(cluster: KeptCluster) -> None:
    text = cluster.value("host.h2") or ""
    cluster.spoil("host.h2", "{}")
    said = apply(cluster, group())
    cluster.settle()

    assert where(cluster) == []
    assert "host.h2" in said
    every = group("all", data_devices=DeviceSelection(all=True))
    assert "host.h2" in refused(cluster.orchestrator.apply([every]))
    assert cluster.core.specs.find("osd.all") is None
    rows = raise_if_exception(cluster.orchestrator.plan([group("b")]))
    assert "host.h2" in rows[0]["error"]

    cluster.spoil("host.h2", text)
    cluster.settle()
    assert len(where(cluster)) == 6


def test_commands_about_a_host_that_cannot_be_read_name_its_record(cluster: KeptCluster) -> None:
    cluster.spoil("host.h2", "[]")
    orchestrator = cluster.orchestrator
    for result in (
        orchestrator.add_host_label("h2", "x"),
        orchestrator.remove_host("h2"),
        orchestrator.zap_device("h2", "/dev/sdb"),
        orchestrator.apply([MDSSpec(service_id="x", placement=PlacementSpec(hosts=["h2"]))]),
    ):
        assert "host.h2" in refused(result)
    one = MDSSpec(service_id="x", placement=PlacementSpec(count=1))
    assert "host.h2" in raise_if_exception(orchestrator.plan([one]))[0]["error"]
    assert cluster.value("host.h2") == "[]"


def test_adding_a_host_again_writes_its_record_anew(cluster: KeptCluster) -> None:
    cluster.spoil("host.h2")
    raise_if_exception(cluster.orchestrator.add_host(HostSpec("h2", "10.0.0.2")))

    assert cluster.bad_records() == {}
    cluster.core.reload()
    assert "h2" in cluster.core.hosts


def test_a_host_that_cannot_be_read_is_removed_when_it_is_asked_for(cluster: KeptCluster) -> None:
    cluster.write("host.h2", "xx")
    assert cluster.core.reports.get("h2") is not None
    raise_if_exception(
        cluster.orchestrator.remove_host("h2", offline=True, force=True, rm_crush_entry=True)
    )

    assert cluster.value("host.h2") is None
    assert cluster.core.held() == ""
    # As of any host that is removed: what it said last must not count when it is added again.
    assert cluster.core.reports.get("h2") is None
    assert "crush remove h2" in cluster.monitors.log


# The pause.


@pytest.mark.parametrize("text", ["xx", "{}", '{"paused": "no"}', "false"])
def test_a_pause_that_cannot_be_read_is_a_pause(cluster: KeptCluster, text: str) -> None:
    cluster.spoil("state.paused", text)
    apply(cluster, group())
    cluster.settle()
    assert cluster.core.paused
    assert where(cluster) == []
    assert "is treated as paused" in cluster.bad_records()["state.paused"]

    cluster.orchestrator.resume()
    assert cluster.value("state.paused") is None
    cluster.settle()
    assert cluster.bad_records() == {}
    assert len(where(cluster)) == 6


def test_pausing_writes_it_anew(cluster: KeptCluster) -> None:
    cluster.spoil("state.paused")
    cluster.orchestrator.pause()

    record = json.loads(str(cluster.value("state.paused")))
    assert (record["paused"], record["why"]) == (True, "")
    assert cluster.bad_records() == {}


# Services.


def test_a_service_whose_spec_cannot_be_read_is_left_exactly_alone(cluster: KeptCluster) -> None:
    apply(cluster, MDSSpec(service_id="x", placement=PlacementSpec(count=2)))
    cluster.settle()
    before = dict(cluster.daemons)
    cluster.spoil("spec.mds.x")
    cluster.settle()
    assert cluster.daemons == before
    orchestrator = cluster.orchestrator

    (row,) = raise_if_exception(orchestrator.describe_service(service_name="mds.x"))
    assert row.running == 2
    assert "its record cannot be used" in row.events[-1].message
    one = MDSSpec(service_id="x", placement=PlacementSpec(hosts=["h3"]))
    for result in (
        orchestrator.set_unmanaged("mds.x", True),
        orchestrator.add_daemon(one),
        orchestrator.service_action("redeploy", "mds.x"),
    ):
        assert "spec.mds.x" in refused(result)
    assert "Skipped" in raise_if_exception(orchestrator.apply([one], no_overwrite=True))[0]
    assert cluster.value("spec.mds.x") == "xx"

    apply(cluster, MDSSpec(service_id="x", placement=PlacementSpec(count=1)))
    cluster.settle()
    assert cluster.bad_records() == {}
    assert len(daemons(cluster, "mds")) == 1


def test_removing_a_service_whose_spec_cannot_be_read_leaves_its_daemons(
    cluster: KeptCluster,
) -> None:
    apply(cluster, MDSSpec(service_id="x", placement=PlacementSpec(count=2)))
    cluster.settle()
    cluster.spoil("spec.mds.x")
    text = raise_if_exception(cluster.orchestrator.remove_service("mds.x"))
    cluster.settle()

    assert "its daemons run on" in text
    assert cluster.value("spec.mds.x") is None
    assert len(daemons(cluster, "mds")) == 2


def test_a_service_without_daemons_is_listed_too(cluster: KeptCluster) -> None:
    cluster.spoil("spec.rgw.x")
    cluster.spoil("spec.nonsense.x")

    names = [
        each.spec.service_name()
        for each in raise_if_exception(cluster.orchestrator.describe_service())
    ]
    assert "rgw.x" in names
    assert not any("nonsense" in name for name in names)


def test_a_gateway_waits_where_the_port_of_another_cannot_be_read(cluster: KeptCluster) -> None:
    cluster.spoil("spec.rgw.x")
    one = RGWSpec(service_id="y", placement=PlacementSpec(count=1))
    assert "spec.rgw.x" in refused(cluster.orchestrator.apply([one]))

    apply(cluster, RGWSpec(service_id="x", placement=PlacementSpec(count=1), rgw_frontend_port=81))
    apply(cluster, one)


# Restarts.


def test_a_restart_that_cannot_be_read_is_begun_anew(cluster: KeptCluster) -> None:
    apply(cluster, MDSSpec(service_id="x", placement=PlacementSpec(count=1)))
    cluster.settle()
    cluster.spoil("service_action.mds.x")
    cluster.settle()
    assert cluster.value("service_action.mds.x") == "xx"

    raise_if_exception(cluster.orchestrator.service_action("restart", "mds.x"))
    assert cluster.bad_records() == {}
    cluster.settle()
    assert cluster.value("service_action.mds.x") is None


def test_what_is_held_says_how_many(cluster: KeptCluster) -> None:
    for number in range(10, 20):
        cluster.keys.values[f"{PREFIX}host.h{number}"] = "xx"
    cluster.start_anew()

    assert "and 5 more" in cluster.core.held()
    assert isinstance(cluster.core.hosts.get("h1"), Host)
    with pytest.raises(NotReady):
        cluster.core.hosts.get("h10")


def test_a_host_that_is_added_again_keeps_the_labels_that_it_had(cluster: KeptCluster) -> None:
    """The host's own record has them: without them services would leave it."""
    cluster.spoil("host.h3")
    known = ProbeResult(True, hostname="h3", cluster="F51D", labels=("mon",))
    cluster.ssh.prober.answers["10.0.0.3"] = known
    text = raise_if_exception(cluster.orchestrator.add_host(HostSpec("h3", "10.0.0.3")))

    assert "and the labels that it had (mon)" in text
    assert cluster.core.hosts.get("h3").labels == ("mon",)


@pytest.mark.parametrize("record", ["host.h3", ""])
def test_a_new_host_has_the_labels_that_were_given(cluster: KeptCluster, record: str) -> None:
    if record:
        cluster.spoil(record)
    else:
        raise_if_exception(cluster.orchestrator.remove_host("h3", force=True))
    known = ProbeResult(True, hostname="h3", cluster="F51D", labels=("mon",))
    cluster.ssh.prober.answers["10.0.0.3"] = known
    given = ["a"] if record else []
    raise_if_exception(cluster.orchestrator.add_host(HostSpec("h3", "10.0.0.3", labels=given)))
    assert list(cluster.core.hosts.get("h3").labels) == given
