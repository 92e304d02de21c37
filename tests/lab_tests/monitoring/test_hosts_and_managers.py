"""Hosts come and go, managers take over, a Prometheus is deployed again: targets follow."""

from __future__ import annotations

import json
import time

import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.monitoring.test_prometheus import EXPORTERS, HOST, SPEC, targets
from tests.lab_tests.services.service_lab import SECONDS, Services

# The bar, on a machine that is not quiet: whoever is late is named with the seconds.
FOLLOWS = 30.0
LAST = "h3"


def asked(lab: Lab, job: str) -> dict[str, str]:
    """Return the addresses that a job asks, with how they are."""
    return {addr: health for (name, addr), health in targets(lab).items() if name == job}


def nodes(lab: Lab, *hosts: str) -> dict[str, str]:
    """Return what is asked where these hosts have exporters that are up."""
    return {f"{lab.machines[host].addr}:9100": "up" for host in hosts}


def names(lab: Lab) -> list[str]:
    """Return the managers of the map, the active one first."""
    found = lab.ceph_json("mgr", "dump")
    return [found["active_name"], *(each["name"] for each in found["standbys"])]


def managers(lab: Lab) -> dict[str, str]:
    """Return what is asked of managers: the active one, and those that listen where they stand by.

    In Ceph 20.2.4 none does.
    """
    active, *standbys = names(lab)
    listen = [name for name in standbys if lab.sh(name, "ss -Htln sport = :9283").strip()]
    return {f"{lab.machines[name].addr}:9283": "up" for name in [active, *listen]}


def follows(lab: Lab, job: str, expected: dict[str, str], what: str) -> None:
    """Wait until a job asks exactly this, and print how long it took."""
    began = time.monotonic()
    wait_until(what, lambda: asked(lab, job) == expected, SECONDS)
    print(f"{what}: {time.monotonic() - began:.1f} s (bar {FOLLOWS:.0f} s)")


def oldest(lab: Lab) -> float:
    """Return since when Prometheus has data, at most an hour ago (epoch seconds)."""
    query = "http://127.0.0.1:9095/api/v1/query?query=up[1h]"
    rows = json.loads(lab.sh(HOST, f"curl -sg '{query}'"))["data"]["result"]
    assert rows, "it has no data"
    return min(float(row["values"][0][0]) for row in rows)


def test_targets_follow_hosts_and_managers(services: Services) -> None:
    lab = services.lab
    lab.ok("mgr", "module", "enable", "prometheus")
    wait_until("the backend answers", services.ls, 60)
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump_all([SPEC, EXPORTERS]))
    follows(lab, "node", nodes(lab, "h1", HOST, LAST), "all hosts are asked")
    follows(lab, "ceph", managers(lab), "all managers are asked")
    before = wait_until("there is data", lambda: oldest(lab), SECONDS)

    lab.ok("orch", "host", "drain", LAST)
    follows(lab, "node", nodes(lab, "h1", HOST), "a host that is drained is not asked")
    wait_until("it is empty", lambda: lab.ceph("orch", "host", "rm", LAST).rc == 0, SECONDS)
    lab.ok("orch", "host", "add", LAST, lab.machines[LAST].addr)
    follows(lab, "node", nodes(lab, "h1", HOST, LAST), "a host that is added is asked")

    count = len(names(lab))
    lab.ok("orch", "apply", "mgr", "--placement=h1 h2")
    wait_until("there are two managers", lambda: len(names(lab)) == 2, SECONDS)
    before_it = names(lab)[0]
    follows(lab, "ceph", managers(lab), "no manager is asked that does not answer")
    lab.fail_over(SECONDS)
    wait_until("the backend answers", services.ls, 60)
    wait_until("there are two managers", lambda: len(names(lab)) == 2, SECONDS)
    assert names(lab)[0] != before_it
    follows(lab, "ceph", managers(lab), "the manager that took over is asked")
    figures = {f"{lab.machines[names(lab)[0]].addr}:9284": "up"}
    follows(lab, "ceph-orch-ansible", figures, "the manager that took over gives the figures")
    if count == 1:
        lab.ok("orch", "apply", "mgr", "--placement=h1")
        wait_until("there is one manager", lambda: len(names(lab)) == 1, SECONDS)
        follows(lab, "ceph", managers(lab), "a manager that has gone is not asked")

    services.remove("prometheus")
    lab.ok("orch", "apply", "-i", "-", stdin=yaml.safe_dump(SPEC))
    services.wait_runs("prometheus", 1)
    follows(lab, "node", nodes(lab, "h1", HOST, LAST), "all is asked again")
    now = wait_until("there is data again", lambda: oldest(lab), SECONDS)
    assert now <= before + 11, "what it had before is gone"
