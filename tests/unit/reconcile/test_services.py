"""Services become what their specs say, and stay so."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.errors import AdapterError, HostUnreachable, InvalidValue, UnknownName
from adapter.interface import (
    MDSSpec,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster


def apply(cluster: Cluster, spec: ServiceSpec) -> str:
    text = raise_if_exception(cluster.orchestrator.apply([spec]))[0]
    cluster.settle()
    return str(text)


def there(cluster: Cluster, kind: str) -> List[str]:
    return sorted(host for host, each, _ in cluster.daemons if each == kind)


def placed(cluster: Cluster) -> List[Any]:
    requests = (request for request in cluster.requests if request.operation == "apply_mds")
    return [request.variables["daemon_deploy_daemons"] for request in requests]


def service(cluster: Cluster, name: str) -> Any:
    found = raise_if_exception(cluster.orchestrator.describe_service(service_name=name))
    return found[0] if found else None


def test_a_file_system_gets_its_daemons_at_the_same_time(cluster: Cluster) -> None:
    assert apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(count=2))) == (
        "Scheduled mds.data update..."
    )
    assert len(there(cluster, "mds")) == 2
    assert [name for name, _ in cluster.operations()].count("apply_mds") == 1
    assert cluster.monitors.config == {"mds.data/mds_join_fs": "data"}
    found = service(cluster, "mds.data")
    assert (found.size, found.running, found.spec.unmanaged) == (2, 2, False)
    jobs = len(cluster.requests)
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(count=2)))
    assert len(cluster.requests) == jobs, "applying the same twice did something"


def test_the_next_manager_asks_for_the_same_daemons(cluster: Cluster) -> None:
    cluster.break_on["apply_mds"] = dict.fromkeys(("h1", "h2", "h3"), "")
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*")))
    asked = [
        r.variables["daemon_deploy_daemons"] for r in cluster.requests if r.operation == "apply_mds"
    ]
    cluster.break_on.clear()
    cluster.start_anew()
    cluster.settle()
    again = [
        r.variables["daemon_deploy_daemons"] for r in cluster.requests if r.operation == "apply_mds"
    ]
    assert again[-1] == asked[0]
    assert there(cluster, "mds") == ["h1", "h2", "h3"]


def test_a_new_host_and_a_label_get_their_daemons_and_lose_them(cluster: Cluster) -> None:
    call = cluster.orchestrator
    raise_if_exception(call.add_host_label("h2", "fs"))
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(label="fs")))
    assert there(cluster, "mds") == ["h2"]
    assert service(cluster, "mds.data").size == 1
    raise_if_exception(call.add_host_label("h3", "fs"))
    assert service(cluster, "mds.data").size == 2, "the size is of before the label"
    raise_if_exception(call.remove_host_label("h2", "fs"))
    cluster.settle()
    assert there(cluster, "mds") == ["h3"]
    assert len([key for key in cluster.monitors.keys if key.startswith("mds.")]) == 1


def test_a_failed_deployment_is_named_and_tried_again(cluster: Cluster) -> None:
    cluster.break_on["apply_mds"] = {"h2": "apt: repository is not there"}
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*")))
    assert there(cluster, "mds") == ["h1", "h3"]
    errors = [e.message for e in service(cluster, "mds.data").events if e.level == "ERROR"]
    assert errors == ["h2: apt: repository is not there"]
    assert "apt" in str(cluster.orchestrator.health.checks()["ANSIBLE_SERVICE_FAILED"])
    tries = len([1 for name, _ in cluster.operations() if name == "apply_mds"])
    assert tries < 4, "a broken host is asked too often"
    cluster.break_on.clear()
    cluster.now += 100
    cluster.orchestrator.reconciler.services.forget_backoff("mds.data")
    cluster.settle()
    assert there(cluster, "mds") == ["h1", "h2", "h3"]


def test_a_broken_daemon_is_brought_back(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(count=1)))
    (key,) = [key for key in cluster.daemons if key[1] == "mds"]
    cluster.daemons[key] = "error"
    cluster.report()
    assert cluster.daemons[key] == "running"


def test_mons_are_added_one_after_the_other(cluster: Cluster) -> None:
    apply(cluster, ServiceSpec("mon", placement=PlacementSpec(count=3)))
    jobs = [hosts for name, hosts in cluster.operations() if name == "apply_mon"]
    assert sorted(map(len, jobs)) == [1, 1]
    assert there(cluster, "mon") == ["h1", "h2", "h3"]
    apply(cluster, ServiceSpec("mon", placement=PlacementSpec(hosts=["h2"])))
    # From three to two is safe, from two to one is not.
    assert len(there(cluster, "mon")) == 2
    assert any("not enough" in e.message for e in service(cluster, "mon").events)


def test_the_active_manager_hands_over_before_it_goes(cluster: Cluster) -> None:
    apply(cluster, ServiceSpec("mgr", placement=PlacementSpec(hosts=["h2"])))
    cluster.settle(20)
    assert "mgr fail h1" in cluster.monitors.log
    cluster.orchestrator.reconciler.services.forget_backoff("mgr")
    cluster.settle()
    assert there(cluster, "mgr") == ["h2"]


def test_services_that_a_cluster_needs_are_not_removed(cluster: Cluster) -> None:
    for name in ("mon", "mgr"):
        with pytest.raises(AdapterError, match="a cluster needs it"):
            raise_if_exception(cluster.orchestrator.remove_service(name))
    with pytest.raises(UnknownName, match=r"mds\.nope"):
        raise_if_exception(cluster.orchestrator.remove_service("mds.nope"))


def test_a_removed_service_leaves_nothing(full: Cluster) -> None:
    cluster = full
    apply(cluster, RGWSpec(service_id="s3", placement=PlacementSpec(count=2)))
    assert "rgw_frontends" in str(cluster.monitors.config)
    raise_if_exception(cluster.orchestrator.remove_service("rgw.s3"))
    cluster.settle(20)
    assert there(cluster, "rgw") == []
    assert service(cluster, "rgw.s3") is None
    assert [key for key in cluster.monitors.keys if "rgw" in key] == []


def test_two_gateways_do_not_share_a_port(cluster: Cluster) -> None:
    apply(cluster, RGWSpec(service_id="a", rgw_frontend_port=8080))
    with pytest.raises(InvalidValue, match=r"rgw\.a has it on host"):
        apply(cluster, RGWSpec(service_id="b", rgw_frontend_port=8080))


def test_several_daemons_on_a_host_have_ports_of_their_own(full: Cluster) -> None:
    cluster = full
    placement = PlacementSpec(hosts=["h1"], count_per_host=2)
    apply(cluster, RGWSpec(service_id="a", rgw_frontend_port=8080, placement=placement))
    ports = [v for k, v in cluster.monitors.config.items() if k.endswith("rgw_frontends")]
    assert sorted(ports) == ["beast port=8080", "beast port=8081"]


def test_what_nobody_specified_is_left_alone(cluster: Cluster) -> None:
    cluster.daemons["h3", "mds", "old"] = "running"
    cluster.core.submit("get_inventory", cluster.core.hosts.all())
    before = len(cluster.requests)
    cluster.settle()
    done = {name for name, _ in cluster.operations()[before:]}
    assert done <= {"get_inventory", "add_host_label"}
    assert service(cluster, "mds.old").spec.unmanaged is True


def test_an_offline_host_keeps_its_daemons(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(count=2)))
    before = there(cluster, "mds")
    cluster.offline(before[0])
    cluster.settle()
    assert there(cluster, "mds") == before


def test_a_preview_names_hosts(cluster: Cluster) -> None:
    spec = ServiceSpec("crash", preview_only=True)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    (row,) = raise_if_exception(cluster.orchestrator.plan([spec]))
    assert (sorted(row["add"]), row["remove"]) == (["h1", "h2", "h3"], [])
    cluster.settle()
    assert there(cluster, "crash") == []


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (lambda: ServiceSpec("loki"), "does not deploy it"),
        (lambda: MDSSpec(service_id="a", placement=PlacementSpec(label="no")), "matches no host"),
        (lambda: MDSSpec(service_id="a", placement=PlacementSpec(hosts=["zz"])), "no host 'zz'"),
        (lambda: ServiceSpec("crash", networks=["10.0.0.0/8"]), "networks"),
        (lambda: RGWSpec(service_id="a", ssl=True), "ssl"),
        (lambda: MDSSpec(service_id="a", extra_container_args=["-v"]), "extra_container_args"),
    ],
)
def test_what_cannot_be_is_refused_and_not_kept(cluster: Cluster, spec: Any, says: str) -> None:
    with pytest.raises(AdapterError, match=says):
        raise_if_exception(cluster.orchestrator.apply([spec()]))
    assert cluster.core.specs.all() == []


def test_one_more_than_a_managed_placement_has_room_for_is_said_to_go(cluster: Cluster) -> None:
    spec = MDSSpec(service_id="x", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()
    more = MDSSpec(service_id="x", placement=PlacementSpec(hosts=["h1"]))
    (text,) = raise_if_exception(cluster.orchestrator.add_daemon(more))
    assert "; mds.x is managed and its placement has no room for one more, so mds.x.h1." in text
    assert "`ceph orch set-unmanaged mds.x` keeps what is there" in text


def test_daemons_by_hand(cluster: Cluster) -> None:
    spec = MDSSpec(service_id="x", placement=PlacementSpec(hosts=["h2"]))
    (text,) = raise_if_exception(cluster.orchestrator.add_daemon(spec))
    assert text.startswith("Deploying mds.x.h2.")
    cluster.settle()
    assert there(cluster, "mds") == ["h2"]
    (key,) = [key for key in cluster.daemons if key[1] == "mds"]
    with pytest.raises(UnknownName, match=r"mds\.nope"):
        raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{key[2]}", "mds.nope"]))
    raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{key[2]}"]))
    cluster.settle()
    assert there(cluster, "mds") == []
    with pytest.raises(AdapterError, match="the last one"):
        raise_if_exception(cluster.orchestrator.remove_daemons(["mon.h1"]))


def test_a_restart_goes_through_one_after_the_other(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(count=3)))
    texts = raise_if_exception(cluster.orchestrator.service_action("restart", "mds.data"))
    assert len(texts) == 3
    cluster.settle(20)
    jobs = [hosts for name, hosts in cluster.operations() if name == "service_action"]
    assert sorted(jobs) == [["h1"], ["h2"], ["h3"]]
    assert cluster.core.actions.all() == []


def test_a_service_that_nobody_specified_says_so_when_it_is_to_go(cluster: Cluster) -> None:
    cluster.daemons["h2", "mds", "old.h2.abcdef"] = "running"
    cluster.start_anew()
    calls = (
        lambda: cluster.orchestrator.remove_service("mds.old"),
        lambda: cluster.orchestrator.set_unmanaged("mds.old", True),
        lambda: cluster.orchestrator.daemon_action("redeploy", "mds.old.h2.abcdef"),
    )
    for call in calls:
        with pytest.raises(UnknownName, match=r"no specification of the service 'mds\.old'"):
            raise_if_exception(call())


def failures(cluster: Cluster) -> str:
    return str(cluster.orchestrator.health.checks().get("ANSIBLE_SERVICE_FAILED", ""))


def test_a_service_that_goes_takes_its_failures_along(cluster: Cluster) -> None:
    cluster.break_on["apply_mds"] = {"h2": "no space"}
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h1", "h2"])))
    assert "mds.data on host h2 failed" in failures(cluster)
    raise_if_exception(cluster.orchestrator.remove_service("mds.data"))
    cluster.settle()
    assert failures(cluster) == ""
    assert "ANSIBLE_JOB_FAILED" not in cluster.orchestrator.health.checks()


def test_a_service_that_works_does_not_hide_another_one_that_does_not(cluster: Cluster) -> None:
    cluster.break_on["apply_mds"] = {"h2": "no space"}
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h2"])))
    cluster.break_on.clear()
    apply(cluster, MDSSpec(service_id="other", placement=PlacementSpec(hosts=["h2"])))
    assert "mds.data" in failures(cluster)
    assert "mds.other" not in failures(cluster)


def test_a_host_that_is_not_meant_any_more_is_not_spoken_of(cluster: Cluster) -> None:
    cluster.break_on["apply_mds"] = {"h2": "no space"}
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h1", "h2"])))
    assert "h2" in failures(cluster)
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h1"])))
    assert failures(cluster) == ""


def test_a_service_that_is_left_alone_is_not_spoken_of(cluster: Cluster) -> None:
    cluster.break_on["apply_mds"] = {"h2": "no space"}
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h2"])))
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.data", True))
    cluster.settle()
    assert failures(cluster) == ""


def test_a_host_that_falls_silent_is_an_event_of_its_services(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*")))
    cluster.offline("h3")
    cluster.settle()
    said = [each.message for each in service(cluster, "mds.data").events]
    assert said[-1] == "h3: the host is offline: no route"
    cluster.core.liveness.seen("h3", cluster.now)
    cluster.settle()
    said = [each.message for each in service(cluster, "mds.data").events]
    assert said[-1] == "h3: the host answers again"


def test_a_service_that_goes_as_a_whole_goes_at_once(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*")))
    raise_if_exception(cluster.orchestrator.remove_service("mds.data"))
    cluster.settle()
    assert [name for name, _ in cluster.operations()].count("remove_daemons") == 1
    assert service(cluster, "mds.data") is None


@pytest.mark.parametrize("kind", ["mon", "mgr", "rbd-mirror", "crash", "ceph-exporter"])
def test_a_kind_can_be_applied_by_its_own_method(full: Cluster, kind: str) -> None:
    cluster = full
    method = getattr(cluster.orchestrator, f"apply_{kind.replace('-', '_')}")
    assert raise_if_exception(method(ServiceSpec(kind))) == f"Scheduled {kind} update..."
    with pytest.raises(InvalidValue, match=f"this applies {kind} services"):
        raise_if_exception(method(MDSSpec(service_id="data")))


def test_nothing_is_asked_of_a_host_that_is_offline(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h3"])))
    (name,) = [f"mds.{identity}" for _, kind, identity in cluster.daemons if kind == "mds"]
    cluster.offline("h3")
    jobs, call = len(cluster.requests), cluster.orchestrator
    spec = MDSSpec(service_id="late", placement=PlacementSpec(hosts=["h3"]))
    for answer in (
        *(call.daemon_action(each, name) for each in ("restart", "stop", "redeploy")),
        call.remove_daemons([name]),
        call.add_daemon(spec),
        call.service_action("redeploy", "mds.data"),
        call.service_action("stop", "mds.data"),
    ):
        with pytest.raises(HostUnreachable, match="no route"):
            raise_if_exception(answer)
    assert len(cluster.requests) == jobs
    assert service(cluster, "mds.late") is None


def test_a_metadata_server_that_is_gone_is_in_no_map(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="data", placement=PlacementSpec(count=1)))
    (name,) = [identity for _, kind, identity in cluster.daemons if kind == "mds"]
    cluster.monitors.standbys = {7: name, 8: "other"}
    raise_if_exception(cluster.orchestrator.remove_service("mds.data"))
    cluster.settle()
    assert cluster.monitors.standbys == {8: "other"}
