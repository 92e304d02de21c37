"""Redeploy and reconfig end with daemons that have what their spec says, whatever was before."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Tuple

import pytest

from adapter.cluster.daemon_actions import DaemonAction
from adapter.cluster.service_changes import differences, options_of, without_options
from adapter.errors import AdapterError
from adapter.interface import PlacementSpec, RGWSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.over_monitors import KeptCluster
from tests.unit.reconcile.test_changed_specs import frontends, restarts


@pytest.fixture
def cluster() -> KeptCluster:
    return KeptCluster().serving()


def apply(cluster: KeptCluster, hosts: str = "h2", **values: Any) -> List[Tuple[str, str, str]]:
    spec = RGWSpec(
        service_id="pc", placement=PlacementSpec(hosts=hosts.split()), rgw_frontend_port=9090
    )
    spec.config = values or None
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)
    cluster.report()
    cluster.requests.clear()
    return sorted(key for key in cluster.daemons if key[1] == "rgw")


def forget_record(cluster: KeptCluster, host: str) -> None:
    """Do what the remedy of ANSIBLE_BAD_RECORD says."""
    cluster.write(f"deployed.{host}", None)


def again(cluster: KeptCluster, how: str, daemon: str) -> None:
    if how.startswith("daemon"):
        raise_if_exception(cluster.orchestrator.daemon_action(how.split()[1], daemon))
    else:
        raise_if_exception(cluster.orchestrator.service_action(how, "rgw.pc"))
    cluster.settle(30)
    cluster.report(20)


HOW = ["reconfig", "redeploy", "daemon reconfig", "daemon redeploy"]


@pytest.mark.parametrize("how", HOW)
def test_an_option_that_was_taken_away_restarts_the_daemon(cluster: KeptCluster, how: str) -> None:
    """Its record is gone too: nobody knows what it got last."""
    ((_, _, daemon_id),) = apply(cluster)
    forget_record(cluster, "h2")
    cluster.monitors.config.pop(f"client.rgw.{daemon_id}/rgw_frontends")
    cluster.settle(20)
    assert restarts(cluster) == [], "it is taken as it is until somebody asks"
    again(cluster, how, f"rgw.{daemon_id}")
    assert frontends(cluster) == ["beast port=9090"]
    assert restarts(cluster) == [[daemon_id]]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("record", [True, False])
def test_one_that_listens_elsewhere_is_restarted(
    cluster: KeptCluster, how: str, record: bool
) -> None:
    """Its option is right by now, and its digest says that it has it."""
    (key,) = apply(cluster)
    if not record:
        forget_record(cluster, "h2")
    cluster.said[key] = {"ports": [7480]}
    cluster.report()
    again(cluster, how, f"rgw.{key[2]}")
    assert frontends(cluster) == ["beast port=9090"]
    assert restarts(cluster) == [[key[2]]]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("ports", [[9090], [80, 9090], []])
def test_one_that_has_all_is_left_as_it_is(
    cluster: KeptCluster, how: str, ports: List[int]
) -> None:
    (key,) = apply(cluster, rgw_dns_name="a.example")
    cluster.said[key] = {"ports": ports}
    cluster.report()
    again(cluster, how, f"rgw.{key[2]}")
    assert restarts(cluster) == []


@pytest.mark.parametrize("change", ["x.example", None])
def test_an_option_of_the_service_that_somebody_changed(cluster: KeptCluster, change: Any) -> None:
    (key,) = apply(cluster, rgw_dns_name="a.example")
    where = "client.rgw.pc/rgw_dns_name"
    cluster.monitors.config.pop(where)
    if change:
        cluster.monitors.config[where] = change
    raise_if_exception(cluster.orchestrator.daemon_action("reconfig", f"rgw.{key[2]}"))
    cluster.settle(20)
    assert cluster.monitors.config[where] == "a.example"
    assert restarts(cluster) == [[key[2]]]


def test_several_are_restarted_one_after_the_other(cluster: KeptCluster) -> None:
    keys = apply(cluster, "h1 h2 h3")
    for host, _, daemon_id in keys:
        forget_record(cluster, host)
        cluster.monitors.config.pop(f"client.rgw.{daemon_id}/rgw_frontends")
    again(cluster, "reconfig", "")
    assert frontends(cluster) == ["beast port=9090"] * 3
    assert [len(each) for each in restarts(cluster)] == [1, 1, 1]
    assert sorted(each[0] for each in restarts(cluster)) == sorted(each for _, _, each in keys)
    cluster.requests.clear()
    cluster.report(20)
    assert restarts(cluster) == []


def test_daemons_of_an_unmanaged_service_are_restarted_one_by_one(cluster: KeptCluster) -> None:
    keys = apply(cluster, "h1 h2")
    raise_if_exception(cluster.orchestrator.set_unmanaged("rgw.pc", True))
    for key in keys:
        cluster.said[key] = {"ports": [7480]}
    cluster.report()
    with pytest.raises(AdapterError, match="would be restarted at the same time"):
        again(cluster, "reconfig", "")
    assert restarts(cluster) == []
    again(cluster, "daemon reconfig", f"rgw.{keys[0][2]}")
    assert restarts(cluster) == [[keys[0][2]]]


@pytest.fixture
def outvoted(cluster: KeptCluster) -> KeptCluster:
    """Return three monitors that lack something of their spec, of which one is out of quorum."""
    spec = ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2", "h3"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(30)
    cluster.report()
    cluster.monitors.quorum_counts = True
    cluster.monitors.out_of_quorum = ["h3"]
    for host in ("h1", "h2", "h3"):
        forget_record(cluster, host)
    cluster.monitors.config["mon/public_network"] = "10.0.0.0/8"
    spec.config = {"public_network": "10.0.0.0/16"}
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(10)
    cluster.requests.clear()
    return cluster


@pytest.mark.parametrize("how", HOW)
def test_no_redeploy_takes_the_quorum_away(outvoted: KeptCluster, how: str) -> None:
    if how.startswith("daemon"):
        again(outvoted, how, "mon.h2")
    else:
        raise_if_exception(outvoted.orchestrator.service_action(how, "mon"))
        outvoted.settle(30)
    assert restarts(outvoted, "mon") == []
    outvoted.monitors.out_of_quorum = []
    outvoted.settle(60)
    assert [len(each) for each in restarts(outvoted, "mon")] == [1] * len(restarts(outvoted, "mon"))
    assert ["h2"] in restarts(outvoted, "mon")


@pytest.mark.parametrize("how", ["daemon reconfig", "daemon redeploy"])
@pytest.mark.parametrize("force", [True, False])
def test_one_that_cannot_be_missed_is_not_restarted_without_force(
    outvoted: KeptCluster, how: str, force: bool
) -> None:
    raise_if_exception(outvoted.orchestrator.set_unmanaged("mon", True))
    act = outvoted.orchestrator.daemon_action
    if force:
        raise_if_exception(act(how.split()[1], "mon.h2", force=True))
        outvoted.settle(5)
        assert restarts(outvoted, "mon") == [["h2"]]
        return
    with pytest.raises(AdapterError, match=r"mon\.h2 must be restarted, which is not possible now"):
        raise_if_exception(act(how.split()[1], "mon.h2"))
    outvoted.settle(5)
    assert restarts(outvoted, "mon") == []


def test_what_a_dry_run_says_is_what_is_done(cluster: KeptCluster) -> None:
    """A daemon of which nobody knows what it has is left by `apply` of the same spec."""
    ((_, _, daemon_id),) = apply(cluster)
    forget_record(cluster, "h2")
    cluster.monitors.config.pop(f"client.rgw.{daemon_id}/rgw_frontends")
    cluster.settle(4)
    (wanted,) = cluster.core.specs.all()
    plan: Dict[str, Any] = raise_if_exception(cluster.orchestrator.plan([wanted.spec]))[0]
    assert not plan.get("change")
    apply(cluster)
    assert restarts(cluster) == []


def test_a_digest_without_options_differs_in_them() -> None:
    digest = "1 a=1 b=2 certificate=3 key=4"
    assert options_of(digest) == ["a", "b", "certificate"]
    assert differences(without_options(digest, ["b", "c"]), digest) == ["b", "c"]
    assert differences(without_options(digest, []), digest) == []


@pytest.mark.parametrize("ended", [True, False], ids=["stopped", "being stopped"])
@pytest.mark.parametrize("how", ["redeploy", "reconfig"])
def test_one_that_is_stopped_is_deployed_although_its_spec_has_changed(
    cluster: KeptCluster, how: str, ended: bool
) -> None:
    """Those that run are left to the reconciler, which lets stopped ones be: it was forgotten."""
    # The one that the reconciler would come to last.
    stopped = apply(cluster, "h1 h2")[0]

    def act(host: str, variables: Any) -> Dict[str, Any]:
        cluster.daemons[stopped] = "stopped"
        return {"units": {}}

    cluster.acts["daemon_action"] = act
    hosts = PlacementSpec(hosts=["h1", "h2"])
    spec = RGWSpec(service_id="pc", placement=hosts, rgw_frontend_port=9099)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    name = f"rgw.{stopped[2]}"
    raise_if_exception(cluster.orchestrator.daemon_action("stop", name, force=True))
    if ended:
        cluster.engine.poll()
    raise_if_exception(cluster.orchestrator.service_action(how, "rgw.pc"))
    cluster.settle(30)
    assert cluster.daemons[stopped] == "running"
    assert cluster.core.daemon_actions.all() == []


def test_one_that_shall_stop_is_not_restarted_first(cluster: KeptCluster) -> None:
    """The manager that was asked has ended: the next one started it, and stopped it then."""
    (key,) = apply(cluster)
    spec = RGWSpec(service_id="pc", placement=PlacementSpec(hosts=["h2"]), rgw_frontend_port=9099)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    name = f"rgw.{key[2]}"

    def act(host: str, variables: Any) -> Dict[str, Any]:
        cluster.daemons[key] = "stopped"
        return {"units": {}}

    cluster.acts["daemon_action"] = act
    cluster.core.daemon_actions.save(
        DaemonAction(name, "stop", (name,), "rgw.pc", asked=time.time())
    )
    cluster.start_anew()
    cluster.settle(5)
    assert restarts(cluster) == []
    cluster.settle(40)
    assert [each.operation for each in cluster.requests if "rgw" in each.operation] == []
    assert cluster.core.daemon_actions.all() == []
