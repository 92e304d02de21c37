"""A changed spec arrives: options at once, daemons one by one, others' things never."""

from __future__ import annotations

from dataclasses import replace
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
from adapter.interface.times import datetime_now
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.over_monitors import KeptCluster

SECTION = "client.rgw.pc"


@pytest.fixture
def cluster() -> Cluster:
    """Return three hosts whose records are with the monitors."""
    return KeptCluster().serving()


def rgw(port: int = 8100, hosts: str = "h1", **values: Any) -> RGWSpec:
    placement = PlacementSpec(hosts=hosts.split())
    return RGWSpec(service_id="pc", placement=placement, rgw_frontend_port=port, **values)


def apply(cluster: Cluster, *specs: ServiceSpec) -> str:
    texts = raise_if_exception(cluster.orchestrator.apply(list(specs)))
    cluster.settle()
    cluster.report()
    return str(texts[0])


def restarts(cluster: Cluster, kind: str = "rgw") -> List[List[str]]:
    """Return the daemons that were restarted, job by job."""
    name = f"apply_{kind.replace('-', '_')}"
    found = []
    for request in (each for each in cluster.requests if each.operation == name):
        given = request.variables["daemon_deploy_daemons"].values()
        rows = [row for each in given for row in each]
        ids = [row["id"] for row in rows if row.get("since")]
        found += [ids] if ids else []
    return found


def settings(cluster: Cluster, section: str = SECTION) -> Dict[str, str]:
    found = cluster.monitors.config.items()
    return {key[len(section) + 1 :]: value for key, value in found if key.startswith(f"{section}/")}


def events(cluster: Cluster, name: str = "rgw.pc") -> List[str]:
    return [event.message for event in cluster.core.events.of(name)]


def frontends(cluster: Cluster) -> List[str]:
    rows = cluster.monitors.config.items()
    return [value for key, value in rows if key.endswith("/rgw_frontends")]


def test_an_option_that_daemons_take_over_is_set_without_a_job(cluster: Cluster) -> None:
    apply(cluster, rgw(config={"rgw_thread_pool_size": 128}))
    cluster.requests.clear()
    raise_if_exception(cluster.orchestrator.apply([rgw(config={"rgw_thread_pool_size": 256})]))
    cluster.orchestrator.reconciler.step(cluster.now)

    assert settings(cluster) == {"rgw_thread_pool_size": "256"}
    cluster.settle()
    assert cluster.requests == []
    assert any("set rgw_thread_pool_size of client.rgw.pc" in each for each in events(cluster))


def test_a_port_that_moves_restarts_the_daemon_once(cluster: Cluster) -> None:
    apply(cluster, rgw(8100))
    cluster.requests.clear()
    text = apply(cluster, rgw(8200))

    (daemon,) = [identity for _, kind, identity in cluster.daemons if kind == "rgw"]
    assert f"restart rgw.{daemon} (rgw_frontends changed)" in text
    assert frontends(cluster) == ["beast port=8200"]
    assert restarts(cluster) == [[daemon]]
    assert f"restarted rgw.{daemon}: rgw_frontends changed" in events(cluster)
    cluster.requests.clear()
    apply(cluster, rgw(8200))
    assert restarts(cluster) == []


def test_an_option_that_is_read_at_the_start_restarts_one_after_the_other(cluster: Cluster) -> None:
    apply(cluster, rgw(hosts="h1 h2 h3"))
    cluster.requests.clear()
    apply(cluster, rgw(hosts="h1 h2 h3", config={"rgw_dns_name": "s3.example"}))

    done = restarts(cluster)
    assert [len(each) for each in done] == [1, 1, 1]
    assert len({each[0] for each in done}) == 3
    assert settings(cluster)["rgw_dns_name"] == "s3.example"


def test_one_that_does_not_come_back_ends_it(cluster: Cluster) -> None:
    apply(cluster, rgw(hosts="h1 h2 h3"))
    cluster.requests.clear()
    cluster.break_on["apply_rgw"] = dict.fromkeys(("h1", "h2", "h3"), "it does not start")
    apply(cluster, rgw(hosts="h1 h2 h3", config={"rgw_dns_name": "x"}))
    cluster.report(30)

    tried = {each[0] for each in restarts(cluster)}
    assert len(tried) == 1
    assert any("it does not start" in event for event in events(cluster))
    cluster.break_on.clear()
    cluster.orchestrator.reconciler.services.forget_backoff("rgw.pc")
    cluster.report()
    assert len({each[0] for each in restarts(cluster)}) == 3


