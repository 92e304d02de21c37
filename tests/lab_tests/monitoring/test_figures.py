"""The backend's own figures: Prometheus has them, its rules hold, and they follow the option."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.monitoring.test_hosts_and_managers import asked, names
from tests.lab_tests.monitoring.test_prometheus import FOLDER, HOST, SPEC
from tests.lab_tests.services.service_lab import SECONDS, Services

JOB, PORT = "ceph-orch-ansible", 9284
CASES = Path(__file__).with_name("orchestrator_alerts_test.yml")
RULES = "orchestrator_alerts.yml"


def active(lab: Lab, port: int = PORT) -> dict[str, str]:
    """Return what is asked where the active manager alone answers."""
    return {f"{lab.machines[names(lab)[0]].addr}:{port}": "up"}


def query(lab: Lab, text: str) -> list[dict[str, Any]]:
    """Return what Prometheus has, by its labels."""
    url = f"http://127.0.0.1:9095/api/v1/query?query={text}"
    found: list[dict[str, Any]] = json.loads(lab.sh(HOST, 'curl -sg "$1"', url))["data"]["result"]
    return found


def read_by_prometheus(services: Services) -> Lab:
    """Return the lab, with a Prometheus that reads the figures."""
    lab = services.lab
    lab.ok("mgr", "module", "enable", "prometheus")
    wait_until("the backend answers", services.ls, 60)
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
    services.wait_runs("prometheus", 1)
    wait_until("the figures are read", lambda: asked(lab, JOB) == active(lab), SECONDS)
    return lab


def hosts_that_answer(lab: Lab) -> set[str]:
    """Return the hosts that are online by the figures."""
    rows = query(lab, "ceph_orch_ansible_host_online==1")
    return {row["metric"]["hostname"] for row in rows}


def test_prometheus_has_the_figures_and_the_alerts(services: Services) -> None:
    lab = read_by_prometheus(services)
    wait_until("hosts are told", lambda: hosts_that_answer(lab) == {*lab.machines}, SECONDS)
    where = next(iter(active(lab)))
    text = lab.sh(HOST, f"curl -s http://{where}/metrics")
    assert 'ceph_orch_ansible_jobs_ended_total{operation="apply_prometheus"' in text
    said = lab.sh(HOST, "promtool check metrics 2>&1", stdin=text)
    assert not said.strip(), said

    lab.sh(HOST, f"cat > {FOLDER}/cases.yml", stdin=CASES.read_text(encoding="utf-8"))
    try:
        said = lab.sh(
            HOST, f"cd {FOLDER} && promtool test rules cases.yml && promtool check rules {RULES}"
        )
    finally:
        lab.sh(HOST, f"rm -f {FOLDER}/cases.yml")
    assert "7 rules found" in said
    alerts = json.loads(lab.sh(HOST, "curl -s http://127.0.0.1:9095/api/v1/rules"))["data"][
        "groups"
    ]
    (ours,) = [group for group in alerts if group["name"] == JOB]
    assert {rule["health"] for rule in ours["rules"]} == {"ok"}


def test_they_follow_the_option(services: Services) -> None:
    lab = read_by_prometheus(services)
    option = "mgr/ansible/metrics_port"
    try:
        lab.ok("config", "set", "mgr", option, "9399")
        wait_until("the new port is asked", lambda: asked(lab, JOB) == active(lab, 9399), SECONDS)
        lab.ok("config", "set", "mgr", option, "0")
        wait_until("nobody is asked", lambda: asked(lab, JOB) == {}, SECONDS)
        listening = lab.sh(names(lab)[0], "ss -Htln '( sport = :9399 or sport = :9284 )'")
        assert not listening.strip()
    finally:
        # A running manager is not told of an option that is removed.
        lab.ok("config", "set", "mgr", option, str(PORT))
        lab.ok("config", "rm", "mgr", option)
