"""Gateways keep their ports, and two services never mean the same one."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from adapter.errors import AdapterError, InvalidValue
from adapter.interface import PlacementSpec, RGWSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def rgw(name: str, port: int, *hosts: str, each: int = 0, **more: Any) -> RGWSpec:
    placement = PlacementSpec(hosts=list(hosts), count_per_host=each or None)
    return RGWSpec(service_id=name, rgw_frontend_port=port, placement=placement, **more)


def apply(cluster: Cluster, *specs: ServiceSpec) -> None:
    raise_if_exception(cluster.orchestrator.apply(list(specs)))
    cluster.settle()


def ports(cluster: Cluster) -> Dict[str, int]:
    """Return by gateway what the monitors' configuration tells it to listen on."""
    return {
        key[len("client.") : -len("/rgw_frontends")]: int(value.rpartition("=")[2])
        for key, value in cluster.monitors.config.items()
        if key.endswith("/rgw_frontends")
    }


def gateways(cluster: Cluster, host: str) -> List[str]:
    return sorted(
        f"rgw.{name}" for at, kind, name in cluster.daemons if (at, kind) == (host, "rgw")
    )


def refused(cluster: Cluster, *specs: ServiceSpec) -> str:
    """Return why specs are refused: by apply and by its dry run, and nothing is kept of them."""
    before = [each.name for each in cluster.core.specs.all()]
    with pytest.raises(AdapterError) as error:
        raise_if_exception(cluster.orchestrator.apply(list(specs)))
    assert [each.name for each in cluster.core.specs.all()] == before
    rows = raise_if_exception(cluster.orchestrator.plan(list(specs)))
    said = [str(row["error"]) for row in rows if "error" in row]
    assert said
    # Of several, apply says them in one sentence.
    assert all(each.rstrip(".") in str(error.value) for each in said)
    return str(error.value)


def listen(cluster: Cluster, host: str, kind: str, name: str, *numbers: int) -> None:
    cluster.daemons[host, kind, name] = "running"
    cluster.said[host, kind, name] = {"ports": list(numbers)}
    cluster.report(2)


@pytest.mark.parametrize("action", ["one", "service", "broken", "next manager"])
def test_no_gateway_changes_its_port_when_it_is_deployed_again(full: Cluster, action: str) -> None:
    apply(full, rgw("a", 8000, "h2", each=3))
    before, names = ports(full), gateways(full, "h2")
    assert sorted(before.values()) == [8000, 8001, 8002]
    last = max(names, key=lambda name: before[name])
    if action == "next manager":
        full.start_anew()
        action = "one"
    if action == "one":
        raise_if_exception(full.orchestrator.daemon_action("redeploy", last))
    elif action == "service":
        raise_if_exception(full.orchestrator.service_action("redeploy", "rgw.a"))
    else:
        full.daemons["h2", "rgw", last[4:]] = "error"
        full.report()
    full.settle()
    assert ports(full) == before


def test_one_that_is_deployed_before_its_brothers_were_recorded_leaves_them_theirs(
    full: Cluster,
) -> None:
    apply(full, rgw("a", 8000, "h2", each=2))
    before = ports(full)
    for name in before:
        full.said["h2", "rgw", name[4:]] = {"ports": [before[name]]}
    full.core.deployments.forget("h2", list(before))
    full.report()
    for name in before:
        raise_if_exception(full.orchestrator.daemon_action("redeploy", name))
        full.settle()
        assert ports(full) == before


def test_a_port_that_is_free_again_is_given_out_first(full: Cluster) -> None:
    apply(full, rgw("a", 8000, "h2", each=3))
    gone = min(ports(full), key=lambda name: ports(full)[name])
    full.daemons.pop(("h2", "rgw", gone[4:]))
    full.core.deployments.forget("h2", [gone])
    full.report()
    assert sorted(ports(full)[name] for name in gateways(full, "h2")) == [8000, 8001, 8002]


