"""A service that goes takes all that is its own: daemons, keys, settings, records."""

from __future__ import annotations

import errno
from typing import Any, Dict, List

import pytest

from adapter.interface import (
    MDSSpec,
    OrchestratorError,
    PlacementSpec,
    RGWSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.over_monitors import KeptCluster

REFUSED = "Nothing was done on this host: the port 8000 is taken by nginx."


@pytest.fixture
def cluster() -> Cluster:
    """Return three hosts with an OSD among them."""
    return Cluster().serving()


def rgw(name: str, *hosts: str, port: int = 8000) -> RGWSpec:
    placement = PlacementSpec(hosts=list(hosts))
    return RGWSpec(service_id=name, placement=placement, rgw_frontend_port=port)


def apply(cluster: Cluster, spec: ServiceSpec) -> None:
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()


def remove(cluster: Cluster, service: str) -> str:
    return str(raise_if_exception(cluster.orchestrator.remove_service(service)))


def left(cluster: Cluster, word: str) -> Dict[str, Any]:
    """Return what there is of daemons whose names have this word, but for rows of reports."""
    known = {
        "daemons": [each for each in cluster.daemons if each[1] == word],
        "keys": [key for key in cluster.monitors.keys if word in key],
        "config": {k: v for k, v in cluster.monitors.config.items() if word in k},
        "specs": [each.name for each in cluster.core.specs.all()],
        "deployed": [each.daemon for _, each in cluster.core.deployments.all()],
        "unused_keys": cluster.core.unused_keys.all(),
    }
    return {name: each for name, each in known.items() if each}


def records(cluster: Cluster) -> List[str]:
    kinds = ("spec", "deployed", "unused_key", "service_action")
    return [f"{kind}.{name}" for kind in kinds for name in cluster.store.items(kind)]


def begin(cluster: Cluster, spec: ServiceSpec) -> str:
    """Let the job that deploys a service begin; return its daemon's id."""
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.orchestrator.reconciler.step(cluster.now)
    ((_, deployment),) = cluster.core.deployments.of_service(spec.service_name())
    return deployment.daemon_id


def test_the_settings_of_each_daemon_go_with_it(cluster: Cluster) -> None:
    apply(cluster, rgw("a", "h1", "h2"))
    assert len(cluster.monitors.config) == 2
    remove(cluster, "rgw.a")
    cluster.settle(20)
    assert left(cluster, "rgw") == {}
    assert records(cluster) == []


def test_a_daemon_that_goes_alone_takes_its_settings_and_its_record(cluster: Cluster) -> None:
    apply(cluster, rgw("a", "h1", "h2"))
    apply(cluster, rgw("a", "h1"))
    cluster.settle()
    assert [host for host, _ in cluster.core.deployments.all()] == ["h1"]
    assert len(cluster.monitors.config) == len(cluster.monitors.keys) == 1


def test_a_daemon_without_a_record_takes_what_its_kind_has(cluster: Cluster) -> None:
    """It was deployed before there were records."""
    name = "rgw.a.h2.abcdef"
    cluster.daemons["h2", "rgw", "a.h2.abcdef"] = "running"
    cluster.monitors.config[f"client.{name}/rgw_frontends"] = "beast port=8000"
    cluster.monitors.keys.append(f"client.{name}")
    cluster.report()
    apply(cluster, rgw("a", "h2"))
    assert "apply_rgw" not in [each for each, _ in cluster.operations()], "it was not adopted"
    remove(cluster, "rgw.a")
    cluster.settle(20)
    assert left(cluster, "rgw") == {}


def test_what_never_came_up_leaves_nothing(cluster: Cluster) -> None:
    cluster.break_on["apply_rgw"] = {"h2": REFUSED}
    apply(cluster, rgw("a", "h2"))
    assert cluster.monitors.keys
    assert cluster.monitors.config
    remove(cluster, "rgw.a")
    cluster.settle(20)
    assert left(cluster, "rgw") == {}
    assert records(cluster) == []


def test_what_never_came_up_goes_when_the_placement_moves(cluster: Cluster) -> None:
    cluster.break_on["apply_rgw"] = {"h2": REFUSED}
    apply(cluster, rgw("a", "h2"))
    apply(cluster, rgw("a", "h3"))
    cluster.settle(20)
    assert [host for host, _ in cluster.core.deployments.all()] == ["h3"]
    assert len(cluster.monitors.config) == len(cluster.monitors.keys) == 1


def test_a_daemon_that_a_failed_job_left_is_taken(cluster: Cluster) -> None:
    """Systemd starts it again after the job has given up."""
    cluster.mute["apply_rgw"] = {"h2": "ceph-radosgw@rgw.east did not stay up"}
    daemon_id = begin(cluster, rgw("east", "h2"))
    remove(cluster, "rgw.east")
    cluster.engine.poll()
    cluster.settle(2)
    assert [each.name for each in cluster.core.specs.all()] == ["rgw.east"]
    cluster.daemons["h2", "rgw", daemon_id] = "running"
    cluster.orchestrator.reconciler.services.forget_backoff("rgw.east")
    cluster.report(30)
    assert left(cluster, "rgw") == {}


@pytest.mark.parametrize("ends", ["before", "after"])
def test_the_next_manager_takes_what_the_job_left(ends: str) -> None:
    cluster = KeptCluster().serving()
    cluster.mute["apply_rgw"] = {"h2": "it did not stay up"}
    daemon_id = begin(cluster, rgw("east", "h2"))
    remove(cluster, "rgw.east")
    if ends == "before":
        cluster.engine.poll()
    cluster.start_anew()
    cluster.settle(5)
    assert [each.name for each in cluster.core.specs.all()] == ["rgw.east"]
    cluster.daemons["h2", "rgw", daemon_id] = "running"
    cluster.report(60)
    assert left(cluster, "rgw") == {}
    assert [key for key in cluster.keys.values if "deployed" in key] == []


def test_a_host_that_does_not_answer_is_waited_for(cluster: Cluster) -> None:
    """Nobody knows whether the job has come to an end there."""
    cluster.mute["apply_rgw"] = {"h2": "unreachable"}
    daemon_id = begin(cluster, rgw("a", "h2"))
    cluster.engine.poll()
    cluster.offline("h2")
    remove(cluster, "rgw.a")
    cluster.settle(20)
    assert [each.name for each in cluster.core.specs.all()] == ["rgw.a"]
    assert cluster.monitors.keys

    cluster.daemons["h2", "rgw", daemon_id] = "running"
    cluster.core.liveness.seen("h2", cluster.now)
    cluster.now += 700
    cluster.report(30)
    assert left(cluster, "rgw") == {}


def test_what_somebody_has_stopped_and_disabled_goes_too(cluster: Cluster) -> None:
    apply(cluster, rgw("a", "h2"))
    (key,) = [each for each in cluster.daemons if each[1] == "rgw"]
    cluster.daemons[key], cluster.said[key] = "stopped", {"enabled": False}
    remove(cluster, "rgw.a")
    cluster.report(20)
    assert left(cluster, "rgw") == {}


def test_what_cannot_be_read_is_not_gone() -> None:
    cluster = KeptCluster().serving()
    cluster.break_on["apply_rgw"] = {"h2": REFUSED}
    apply(cluster, rgw("a", "h2"))
    known = cluster.value("deployed.h2")
    cluster.spoil("deployed.h2")
    remove(cluster, "rgw.a")
    cluster.settle(40)
    assert [each.name for each in cluster.core.specs.all()] == ["rgw.a"]

    cluster.write("deployed.h2", known)
    cluster.settle(40)
    assert left(cluster, "rgw") == {}


@pytest.mark.parametrize("command", ["config rm", "auth rm"])
def test_monitors_that_do_not_answer_are_asked_again(cluster: Cluster, command: str) -> None:
    spec = rgw("a", "h2")
    spec.config = {"rgw_thread_pool_size": "64"}
    apply(cluster, spec)
    remove(cluster, "rgw.a")
    cluster.monitors.refuse = command
    cluster.settle(20)
    assert [each.name for each in cluster.core.specs.all()] == ["rgw.a"]
    cluster.monitors.refuse = ""
    cluster.now += 700
    cluster.settle(20)
    assert left(cluster, "rgw") == {}


def test_a_daemon_that_is_removed_and_made_again_has_all_that_it_needs(cluster: Cluster) -> None:
    apply(cluster, rgw("a", "h2"))
    before = dict(cluster.monitors.config)
    (daemon_id,) = [each for _, kind, each in cluster.daemons if kind == "rgw"]
    raise_if_exception(cluster.orchestrator.remove_daemons([f"rgw.{daemon_id}"]))
    cluster.settle(30)
    assert ("h2", "rgw", daemon_id) in cluster.daemons
    assert cluster.monitors.config == before
    assert cluster.monitors.keys == [f"client.rgw.{daemon_id}"]


def test_a_service_is_not_removed_before_its_job_has_ended(cluster: Cluster) -> None:
    spec = MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h2"]))
    begin(cluster, spec)
    text = remove(cluster, "mds.data")
    assert "when job" in text
    assert "remove_daemons" not in [name for name, _ in cluster.operations()]
    cluster.settle(20)
    assert left(cluster, "mds") == {}


def test_a_host_that_leaves_takes_its_records_along(cluster: Cluster) -> None:
    apply(cluster, rgw("a", "h2"))
    text = raise_if_exception(cluster.orchestrator.remove_host("h2", force=True))
    assert "rgw.a.h2." in text
    assert cluster.store.items("deployed") == {}
    remove(cluster, "rgw.a")
    cluster.settle(30)
    assert cluster.core.specs.all() == []


def test_a_hand_made_daemon_goes_as_the_unit_that_it_is(cluster: Cluster) -> None:
    unit = "ceph-radosgw@radosgw.gateway.service"
    key = ("h2", "rgw", "radosgw.gateway")
    cluster.daemons[key], cluster.said[key] = "running", {"unit": unit, "by_hand": True}
    cluster.monitors.keys.append("client.rgw.radosgw.gateway")
    cluster.report()
    with pytest.raises(OrchestratorError, match=rf"made by hand.*{unit}"):
        raise_if_exception(cluster.orchestrator.daemon_action("redeploy", "rgw.radosgw.gateway"))
    raise_if_exception(cluster.orchestrator.remove_daemons(["rgw.radosgw.gateway"]))
    cluster.settle()
    (request,) = [each for each in cluster.requests if each.operation == "remove_daemons"]
    (row,) = request.variables["daemon_remove_daemons"]["h2"]
    assert (row["daemon_id"], row["unit"]) == ("radosgw.gateway", unit)
    assert "client.rgw.radosgw.gateway" in cluster.monitors.keys, "nobody knows whose it is"
    said = [each.message for each in cluster.core.events.of("rgw.radosgw.gateway")]
    assert said == [
        "removed rgw.radosgw.gateway; made by hand, and left: "
        "/etc/ceph/ceph.client.radosgw.gateway.keyring on h2"
    ]


def test_options_that_no_monitor_takes_do_not_keep_a_service(cluster: Cluster) -> None:
    spec = rgw("a", "h2")
    spec.config = {"rgw_thread_pool_size": "64"}
    apply(cluster, spec)
    cluster.monitors.config_errors["rgw_thread_pool_size"] = errno.EINVAL
    cluster.monitors.config_errors["rgw_frontends"] = errno.EINVAL
    remove(cluster, "rgw.a")
    cluster.settle(20)
    assert cluster.core.specs.all() == []


def test_a_host_that_has_not_reported_may_have_what_is_not_recorded(cluster: Cluster) -> None:
    """Another manager has taken over, and knows nothing of a host that is off."""
    key = ("h2", "mds", "old.h2.abcdef")
    cluster.daemons[key] = "running"
    cluster.report()
    apply(cluster, MDSSpec(service_id="old", placement=PlacementSpec(hosts=["h2"])))
    cluster.core.reports.forget("h2")
    cluster.offline("h2")
    remove(cluster, "mds.old")
    cluster.settle(40)
    assert [each.name for each in cluster.core.specs.all()] == ["mds.old"]
    said = [each.message for each in cluster.core.events.of("mds.old")]
    assert any("until host h2 has said which daemons it has" in each for each in said)
    cluster.core.liveness.seen("h2", cluster.now)
    cluster.report(20)
    assert key not in cluster.daemons
    assert cluster.core.specs.all() == []


def test_a_host_that_is_removed_says_what_it_keeps(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="a", placement=PlacementSpec(count=1)))
    apply(cluster, MDSSpec(service_id="b", placement=PlacementSpec(hosts=["h1"]), unmanaged=True))
    (host,) = [each for each, kind, _ in cluster.daemons if kind == "mds"]
    text = raise_if_exception(cluster.orchestrator.remove_host(host, force=True))
    assert "Left there as they are, unmanaged: mds.a." in text
    assert text.endswith(
        ". mds.a: others are deployed on the hosts that remain, where the placement lets them"
    )


def test_what_another_host_has_by_now_does_not_keep_a_service(cluster: Cluster) -> None:
    """The cluster says that it runs there: nothing is done to it, and nothing waits for it."""
    apply(cluster, MDSSpec(service_id="a", placement=PlacementSpec(hosts=["h2"])))
    (key,) = [each for each in cluster.daemons if each[1] == "mds"]
    cluster.monitors.elsewhere[f"mds.{key[2]}"] = "h3"
    cluster.settle(2)
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.a", True))
    remove(cluster, "mds.a")
    cluster.settle(20)
    assert key in cluster.daemons
    assert cluster.core.specs.all() == []
    assert cluster.store.items("deployed") == {}
