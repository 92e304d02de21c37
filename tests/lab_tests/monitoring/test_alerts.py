"""One file of specs: all is asked, an OSD that stops is seen in the dashboard, and clears again."""

from __future__ import annotations

import datetime
import json
import time
import urllib.request
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.monitoring.test_prometheus import targets
from tests.lab_tests.services.service_lab import SECONDS, Services, with_osds
from tests.lab_tests.test_dashboard import browser, dashboard, open_page  # noqa: F401

HOST, ALERT = "h2", "CephOSDDownHigh"
# Debian has no package of ceph-exporter.
SPECS = [
    {"service_type": "prometheus", "placement": {"hosts": [HOST]}},
    {"service_type": "alertmanager", "placement": {"hosts": [HOST]}},
    {"service_type": "node-exporter", "placement": {"host_pattern": "*"}},
]
ROWS = "return [...document.querySelectorAll('table tbody tr')].map(row => row.innerText)"


class Dashboard:
    """The dashboard's own interface."""

    def __init__(self, found: dict[str, str]) -> None:
        self._url, self._token = found["url"], ""
        login = {"username": found["user"], "password": found["password"]}
        self._token = self.ask("/api/auth", **login)["token"]

    def ask(self, path: str, method: str = "", **data: Any) -> Any:
        """Return what it answers."""
        headers = {"Accept": "application/vnd.ceph.api.v1.0+json"}
        headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        body = json.dumps(data).encode() if data else None
        request = urllib.request.Request(self._url + path, body, headers)
        request.method = method or ("POST" if body else "GET")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def states(self) -> dict[str, list[str]]:
        """Return the alerts that it shows, each with what they are: active or suppressed."""
        found: dict[str, list[str]] = {}
        for each in self.ask("/api/prometheus"):
            found.setdefault(each["labels"]["alertname"], []).append(each["status"]["state"])
        return found


def all_up(lab: Lab) -> bool:
    """Tell whether all managers and hosts are asked, and up."""
    found = targets(lab)
    jobs = [job for job, _ in found]
    assert jobs.count("node") == len(lab.machines), found
    assert "ceph" in jobs, found
    assert set(found.values()) == {"up"}, found
    return True


@pytest.fixture
def watched(services: Services) -> Services:
    """Return services with OSDs and the managers' figures."""
    lab = services.lab
    with_osds(lab)
    lab.ok("mgr", "module", "enable", "prometheus")
    wait_until("the backend answers", services.ls, 60)
    return services


def test_an_osd_that_stops_is_an_alert(
    watched: Services,
    dashboard: dict[str, str],  # noqa: F811
    browser: Any,  # noqa: F811
) -> None:
    lab, began = watched.lab, time.monotonic()
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all(SPECS))
    wait_until("all that Prometheus asks is up", lambda: all_up(lab), SECONDS)
    print(f"from the command to the last target: {time.monotonic() - began:.1f} s")

    page = Dashboard(dashboard)
    wait_until("the dashboard asks Alertmanager", lambda: page.states() is not None, SECONDS)
    osd = str(lab.ceph_json("osd", "ls")[0])
    lab.ok("orch", "daemon", "stop", f"osd.{osd}")
    try:
        wait_until("it is an alert", lambda: "active" in page.states().get(ALERT, ()), SECONDS)
        print(f"alert after {time.monotonic() - began:.1f} s")
        open_page(browser, dashboard, "Observability", "Alerts")
        wait_until(
            "the page shows it",
            lambda: any(ALERT in row for row in browser.execute_script(ROWS)),
            SECONDS,
        )
        now = datetime.datetime.now(datetime.timezone.utc)
        page.ask(
            "/api/prometheus/silence",
            matchers=[{"name": "alertname", "value": ALERT, "isRegex": False}],
            startsAt=now.isoformat(),
            endsAt=(now + datetime.timedelta(hours=1)).isoformat(),
            comment="a test",
            createdBy="a test",
        )
        wait_until("it is silenced", lambda: page.states().get(ALERT) == ["suppressed"], SECONDS)
    finally:
        lab.ok("orch", "daemon", "start", f"osd.{osd}")
    wait_until("it has cleared", lambda: ALERT not in page.states(), SECONDS)


def test_targets_follow_hosts_managers_and_placements(watched: Services) -> None:
    lab = watched.lab
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all(SPECS))
    wait_until("all that Prometheus asks is up", lambda: all_up(lab), SECONDS)
    addr = lab.machines["h3"].addr

    few = {"service_type": "node-exporter", "placement": {"hosts": ["h1", HOST]}}
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(few))

    def asked(job: str) -> set[str]:
        return {address for name, address in targets(lab) if name == job}

    wait_until("it asks none that has gone", lambda: f"{addr}:9100" not in asked("node"), SECONDS)
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPECS[2]))
    wait_until("it asks all again", lambda: all_up(lab), SECONDS)
