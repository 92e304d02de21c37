"""Specs of before take nothing away when nobody has managed the hosts for a while."""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Optional

import pytest

from adapter.cluster.bad_records import PRESENT
from adapter.cluster.store import MemoryStore
from adapter.errors import AdapterError, NotKept
from adapter.interface import (
    DeviceSelection,
    HostSpec,
    PlacementSpec,
    ServiceSpec,
    raise_if_exception,
)
from adapter.reconcile.absence import AWAY, FORGOTTEN, Absence
from tests.unit.reconcile.fake_cluster import Cluster, drive_group


class FullOfPresence(MemoryStore):
    """A store that takes all records but the one that a manager is there."""

    def __init__(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        for name, record in hosts.items():
            self.set(f"host.{name}", record)

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Refuse that one."""
        if key == PRESENT:
            raise NotKept(key, 16, "the monitors refuse it", "Ask again.")
        super().set(key, record)


def apply(cluster: Cluster, spec: Any) -> None:
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)


def mds(*hosts: str) -> ServiceSpec:
    return ServiceSpec("mds", "fs", placement=PlacementSpec(hosts=list(hosts)))


def come_back(cluster: Cluster, seconds: float) -> None:
    """Let a manager begin, so many seconds after the last one was there."""
    cluster.store.set(PRESENT, {"at": 1000.0})
    cluster.start_anew()
    reconciler = cluster.orchestrator.reconciler
    reconciler.absence = Absence(cluster.core, reconciler.pending, clock=lambda: 1000.0 + seconds)


def at(cluster: Cluster, host: str) -> List[str]:
    return sorted(name for where, kind, name in cluster.daemons if (where, kind) == (host, "mds"))


@pytest.fixture
def moved(cluster: Cluster) -> Cluster:
    """Return a cluster in which somebody has put a daemon elsewhere by hand."""
    apply(cluster, mds("h1", "h2"))
    (name,) = at(cluster, "h2")
    cluster.daemons["h3", "mds", "fs.h3.byhand"] = cluster.daemons.pop(("h2", "mds", name))
    return cluster


def health(cluster: Cluster) -> str:
    return str(cluster.orchestrator.health.checks().get("ANSIBLE_PAUSED", ""))


def test_what_specs_of_before_would_remove_runs_on(moved: Cluster) -> None:
    come_back(moved, AWAY + 1)
    moved.report(20)
    assert at(moved, "h3") == ["fs.h3.byhand"]
    assert moved.core.paused
    said = health(moved)
    assert "nobody managed the hosts since 1970-01-01 00:16:40Z" in said
    assert "mds.fs: mds.fs.h3.byhand on h3 would be removed (placement h1;h2" in said
    assert "mds.fs: daemons would be deployed on h2" in said
    assert "`ceph orch resume` goes on" in said
    assert [row["what"] for row in moved.orchestrator.pending.rows()] == ["mds.fs", "mds.fs"]


def test_one_command_puts_them_in_force(moved: Cluster) -> None:
    come_back(moved, AWAY + 1)
    moved.report(20)
    moved.orchestrator.resume()
    moved.settle(40)
    assert at(moved, "h3") == []
    assert len(at(moved, "h2")) == 1
    assert health(moved) == ""


def test_one_command_drops_them(moved: Cluster) -> None:
    come_back(moved, AWAY + 1)
    moved.report(20)
    said = moved.orchestrator.pending.drop()
    assert "mds.fs.h3.byhand" in said
    moved.settle(20)
    assert at(moved, "h3") == ["fs.h3.byhand"]
    assert not moved.core.paused
    assert moved.core.specs.get("mds.fs").spec.unmanaged
    assert moved.orchestrator.pending.drop() == "Nothing is to be done"


def test_a_fail_over_is_no_absence(moved: Cluster) -> None:
    come_back(moved, AWAY - 1)
    moved.report(40)
    assert at(moved, "h3") == []
    assert not moved.core.paused


def test_nothing_rests_where_nothing_would_go(cluster: Cluster) -> None:
    apply(cluster, mds("h1", "h2"))
    come_back(cluster, FORGOTTEN + 1)
    cluster.report(20)
    assert not cluster.core.paused
    apply(cluster, mds("h1"))
    assert at(cluster, "h2") == []


def test_an_osd_that_was_to_be_removed_goes_on_after_minutes_but_not_after_days(
    cluster: Cluster,
) -> None:
    apply(cluster, drive_group("all"))
    cluster.monitors.osds[0].pgs = 9
    raise_if_exception(cluster.orchestrator.remove_osds(["0"]))
    cluster.settle(3)
    come_back(cluster, AWAY + 1)
    cluster.report(3)
    assert not cluster.core.paused
    come_back(cluster, FORGOTTEN + 1)
    cluster.report(3)
    assert cluster.core.paused
    assert "osd.0: its removal would go on" in health(cluster)
    cluster.orchestrator.pending.drop()
    assert cluster.core.removals.all() == []


def test_nothing_is_done_before_the_hosts_have_reported(moved: Cluster) -> None:
    come_back(moved, AWAY + 1)
    moved.core.refresh.track([])
    moved.core.refresh.track(["h1", "h2", "h3"])
    moved.settle(20)
    assert at(moved, "h3") == ["fs.h3.byhand"]
    assert not moved.core.paused
    with pytest.raises(AdapterError, match="first reports of the hosts"):
        moved.orchestrator.pending.rows()


def test_that_somebody_is_there_is_written_and_not_with_each_round(cluster: Cluster) -> None:
    apply(cluster, mds("h1"))
    come_back(cluster, 10)
    cluster.step()
    assert cluster.store.get(PRESENT) == {"at": 1010}
    cluster.store.set(PRESENT, {"at": 5.0})
    cluster.settle(10)
    assert cluster.store.get(PRESENT) == {"at": 5.0}
    cluster.settle(40)
    assert cluster.store.get(PRESENT) == {"at": 1010}


@pytest.mark.parametrize("record", [{"at": 0}, {"at": "x"}, {}])
def test_disabled_on_purpose_or_unreadable_counts_as_long_ago(moved: Cluster, record: Any) -> None:
    come_back(moved, 0)
    moved.store.set(PRESENT, record)
    moved.report(20)
    assert moved.core.paused


def test_what_would_go_on_a_host_that_is_offline_counts(moved: Cluster) -> None:
    """It would go when the host is back."""
    come_back(moved, AWAY + 1)
    moved.offline("h3")
    moved.settle(20)
    assert moved.core.paused
    assert "mds.fs.h3.byhand on h3 would be removed" in health(moved)
    moved.orchestrator.pending.drop()
    assert moved.core.specs.get("mds.fs").spec.unmanaged


def test_a_host_of_which_nothing_is_known_may_run_anything(moved: Cluster) -> None:
    del moved.daemons["h3", "mds", "fs.h3.byhand"]
    come_back(moved, AWAY + 1)
    moved.core.refresh.track(["h1", "h2"])
    moved.core.refresh.track(["h1", "h2", "h3"])
    # Its report fails, or it is offline: the one of before is old.
    moved.core.refresh.failed("h3", "no route to host", 1.0)
    moved.settle(20)
    assert moved.core.paused
    assert "host h3: it has not reported to this manager" in health(moved)
    (row,) = [row for row in moved.orchestrator.pending.rows() if row["what"] == "host h3"]
    assert not row["asked_for"]
    with pytest.raises(AdapterError, match="Nothing is dropped: host h3: it has not reported"):
        moved.orchestrator.pending.drop()
    assert moved.core.paused
    moved.report(2)
    moved.orchestrator.pending.drop()
    assert not moved.core.paused


def test_that_nobody_can_write_that_somebody_is_there_holds_nothing(cluster: Cluster) -> None:
    cluster.start_anew(FullOfPresence(cluster.store.items("host")))
    reconciler = cluster.orchestrator.reconciler
    reconciler.absence = Absence(cluster.core, reconciler.pending)
    cluster.report(2)
    apply(cluster, mds("h1", "h2"))
    assert PRESENT in cluster.core.unkept.reasons(cluster.now)
    assert len(at(cluster, "h2")) == 1


def test_a_drive_group_of_a_host_that_is_offline_is_dropped_too(cluster: Cluster) -> None:
    apply(cluster, drive_group("big", data_devices=DeviceSelection(size="1G:")))
    cluster.orchestrator.pause()
    cluster.offline("h3")
    cluster.settle(2)
    assert "OSDs may be made on h3" in cluster.orchestrator.pending.drop()
    assert cluster.core.specs.get("osd.big").spec.unmanaged


def test_a_directory_that_holds_hosts_and_services_is_the_only_one(cluster: Cluster) -> None:
    """What is added here besides could not be given back to one holder."""
    cluster.store.set("state.holder", {"machine": "h1", "directory": "/root/.orch-ansible"})
    cluster.orchestrator.pause()
    held = r"held by /root/\.orch-ansible on h1"
    for asked in (
        lambda: cluster.orchestrator.apply([mds("h1")]),
        lambda: cluster.orchestrator.add_host(HostSpec("h9", "10.0.0.9")),
    ):
        with pytest.raises(AdapterError, match=held):
            raise_if_exception(asked())
    for host in list(cluster.core.hosts.all()):
        raise_if_exception(cluster.orchestrator.remove_host(host.hostname, force=True))
    told = str(cluster.orchestrator.health.checks())
    assert "nothing is done by itself" in told
    assert re.search(held, told), "the administrator's pause does not hide who holds them"
