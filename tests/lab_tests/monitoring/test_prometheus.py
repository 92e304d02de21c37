"""Prometheus from packages: what it asks is up, and follows the cluster."""

from __future__ import annotations

import json
from collections.abc import Callable

import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

HOST = "h2"
FOLDER = "/etc/ceph-orch-ansible/prometheus"
DATA = "/var/lib/prometheus/ceph-orch"
UNIT = "prometheus.service"
SPEC = {"service_type": "prometheus", "placement": {"hosts": [HOST]}}
EXPORTERS = {"service_type": "node-exporter", "placement": {"host_pattern": "*"}}


def targets(lab: Lab, host: str = HOST) -> dict[tuple[str, str], str]:
    """Return how what Prometheus asks is, by job and address."""
    text = lab.sh(host, "curl -s --max-time 20 http://127.0.0.1:9095/api/v1/targets || true")
    rows = json.loads(text)["data"]["activeTargets"] if text else []
    return {
        (row["labels"]["job"], row["discoveredLabels"]["__address__"]): row["health"]
        for row in rows
    }


def all_up(lab: Lab, exporters: set[str]) -> Callable[[], bool]:
    """Return a question whether exactly these exporters and the managers are asked and up."""

    def ask() -> bool:
        found = targets(lab)
        nodes = {f"{lab.machines[host].addr}:9100" for host in exporters}
        assert {address for job, address in found if job == "node"} == nodes, found
        assert [job for job, _ in found if job == "ceph"], found
        assert set(found.values()) == {"up"}, found
        return True

    return ask


def started(lab: Lab) -> str:
    """Return when the process of Prometheus was started."""
    return lab.sh(HOST, f"systemctl show -P ExecMainStartTimestampMonotonic {UNIT}")


def test_targets_follow_and_data_stays(services: Services) -> None:
    lab, hosts = services.lab, set(services.lab.machines)
    lab.ok("mgr", "module", "enable", "prometheus")
    wait_until("the backend answers", services.ls, 60)
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all([EXPORTERS, SPEC]))
    services.wait_runs("node-exporter", len(hosts))
    services.wait_runs("prometheus", 1)
    (row,) = services.ps("prometheus")
    assert (row["daemon_id"], row["ports"]) == (HOST, [9095])
    wait_until("all that it asks is up", all_up(lab, hosts), SECONDS)
    rules = lab.sh(HOST, "curl -s http://127.0.0.1:9095/api/v1/rules")
    assert len(json.loads(rules)["data"]["groups"]) > 5

    began = started(lab)
    few = {**EXPORTERS, "placement": {"hosts": ["h1", HOST]}}
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(few))
    wait_until("it asks no one who has gone", all_up(lab, {"h1", HOST}), SECONDS)
    assert started(lab) == began, "it was restarted"

    longer = {**SPEC, "spec": {"retention_time": "30d"}}
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(longer))
    wait_until("it was restarted", lambda: started(lab) != began, SECONDS)
    wait_until("all that it asks is up again", all_up(lab, {"h1", HOST}), SECONDS)
    flags = json.loads(lab.sh(HOST, "curl -s http://127.0.0.1:9095/api/v1/status/flags"))["data"]
    assert flags["storage.tsdb.retention.time"] == "30d"
    jobs = services.changing_jobs()
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(longer))
    assert services.changing_jobs() == jobs, "applied again, something was done"

    services.remove("prometheus")
    left = lab.sh(HOST, f"ls -d {FOLDER} /etc/systemd/system/{UNIT}.d {DATA} 2>/dev/null || true")
    assert left.split() == [DATA], "its data goes, or more stays"
    assert lab.sh(HOST, f"systemctl is-active {UNIT} || true").strip() == "inactive"
