"""What waits during a pause is all that would be done, and is dropped as a whole."""

from __future__ import annotations

import time
from typing import Any, Dict, List

import pytest

from adapter.cluster.osd_plan import Disk, Group
from adapter.errors import AdapterError
from adapter.interface import (
    OrchestratorError,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from adapter.reconcile.pauses import unless_paused
from tests.unit.reconcile.fake_cluster import Cluster, drive_group
from tests.unit.reconcile.fake_hosts import GIB
from tests.unit.reconcile.over_monitors import KeptCluster

NOTHING = "Nothing is to be done"


@pytest.fixture
def cluster() -> KeptCluster:
    """Return three hosts whose records are with the monitors, with a metadata server on two."""
    cluster = KeptCluster()
    apply(cluster.serving())
    return cluster


def apply(cluster: Cluster, **values: Any) -> None:
    spec = ServiceSpec("mds", "fs", placement=PlacementSpec(hosts=["h1", "h2"]), **values)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)


def rows(cluster: Cluster) -> List[str]:
    return [f"{row['what']}: {row['step']}" for row in cluster.orchestrator.pending.rows()]


def on(cluster: Cluster, host: str) -> List[str]:
    return sorted(name for where, kind, name in cluster.daemons if (where, kind) == (host, "mds"))


def test_options_that_specs_would_set_are_named_and_not_set(cluster: Cluster) -> None:
    cluster.orchestrator.pause()
    apply(cluster, config={"mds_cache_memory_limit": "2147483648"})
    assert any("monitors' configuration would change" in row for row in rows(cluster))
    said = str(cluster.orchestrator.health.checks()["ANSIBLE_PAUSED"])
    assert "mds_cache_memory_limit" in said
    assert "mds_cache_memory_limit" in cluster.orchestrator.pending.drop()
    cluster.settle(40)
    assert not any(option == "mds_cache_memory_limit" for _, option in cluster.core.maps.settings())
    assert cluster.core.specs.get("mds.fs").spec.unmanaged


def test_nothing_is_dropped_while_the_monitors_do_not_say_what_they_have(cluster: Cluster) -> None:
    cluster.orchestrator.pause()
    cluster.monitors.silent = True
    with pytest.raises(OrchestratorError):
        cluster.orchestrator.pending.drop()
    assert cluster.core.paused


def test_daemons_that_are_to_be_deployed_again_are_named(cluster: Cluster) -> None:
    (name,) = on(cluster, "h1")
    cluster.orchestrator.pause()
    apply(cluster, config={"mds_cache_memory_limit": "2147483648"})
    cluster.daemons["h1", "mds", name] = "error"
    cluster.report(4)
    found = " ".join(rows(cluster))
    assert f"mds.{name} on h1 would be deployed again" in found
    cluster.orchestrator.pending.drop()
    before = len(cluster.requests)
    cluster.report(40)
    jobs = [each.operation for each in cluster.requests[before:]]
    assert set(jobs) <= {"get_inventory", "add_host_label"}


def remove_without_end(cluster: Cluster) -> str:
    """Ask for a daemon to be removed whose host no job reaches, and return its name."""
    spec = ServiceSpec("mds", "fs", placement=PlacementSpec(hosts=["h1", "h2"]), unmanaged=True)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    (name,) = on(cluster, "h2")
    cluster.unreached.add("h2")
    raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{name}"]))
    cluster.settle(4)
    return f"mds.{name}"


def test_a_removal_that_did_not_reach_its_host_is_done_once_it_does(cluster: Cluster) -> None:
    remove_without_end(cluster)
    cluster.unreached.clear()
    # Behind every back-off.
    cluster.now = time.monotonic() + 3600
    cluster.report(40)
    assert on(cluster, "h2") == []


def test_a_removal_that_did_not_reach_its_host_is_named_and_dropped(cluster: Cluster) -> None:
    name = remove_without_end(cluster)
    cluster.orchestrator.pause()
    cluster.unreached.clear()
    cluster.report(4)
    assert f"{name}: its removal from host h2 would go on" in rows(cluster)
    assert name in cluster.orchestrator.pending.drop()
    cluster.report(40)
    assert len(on(cluster, "h2")) == 1
    assert rows(cluster) == []


def group() -> Group:
    options: Dict[str, Any] = {"method": "raw", "osdspec": "all", "osds_per_device": 1}
    return Group((Disk("/dev/sdb", 8 * GIB, "IDh2b"),), options=options)


@pytest.mark.parametrize("begun", [False, True])
def test_a_disk_that_was_asked_for_is_not_taken_by_its_drive_group_either(
    cluster: Cluster, begun: bool
) -> None:
    """As long as it is to be made an OSD the drive group does not plan it again."""
    cluster.orchestrator.pause()
    raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h2")]))
    for claims in cluster.free.values():
        del claims[1:]
    cluster.core.intents.add("h2", (group(),), 0.0)
    if begun:
        cluster.core.intents.begin("h2")
    cluster.report(2)
    said = cluster.orchestrator.pending.drop()
    assert "OSDs of 1 disk(s) would be made on h2" in said
    assert ("one that was begun is completed" in said) is begun
    cluster.report(40)
    assert [osd.disk for osd in cluster.monitors.osds.values() if osd.host == "h2"] == []
    assert cluster.core.intents.all() == []
    assert cluster.core.specs.get("osd.all").spec.unmanaged
    assert cluster.orchestrator.pending.drop() == NOTHING


def test_what_was_begun_is_completed_and_said(cluster: Cluster) -> None:
    cluster.orchestrator.pause()
    cluster.core.intents.add("h2", (group(),), 0.0, by_hand=True)
    cluster.core.intents.begin("h2")
    cluster.used["h2"] = [cluster.free["h2"].pop(0)]
    cluster.report(2)
    cluster.orchestrator.pending.drop()
    assert any("what was begun of 1 disk(s) on h2 is completed" in row for row in rows(cluster))
    cluster.report(40)
    assert cluster.core.intents.all() == []


def test_daemons_that_a_changed_spec_restarts_are_named(cluster: Cluster) -> None:
    for port in (8100, 8200):
        placement = PlacementSpec(hosts=["h1"])
        spec = RGWSpec(service_id="pc", placement=placement, rgw_frontend_port=port)
        raise_if_exception(cluster.orchestrator.apply([spec]))
        if port == 8100:
            cluster.settle(30)
            cluster.orchestrator.pause()
    (row,) = rows(cluster)
    assert row.startswith("rgw.pc: it would restart rgw.pc.h1")
    assert "rgw_frontends changed" in row


@pytest.mark.parametrize("key", ["osd_removal.5", "host.h3", "spec.mds.fs", "unused_key.mds.x"])
def test_a_record_that_cannot_be_used_may_say_anything(cluster: KeptCluster, key: str) -> None:
    cluster.orchestrator.pause()
    cluster.write(key, "nonsense")
    cluster.settle(2)
    assert any(row.startswith(f"record {key}: it cannot be used") for row in rows(cluster))
    with pytest.raises(AdapterError, match=f"Nothing is dropped: record {key}: it cannot be used"):
        cluster.orchestrator.pending.drop()
    assert cluster.core.paused


def test_a_job_that_waits_for_its_turn_does_not_begin_during_a_pause(cluster: Cluster) -> None:
    ask = unless_paused(cluster.core)
    ask("job")
    cluster.orchestrator.pause()
    with pytest.raises(AdapterError, match="nothing is done by itself"):
        ask("job")
