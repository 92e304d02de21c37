"""Custom alert rules: checked on a host before they are kept, and what is there stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

from adapter.cluster.alert_rules import check_rules
from adapter.errors import AdapterError, InvalidValue, UnknownName, UnreadableRecord
from adapter.interface import ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

RULES = """groups:
- name: mine
  rules:
  - alert: Full
    expr: up{job="ceph"} == 0
    annotations: {description: "{{ $labels.instance }}"}
"""
RECORD = "alert_rules.prometheus"
SPEC = {"service_type": "prometheus", "placement": {"hosts": ["h1"]}}
REFUSED: Dict[str, Dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("alert_rules_refused.yml").read_text(encoding="utf-8")
)


@pytest.fixture
def watched(cluster: Cluster) -> Cluster:
    """Return a cluster with a Prometheus."""
    cluster.monitors.enabled_modules.append("prometheus")
    cluster.settle(20)
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec.from_json(SPEC)]))
    cluster.settle(30)
    return cluster


def set_rules(cluster: Cluster, text: str) -> str:
    """Give rules, and let the hosts answer meanwhile."""
    said = str(raise_if_exception(cluster.orchestrator.set_custom_prometheus_alerts(text)))
    cluster.settle(30)
    return said


def written(cluster: Cluster, *, check: bool = False) -> List[Dict[str, str]]:
    """Return the files of each job of Prometheus."""
    return [
        request.variables["daemon_deploy_daemons"]["h1"][0]["files"]
        for request in cluster.requests
        if request.operation == "apply_prometheus" and request.check == check
    ]


def events(cluster: Cluster) -> str:
    (found,) = raise_if_exception(cluster.orchestrator.describe_service(service_name="prometheus"))
    return "\n".join(map(str, found.events))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_rules_file_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=REFUSED[name]["says"]):
        check_rules(REFUSED[name]["text"])


def test_rules_that_a_host_passes_are_kept_and_written(watched: Cluster) -> None:
    before = written(watched)[-1]
    said = set_rules(watched, RULES)
    assert "has promtool check the alert rules on h1" in said
    (tried,) = written(watched, check=True)
    after = written(watched)[-1]
    assert tried == after
    assert after["custom_alerts.yml"] == RULES
    assert json.loads(after["prometheus.yml"].partition("\n")[2])["rule_files"][2:] == [
        "custom_alerts.yml"
    ]
    assert "already" in set_rules(watched, RULES)
    watched.start_anew()
    watched.settle(60)
    assert len(written(watched)) == 2, "the same rules were written again"

    assert "are removed" in set_rules(watched, "groups: []\n")
    assert written(watched)[-1] == before
    assert watched.core.store.get(RECORD) is None


def test_rules_that_a_host_refuses_are_not_kept_and_targets_follow_all_the_same(
    watched: Cluster,
) -> None:
    set_rules(watched, RULES)
    watched.break_on["apply_prometheus"] = {"h1": "promtool refuses prometheus.yml: 5:11: parse"}
    set_rules(watched, RULES.replace("== 0", "==="))
    watched.break_on.clear()
    assert "promtool refuses prometheus.yml: 5:11: parse" in events(watched)
    kept = watched.core.store.get(RECORD)
    assert kept == {"text": RULES}
    others = {"service_type": "node-exporter", "placement": {"hosts": ["h2"]}}
    raise_if_exception(watched.orchestrator.apply([ServiceSpec.from_json(others)]))
    watched.settle(30)
    last = written(watched)[-1]
    assert last["custom_alerts.yml"] == RULES
    assert "10.0.0.2:9100" in last["node.json"]


def test_rules_that_nobody_can_check_are_not_taken(watched: Cluster) -> None:
    watched.offline("h1")
    with pytest.raises(AdapterError, match=r"on a host that answers \(h1\)"):
        raise_if_exception(watched.orchestrator.set_custom_prometheus_alerts(RULES))
    assert watched.core.store.get(RECORD) is None


def test_without_a_prometheus_they_are_kept_for_one(cluster: Cluster) -> None:
    assert "on which Prometheus is deployed" in set_rules(cluster, RULES)
    cluster.monitors.enabled_modules.append("prometheus")
    cluster.settle(20)
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec.from_json(SPEC)]))
    cluster.settle(30)
    (first,) = written(cluster)
    assert first["custom_alerts.yml"] == RULES


def test_rules_that_nobody_can_read_are_not_taken_for_none(watched: Cluster) -> None:
    set_rules(watched, RULES)
    count = len(written(watched))
    watched.core.store.set(RECORD, {"text": 7})
    watched.core.reload()
    others = {"service_type": "node-exporter", "placement": {"hosts": ["h2"]}}
    raise_if_exception(watched.orchestrator.apply([ServiceSpec.from_json(others)]))
    watched.settle(60)
    assert len(written(watched)) == count
    assert RECORD in watched.core.bad_records.describe()
    with watched.core.lock, pytest.raises(UnreadableRecord):
        watched.core.alert_rules.get("prometheus")
    set_rules(watched, RULES)
    assert written(watched)[-1]["custom_alerts.yml"] == RULES
    assert "10.0.0.2:9100" in written(watched)[-1]["node.json"]


def spec(cluster: Cluster) -> Any:
    with cluster.core.lock:
        return cluster.core.specs.get("prometheus").spec


def test_targets_of_others_stand_in_the_spec(watched: Cluster) -> None:
    orchestrator = watched.orchestrator
    assert "federates" in raise_if_exception(orchestrator.set_prometheus_target("10.0.0.9:9095"))
    watched.settle(30)
    assert spec(watched).targets == ["10.0.0.9:9095"]
    assert "10.0.0.9:9095" in written(watched)[-1]["federate.json"]
    count = len(watched.requests)
    assert "already" in raise_if_exception(orchestrator.set_prometheus_target("10.0.0.9:9095"))
    with pytest.raises(AdapterError, match="it is not HOST:PORT"):
        raise_if_exception(orchestrator.set_prometheus_target("http://10.0.0.9/"))
    with pytest.raises(UnknownName, match=r"Its spec has: 10\.0\.0\.9:9095"):
        raise_if_exception(orchestrator.remove_prometheus_target("10.0.0.8:9095"))
    watched.settle(30)
    assert not [each for each in watched.requests[count:] if each.changes]
    raise_if_exception(orchestrator.remove_prometheus_target("10.0.0.9:9095"))
    watched.settle(30)
    assert not spec(watched).targets
    assert "federate.json" not in written(watched)[-1]


def test_without_the_service_there_are_no_targets(cluster: Cluster) -> None:
    with pytest.raises(UnknownName, match="orch apply prometheus"):
        raise_if_exception(cluster.orchestrator.set_prometheus_target("10.0.0.9:9095"))


def test_nothing_is_secured() -> None:
    config = raise_if_exception(Cluster().orchestrator.get_security_config())
    assert config["security_enabled"] is False
    assert set(config.values()) == {False}