def test_an_option_that_is_taken_out_is_removed_and_others_are_not(cluster: Cluster) -> None:
    cluster.monitors.config[f"{SECTION}/debug_rgw"] = "5/5"
    apply(cluster, rgw(config={"rgw_thread_pool_size": 128, "rgw_enable_usage_log": True}))
    cluster.monitors.config[f"{SECTION}/rgw_max_chunk_size"] = "65536"
    apply(cluster, rgw(config={"rgw_thread_pool_size": 128}))

    left = {"debug_rgw": "5/5", "rgw_max_chunk_size": "65536", "rgw_thread_pool_size": "128"}
    assert settings(cluster) == left
    apply(cluster, rgw())
    assert settings(cluster) == {"debug_rgw": "5/5", "rgw_max_chunk_size": "65536"}


def test_what_is_set_is_remembered_by_the_next_manager(cluster: Any) -> None:
    apply(cluster, rgw(config={"rgw_thread_pool_size": 128}))
    cluster.start_anew()
    apply(cluster, rgw())
    assert settings(cluster) == {}


def test_a_hand_made_change_of_ours_is_healed(cluster: Cluster) -> None:
    apply(cluster, rgw(config={"rgw_thread_pool_size": 128}))
    cluster.monitors.config[f"{SECTION}/rgw_thread_pool_size"] = "5"
    own = next(key for key in cluster.monitors.config if key.endswith("/rgw_frontends"))
    cluster.monitors.config[own] = "beast port=9"
    cluster.settle(40)
    assert settings(cluster)["rgw_thread_pool_size"] == "128"
    assert frontends(cluster) == ["beast port=8100"]


def test_a_gateways_own_option_is_healed_where_its_service_sets_none(cluster: Cluster) -> None:
    apply(cluster, rgw())
    own = next(key for key in cluster.monitors.config if key.endswith("/rgw_frontends"))
    cluster.monitors.config[own] = "beast port=9"
    cluster.settle(40)
    assert frontends(cluster) == ["beast port=8100"]


def test_a_value_that_means_the_same_is_left_alone(cluster: Cluster) -> None:
    apply(cluster, rgw(config={"rgw_max_chunk_size": "4M", "rgw_enable_usage_log": True}))
    cluster.monitors.config[f"{SECTION}/rgw_max_chunk_size"] = "4194304"
    cluster.monitors.config[f"{SECTION}/rgw_enable_usage_log"] = "true"
    cluster.monitors.told.clear()
    cluster.settle(40)
    assert cluster.monitors.told == []


def test_a_daemon_that_was_there_before_is_left_as_it_is_until_its_spec_changes(
    cluster: Cluster,
) -> None:
    cluster.daemons["h1", "rgw", "pc.h1.byhand"] = "running"
    cluster.report()
    apply(cluster, rgw(8100))
    assert [request for request in cluster.requests if request.operation == "apply_rgw"] == []
    assert frontends(cluster) == []

    apply(cluster, rgw(8200))
    assert restarts(cluster) == [["pc.h1.byhand"]]
    assert frontends(cluster) == ["beast port=8200"]


def test_the_next_manager_restarts_nothing_that_has_its_spec(cluster: Any) -> None:
    apply(cluster, rgw(8100))
    apply(cluster, rgw(8200))
    cluster.start_anew()
    cluster.requests.clear()
    cluster.report()
    assert restarts(cluster) == []


def test_a_change_that_a_manager_did_not_finish_is_finished_by_the_next(cluster: Any) -> None:
    apply(cluster, rgw(8100))
    raise_if_exception(cluster.orchestrator.apply([rgw(8200)]))
    cluster.start_anew()
    cluster.requests.clear()
    cluster.report()
    assert len(restarts(cluster)) == 1


