"""Grafana gets its password as a secret, and its data sources follow the cluster."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, List

import pytest
import yaml

from adapter.content import content_root
from adapter.engine.checks import check_request
from adapter.engine.model import Request
from adapter.interface import ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

PASSWORD = "S3cret of mine"
SPEC = {
    "service_type": "grafana",
    "placement": {"hosts": ["h2"]},
    "spec": {"initial_admin_password": PASSWORD},
}
PROMETHEUS = {"service_type": "prometheus", "placement": {"hosts": ["h1"]}}


@pytest.fixture
def watched(cluster: Cluster) -> Cluster:
    """Return a cluster whose managers give figures."""
    cluster.monitors.enabled_modules.append("prometheus")
    cluster.settle(20)
    return cluster


def apply(cluster: Cluster, *specs: Dict[str, Any]) -> None:
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec.from_json(each) for each in specs]))
    cluster.settle(40)


def jobs(cluster: Cluster) -> List[Request]:
    return [each for each in cluster.requests if each.operation == "apply_grafana"]


def sources(request: Request) -> List[str]:
    (row,) = request.variables["daemon_deploy_daemons"]["h2"]
    found = yaml.safe_load(row["files"]["provisioning/datasources/ceph.yml"])
    return [each["url"] for each in found["datasources"]]


def test_the_password_is_a_secret_of_the_job_alone(cluster: Cluster) -> None:
    apply(cluster, SPEC)
    (job,) = jobs(cluster)
    check_request(job, content_root())
    (row,) = job.variables["daemon_deploy_daemons"]["h2"]
    assert row["secret_files"] == {"admin_password": "grafana.h2.admin_password.keyring"}
    assert "admin_password" not in row["files"]
    assert PASSWORD not in json.dumps(job.to_json())
    assert base64.b64encode(f"{PASSWORD}\n".encode()).decode() in "".join(job.secrets.values())
    events = raise_if_exception(cluster.orchestrator.describe_service(service_name="grafana"))
    assert PASSWORD not in str([each.events for each in events])
    apply(cluster, SPEC)
    cluster.start_anew()
    cluster.settle(60)
    assert len(jobs(cluster)) == 1, "applied again, something was done"


def test_a_prometheus_that_comes_and_goes_is_taken_over(watched: Cluster) -> None:
    apply(watched, SPEC, PROMETHEUS)
    assert sources(jobs(watched)[-1]) == ["http://10.0.0.1:9095"]
    assert len(jobs(watched)) <= 2
    apply(watched, {**PROMETHEUS, "placement": {"hosts": ["h3"]}})
    assert sources(jobs(watched)[-1]) == ["http://10.0.0.3:9095"]
    raise_if_exception(watched.orchestrator.remove_service("prometheus"))
    watched.settle(60)
    assert sources(jobs(watched)[-1]) == []
