"""A daemon belongs to one service: the one that it was made for."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Tuple

import pytest

from adapter.interface import MDSSpec, PlacementSpec, RGWSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

Pair = Tuple[ServiceSpec, ServiceSpec]


@pytest.fixture
def cluster() -> Cluster:
    """Return three hosts with an OSD among them."""
    return Cluster().serving()


def mds(name: str, *hosts: str) -> MDSSpec:
    return MDSSpec(service_id=name, placement=PlacementSpec(hosts=list(hosts)))


def rgw(name: str, port: int, *hosts: str) -> RGWSpec:
    placement = PlacementSpec(hosts=list(hosts))
    return RGWSpec(service_id=name, placement=placement, rgw_frontend_port=port)


PAIRS: List[Pair] = [
    (mds("fs", "h2"), mds("fs.h2.b", "h2")),
    (mds("fs", "h2"), mds("fs.h2.abcdef", "h2")),
    (mds("fs", "h2"), mds("fs.h2", "h2")),
    (mds("fs", "h1", "h2"), mds("fs.h1", "h2")),
    (rgw("z", 8000, "h2"), rgw("z.h2.8080", 8080, "h2")),
    (rgw("z.h2", 8000, "h2", "h3"), rgw("z.h2.h3", 8080, "h3")),
]


def has(cluster: Cluster, service: str) -> List[str]:
    found = raise_if_exception(cluster.orchestrator.list_daemons(service_name=service))
    return sorted(str(daemon.hostname) for daemon in found)


def hand_made(cluster: Cluster, host: str, kind: str, daemon_id: str) -> None:
    cluster.daemons[host, kind, daemon_id] = "running"
    cluster.report()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[1].service_name())
@pytest.mark.parametrize("turned", [False, True])
def test_services_with_like_names_have_their_own_daemons(pair: Pair, turned: bool) -> None:
    cluster = Cluster().serving()
    for spec in reversed(pair) if turned else pair:
        raise_if_exception(cluster.orchestrator.apply([spec]))
        cluster.settle()
    cluster.start_anew()
    cluster.settle()
    for spec in pair:
        wanted = sorted(host.hostname for host in spec.placement.hosts)
        assert has(cluster, spec.service_name()) == wanted
        (found,) = raise_if_exception(
            cluster.orchestrator.describe_service(service_name=spec.service_name())
        )
        assert (found.running, found.size) == (len(wanted), len(wanted))
    assert "remove_daemons" not in [name for name, _ in cluster.operations()]


def test_a_name_counts_with_its_end(cluster: Cluster) -> None:
    """The host's name in the middle of a name that somebody chose says nothing."""
    hand_made(cluster, "h2", "rgw", "prod.h21-x.rgw0")
    hand_made(cluster, "h2", "rgw", "prod.h2.rgw0")
    hand_made(cluster, "h2", "rgw", "prod.h2.abcdefg")
    assert has(cluster, "rgw.prod") == []
    raise_if_exception(cluster.orchestrator.apply([rgw("prod", 8000, "h2")]))
    cluster.settle()
    assert has(cluster, "rgw.prod") == ["h2"]
    raise_if_exception(cluster.orchestrator.remove_service("rgw.prod"))
    cluster.settle()
    assert len(cluster.daemons) == 2 + 3, "what somebody made by hand is gone"


def test_a_daemon_without_a_record_is_known_by_its_name(cluster: Cluster) -> None:
    """It was deployed before there were records, or its host was another cluster's."""
    hand_made(cluster, "h2", "mds", "data.x.h2.qwertz")
    assert has(cluster, "mds.data.x") == ["h2"]
    hand_made(cluster, "h3", "mds", "h3")
    assert has(cluster, "mds.h3") == ["h3"]


def test_the_full_name_of_a_host_is_its_name_too(cluster: Cluster) -> None:
    """A host that was added by another of its names keeps the daemons that it had."""
    cluster.said_of["h2"] = {"fqdn": "h2.example.com"}
    hand_made(cluster, "h2", "mds", "data.h2.example.com.qwertz")
    assert has(cluster, "mds.data") == ["h2"]


def test_the_record_decides_where_names_do_not(cluster: Cluster) -> None:
    """The name of a mirror says nothing of a service, and neither does one that was chosen."""
    raise_if_exception(cluster.orchestrator.apply([mds("fs", "h2")]))
    cluster.settle()
    (daemon_id,) = [each for _, kind, each in cluster.daemons if kind == "mds"]
    cluster.said_of["h2"] = {"hostname": "renamed"}
    cluster.report()
    assert has(cluster, "mds.fs") == ["h2"]
    assert cluster.core.deployments.get("h2", f"mds.{daemon_id}") is not None


def test_a_service_that_flips_is_stopped_and_named(cluster: Cluster) -> None:
    """Another program writes over the record of a daemon each time that it is there."""
    for spec in (mds("a", "h1"), mds("b", "h2")):
        raise_if_exception(cluster.orchestrator.apply([spec]))
    known = cluster.core.deployments
    for _ in range(40):
        cluster.settle(1)
        wrong = [replace(each, service="mds.a") for _, each in known.of_service("mds.b")]
        if wrong and ("h2", "mds", wrong[0].daemon_id) in cluster.daemons:
            known.save("h2", wrong)
    made = [hosts for name, hosts in cluster.operations() if name == "apply_mds"]
    assert made.count(["h2"]) == 2
    health = str(cluster.orchestrator.health.checks()["ANSIBLE_SERVICE_FAILED"]["detail"])
    assert "removed as one of mds.a again and again" in health
    for name in ("mds.a", "mds.b"):
        assert name in health
        assert any("again and again" in each.message for each in cluster.core.events.of(name))

    raise_if_exception(cluster.orchestrator.apply([mds("b", "h2")]))
    cluster.settle(20)
    assert has(cluster, "mds.b") == ["h2"]
    assert "ANSIBLE_SERVICE_FAILED" not in cluster.orchestrator.health.checks()


def test_what_somebody_asks_for_is_no_flip(cluster: Cluster) -> None:
    """Labels come and go, daemons are removed by name: as often as anybody likes."""
    raise_if_exception(cluster.orchestrator.apply([mds("a", "h1")]))
    cluster.settle()
    for _ in range(5):
        for hosts in (["h2"], ["h1", "h2"]):
            raise_if_exception(cluster.orchestrator.apply([mds("a", *hosts)]))
            cluster.settle(20)
            assert has(cluster, "mds.a") == hosts
        (name,) = [each for host, _, each in cluster.daemons if host == "h2"]
        raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{name}"]))
        cluster.settle(20)
    assert has(cluster, "mds.a") == ["h1", "h2"]
    assert "ANSIBLE_SERVICE_FAILED" not in cluster.orchestrator.health.checks()
