"""Grafana from a repository of the operator's, by a stand-in: no registry carries a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.monitoring.grafana_package import offer, take_back
from tests.lab_tests.monitoring.test_prometheus import SPEC as PROMETHEUS
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.test_playbooks import by_hand, recap

HOST, OTHER = "h2", "h3"
UNIT = "grafana-server.service"
FOLDER = "/etc/ceph-orch-ansible/grafana"
DATA = "/var/lib/grafana/ceph-orch"
URL, VERIFY = "mgr/dashboard/GRAFANA_API_URL", "mgr/dashboard/GRAFANA_API_SSL_VERIFY"
PASSWORD = "S3cret of = ; # Zürich"
SPEC: dict[str, Any] = {
    "service_type": "grafana",
    "placement": {"hosts": [HOST]},
    "spec": {"initial_admin_password": PASSWORD},
}
LEFT = f"""
find /etc/systemd/system/{UNIT}.d /etc/ceph-orch-ansible {DATA} -maxdepth 0 2>/dev/null || true
systemctl is-active {UNIT} || true; systemctl is-enabled {UNIT} || true
"""


BY_HAND = "/root/grafana.yml"


class Unsafe(str):
    """A text that is no template, as an operator marks it."""


class Dumper(yaml.SafeDumper):
    """Writes such texts."""


Dumper.add_representer(
    Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style="|")
)


@pytest.fixture
def grafanas(services: Services) -> Iterator[Services]:
    """Return the services, with a Grafana in the package sources of one host."""
    services.remove("grafana")
    offer(services.lab, HOST)
    yield services
    services.remove("grafana")
    take_back(services.lab, HOST)


def ask(lab: Lab, path: str, user: str = "", scheme: str = "https", port: int = 3000) -> Any:
    """Return status and answer of a Grafana."""
    url = f"{scheme}://{lab.machines[HOST].addr}:{port}{path}"
    words = 'curl -sk --max-time 20 -w \'\\n%{http_code}\' ${2:+-u "$2"} "$1" || true'
    text, _, status = lab.sh(lab.first, words, url, user).rpartition("\n")
    return int(status or 0), json.loads(text) if text.strip() else None


def option(lab: Lab, name: str = URL) -> str:
    """Return an option of the dashboard."""
    return lab.ok("config", "get", "mgr", name).strip()


def apply(services: Services, spec: dict[str, Any]) -> str:
    """Apply a spec, and wait until it runs."""
    said = services.lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(spec))
    services.wait_runs("grafana", 1)
    return said


def sources(lab: Lab) -> list[str]:
    """Return where data comes from."""
    status, rows = ask(lab, "/api/datasources", f"admin:{PASSWORD}")
    assert status == 200, rows
    return [row["url"] for row in rows]


def test_deployed_changed_by_hand_and_removed(grafanas: Services) -> None:
    services, lab = grafanas, grafanas.lab
    where = f"https://{lab.machines[HOST].addr}:3000"
    said = lab.ok("orch", "apply", "-i", "-", "--dry-run", stdin=yaml.safe_dump(SPEC))
    assert HOST in said
    assert services.hosts("grafana") == []
    apply(services, SPEC)
    (row,) = services.ps("grafana")
    assert (row["daemon_id"], row["ports"], row["version"]) == (HOST, [3000], "12.1.0")
    assert ask(lab, "/api/health")[1]["database"] == "ok"
    wait_until("the dashboard asks it", lambda: option(lab) == where, 60)
    assert option(lab, VERIFY) == "false"
    titles = {each["title"] for each in ask(lab, "/api/search")[1]}
    assert "Ceph - Orchestrator (Ansible)" in titles
    assert len(titles) > 10, "Ceph's dashboards are not there"
    # What Ceph's dashboard asks before it shows one in a frame.
    assert ask(lab, "/api/dashboards/uid/ceph-orch-ansible")[0] == 200
    assert ask(lab, "/api/datasources")[0] == 403, "readers who do not log in see data sources"

    assert lab.sh(HOST, f"stat -c '%a %U' {FOLDER}/admin_password").split() == ["600", "grafana"]
    assert lab.sh(HOST, f"stat -c '%a %U' {FOLDER}/tls.key").split() == ["600", "grafana"]
    for line in ("ps -eo args", f"systemctl cat {UNIT}", "journalctl -b --no-pager"):
        assert "S3cret of" not in lab.sh(HOST, line), line
    jobs = json.dumps(lab.jobs()) + "".join(
        lab.ok("ansible", "job", "log", each["id"]) for each in lab.jobs()[-3:]
    )
    assert "S3cret of" not in jobs

    before = services.changing_jobs()
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
    assert services.changing_jobs() == before, "applied again, something was done"
    names = lab.sh(HOST, f"cd {FOLDER} && find . -type f ! -name 'tls.*' -printf '%P\\n'").split()
    files = {name: lab.sh(HOST, f"cat {FOLDER}/{name}") for name in names}
    texts = {name: Unsafe(text) for name, text in files.items()}
    one = {"id": HOST, "port": 3000, "files": texts, "settings": {"protocol": "https"}}
    variables = {
        "daemon_deploy_fsid": lab.ok("fsid").strip(),
        "daemon_deploy_daemons": {HOST: [one]},
    }
    lab.sh(lab.first, f"umask 077; cat >{BY_HAND}", stdin=yaml.dump(variables, Dumper=Dumper))
    try:
        for words in ((), ("--check",)):
            given = ("--limit", HOST, "-e", f"@{BY_HAND}", *words)
            answer = by_hand(lab, ("apply_grafana",), *given)
            assert recap(answer, HOST) == 0, "by hand it is another end"
    finally:
        lab.sh(lab.first, f"rm -f {BY_HAND}")

    plain = {
        **SPEC,
        "spec": {"protocol": "http", "port": 3001, "anonymous_access": False, **SPEC["spec"]},
    }
    apply(services, plain)
    wait_until(
        "it answers there", lambda: ask(lab, "/api/health", "", "http", 3001)[0] == 200, SECONDS
    )
    assert ask(lab, "/api/search", "", "http", 3001)[0] == 401
    assert ask(lab, "/api/search", f"admin:{PASSWORD}", "http", 3001)[0] == 200
    wait_until("the dashboard asks there", lambda: option(lab).startswith("http://"), 60)
    wait_until("certificates are checked", lambda: option(lab, VERIFY) != "false", 60)

    services.remove("grafana")
    assert lab.sh(HOST, LEFT).split() == [DATA, "inactive", "disabled"]
    wait_until("the dashboard asks none", lambda: option(lab) == "", 60)


def test_its_data_source_is_the_prometheus_that_there_is(grafanas: Services) -> None:
    services, lab = grafanas, grafanas.lab
    apply(services, SPEC)
    assert sources(lab) == []
    lab.ok("mgr", "module", "enable", "prometheus")
    wait_until("the backend answers", services.ls, 60)
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(PROMETHEUS))
    services.wait_runs("prometheus", 1)
    there = [f"http://{lab.machines[HOST].addr}:9095"]
    wait_until("it is the data source", lambda: sources(lab) == there, SECONDS)
    services.remove("prometheus")
    wait_until("there is none", lambda: sources(lab) == [], SECONDS)


def test_a_host_without_the_package_says_which(grafanas: Services) -> None:
    services, lab = grafanas, grafanas.lab
    there = {"service_type": "grafana", "placement": {"hosts": [OTHER]}}
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(there))
    services.wait_named("grafana", OTHER, "grafana")
    assert not lab.sh(OTHER, "ls -d /etc/ceph-orch-ansible/grafana 2>/dev/null || true").strip()


def test_what_somebody_else_told_the_dashboard_stays(grafanas: Services) -> None:
    services, lab = grafanas, grafanas.lab
    lab.ok("dashboard", "set-grafana-api-url", "https://elsewhere.example:3000")
    try:
        apply(services, {**SPEC, "spec": {}})
        services.remove("grafana")
        assert option(lab) == "https://elsewhere.example:3000"
    finally:
        lab.ok("config", "rm", "mgr", URL)
