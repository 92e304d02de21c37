"""Alertmanager from packages: told by Prometheus, it tells the dashboards; several are one."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_playbooks import by_hand, recap

UNIT = "prometheus-alertmanager.service"
FOLDER = "/etc/ceph-orch-ansible/alertmanager"
DATA = "/var/lib/prometheus/ceph-orch-alertmanager"
OPTION = "mgr/dashboard/ALERTMANAGER_API_HOST"
SPEC = {"service_type": "alertmanager", "placement": {"hosts": ["h1", "h2"]}}
LEFT = f"""
find /etc/systemd/system/{UNIT}.d /etc/ceph-orch-ansible {DATA} -maxdepth 0 2>/dev/null || true
systemctl is-active {UNIT} || true; systemctl is-enabled {UNIT} || true
"""


def status(lab: Lab, host: str, port: int = 9093) -> Any:
    """Return what an Alertmanager says of itself, nothing where it does not answer."""
    url = f"http://{lab.machines[host].addr}:{port}/api/v2/status"
    return json.loads(lab.sh(lab.first, f"curl -s --max-time 20 {url} || true") or "{}")


def peers(lab: Lab, host: str) -> int:
    """Return how many an Alertmanager knows of, itself among them."""
    return len(status(lab, host).get("cluster", {}).get("peers") or ())


def option(lab: Lab) -> str:
    """Return which Alertmanager the dashboard asks."""
    return lab.ok("config", "get", "mgr", OPTION).strip()


def test_deployed_changed_moved_and_removed(services: Services) -> None:
    lab = services.lab
    said = lab.ok("orch", "apply", "-i", "-", "--dry-run", stdin=yaml.safe_dump(SPEC))
    assert "h1" in said
    assert services.hosts("alertmanager") == []
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
    services.wait_runs("alertmanager", 2)
    rows = {row["hostname"]: row for row in services.ps("alertmanager")}
    assert {host: row["ports"] for host, row in rows.items()} == {
        "h1": [9093, 9094],
        "h2": [9093, 9094],
    }
    assert all(row["version"][0].isdigit() for row in rows.values())
    wait_until("they know each other", lambda: peers(lab, "h1") == peers(lab, "h2") == 2, 60)
    wait_until("the dashboard asks one", lambda: option(lab).endswith(":9093"), 60)

    jobs = services.changing_jobs()
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
    assert services.changing_jobs() == jobs, "applied again, something was done"
    files = {
        name: lab.sh("h2", f"cat {FOLDER}/{name}") for name in ("alertmanager.yml", "peers.json")
    }
    row = {"id": "h2", "port": 9093, "files": files}
    variables = {
        "daemon_deploy_fsid": lab.ok("fsid").strip(),
        "daemon_deploy_daemons": {"h2": [row]},
    }
    answer = by_hand(lab, ("apply_alertmanager",), *("--limit", "h2"), **variables)
    assert recap(answer, "h2") == 0, "by hand it is another end"
    row["files"] = {**files, "alertmanager.yml": "route: 7\n"}
    for words in ((), ("--check",)):
        answer = by_hand(lab, ("apply_alertmanager",), "--limit", "h2", *words, **variables)
        assert answer.rc != 0
        assert "amtool refuses alertmanager.yml: " in answer.out
        assert "cannot unmarshal" in answer.out
    assert lab.sh("h2", f"cat {FOLDER}/alertmanager.yml") == files["alertmanager.yml"]

    moved = {
        **SPEC,
        "placement": {"hosts": ["h2"]},
        "spec": {"user_data": {"default_webhook_urls": ["http://10.0.0.99:1/hook"]}},
    }
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(moved))
    wait_until("one is left", lambda: services.hosts("alertmanager") == ["h2"], SECONDS)
    wait_until(
        "it tells the webhook, and has no peer",
        lambda: (
            "webhooks" in str(status(lab, "h2").get("config"))
            and status(lab, "h2").get("cluster", {}).get("status") == "disabled"
        ),
        SECONDS,
    )
    address = lab.machines["h2"].addr
    wait_until("the dashboard asks it", lambda: option(lab) == f"http://{address}:9093", 60)
    assert lab.sh("h1", LEFT).split() == [DATA, "inactive", "disabled"]

    services.remove("alertmanager")
    assert lab.sh("h2", LEFT).split() == [DATA, "inactive", "disabled"]
    wait_until("the dashboard asks none", lambda: option(lab) == "", 60)


def test_what_somebody_else_told_the_dashboard_stays(services: Services) -> None:
    lab = services.lab
    lab.ok("dashboard", "set-alertmanager-api-host", "http://elsewhere.example:9093")
    try:
        one = {**SPEC, "placement": {"hosts": ["h3"]}}
        lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(one))
        services.wait_runs("alertmanager", 1)
        services.remove("alertmanager")
        assert option(lab) == "http://elsewhere.example:9093"
    finally:
        lab.ok("config", "rm", "mgr", OPTION)