def test_more_daemons_than_hosts_have_ports_of_their_own(full: Cluster) -> None:
    placement = PlacementSpec(count=5, host_pattern="h[12]")
    apply(full, RGWSpec(service_id="a", rgw_frontend_port=8000, placement=placement))
    for host in ("h1", "h2"):
        here = sorted(ports(full)[name] for name in gateways(full, host))
        assert here == list(range(8000, 8000 + len(here)))
    assert "rgw.a has it on host" in refused(full, rgw("b", 8001, "h1"))
    assert "rgw.a has it on host" in refused(full, rgw("b", 8002, "h2"))
    apply(full, rgw("b", 8003, "h1"))


def test_ranges_are_held_against_ranges(full: Cluster) -> None:
    apply(full, rgw("a", 8000, "h2", each=2))
    for first, each in ((8001, 1), (7999, 2), (8000, 1), (7000, 10)):
        if first == 7000:
            apply(full, rgw("c", first, "h2", each=each))
            continue
        text = refused(full, rgw("b", first, "h2", each=each))
        assert "rgw.b" in text
        assert "rgw.a has it on host 'h2'" in text
        assert str(max(first, 8000)) in text
    apply(full, rgw("b", 8001, "h3"))
    apply(full, rgw("d", 8002, "h2"))


def test_two_of_one_file_are_held_against_each_other(full: Cluster) -> None:
    for first in (8000, 8001):
        text = refused(full, rgw("a", 8000, "h2", each=2), rgw("b", first, "h2", "h3"))
        assert "rgw.a" in text
        assert "rgw.b" in text
        assert "'h2'" in text
    apply(full, rgw("a", 8000, "h2"), rgw("b", 8000, "h3"))


def test_a_file_that_moves_one_makes_room_for_the_other(full: Cluster) -> None:
    apply(full, rgw("a", 8000, "h2"))
    apply(full, rgw("b", 8000, "h2"), rgw("a", 8100, "h2"))


@pytest.mark.parametrize(
    ("listener", "first", "port"),
    [
        (("h1", "mgr", "h1", 8080, 9283), 8080, 8080),
        (("h1", "mgr", "h1", 8080, 9283), 9282, 9283),
        (("h1", "prometheus", "h1", 9095), 9095, 9095),
        (("h1", "rgw", "old.h1", 7480), 7480, 7480),
    ],
)
def test_what_listens_on_a_host_is_no_port_for_a_gateway(
    full: Cluster, listener: Tuple[Any, ...], first: int, port: int
) -> None:
    listen(full, *listener)
    text = refused(full, rgw("dash", first, "h1", each=2))
    assert f"{port}: {listener[1]}.{listener[2]} listens on it on host 'h1'" in text
    assert "rgw.dash" in text
    apply(full, rgw("dash", first, "h2", each=2))


