"""The cluster's maps judge whether a monitor or manager is well, not its unit."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.cluster.watch import START_SECONDS
from adapter.errors import AdapterError
from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.test_services import apply, failures, service, there


@pytest.fixture
def three(cluster: Cluster) -> Cluster:
    """Return a cluster with three monitors."""
    apply(cluster, ServiceSpec("mon", placement=PlacementSpec(count=3)))
    assert service(cluster, "mon").running == 3
    return cluster


def wait(cluster: Cluster, seconds: float = START_SECONDS) -> None:
    """Let more time go by than a start takes."""
    cluster.settle(2)
    cluster.now += seconds
    cluster.settle(2)


def outside(cluster: Cluster) -> str:
    return str(cluster.orchestrator.health.checks().get("ANSIBLE_DAEMON_OUTSIDE", ""))


def test_a_monitor_outside_the_quorum_does_not_run(three: Cluster) -> None:
    three.monitors.out_of_quorum = ["h2"]
    three.settle(2)
    assert outside(three) == "", "it may be starting"
    assert service(three, "mon").running == 2, "the quorum says it"
    wait(three)
    assert "mon.h2 on host h2 runs, but is not in the quorum since" in outside(three)
    assert "`ceph orch daemon redeploy mon.h2`" in outside(three)
    assert service(three, "mon").running == 2
    (row,) = raise_if_exception(three.orchestrator.list_daemons(daemon_id="h2"))
    assert row.status_desc == "not in the quorum"
    three.monitors.out_of_quorum = []
    wait(three)
    assert (outside(three), service(three, "mon").running) == ("", 3)


def test_one_that_leads_a_cluster_of_its_own_is_named_as_that(three: Cluster) -> None:
    three.monitors.out_of_quorum = ["h2"]
    three.said["h2", "mon", "h2"] = {"quorum": ["h2"]}
    three.report(1)
    wait(three)
    assert "leads a cluster of its own (quorum h2) beside that of h1, h3" in outside(three)
    assert "`ceph orch daemon redeploy mon.h2`" in outside(three)


def end(cluster: Cluster, *, removed: bool) -> None:
    """Let a monitor end: somebody stopped it, or took it out of the map by hand."""
    cluster.daemons["h2", "mon", "h2"] = "stopped"
    cluster.monitors.out_of_quorum = [] if removed else ["h2"]
    if removed:
        cluster.monitors.mons.remove("h2")
    cluster.report(1)


def deployed(cluster: Cluster) -> int:
    return cluster.operations().count(("apply_mon", ["h2"]))


def test_a_monitor_that_was_taken_out_of_the_map_by_hand_is_made_anew(three: Cluster) -> None:
    before = deployed(three)
    three.break_on["apply_mon"] = {"h2": "no room"}
    end(three, removed=True)
    three.settle(2)
    assert (outside(three), deployed(three)) == ("", before), "it may be being made"
    wait(three)
    said = outside(three)
    assert "mon.h2 on host h2 does not run, and is not in the monitors' map since" in said
    assert "`ceph orch daemon redeploy mon.h2`" in said
    assert "no room" in failures(three)
    three.break_on.clear()
    before = deployed(three)
    three.orchestrator.reconciler.services.forget_backoff("mon")
    three.settle()
    assert deployed(three) == before + 1
    assert (service(three, "mon").running, outside(three), failures(three)) == (3, "", "")
    events = [each.message for each in service(three, "mon").events]
    assert any("mon.h2 is not in the monitors' map any more (`ceph mon rm`)" in e for e in events)


def test_a_monitor_that_somebody_stopped_is_named_and_left(three: Cluster) -> None:
    before = deployed(three)
    end(three, removed=False)
    wait(three)
    said = outside(three)
    assert "mon.h2 on host h2 does not run, and is not in the quorum since" in said
    assert "`ceph orch daemon start mon.h2` starts it" in said
    assert deployed(three) == before
    (row,) = raise_if_exception(three.orchestrator.list_daemons(daemon_id="h2"))
    assert row.status_desc == "stopped"


@pytest.mark.parametrize("removed", [True, False])
def test_what_no_managed_service_wants_is_not_missed(three: Cluster, removed: bool) -> None:
    before = deployed(three)
    raise_if_exception(three.orchestrator.set_unmanaged("mon", True))
    end(three, removed=removed)
    wait(three)
    assert (outside(three), deployed(three)) == ("", before)


def test_a_host_that_is_offline_is_not_named_for_its_monitor(three: Cluster) -> None:
    three.monitors.out_of_quorum = ["h2"]
    three.offline("h2")
    wait(three)
    assert outside(three) == ""


def test_a_deployment_that_the_quorum_does_not_show_has_failed(cluster: Cluster) -> None:
    cluster.monitors.out_of_quorum = ["h2", "h3"]
    apply(cluster, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2"])))
    assert "the quorum (h1) does not name it" not in failures(cluster), "it may be joining"
    wait(cluster, 60.0)
    assert "mon.h2: it was deployed, but the quorum (h1) does not name it" in failures(cluster)
    assert [e.message for e in service(cluster, "mon").events if "deployed mon.h2" in e.message][
        1:
    ] == []
    cluster.monitors.out_of_quorum = []
    wait(cluster)
    assert failures(cluster) == ""


def test_a_redeployment_that_the_quorum_does_not_show_has_failed(three: Cluster) -> None:
    three.monitors.out_of_quorum = ["h2"]
    raise_if_exception(three.orchestrator.daemon_action("redeploy", "mon.h2"))
    wait(three, 61.0)
    assert "mon.h2: it was deployed, but the quorum (h1, h3) does not name it" in failures(three)


def test_a_monitor_that_has_still_to_be_finished_is_deployed_again(three: Cluster) -> None:
    jobs = [name for name, _ in three.operations()].count("apply_mon")
    three.said["h2", "mon", "h2"] = {"unfinished": True}
    three.report(1)
    three.said.clear()
    three.settle()
    assert [name for name, _ in three.operations()].count("apply_mon") == jobs + 1


@pytest.fixture
def adopted(cluster: Cluster) -> Cluster:
    """Return a cluster with a second manager that has not the module."""
    cluster.daemons["h2", "mgr", "h2"] = "running"
    cluster.monitors.managers.append("h2")
    cluster.monitors.without_module.append("h2")
    cluster.report(1)
    return cluster


def test_a_manager_that_could_not_manage_hosts_is_named(adopted: Cluster) -> None:
    said = str(adopted.orchestrator.health.checks()["ANSIBLE_MGR_UNABLE"])
    assert "mgr.h2 could not manage hosts if it took over: it has no module ansible" in said
    adopted.monitors.without_module.clear()
    adopted.settle(1)
    assert "ANSIBLE_MGR_UNABLE" not in adopted.orchestrator.health.checks()


def test_a_module_that_a_standby_could_not_run_is_named(adopted: Cluster) -> None:
    """A second manager had no dashboard, and nobody heard of it before the fail-over."""
    adopted.monitors.without_module.clear()
    adopted.settle(1)
    assert "ANSIBLE_MGR_MODULES" not in adopted.orchestrator.health.checks()
    adopted.monitors.without_dashboard.append("h2")
    adopted.settle(1)
    said = str(adopted.orchestrator.health.checks()["ANSIBLE_MGR_MODULES"])
    assert "mgr.h2 could not run the module dashboard, which is enabled" in said
    assert "`ceph orch daemon redeploy mgr.h2` installs the packages" in said
    adopted.monitors.without_dashboard.append("h1")
    adopted.settle(1)
    assert "ANSIBLE_MGR_MODULES" not in adopted.orchestrator.health.checks(), "nothing is lost"


def test_managers_get_the_packages_of_the_modules_that_are_enabled(cluster: Cluster) -> None:
    cluster.step()
    apply(cluster, ServiceSpec("mgr", placement=PlacementSpec(hosts=["h1", "h2"])))
    (request,) = [each for each in cluster.requests if each.operation == "apply_mgr"]
    assert request.variables["daemon_deploy_modules"] == ["ansible", "dashboard"]


@pytest.mark.parametrize("action", ["restart", "stop"])
def test_nobody_takes_over_without_the_module(adopted: Cluster, action: str) -> None:
    with pytest.raises(AdapterError, match=r"mgr\.h2: it has no module ansible.*mgr install"):
        raise_if_exception(adopted.orchestrator.daemon_action(action, "mgr.h1"))
    with pytest.raises(AdapterError, match=r"mgr\.h2: it has no module ansible"):
        raise_if_exception(adopted.orchestrator.remove_daemons(["mgr.h1"]))
    raise_if_exception(adopted.orchestrator.daemon_action(action, "mgr.h2"))
    assert not [line for line in adopted.monitors.log if "mgr fail" in line]


def test_a_restart_of_all_managers_hands_over_to_none_without_it(adopted: Cluster) -> None:
    raise_if_exception(adopted.orchestrator.service_action("restart", "mgr"))
    adopted.settle()
    assert not [line for line in adopted.monitors.log if "mgr fail" in line]
    (action,) = adopted.core.actions.all()
    assert "it has no module ansible" in action.reason


def test_the_next_manager_is_restarted_when_the_one_before_is_back(cluster: Cluster) -> None:
    apply(cluster, ServiceSpec("mgr", placement=PlacementSpec(host_pattern="*")))
    raise_if_exception(cluster.orchestrator.service_action("restart", "mgr"))
    cluster.step()
    (action,) = cluster.core.actions.all()
    (first,) = action.doing
    cluster.monitors.managers.remove(first[4:])
    cluster.settle()
    (action,) = cluster.core.actions.all()
    assert (action.doing, action.reason) == ((first,), f"waiting for {first} to be back")
    cluster.monitors.managers.append(first[4:])
    # Here no other manager takes over, and this one goes on after a while.
    cluster.settle(60)
    assert cluster.core.actions.all() == []


def test_a_managed_service_gives_the_module_to_a_kept_manager(adopted: Cluster) -> None:
    apply(adopted, ServiceSpec("mgr", placement=PlacementSpec(hosts=["h1", "h2"])))
    done = [(name, hosts) for name, hosts in adopted.operations() if name != "get_inventory"]
    assert done[-2:] == [("apply_mgr", ["h2"]), ("daemon_action", ["h2"])]
    assert adopted.monitors.without_module == []
    assert "ANSIBLE_MGR_UNABLE" not in adopted.orchestrator.health.checks()
    jobs = len(adopted.requests)
    adopted.settle()
    assert len(adopted.requests) == jobs


def test_only_then_the_last_one_hands_over(adopted: Cluster) -> None:
    apply(adopted, ServiceSpec("mgr", placement=PlacementSpec(hosts=["h2"])))
    # Here no other manager takes over, and this one goes on after a while.
    adopted.settle(60)
    adopted.orchestrator.reconciler.services.forget_backoff("mgr")
    adopted.settle()
    assert there(adopted, "mgr") == ["h2"]
    assert adopted.monitors.without_module == []


def test_a_module_that_does_not_come_is_a_failure(adopted: Cluster) -> None:
    adopted.break_on["daemon_action"] = {"h2": "no systemd"}
    apply(adopted, ServiceSpec("mgr", placement=PlacementSpec(hosts=["h1", "h2"])))
    wait(adopted, 61.0)
    assert "mgr.h2 was deployed, but could not take over: it has no module" in failures(adopted)
    tries = [name for name, _ in adopted.operations()].count("apply_mgr")
    adopted.settle(1)
    assert [name for name, _ in adopted.operations()].count("apply_mgr") == tries


def network(address: str, *more: str) -> Any:
    rows = [f"{address}/24", *more]
    return {"interfaces": {"eth0": {"ipv4_address": rows[0], "addresses": rows}}}


@pytest.fixture
def networked(cluster: Cluster) -> Cluster:
    """Return hosts with an address in a second network, h2 with two."""
    cluster.facts = {
        "h1": network("10.0.0.1"),
        "h2": network("10.0.0.2", "10.99.0.2/24", "10.99.0.22/24"),
        "h3": network("10.0.0.3", "10.99.0.3/24"),
    }
    cluster.report(1)
    return cluster


def mon_rows(cluster: Cluster) -> Any:
    requests = [each for each in cluster.requests if each.operation == "apply_mon"]
    return [rows for each in requests for rows in each.variables["daemon_deploy_daemons"].values()]


@pytest.mark.parametrize(
    ("place", "name", "addr"),
    [
        ("h3:10.99.0.0/24", "h3", "10.99.0.3"),
        ("h3:10.99.0.3", "h3", "10.99.0.3"),
        ("h3:10.99.0.0/24=mon-x", "mon-x", "10.99.0.3"),
        ("h3:[v2:10.99.0.3:3300,v1:10.99.0.3:6789]", "h3", "10.99.0.3"),
        ("h2:10.99.0.22", "h2", "10.99.0.22"),
        ("h3", "h3", "10.0.0.3"),
    ],
)
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_monitor_is_where_its_placement_says(
    networked: Cluster, place: str, name: str, addr: str, by_hand: bool
) -> None:
    if by_hand:
        spec = ServiceSpec("mon", placement=PlacementSpec(hosts=[place]))
        raise_if_exception(networked.orchestrator.add_daemon(spec))
        networked.settle()
    else:
        apply(networked, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", place])))
    (rows,) = mon_rows(networked)
    assert [(row["id"], row["addr"]) for row in rows] == [(name, addr)]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("h3:10.98.0.0/24", r"host 'h3' has no address in it \(it has 10\.0\.0\.3, 10\.99\.0\.3\)"),
        ("h2:10.99.0.0/24", r"host 'h2' has several addresses in it \(10\.99\.0\.2, 10\.99\.0\.22"),
        ("h3:10.99.0.9", "host 'h3' has no address in it"),
        ("h3:[v2:10.99.0.3:3333]", "listens on port 3300"),
        ("h1=mon-x", r"host 'h1' has mon\.h1 already"),
        ("h3=-x", "not a valid daemon name"),
    ],
)
def test_a_place_that_cannot_be_is_refused(networked: Cluster, place: str, says: str) -> None:
    spec = ServiceSpec("mon", placement=PlacementSpec(hosts=[place]))
    with pytest.raises(AdapterError, match=says):
        raise_if_exception(networked.orchestrator.apply([spec]))
    with pytest.raises(AdapterError, match=says):
        raise_if_exception(networked.orchestrator.add_daemon(spec))
    assert networked.core.specs.all() == []


def test_what_a_host_has_of_another_ones_monitor_is_in_nobodys_way(networked: Cluster) -> None:
    networked.daemons["h3", "mon", "h1"] = "stopped"
    networked.report()
    spec = ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h3:10.99.0.3=mon-x"]))
    raise_if_exception(networked.orchestrator.apply([spec]))
    networked.settle(20)
    (rows,) = mon_rows(networked)
    assert [(row["id"], row["addr"]) for row in rows] == [("mon-x", "10.99.0.3")]


@pytest.mark.parametrize("kind", ["crash", "ceph-exporter"])
def test_a_name_that_cannot_be_honoured_is_refused(cluster: Cluster, kind: str) -> None:
    spec = ServiceSpec(kind, placement=PlacementSpec(hosts=["h2=mine"]))
    with pytest.raises(AdapterError, match="follows from service and host"):
        raise_if_exception(cluster.orchestrator.apply([spec]))


def test_the_clusters_public_network_holds_where_the_placement_says_nothing(
    networked: Cluster,
) -> None:
    networked.monitors.config["mon/public_network"] = "10.99.0.0/24"
    apply(networked, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h3"])))
    (rows,) = mon_rows(networked)
    assert [row["addr"] for row in rows] == ["10.99.0.3"]


def test_a_monitor_that_is_made_again_keeps_its_address(networked: Cluster) -> None:
    apply(networked, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h3:10.99.0.3"])))
    raise_if_exception(networked.orchestrator.daemon_action("redeploy", "mon.h3"))
    networked.settle()
    assert [row["addr"] for row in mon_rows(networked)[-1]] == ["10.99.0.3"]
