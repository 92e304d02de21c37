"""Alertmanagers know of each other and of the dashboards; Prometheus knows of them."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from adapter.interface import ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

SPEC = {"service_type": "alertmanager", "placement": {"hosts": ["h1", "h2"]}}
PROMETHEUS = {"service_type": "prometheus", "placement": {"hosts": ["h3"]}}


def apply(cluster: Cluster, *specs: Dict[str, Any]) -> None:
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec.from_json(each) for each in specs]))
    cluster.settle(30)


def files(cluster: Cluster, kind: str) -> List[Dict[str, Any]]:
    """Return what each job wrote, by host and file."""
    return [
        {host: row["files"] for host, (row,) in rows.items()}
        for request in cluster.requests
        if request.operation == f"apply_{kind}"
        for rows in [request.variables["daemon_deploy_daemons"]]
    ]


def peers(written: Dict[str, Any]) -> List[str]:
    found: List[str] = json.loads(written["peers.json"])["peers"]
    return found


def test_those_of_one_job_know_each_other_and_a_third_is_told_to_them(cluster: Cluster) -> None:
    apply(cluster, SPEC)
    (first,) = files(cluster, "alertmanager")
    address = {host.hostname: host.addr for host in cluster.core.hosts.all()}
    assert {host: peers(each) for host, each in first.items()} == {
        "h1": [address["h2"]],
        "h2": [address["h1"]],
    }
    apply(cluster, {**SPEC, "placement": {"hosts": ["h1", "h2", "h3"]}})
    last = files(cluster, "alertmanager")[1]
    assert sorted(last) == ["h1", "h2", "h3"], "those that run are told in the same job"
    assert all(len(peers(each)) == 2 for each in last.values())

    count = len(cluster.requests)
    apply(cluster, {**SPEC, "placement": {"hosts": ["h1", "h2", "h3"]}})
    cluster.start_anew()
    cluster.settle(60)
    assert files(cluster, "alertmanager")[2:] == []
    assert not [each for each in cluster.requests[count:] if each.changes]


def test_one_that_goes_is_no_peer_any_more(cluster: Cluster) -> None:
    apply(cluster, SPEC)
    apply(cluster, {**SPEC, "placement": {"hosts": ["h1"]}})
    cluster.settle(60)
    assert peers(files(cluster, "alertmanager")[-1]["h1"]) == []
    raise_if_exception(cluster.orchestrator.remove_service("alertmanager"))
    cluster.settle(30)
    assert not [each for each in cluster.daemons if each[1] == "alertmanager"]
    assert list(cluster.core.deployments.all()) == []


def test_prometheus_sends_its_alerts_to_those_that_there_are(cluster: Cluster) -> None:
    cluster.monitors.enabled_modules.append("prometheus")
    cluster.settle(20)
    apply(cluster, PROMETHEUS)
    written = files(cluster, "prometheus")
    assert json.loads(written[-1]["h3"]["alertmanager.json"]) == []
    apply(cluster, SPEC)
    written = files(cluster, "prometheus")
    (group,) = json.loads(written[-1]["h3"]["alertmanager.json"])
    assert [each.rpartition(":")[2] for each in group["targets"]] == ["9093", "9093"]
    assert written[-1]["h3"]["prometheus.yml"] == written[0]["h3"]["prometheus.yml"]


@pytest.mark.parametrize("enabled", [True, False])
def test_dashboards_are_told_only_where_there_are_any(cluster: Cluster, enabled: bool) -> None:
    if not enabled:
        cluster.monitors.enabled_modules.remove("dashboard")
        cluster.settle(40)
    apply(cluster, SPEC)
    found = json.loads(
        files(cluster, "alertmanager")[-1]["h1"]["alertmanager.yml"].partition("\n")[2]
    )
    assert (len(found["receivers"]) == 2) is enabled
