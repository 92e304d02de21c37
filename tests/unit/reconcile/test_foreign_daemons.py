"""What a host reports of another host's daemon is named, and nothing is done by it."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.errors import AdapterError
from adapter.interface import MDSSpec, PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.fake_crush import Daemon

MIRRORS = ("rbd-mirror", "cephfs-mirror")


def leave(cluster: Cluster, host: str, kind: str, identity: str, state: str = "stopped") -> None:
    """Leave a unit on a host, as a cloned image does."""
    cluster.daemons[host, kind, identity] = state
    cluster.report()


def warnings(cluster: Cluster) -> List[str]:
    check = cluster.orchestrator.health.checks().get("ANSIBLE_FOREIGN_DAEMON") or {"detail": []}
    return list(check["detail"])


def listed(cluster: Cluster, **filters: Any) -> List[str]:
    found = raise_if_exception(cluster.orchestrator.list_daemons(**filters))
    return sorted(f"{each.name()} {each.hostname}" for each in found)


def changing(cluster: Cluster) -> List[str]:
    reading = ("get_inventory", "add_host", "add_host_label")
    return [name for name, _ in cluster.operations() if name not in reading]


def keep(cluster: Cluster, kind: str, *hosts: str) -> None:
    """Keep a service on hosts."""
    spec = ServiceSpec(kind, placement=PlacementSpec(hosts=list(hosts)))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)


@pytest.mark.parametrize("state", ["stopped", "running", "error"])
def test_a_left_over_mon_takes_no_mon_out_of_the_map(cluster: Cluster, state: str) -> None:
    keep(cluster, "mon", "h1", "h2")
    jobs = len(changing(cluster))
    leave(cluster, "h3", "mon", "h1", state)
    assert cluster.monitors.mons == ["h1", "h2"]
    assert not [each for each in cluster.monitors.log if each.startswith("mon rm")]
    assert len(changing(cluster)) == jobs
    (line,) = warnings(cluster)
    assert line.startswith("mon.h1 on host h3 (mon@h1) belongs to host h1: ")
    assert "ANSIBLE_DAEMON_FAILED" not in cluster.orchestrator.health.checks()


def test_a_left_over_manager_costs_no_key(cluster: Cluster) -> None:
    cluster.monitors.keys.append("mgr.h1")
    keep(cluster, "mgr", "h1", "h2")
    # A standby could go at once.
    cluster.monitors.managers = ["h2", "h1"]
    jobs = len(changing(cluster))
    leave(cluster, "h3", "mgr", "h1")
    assert "mgr.h1" in cluster.monitors.keys
    assert len(changing(cluster)) == jobs
    assert len(warnings(cluster)) == 1


@pytest.mark.parametrize("kind", MIRRORS)
def test_a_left_over_mirror_costs_no_key(full: Cluster, kind: str) -> None:
    cluster = full
    keep(cluster, kind, "h1")
    (identity,) = [name for _, each, name in cluster.daemons if each == kind]
    cluster.monitors.elsewhere[f"{kind}.{identity}"] = "h1"
    jobs = len(changing(cluster))
    leave(cluster, "h3", kind, identity)
    assert f"client.{kind}.{identity}" in cluster.monitors.keys
    assert len(changing(cluster)) == jobs
    assert ("h1", kind, identity) in cluster.daemons


def test_an_adopted_daemon_with_another_hosts_name_is_where_the_cluster_has_it(
    cluster: Cluster,
) -> None:
    cluster.monitors.managers.append("h2")
    cluster.monitors.elsewhere["mgr.h2"] = "h3"
    leave(cluster, "h3", "mgr", "h2", "running")
    assert warnings(cluster) == []
    assert "mgr.h2 h3" in listed(cluster, service_name="mgr")


def test_no_name_is_listed_twice_and_no_service_counts_it(cluster: Cluster) -> None:
    leave(cluster, "h3", "mon", "h1", "running")
    assert listed(cluster, daemon_type="mon") == ["mon.h1 h1", "mon.h1@h3 h3"]
    assert listed(cluster, service_name="mon") == ["mon.h1 h1"]
    assert listed(cluster, daemon_id="h1", daemon_type="mon") == ["mon.h1 h1"]
    (found,) = raise_if_exception(cluster.orchestrator.describe_service(service_name="mon"))
    assert (found.size, found.running) == (1, 1)
    (daemon,) = raise_if_exception(cluster.orchestrator.list_daemons(daemon_id="h1@h3"))
    assert daemon.status_desc == "belongs to h1"
    assert int(daemon.status) == -1


def test_nothing_is_done_to_it_by_any_name(cluster: Cluster) -> None:
    leave(cluster, "h3", "mon", "h2")
    jobs, call = len(cluster.requests), cluster.orchestrator
    for name in ("mon.h2", "mon.h2@h3"):
        for answer in (
            call.remove_daemons([name]),
            *(call.daemon_action(each, name, force=True) for each in ("start", "stop", "redeploy")),
        ):
            with pytest.raises(AdapterError, match=r"on host h3 .* belongs to host h2"):
                raise_if_exception(answer)
    assert len(cluster.requests) == jobs


def test_a_name_acts_where_its_daemon_is(cluster: Cluster) -> None:
    keep(cluster, "mgr", "h1", "h2")
    # By name this row would come first.
    leave(cluster, "h1", "mgr", "h2")
    raise_if_exception(cluster.orchestrator.daemon_action("stop", "mgr.h2"))
    cluster.settle(1)
    (request,) = [each for each in cluster.requests if each.operation == "daemon_action"]
    assert request.variables["daemon_action_units"] == {"h2": ["mgr@h2"]}


def test_an_osd_whose_disk_has_moved_is_started_where_it_is_now(cluster: Cluster) -> None:
    cluster.daemons["h1", "osd", "7"] = "stopped"
    cluster.daemons["h3", "osd", "7"] = "running"
    cluster.monitors.elsewhere["osd.7"] = "h3"
    cluster.monitors.osds[7] = Daemon("h3", "/dev/sdz", "0b8f5ac8-1f0a-4f8a-9a5b-3f4a5b6c7d07")
    cluster.report()
    raise_if_exception(cluster.orchestrator.daemon_action("start", "osd.7"))
    cluster.settle(1)
    (request,) = [each for each in cluster.requests if each.operation == "daemon_action"]
    assert list(request.variables["daemon_action_units"]) == ["h3"]


def test_the_monitors_are_asked_at_the_moment_of_the_act(cluster: Cluster) -> None:
    keep(cluster, "mgr", "h1", "h2")
    jobs, call = len(cluster.requests), cluster.orchestrator
    # What was read last is older than this.
    cluster.monitors.elsewhere["mgr.h2"] = "h3"
    for answer in (
        call.remove_daemons(["mgr.h2"]),
        call.daemon_action("stop", "mgr.h2", force=True),
        call.daemon_action("restart", "mgr.h2"),
        call.daemon_action("redeploy", "mgr.h2"),
    ):
        with pytest.raises(AdapterError, match=r"mgr.h2 .*h2.* belongs to (host )?h3"):
            raise_if_exception(answer)
    assert len(cluster.requests) == jobs
    assert "mgr.h2" in cluster.monitors.keys


def test_a_mon_is_not_taken_out_of_the_map_for_a_host_that_has_none(cluster: Cluster) -> None:
    keep(cluster, "mon", "h1", "h2", "h3")
    reconciler = cluster.orchestrator.reconciler.services
    cluster.monitors.elsewhere["mon.h3"] = "h2"
    cluster.monitors.addresses["h3"] = "192.0.2.7"
    with pytest.raises(AdapterError, match=r"mon.h3 on host h3: it belongs to h2"):
        raise_if_exception(cluster.orchestrator.remove_daemons(["mon.h3"]))
    with cluster.core.lock:
        assert reconciler.running()["mon"]
    assert sorted(cluster.monitors.mons) == ["h1", "h2", "h3"]


def test_no_daemon_is_made_whose_name_another_host_has(cluster: Cluster) -> None:
    cluster.monitors.managers.append("h3")
    cluster.monitors.elsewhere["mgr.h3"] = "h2"
    leave(cluster, "h2", "mgr", "h3", "running")
    spec = ServiceSpec("mgr", placement=PlacementSpec(hosts=["h3"]))
    with pytest.raises(AdapterError, match=r"mgr.h3 (on host h3 .*belongs to h2|is there already)"):
        raise_if_exception(cluster.orchestrator.add_daemon(spec))
    assert changing(cluster) == []


def test_monitors_that_do_not_answer_keep_nobody_from_starting_one(cluster: Cluster) -> None:
    cluster.monitors.silent = True
    raise_if_exception(cluster.orchestrator.daemon_action("start", "mon.h1"))
    raise_if_exception(cluster.orchestrator.daemon_action("stop", "mon.h1", force=True))
    for answer in (
        cluster.orchestrator.daemon_action("stop", "mon.h1"),
        cluster.orchestrator.remove_daemons(["mon.h1"]),
    ):
        with pytest.raises(Exception, match="do not answer"):
            raise_if_exception(answer)


def test_a_name_that_two_hosts_have_is_refused_alone_and_restarted_with_its_service(
    cluster: Cluster,
) -> None:
    for host in ("h2", "h3"):
        cluster.daemons[host, "rgw", "gate"] = "running"
    cluster.monitors.elsewhere["rgw.gate"] = "h2"
    cluster.report()
    assert len(warnings(cluster)) == 1
    cluster.monitors.second["rgw.gate"] = "h3"
    cluster.report()
    assert warnings(cluster) == []
    with pytest.raises(AdapterError, match=r"rgw\.gate is on h2, h3"):
        raise_if_exception(cluster.orchestrator.daemon_action("stop", "rgw.gate"))
    raise_if_exception(cluster.orchestrator.service_action("stop", "rgw.gate"))
    cluster.settle(1)
    (request,) = [each for each in cluster.requests if each.operation == "service_action"]
    assert sorted(request.hosts) == ["h2", "h3"]


def test_the_warning_goes_with_what_it_warns_of(cluster: Cluster) -> None:
    leave(cluster, "h3", "mgr", "h1")
    assert len(warnings(cluster)) == 1
    del cluster.daemons["h3", "mgr", "h1"]
    cluster.report()
    assert warnings(cluster) == []


def test_a_removed_service_leaves_what_is_not_its_own(cluster: Cluster) -> None:
    placement = PlacementSpec(hosts=["h1"])
    raise_if_exception(
        cluster.orchestrator.apply([MDSSpec(service_id="data", placement=placement)])
    )
    cluster.settle()
    (identity,) = [name for _, kind, name in cluster.daemons if kind == "mds"]
    leave(cluster, "h3", "mds", identity)
    raise_if_exception(cluster.orchestrator.remove_service("mds.data"))
    cluster.settle()
    assert [key for key in cluster.daemons if key[1] == "mds"] == [("h3", "mds", identity)]
