"""Exporters of hosts' metrics from packages: asked as Prometheus asks them."""

from __future__ import annotations

import json

import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_playbooks import by_hand, recap

UNIT = "prometheus-node-exporter.service"
# What may be left of one on a host; the package and its own files stay.
LEFT = f"""
find /etc/systemd/system/{UNIT}.d /etc/ceph-orch-ansible /usr/sbin/policy-rc.d 2>/dev/null || true
systemctl is-active {UNIT} || true; systemctl is-enabled {UNIT} || true
"""
SPEC = {"service_type": "node-exporter", "placement": {"host_pattern": "*"}}
ARGUMENT = "--collector.filesystem.mount-points-exclude=^/(dev|run|var/lib/lab-repo)($|/)"


def figures(lab: Lab, host: str, port: int) -> int:
    """Return how many figures an exporter gives, as another host sees it."""
    url = f"http://{lab.machines[host].addr}:{port}/metrics"
    return lab.sh(lab.first, f"curl -s --max-time 20 {url} || true").count("\nnode_")


def test_deployed_changed_and_removed(services: Services) -> None:
    lab, hosts = services.lab, sorted(services.lab.machines)
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
    services.wait_runs("node-exporter", len(hosts))
    rows = {row["hostname"]: row for row in services.ps("node-exporter")}
    assert {host: row["ports"] for host, row in rows.items()} == {host: [9100] for host in hosts}
    assert all(row["version"][0].isdigit() for row in rows.values())
    assert all(figures(lab, host, 9100) > 100 for host in hosts)

    jobs = services.changing_jobs()
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
    assert services.changing_jobs() == jobs, "applied again, something was done"
    answer = by_hand(
        lab,
        ("apply_node_exporter",),
        *("--limit", "h2"),
        daemon_deploy_fsid=lab.ok("fsid").strip(),
        daemon_deploy_daemons={"h2": [{"id": "h2", "port": 9100}]},
    )
    assert recap(answer, "h2") == 0, "by hand it is another end"

    more = {**SPEC, "spec": {"port": 9101}, "extra_entrypoint_args": [ARGUMENT]}
    said = lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(more))
    assert "port changed" in said
    wait_until(
        "all listen on the new port",
        lambda: all(row["ports"] == [9101] for row in services.ps("node-exporter")),
        SECONDS,
    )
    text = json.dumps(lab.sh("h2", "curl -s http://127.0.0.1:9101/metrics"))
    assert "/var/lib/lab-repo" not in text

    services.remove("node-exporter")
    for host in hosts:
        assert lab.sh(host, LEFT).split() == ["inactive", "disabled"], host


def test_somebody_elses_exporter_is_left_alone(services: Services) -> None:
    lab = services.lab
    lab.sh("h3", f"apt-get install -qy prometheus-node-exporter; systemctl enable --now {UNIT}")
    try:
        lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
        services.wait_named("node-exporter", "h3", f"{UNIT} runs and was not set up from here")
        assert "h3" not in services.hosts("node-exporter")
        services.remove("node-exporter")
        assert lab.sh("h3", f"systemctl is-active {UNIT}").strip() == "active"
    finally:
        lab.sh("h3", f"systemctl disable --now {UNIT}")