def test_two_gateways_of_a_host_keep_their_ports(cluster: Cluster) -> None:
    placement = PlacementSpec(hosts=["h1"], count_per_host=2)
    spec = RGWSpec(service_id="pc", placement=placement, rgw_frontend_port=8100)
    apply(cluster, spec)
    ports = {
        key.split("/")[0]: value
        for key, value in cluster.monitors.config.items()
        if key.endswith("/rgw_frontends")
    }
    assert sorted(ports.values()) == ["beast port=8100", "beast port=8101"]
    raise_if_exception(cluster.orchestrator.service_action("redeploy", "rgw.pc"))
    cluster.settle()
    assert {key: cluster.monitors.config[f"{key}/rgw_frontends"] for key in ports} == ports


def test_a_dry_run_says_what_would_be_done_and_does_nothing(cluster: Cluster) -> None:
    apply(cluster, rgw(8100, config={"rgw_thread_pool_size": 128, "rgw_enable_usage_log": True}))
    before = dict(cluster.monitors.config)
    cluster.requests.clear()
    spec = rgw(8200, config={"rgw_thread_pool_size": 256})
    row, warning = raise_if_exception(cluster.orchestrator.plan([spec]))

    (daemon,) = [identity for _, kind, identity in cluster.daemons if kind == "rgw"]
    assert (row["add"], row["remove"]) == ([], [])
    assert row["change"] == [
        "set rgw_thread_pool_size of client.rgw.pc",
        "remove rgw_enable_usage_log of client.rgw.pc",
        f"restart rgw.{daemon} (rgw_frontends changed)",
    ]
    assert warning["warning"].splitlines()[-1] == f"rgw.pc: would {row['change'][-1]}"
    assert (cluster.monitors.config, cluster.requests) == (before, [])
    assert len(raise_if_exception(cluster.orchestrator.plan([rgw(8100)]))) == 2
    apply(cluster, rgw(8100))
    assert len(raise_if_exception(cluster.orchestrator.plan([rgw(8100)]))) == 1


