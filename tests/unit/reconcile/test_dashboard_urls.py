"""The dashboard knows where Prometheus and Alertmanager are, and keeps what others have set."""

from __future__ import annotations

from typing import Any, List, Optional

import pytest

from adapter.interface import ServiceSpec, raise_if_exception
from adapter.reconcile.dashboard_urls import RECORD, goal
from tests.unit.reconcile.fake_cluster import Cluster

SPEC = {"service_type": "alertmanager", "placement": {"hosts": ["h2"]}}
OPTION = ("mgr", "mgr/dashboard/ALERTMANAGER_API_HOST")
OTHER = "http://elsewhere.example:9093"


def apply(cluster: Cluster, **fields: Any) -> None:
    spec = ServiceSpec.from_json({**SPEC, **fields})
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(60)


def option(cluster: Cluster) -> str:
    return cluster.core.maps.settings().get(OPTION, "")


def url(cluster: Cluster, host: str) -> str:
    return f"http://{cluster.core.hosts.get(host).addr}:9093"


A, B = "http://a:1", "http://b:1"


@pytest.mark.parametrize(
    ("there", "ours", "running", "stopped", "shall"),
    [
        ("", "", [A, B], [], A),
        (B, "", [A, B], [], B),
        (OTHER, "", [A], [], None),
        (OTHER, A, [A], [], None),
        (OTHER, A, [], [], None),
        (A, A, [B], [], B),
        (A, A, [B], [A], B),
        (A, A, [], [A], None),
        (A, A, [], [], ""),
        (A, "", [], [], None),
        ("", A, [A], [], A),
        ("", A, [], [], ""),
    ],
)
def test_what_an_option_shall_be(
    there: str, ours: str, running: List[str], stopped: List[str], shall: Optional[str]
) -> None:
    assert goal(there, ours, running, stopped) == shall


def test_it_is_set_follows_and_is_taken_back(cluster: Cluster) -> None:
    apply(cluster)
    assert option(cluster) == url(cluster, "h2")
    assert cluster.core.store.get(RECORD) == {"ALERTMANAGER_API_HOST": url(cluster, "h2")}
    apply(cluster, placement={"hosts": ["h3"]})
    assert option(cluster) == url(cluster, "h3")
    cluster.start_anew()
    raise_if_exception(cluster.orchestrator.remove_service("alertmanager"))
    cluster.settle(60)
    assert option(cluster) == ""
    assert cluster.core.store.get(RECORD) is None


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_somebody_else_has_set_stays(cluster: Cluster, when: str) -> None:
    if when == "before":
        cluster.core.maps.configure(*OPTION, OTHER)
    apply(cluster)
    cluster.core.maps.configure(*OPTION, OTHER)
    cluster.settle(60)
    assert option(cluster) == OTHER
    (found,) = raise_if_exception(
        cluster.orchestrator.describe_service(service_type="alertmanager")
    )
    assert any(
        f"ALERTMANAGER_API_HOST is {OTHER}, and stays so" in str(each) for each in found.events
    )
    raise_if_exception(cluster.orchestrator.remove_service("alertmanager"))
    cluster.settle(60)
    assert option(cluster) == OTHER
    assert cluster.core.store.get(RECORD) is None


def test_nothing_is_set_for_a_service_that_is_not_kept_or_without_a_dashboard(
    cluster: Cluster,
) -> None:
    cluster.monitors.enabled_modules.remove("dashboard")
    cluster.settle(40)
    apply(cluster)
    assert option(cluster) == ""
    cluster.monitors.enabled_modules.append("dashboard")
    cluster.settle(60)
    assert option(cluster) == url(cluster, "h2")
    raise_if_exception(cluster.orchestrator.set_unmanaged("alertmanager", True))
    cluster.core.maps.unconfigure(*OPTION)
    cluster.settle(60)
    assert option(cluster) == ""


URL, VERIFY = (
    ("mgr", "mgr/dashboard/GRAFANA_API_URL"),
    ("mgr", "mgr/dashboard/GRAFANA_API_SSL_VERIFY"),
)


def grafana(cluster: Cluster, **fields: Any) -> None:
    given = {"service_type": "grafana", "placement": {"hosts": ["h2"]}, "spec": fields}
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec.from_json(given)]))
    cluster.settle(60)


def options(cluster: Cluster) -> List[Optional[str]]:
    found = cluster.core.maps.settings()
    return [found.get(URL), found.get(VERIFY)]


def test_a_certificate_that_nobody_has_signed_is_not_checked(cluster: Cluster) -> None:
    addr = cluster.core.hosts.get("h2").addr
    grafana(cluster)
    assert options(cluster) == [f"https://{addr}:3000", "false"]
    grafana(cluster, protocol="http", port=3001)
    assert options(cluster) == [f"http://{addr}:3001", None]
    grafana(cluster)
    cluster.start_anew()
    raise_if_exception(cluster.orchestrator.remove_service("grafana"))
    cluster.settle(60)
    assert options(cluster) == [None, None]
    assert cluster.core.store.get(RECORD) is None


def test_what_somebody_else_says_of_certificates_stays(cluster: Cluster) -> None:
    cluster.core.maps.configure(*VERIFY, "true")
    grafana(cluster)
    assert options(cluster)[1] == "true"
    raise_if_exception(cluster.orchestrator.remove_service("grafana"))
    cluster.settle(60)
    assert options(cluster) == [None, "true"]


def test_an_url_of_somebody_else_takes_what_went_with_ours_along(cluster: Cluster) -> None:
    grafana(cluster)
    cluster.core.maps.configure(*URL, "https://grafana.example")
    cluster.settle(60)
    assert options(cluster) == ["https://grafana.example", None]
    assert cluster.core.store.get(RECORD) is None
