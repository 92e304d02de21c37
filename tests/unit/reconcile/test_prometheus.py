"""Prometheus asks those that there are: its files follow the cluster, and restart nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict, List, Tuple

import pytest

from adapter.interface import ServiceSpec, raise_if_exception
from adapter.kinds import KINDS, ClusterView, ViewedDaemon
from tests.unit.reconcile.fake_cluster import Cluster

OTHERS = {"service_type": "node-exporter", "placement": {"host_pattern": "*"}}
SPEC = {"service_type": "prometheus", "placement": {"hosts": ["h1"]}}


@pytest.fixture
def watched(cluster: Cluster) -> Cluster:
    """Return a cluster whose managers give figures."""
    cluster.monitors.enabled_modules.append("prometheus")
    cluster.settle(20)
    return cluster


def apply(cluster: Cluster, *specs: Dict[str, Any]) -> List[str]:
    found = [ServiceSpec.from_json(each) for each in specs]
    said = raise_if_exception(cluster.orchestrator.apply(found))
    cluster.settle(30)
    return [str(each) for each in said]


def deployed(cluster: Cluster) -> List[Dict[str, Any]]:
    """Return the rows of each job, by host."""
    return [
        request.variables["daemon_deploy_daemons"]
        for request in cluster.requests
        if request.operation == "apply_prometheus"
    ]


def asked(cluster: Cluster, job: str) -> List[str]:
    """Return the targets of a job that were written last."""
    (row,) = deployed(cluster)[-1]["h1"]
    return [each for group in json.loads(row["files"][f"{job}.json"]) for each in group["targets"]]


def test_it_waits_for_the_module_of_the_managers(cluster: Cluster) -> None:
    (said,) = apply(cluster, SPEC)
    assert "It waits: the managers' module prometheus is not enabled." in said
    assert deployed(cluster) == []
    cluster.monitors.enabled_modules.append("prometheus")
    cluster.settle(60)
    assert [sorted(rows) for rows in deployed(cluster)] == [["h1"]]


def test_what_it_asks_follows_the_cluster_without_a_restart(watched: Cluster) -> None:
    apply(watched, SPEC)
    assert asked(watched, "node") == []
    apply(watched, OTHERS)
    assert len(asked(watched, "node")) == 3
    assert len(asked(watched, "ceph")) == 1
    jobs = deployed(watched)
    assert all(set(rows) == {"h1"} for rows in jobs), "another host was asked"
    assert not [row for rows in jobs for (row,) in rows.values() if row["since"]]

    apply(watched, {**OTHERS, "placement": {"hosts": ["h2"]}})
    assert len(asked(watched, "node")) == 1
    assert asked(watched, "node")[0].endswith(":9100")

    count = len(deployed(watched))
    watched.settle(120)
    watched.start_anew()
    watched.settle(60)
    assert len(deployed(watched)) == count, "the same files were written again"


def test_what_is_to_come_is_asked_before_it_is_there(watched: Cluster) -> None:
    counters = {"service_type": "ceph-exporter", "placement": {"host_pattern": "*"}}
    alerts = {"service_type": "alertmanager", "placement": {"hosts": ["h2"]}}
    apply(watched, SPEC, OTHERS, counters, alerts)
    assert len(deployed(watched)) == 1, "each service that came wrote the files again"
    for job, count in (("node", 3), ("ceph-exporter", 3), ("alertmanager", 1)):
        assert len(asked(watched, job)) == count
    count = len(deployed(watched))
    watched.start_anew()
    watched.settle(60)
    assert len(deployed(watched)) == count


def test_what_does_not_come_up_is_asked_until_its_service_goes(watched: Cluster) -> None:
    watched.break_on["apply_node_exporter"] = {"h2": "no package"}
    apply(watched, SPEC, OTHERS)
    assert len(asked(watched, "node")) == 3
    raise_if_exception(watched.orchestrator.remove_service("node-exporter"))
    watched.settle(60)
    assert asked(watched, "node") == []


def test_a_file_that_its_host_refuses_is_tried_again_and_the_old_one_stays(
    watched: Cluster,
) -> None:
    apply(watched, SPEC)
    watched.break_on["apply_prometheus"] = {"h1": "promtool refuses prometheus.yml: line 7"}
    apply(watched, {**SPEC, "spec": {"targets": ["10.0.0.9:9095"]}})
    (found,) = raise_if_exception(watched.orchestrator.describe_service(service_name="prometheus"))
    assert any("promtool refuses prometheus.yml: line 7" in str(each) for each in found.events)
    watched.break_on.clear()
    watched.settle(700)
    assert asked(watched, "federate") == ["10.0.0.9:9095"]


def view(hosts: int = 2) -> ClusterView:
    rows = [ViewedDaemon("mgr", f"h{n}", "mgr", f"h{n}", f"10.0.0.{n}", 6800) for n in range(1, 3)]
    rows += [
        ViewedDaemon("node-exporter", f"h{n}", "node-exporter", f"h{n}", f"fd00::{n:x}", 9100)
        for n in range(1, hosts + 1)
    ]
    return ClusterView("F51D", tuple(rows), {}, {("mgr", "mgr/prometheus/server_port"): "9999"})


def test_jobs_and_labels_are_those_that_rules_and_dashboards_ask_for() -> None:
    spec = ServiceSpec.from_json(SPEC)
    files = KINDS["prometheus"].files(spec, view(), view().daemons[0])
    head, _, text = files["prometheus.yml"].partition("\n")
    found = json.loads(text)
    assert head.startswith("# Written by ceph-orch-ansible")
    assert [each["job_name"] for each in found["scrape_configs"]] == [
        *("ceph", "node", "ceph-exporter", "ceph-orch-ansible"),
    ]
    assert found["rule_files"][1:] == ["orchestrator_alerts.yml"]
    assert "CephOrchestratorHostOffline" in files["orchestrator_alerts.yml"]
    assert found["global"]["external_labels"] == {"cluster": "F51D"}
    assert json.loads(files["ceph.json"]) == [
        {
            "targets": ["10.0.0.1:9999", "10.0.0.2:9999"],
            "labels": {"instance": "ceph_cluster", "cluster": "F51D"},
        }
    ]
    assert json.loads(files["node.json"])[1] == {
        "targets": ["[fd00::2]:9100"],
        "labels": {"instance": "h2", "cluster": "F51D"},
    }
    assert "federate.json" not in files


def managers(view: ClusterView) -> List[str]:
    """Return the managers that a Prometheus asks."""
    files = KINDS["prometheus"].files(ServiceSpec.from_json(SPEC), view, view.daemons[0])
    return [each for group in json.loads(files["ceph.json"]) for each in group["targets"]]


@pytest.mark.parametrize(
    ("active", "listens", "expected"),
    [
        ("h1", (6800, 8080), ["10.0.0.1:9999"]),
        ("h2", (6800, 8080), ["10.0.0.2:9999"]),
        ("h1", (6800, 9999), ["10.0.0.1:9999", "10.0.0.2:9999"]),
        # As long as nobody knows which one is active, all may be.
        ("", (), ["10.0.0.1:9999", "10.0.0.2:9999"]),
    ],
)
def test_one_that_stands_by_is_asked_where_it_listens(
    active: str, listens: Tuple[int, ...], expected: List[str]
) -> None:
    """A target that is down for ever is an alert for ever."""
    rows = [replace(each, listens=listens) for each in view().daemons]
    assert managers(replace(view(), daemons=tuple(rows), active=active)) == expected


def test_one_that_takes_over_is_asked(watched: Cluster) -> None:
    watched.daemons["h2", "mgr", "h2"] = "running"
    watched.monitors.managers.append("h2")
    watched.report(2)
    apply(watched, SPEC)
    assert asked(watched, "ceph") == ["10.0.0.1:9283"]
    watched.monitors.managers.sort(reverse=True)
    watched.settle(20)
    assert asked(watched, "ceph") == ["10.0.0.2:9283"]


def test_retention_is_an_argument() -> None:
    spec = {**SPEC, "spec": {"retention_time": "1y", "retention_size": "40GB"}}
    told = KINDS["prometheus"].host_settings(ServiceSpec.from_json(spec))
    assert told == {
        "port": 9095,
        "args": ["--storage.tsdb.retention.time=1y", "--storage.tsdb.retention.size=40GB"],
    }


ACTIVE = {"modules": ("ansible", "prometheus"), "active": "h2"}
PORT, ADDR = "mgr/ansible/metrics_port", "mgr/ansible/h2/metrics_addr"


@pytest.mark.parametrize(
    ("more", "targets"),
    [
        ({}, []),
        ({"modules": ("prometheus",), "active": "h2"}, []),
        (ACTIVE, ["10.0.0.2:9284"]),
        ({**ACTIVE, "active": ""}, ["10.0.0.1:9284", "10.0.0.2:9284"]),
        ({**ACTIVE, "settings": {("mgr", PORT): "9999"}}, ["10.0.0.2:9999"]),
        ({**ACTIVE, "settings": {("mgr", PORT): "0"}}, []),
        ({**ACTIVE, "settings": {("mgr", ADDR): "fd00::2"}}, ["[fd00::2]:9284"]),
        ({**ACTIVE, "settings": {("mgr", ADDR): "::"}}, ["10.0.0.2:9284"]),
    ],
)
def test_the_active_manager_is_asked_for_the_figures_of_this_backend(
    more: Dict[str, Any], targets: List[str]
) -> None:
    seen = replace(view(), **more)
    files = KINDS["prometheus"].files(ServiceSpec.from_json(SPEC), seen, seen.daemons[0])
    found = json.loads(files["orchestrator.json"])
    assert [each for group in found for each in group["targets"]] == targets
    assert not found or found[0]["labels"] == {"instance": "ceph_cluster", "cluster": "F51D"}