@pytest.mark.parametrize(
    ("spec", "section"),
    [
        (ServiceSpec("crash", config={"log_to_file": False}), "client.crash"),
        (ServiceSpec.from_json({"service_type": "ceph-exporter"}), "client.ceph-exporter"),
        (ServiceSpec("mgr", config={"mgr_stats_period": 10}), "mgr"),
        (ServiceSpec("mon", config={"mon_lease": 6}), "mon"),
        (ServiceSpec("rbd-mirror", config={"rbd_cache": True}), "client.rbd-mirror"),
        (MDSSpec(service_id="a", config={"mds_cache_memory_limit": "8G"}), "mds.a"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_each_kind_has_its_options_where_its_daemons_read_them(
    cluster: Cluster, spec: ServiceSpec, section: str
) -> None:
    spec.placement = PlacementSpec(hosts=["h1"])
    if not spec.config:
        spec.config = {"exporter_prio_limit": 3}
    (option, value) = next(iter(spec.config.items()))
    apply(cluster, spec)
    assert settings(cluster, section)[option] == str(value)


def test_a_manager_that_is_active_hands_over_before_it_is_restarted(cluster: Cluster) -> None:
    placement = PlacementSpec(hosts=["h1", "h2"])
    apply(cluster, ServiceSpec("mgr", placement=placement))
    cluster.requests.clear()
    apply(cluster, ServiceSpec("mgr", placement=placement, config={"mgr_pool": False}))
    cluster.settle(20)
    assert restarts(cluster, "mgr")[0] == ["h2"]
    assert "mgr fail h1" in cluster.monitors.log


def test_a_removed_service_takes_its_options_with_it(cluster: Cluster) -> None:
    apply(cluster, rgw(config={"rgw_thread_pool_size": 128}))
    cluster.monitors.config[f"{SECTION}/debug_rgw"] = "5/5"
    raise_if_exception(cluster.orchestrator.remove_service("rgw.pc"))
    cluster.settle()
    cluster.report()
    assert settings(cluster) == {"debug_rgw": "5/5"}
    assert cluster.core.set_options.all() == []


def test_ps_says_when_a_daemon_was_configured_last(cluster: Cluster) -> None:
    cluster.daemons["h2", "mds", "x.h2.byhand"] = "running"
    apply(cluster, rgw(8100))
    daemons = raise_if_exception(cluster.orchestrator.list_daemons())
    told = {each.daemon_type: each.last_configured for each in daemons}
    assert told["mds"] is None
    first = told["rgw"]
    assert first is not None
    apply(cluster, rgw(8200))
    (daemon,) = raise_if_exception(cluster.orchestrator.list_daemons(daemon_type="rgw"))
    assert daemon.last_configured > first


def test_an_unmanaged_service_is_left_alone(cluster: Cluster) -> None:
    apply(cluster, rgw(8100))
    cluster.requests.clear()
    apply(cluster, rgw(8200, unmanaged=True, config={"rgw_thread_pool_size": 5}))
    assert settings(cluster) == {}
    assert restarts(cluster) == []


def test_silent_monitors_while_the_spec_changes_lose_nothing(cluster: Cluster) -> None:
    apply(cluster, rgw(8100))
    raise_if_exception(cluster.orchestrator.apply([rgw(8200)]))
    cluster.monitors.silent = True
    cluster.settle(3)
    cluster.monitors.silent = False
    cluster.report(40)
    assert frontends(cluster) == ["beast port=8200"]
    with pytest.raises(OrchestratorError):
        raise_if_exception(cluster.orchestrator.apply([rgw(config={"rgw_nope": 1})]))


def test_a_gateway_that_somebody_stopped_holds_up_nothing(cluster: Cluster) -> None:
    apply(cluster, rgw(hosts="h1 h2 h3"))
    cluster.requests.clear()
    stopped = next(key for key in cluster.daemons if key[:2] == ("h2", "rgw"))
    cluster.daemons[stopped] = "stopped"
    cluster.said[stopped] = {"enabled": True}
    cluster.report()
    apply(cluster, rgw(hosts="h1 h2 h3", config={"rgw_dns_name": "x"}))
    assert len(restarts(cluster)) == 2
    assert cluster.daemons[stopped] == "stopped"


def test_the_only_one_that_answers_is_not_restarted(cluster: Cluster) -> None:
    apply(cluster, rgw(hosts="h1 h2"))
    cluster.requests.clear()
    cluster.offline("h2")
    raise_if_exception(
        cluster.orchestrator.apply([rgw(hosts="h1 h2", config={"rgw_dns_name": "x"})])
    )
    cluster.settle()
    assert restarts(cluster) == []
    assert any(
        "is not restarted: it is the only daemon of the service on a host that answers" in event
        for event in events(cluster)
    )


def test_a_restart_that_somebody_asked_for_is_not_crossed(cluster: Cluster) -> None:
    apply(cluster, rgw(hosts="h1 h2"))
    cluster.engine.held = {"h1", "h2"}
    raise_if_exception(cluster.orchestrator.service_action("restart", "rgw.pc"))
    cluster.requests.clear()
    apply(cluster, rgw(hosts="h1 h2", config={"rgw_dns_name": "x"}))
    assert restarts(cluster) == []
    # It ends.
    cluster.core.actions.cancel("rgw.pc")
    cluster.engine.held = set()
    cluster.settle()
    assert len(restarts(cluster)) == 2


def test_a_restart_does_not_cross_one_that_a_changed_spec_needs(cluster: Cluster) -> None:
    apply(cluster, rgw(8100, "h1 h2"))
    raise_if_exception(cluster.orchestrator.apply([rgw(8200, "h1 h2")]))
    reconciler = cluster.orchestrator.reconciler
    reconciler.step(cluster.now + 2)
    cluster.requests.clear()
    raise_if_exception(cluster.orchestrator.service_action("restart", "rgw.pc"))
    submitted = len(cluster.core.engine.jobs())
    reconciler.step(cluster.now + 4)
    assert len(cluster.core.engine.jobs()) == submitted
    assert "to end" in cluster.core.actions.all()[0].reason
    cluster.settle(20)
    assert acts(cluster).count("service_action") == 2


def acts(cluster: Cluster) -> List[str]:
    """Return the operations that did something to daemons."""
    reads = ("get_inventory", "add_host_label")
    return [name for name, _ in cluster.operations() if name not in reads]


def test_a_key_that_was_given_anew_arrives(cluster: Cluster) -> None:
    apply(cluster, MDSSpec(service_id="a", placement=PlacementSpec(count=2)))
    cluster.settle(40)
    cluster.requests.clear()
    (_, second) = sorted(name for _, kind, name in cluster.daemons if kind == "mds")
    cluster.monitors.rotated[f"mds.{second}"] = "ANOTHERKEY=="
    cluster.settle(60)

    asked = [each for each in cluster.requests if each.operation == "apply_mds"]
    rows = [row["id"] for each in asked for row in next(iter(_rows(each).values()))]
    assert rows == [second]
    assert any("ANOTHERKEY" in text for text in asked[0].secrets.values())
    assert f"restarted mds.{second}: key changed" in events(cluster, "mds.a")


def test_a_daemon_that_is_made_again_with_another_key_is_not_restarted(cluster: Cluster) -> None:
    spec = MDSSpec(service_id="a", placement=PlacementSpec(hosts=["h1"]))
    apply(cluster, spec)
    cluster.settle(40)
    raise_if_exception(cluster.orchestrator.remove_service("mds.a"))
    cluster.report()
    assert "mds" not in {kind for _, kind, _ in cluster.daemons}
    cluster.requests.clear()
    cluster.monitors.rotated = _Anew()
    apply(cluster, spec)
    cluster.settle(60)
    assert acts(cluster) == ["apply_mds"]


class _Anew(Dict[str, str]):
    """Another key for each name."""

    def get(self, entity: str, default: Any = None) -> Any:
        return f"ANEW{entity}=="


def _rows(request: Any) -> Dict[str, Any]:
    return dict(request.variables["daemon_deploy_daemons"])


def test_an_option_of_a_daemon_that_it_needs_no_more_goes(cluster: Cluster) -> None:
    apply(cluster, rgw(8100))
    ((host, known),) = cluster.core.deployments.of_service("rgw.pc")
    section = f"client.{known.daemon}"
    cluster.monitors.config[f"{section}/rgw_dns_name"] = "of an earlier version"
    options = (*known.options, "rgw_dns_name")
    cluster.core.deployments.save(host, [replace(known, options=options)])
    apply(cluster, rgw(8200))
    assert settings(cluster, section) == {"rgw_frontends": "beast port=8200"}


def test_a_daemon_that_was_started_with_another_value_is_restarted(cluster: Cluster) -> None:
    spec = rgw(8100, "h1 h2", config={"rgw_dns_name": "a"})
    apply(cluster, spec)
    cluster.settle(40)
    cluster.requests.clear()
    cluster.monitors.config[f"{SECTION}/rgw_dns_name"] = "b"
    again = next(key for key in cluster.daemons if key[:2] == ("h2", "rgw"))
    cluster.said[again] = {"started": datetime_now().isoformat()}
    cluster.report(40)

    assert settings(cluster)["rgw_dns_name"] == "a"
    assert restarts(cluster) == [[again[2]]]
    assert any(f"restarted rgw.{again[2]}: rgw_dns_name changed" in e for e in events(cluster))


@pytest.mark.parametrize("reported", [True, False])
def test_what_a_job_of_the_manager_before_brings_up_gets_what_has_changed_meanwhile(
    cluster: Cluster, reported: bool
) -> None:
    """Seen in a day's work: `apply`, `mgr fail`, `apply` with another port: the old one stayed."""
    raise_if_exception(cluster.orchestrator.apply([rgw(8100)]))
    cluster.orchestrator.reconciler.step(cluster.now)
    ((host, known),) = cluster.core.deployments.of_service("rgw.pc")
    cluster.start_anew()
    raise_if_exception(cluster.orchestrator.apply([rgw(8200)]))
    key = (host, "rgw", known.daemon_id)
    cluster.daemons[key], cluster.said[key] = "running", {"ports": [8100]}
    cluster.requests.clear()
    if reported:
        cluster.core.reports.absorb(host, cluster._report(host), 2.0)
    cluster.report(40)
    assert settings(cluster, f"client.{known.daemon}") == {"rgw_frontends": "beast port=8200"}
    told = [each for each in cluster.requests if each.operation == "apply_rgw"]
    # The host restarts one that was started before that moment.
    assert [row["since"] > 0 for each in told for row in _rows(each)[host]] == [True]
