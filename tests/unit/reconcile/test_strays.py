"""What runs for the cluster and nobody looks after is named, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import List

import pytest

from adapter.cluster.strays import GRACE
from adapter.interface import HostSpec, MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

HOST, DAEMON = "ANSIBLE_STRAY_HOST", "ANSIBLE_STRAY_DAEMON"
# A round of the fake loop takes two seconds, and where daemons are is read each 15 s.
ROUNDS = int(GRACE / 2) + 12


def said(cluster: Cluster, code: str) -> List[str]:
    check = cluster.orchestrator.health.checks().get(code) or {"detail": []}
    return list(check["detail"])


def nothing(cluster: Cluster) -> bool:
    return not said(cluster, HOST) and not said(cluster, DAEMON)


@pytest.fixture
def left(cluster: Cluster) -> Cluster:
    """Return a cluster of whose hosts one was removed with a monitor and an OSD on it."""
    cluster.monitors.mons.append("h3")
    cluster.daemons["h3", "mon", "h3"] = "running"
    cluster.report()
    raise_if_exception(cluster.orchestrator.remove_host("h3", force=True))
    return cluster


def test_what_a_removed_host_runs_is_named_after_a_while(left: Cluster) -> None:
    left.settle(10)
    assert nothing(left)
    left.settle(ROUNDS)
    (line,) = said(left, HOST)
    assert line.startswith("host h3 is not managed, and mon.h3 of this cluster run on it")
    assert "`ceph orch host add h3 ADDR`" in line
    assert not said(left, DAEMON)


def test_it_is_over_when_the_host_is_managed_again(left: Cluster) -> None:
    left.settle(ROUNDS)
    raise_if_exception(left.orchestrator.add_host(HostSpec("h3", "10.0.0.3")))
    left.report()
    assert nothing(left)


def test_it_is_over_when_the_daemon_has_left_the_quorum(left: Cluster) -> None:
    left.settle(ROUNDS)
    left.monitors.out_of_quorum.append("h3")
    left.settle()
    assert nothing(left)


def test_a_host_that_has_not_reported_may_have_any_name(left: Cluster) -> None:
    left.settle(ROUNDS)
    raise_if_exception(left.orchestrator.add_host(HostSpec("node3", "10.0.0.9")))
    left.core.reports.forget("node3")
    left.settle(2)
    assert nothing(left)


@pytest.mark.parametrize("kind", ["mds", "rgw"])
def test_a_daemon_that_its_host_does_not_know(cluster: Cluster, kind: str) -> None:
    cluster.monitors.elsewhere[f"{kind}.byhand"] = "h2"
    cluster.settle(ROUNDS)
    assert nothing(cluster), "its host has not been asked since"
    cluster.report()
    (line,) = said(cluster, DAEMON)
    assert line.startswith(f"{kind}.byhand on host h2 runs for this cluster, and no systemd unit")
    del cluster.monitors.elsewhere[f"{kind}.byhand"]
    cluster.settle(20)
    assert nothing(cluster)


def test_its_host_is_asked_as_soon_as_it_is_seen(cluster: Cluster) -> None:
    assert not cluster.core.refresh.pending("h2")
    cluster.monitors.elsewhere["mds.byhand"] = "h2"
    cluster.settle(12)
    assert cluster.core.refresh.pending("h2")


def test_one_that_its_host_reports_without_any_service_is_listed_and_no_stray(
    cluster: Cluster,
) -> None:
    cluster.monitors.elsewhere["mds.byhand"] = "h2"
    cluster.daemons["h2", "mds", "byhand"] = "running"
    cluster.report(ROUNDS)
    assert nothing(cluster)


def test_a_daemon_that_was_just_made_or_removed_is_none(cluster: Cluster) -> None:
    cluster.serving()
    spec = MDSSpec(service_id="fs", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)
    ((_, _, name),) = [key for key in cluster.daemons if key[1] == "mds"]
    cluster.monitors.elsewhere[f"mds.{name}"] = "h2"
    cluster.report(ROUNDS)
    assert nothing(cluster)
    del cluster.daemons["h2", "mds", name]
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.fs", True))
    cluster.report(int(GRACE / 2) - 5)
    assert nothing(cluster), "the maps have it for a while still"


def test_a_manager_that_has_just_begun_waits_as_long(left: Cluster) -> None:
    left.settle(ROUNDS)
    left.start_anew()
    left.settle(10)
    assert nothing(left)
    left.settle(ROUNDS)
    assert said(left, HOST)


def test_each_can_be_turned_off(left: Cluster) -> None:
    left.monitors.elsewhere["mds.byhand"] = "h2"
    left.settle(ROUNDS)
    left.report()
    assert said(left, HOST)
    assert said(left, DAEMON)
    left.core.configure(replace(left.core.settings, warn_on_stray_hosts=False))
    assert not said(left, HOST)
    assert said(left, DAEMON)
    left.core.configure(replace(left.core.settings, warn_on_stray_daemons=False))
    assert nothing(left)
