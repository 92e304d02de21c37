"""The backend's own figures: what they say, and that rules and dashboard ask for no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import yaml

from adapter.cluster.hosts import Host
from adapter.figures import Figures
from adapter.interface import ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

FOLDER = Path(__file__).parents[2] / "adapter" / "kinds" / "monitoring"
RULES = yaml.safe_load((FOLDER / "orchestrator_alerts.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((FOLDER / "orchestrator_dashboard.json").read_text(encoding="utf-8"))
LINE = re.compile(r'[a-z_]+(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? -?[0-9.]+')


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def read(text: str) -> Dict[str, float]:
    """Return the values by name and labels, without the common beginning."""
    lines = [each for each in text.splitlines() if not each.startswith("# ")]
    assert all(LINE.fullmatch(each) for each in lines), lines
    pairs = [each.rpartition(" ") for each in lines]
    found = {name.replace("ceph_orch_ansible_", ""): float(value) for name, _, value in pairs}
    assert len(found) == len(lines), "a figure is there twice"
    return found


def test_hosts_jobs_and_failures_are_told(cluster: Cluster) -> None:
    figures = Figures(cluster.core)
    before = read(figures.text())
    assert before['host_online{hostname="h2"}'] == 1
    assert before['host_in_maintenance{hostname="h2"}'] == 0
    assert before['jobs{status="queued"}'] == before["longest_wait_seconds"] == 0
    assert before["report_interval_seconds"] == cluster.core.settings.report_interval

    cluster.break_on["apply_crash"] = {"h1": "no package"}
    raise_if_exception(cluster.orchestrator.apply([ServiceSpec("crash")]))
    cluster.settle(20)
    cluster.offline("h2")
    figures.round_done(2)
    found = read(figures.text())
    assert found['host_online{hostname="h2"}'] == 0
    assert found['host_online{hostname="h1"}'] == 1
    assert found['service_failures{service="crash"}'] == 1
    assert found['jobs_ended_total{operation="apply_crash",status="failed"}'] >= 1
    assert found["round_problems"] == 2
    assert found['host_report_age_seconds{hostname="h1"}'] >= 0


def test_a_name_with_quotes_and_lines_is_one_label(cluster: Cluster) -> None:
    cluster.core.service_failures.failed('a"b\\c\nd', "h1", "why", 0.0, 0.0)
    text = Figures(cluster.core).text()
    assert r'service_failures{service="a\"b\\c\nd"} 1' in text
    read(text)


def test_a_host_without_a_report_has_no_age(cluster: Cluster) -> None:
    cluster.core.hosts.save(Host("h9", "10.0.0.9"))
    found = read(Figures(cluster.core).text())
    assert 'host_online{hostname="h9"}' in found
    assert 'host_report_age_seconds{hostname="h9"}' not in found


def panels() -> Iterator[Dict[str, Any]]:
    yield from DASHBOARD["panels"]


def expressions() -> List[str]:
    rules = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    return [*rules, *(each["expr"] for panel in panels() for each in panel["targets"])]


def test_rules_and_dashboard_ask_for_figures_that_there_are(cluster: Cluster) -> None:
    heads = re.findall(r"# TYPE (\S+) ", Figures(cluster.core).text())
    asked = {name for text in expressions() for name in re.findall(r"ceph_orch_ansible_\w+", text)}
    assert asked <= {*heads}
    assert len(asked) > 8


def test_the_dashboard_is_as_grafana_reads_it() -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", DASHBOARD["uid"])
    assert DASHBOARD["schemaVersion"] >= 36
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"datasource", "cluster"}
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in panels():
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
        for each in (panel, *panel["targets"]):
            assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all("$cluster" in each["expr"] for each in panel["targets"])
