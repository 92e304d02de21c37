"""What somebody changes in the store with his own hands is read again within seconds."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from adapter.cluster.osd_owners import DestroyedOsd
from adapter.interface import (
    DeviceSelection,
    DriveGroupSpec,
    MDSSpec,
    PlacementSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import drive_group
from tests.unit.reconcile.over_monitors import KeptCluster
from tests.unit.reconcile.test_odd_records import GOOD


def known(cluster: KeptCluster, key: str) -> Any:
    """Return what is known of a record."""
    core, (kind, _, name) = cluster.core, key.partition(".")
    found: Dict[str, Any] = {
        "host": lambda: name in core.hosts or None,
        "spec": lambda: core.specs.find(name),
        "osd_creation": lambda: core.intents.paths(name) or None,
        "osd_removal": lambda: core.removals.get(77),
        "osd_owner": lambda: core.owners.service_of(77) == "osd.y" or None,
        "osd_vacant": lambda: core.owners.destroyed(77),
        "osd_made": lambda: core.owners.service_of(77) == "osd.y" or None,
        "service_action": lambda: core.actions.get(name),
        "daemon_action": lambda: core.daemon_actions.all() or None,
        "settings": lambda: core.set_options.get(name).options or None,
        "unused_key": lambda: core.unused_keys.all() or None,
    }
    return found[kind]()


def group() -> DriveGroupSpec:
    return drive_group("x", data_devices=DeviceSelection(size="1G:"))


@pytest.fixture
def cluster() -> KeptCluster:
    cluster = KeptCluster()
    cluster.core.reload()
    return cluster


@pytest.mark.parametrize("key", GOOD)
def test_every_kind_is_taken_over_named_and_forgotten(cluster: KeptCluster, key: str) -> None:
    assert known(cluster, key) is None
    cluster.write(key, json.dumps(GOOD[key]))
    assert known(cluster, key) is not None

    cluster.write(key, "xx")
    assert list(cluster.bad_records()) == [key]
    assert known(cluster, key) is None

    cluster.write(key, json.dumps(GOOD[key]))
    assert cluster.bad_records() == {}
    assert known(cluster, key) is not None

    cluster.write(key, None)
    assert known(cluster, key) is None


def test_what_is_changed_counts(cluster: KeptCluster) -> None:
    cluster.write("osd_vacant.77", json.dumps({"host": "h1"}))
    cluster.write("osd_vacant.77", json.dumps({"host": "h2"}))

    assert cluster.core.owners.destroyed(77) == DestroyedOsd(77, "h2")


def test_a_spec_that_is_written_by_hand_is_brought_about(cluster: KeptCluster) -> None:
    record = {"spec": MDSSpec(service_id="x", placement=PlacementSpec(count=2)).to_json()}
    cluster.write("spec.mds.x", json.dumps(record))
    cluster.settle()

    assert len([kind for _, kind, _ in cluster.daemons if kind == "mds"]) == 2


def test_how_far_a_removal_is_survives(cluster: KeptCluster) -> None:
    cluster.write("osd_removal.77", json.dumps(GOOD["osd_removal.77"]))
    cluster.settle(2)
    before = cluster.core.removals.get(77)
    assert before is not None
    assert "older than the removal" in before.reason
    cluster.write("osd_removal.78", "xx")

    assert cluster.core.removals.get(77) == before


def test_nothing_is_read_again_where_nothing_has_changed(cluster: KeptCluster) -> None:
    serials = cluster.core.state_serials()
    cluster.core.reload()

    assert cluster.core.state_serials() == serials


def test_a_job_ends_with_the_record_that_it_was_begun_with(cluster: KeptCluster) -> None:
    raise_if_exception(cluster.orchestrator.apply([group()]))
    cluster.orchestrator.reconciler.step(cluster.now)
    busy = cluster.core.intents.paths("h1")
    text = cluster.value("osd_creation.h1")
    assert busy
    cluster.write("osd_creation.h1", "xx")

    assert list(cluster.bad_records()) == ["osd_creation.h1"]
    assert cluster.core.intents.paths("h1") == busy
    cluster.write("osd_creation.h1", text)
    assert cluster.bad_records() == {}
    cluster.settle()
    assert len(cluster.monitors.osds) == 6
    assert cluster.core.intents.all() == []


def test_what_was_made_unreadable_under_a_job_is_not_written_over(cluster: KeptCluster) -> None:
    mds = MDSSpec(service_id="x", placement=PlacementSpec(count=2))
    raise_if_exception(cluster.orchestrator.apply([group(), mds]))
    cluster.orchestrator.reconciler.step(cluster.now)
    cluster.write("osd_creation.h1", "xx")
    cluster.settle()
    assert len(cluster.monitors.osds) == 6
    assert cluster.value("osd_creation.h1") == "xx"
    cluster.core.reload()
    assert cluster.core.intents.all() == []

    raise_if_exception(cluster.orchestrator.service_action("restart", "mds.x"))
    cluster.orchestrator.reconciler.step(cluster.now + 100)
    assert any(not job.status.final for job in cluster.engine.jobs())
    cluster.write("service_action.mds.x", "xx")
    cluster.settle()
    assert cluster.value("service_action.mds.x") == "xx"
    assert "service_action.mds.x" in cluster.bad_records()


def test_a_removal_made_unreadable_under_a_job_is_left_alone(cluster: KeptCluster) -> None:
    raise_if_exception(cluster.orchestrator.apply([group()]))
    cluster.settle()
    raise_if_exception(cluster.orchestrator.remove_osds(["0", "1"], force=True))
    while all(job.status.final for job in cluster.engine.jobs()):
        cluster.now += 2.0
        cluster.orchestrator.reconciler.step(cluster.now)
    cluster.write("osd_removal.0", "xx")
    cluster.settle()

    assert list(cluster.bad_records()) == ["osd_removal.0"]
    assert cluster.value("osd_removal.0") == "xx"
    assert (0 in cluster.monitors.osds, 1 in cluster.monitors.osds) == (True, False)