def test_a_monitor_has_its_ports_before_it_is_there(full: Cluster) -> None:
    apply(full, ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2"])))
    assert "mon has it on host 'h2'" in refused(full, rgw("a", 3300, "h2"))
    assert "mon has it on host 'h2'" in refused(full, rgw("a", 6788, "h2", each=2))
    apply(full, rgw("a", 3300, "h3"))
    moved = ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h3"]))
    assert "rgw.a has it on host 'h3'" in refused(full, moved)


def test_exporters_have_their_port(full: Cluster) -> None:
    apply(full, ServiceSpec("ceph-exporter"))
    assert "ceph-exporter has it on host" in refused(full, rgw("a", 9926, "h2"))


def test_a_process_of_nobody_that_listens_is_seen(full: Cluster) -> None:
    full.facts["h2"] = {"tcp_ports_used": [22, 80, 8000]}
    full.report(2)
    assert "something listens on it on host 'h2'" in refused(full, rgw("a", 80, "h2"))
    assert "something listens on it on host 'h2'" in refused(full, rgw("a", 7999, "h2", each=2))
    apply(full, rgw("a", 80, "h3"))


def test_a_service_does_not_stand_in_its_own_way(full: Cluster) -> None:
    apply(full, rgw("a", 8000, "h2", each=2))
    for name, port in ports(full).items():
        full.said["h2", "rgw", name[4:]] = {"ports": [port]}
    full.facts["h2"] = {"tcp_ports_used": [22, 8000, 8001]}
    full.report(2)
    jobs = len(full.requests)
    apply(full, rgw("a", 8000, "h2", each=2))
    assert len(full.requests) == jobs
    assert "listens" not in str(raise_if_exception(full.orchestrator.plan([rgw("a", 8000, "h2")])))


def test_what_is_kept_can_be_tried_again_whatever_listens(full: Cluster) -> None:
    full.break_on["apply_rgw"] = {"h2": "the port 8000 is taken by python3"}
    apply(full, rgw("a", 8000, "h2"))
    full.facts["h2"] = {"tcp_ports_used": [8000]}
    full.report(2)
    assert "--refresh" in refused(full, rgw("a", 7999, "h2", each=2))
    full.break_on.clear()
    apply(full, rgw("a", 8000, "h2"))
    assert len(gateways(full, "h2")) == 1


def test_what_listened_when_the_host_was_asked_before_is_no_reason(full: Cluster) -> None:
    """Facts are older than what a job says of daemons: the port may be free since."""
    full.facts["h2"] = {"tcp_ports_used": [8000]}
    full.report(2)
    report = full.core.reports.get("h2")
    full.core.reports.absorb("h2", {"daemons": report.daemons}, report.taken["daemons"] + 5)
    apply(full, rgw("a", 8000, "h2"))


@pytest.mark.parametrize(
    ("argument", "port"),
    [
        ("ssl_port=8443", 8443),
        ("port=8444", 8444),
        ("endpoint=10.0.0.2:8445", 8445),
        ("ssl_endpoint=[fd00::2]:8446", 8446),
    ],
)
def test_ports_among_the_extra_arguments_count(full: Cluster, argument: str, port: int) -> None:
    extra = {"rgw_frontend_extra_args": [f"{argument} request_timeout_ms=1"]}
    apply(full, rgw("a", 8000, "h2", **extra))
    assert f"{port}: rgw.a has it on host 'h2'" in refused(full, rgw("b", port, "h2"))
    assert "rgw.a has it on host" in refused(full, rgw("b", 8100, "h2", **extra))
    # Each daemon of a host would mean this port.
    text = refused(full, rgw("c", 8200, "h3", each=2, **extra))
    assert f"{port}" in text
    assert "2 daemons" in text
    apply(full, rgw("b", 8100, "h3", **extra))


def test_the_list_of_services_shows_the_ports(full: Cluster) -> None:
    apply(full, rgw("a", 8000, "h2"), ServiceSpec("ceph-exporter"), ServiceSpec("crash"))
    rows = raise_if_exception(full.orchestrator.describe_service())
    shown = {row.spec.service_name(): row.get_port_summary() for row in rows}
    assert (shown["rgw.a"], shown["ceph-exporter"], shown["crash"]) == ("?:8000", "?:9926", "")


def test_ports_end(full: Cluster) -> None:
    text = refused(full, rgw("a", 65535, "h2", each=2))
    assert "65536" in text


def test_a_daemon_that_is_added_by_hand_needs_a_port_too(full: Cluster) -> None:
    apply(full, rgw("a", 8000, "h2"), rgw("b", 8001, "h2"))
    spec = rgw("a", 8000, "h2")
    with pytest.raises(InvalidValue, match=r"8001: rgw\.b has it on host 'h2'"):
        raise_if_exception(full.orchestrator.add_daemon(spec))
    assert len(gateways(full, "h2")) == 2
    raise_if_exception(full.orchestrator.add_daemon(rgw("a", 8000, "h3")))
