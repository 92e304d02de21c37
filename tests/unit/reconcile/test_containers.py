"""Custom containers: one job for all hosts, then one restart after the other, and no secret."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, List

import pytest

from adapter.interface import OrchestratorError, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def apply(cluster: Cluster, *hosts: str, name: str = "app", **fields: Any) -> None:
    data = {
        "service_type": "container",
        "service_id": name,
        "placement": {"hosts": [*(hosts or ("h1", "h2"))]},
        "spec": {"image": "localhost/app:1", "ports": [8080, 8081], **fields},
    }
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec.from_json(data)]))
    cluster.settle(30)


def jobs(cluster: Cluster) -> List[Any]:
    return [each for each in cluster.requests if each.operation == "apply_container"]


def documents(request: Any) -> Dict[str, Dict[str, Any]]:
    """Return by host what a job tells of its container."""
    found = {}
    for host, (row,) in request.variables["daemon_deploy_daemons"].items():
        text = request.secrets[row["secret_files"]["container.json"]].partition("key = ")[2]
        found[host] = json.loads(base64.b64decode(text))
    return found


def test_one_job_for_all_hosts_and_none_when_it_is_applied_again(cluster: Cluster) -> None:
    apply(cluster, envs=["PASSWORD=canary"])
    apply(cluster, envs=["PASSWORD=canary"])
    cluster.start_anew()
    cluster.settle(20)

    (job,) = jobs(cluster)
    told = {"image": "localhost/app:1", "envs": ["PASSWORD=canary"], "ports": [8080, 8081]}
    assert documents(job) == {"h1": told, "h2": told}
    assert "canary" not in str(job.variables)
    assert {row["port"] for (row,) in job.variables["daemon_deploy_daemons"].values()} == {8080}
    assert sorted(host for host, kind, _ in cluster.daemons if kind == "container") == ["h1", "h2"]


def test_what_changes_restarts_one_after_the_other_and_no_value_is_in_an_event(
    cluster: Cluster,
) -> None:
    apply(cluster, envs=["PASSWORD=canary"])
    apply(cluster, envs=["PASSWORD=canary2"])

    _, *restarts = jobs(cluster)
    assert sorted([*documents(job)] for job in restarts) == [["h1"], ["h2"]]
    for job in restarts:
        (row,) = next(iter(job.variables["daemon_deploy_daemons"].values()))
        assert row["since"] > 0
    (service,) = raise_if_exception(
        cluster.orchestrator.describe_service(service_name="container.app")
    )
    events = [str(each.message) for each in service.events]
    assert any("envs changed" in each for each in events), events
    assert not any("canary" in each for each in events)


def test_a_port_of_another_service_is_refused(cluster: Cluster) -> None:
    apply(cluster)
    done = len(cluster.requests)

    with pytest.raises(OrchestratorError, match=r"Invalid ports 8081: container\.app has it on"):
        apply(cluster, name="two", ports=[8081])
    assert len(cluster.requests) == done


def test_nothing_is_left_of_a_service_that_goes(cluster: Cluster) -> None:
    apply(cluster)
    raise_if_exception(cluster.orchestrator.remove_service("container.app"))
    cluster.settle(20)

    assert [each for each in cluster.daemons if each[1] == "container"] == []
    assert cluster.core.specs.find("container.app") is None
    assert not [each for _, each in cluster.core.deployments.all()]
