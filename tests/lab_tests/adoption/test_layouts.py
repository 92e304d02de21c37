"""A cluster that was made by hand is taken over, and nothing on its hosts changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.lab_tests.adoption import hand_made
from tests.lab_tests.adoption.hand_made import LAYOUTS, Layout
from tests.lab_tests.adoption.taking import (
    FILE,
    SECONDS,
    adopt,
    deployed,
    listed,
    running,
    slow,
)
from tests.lab_tests.fingerprint import prints
from tests.lab_tests.lab_client import Lab, wait_until


@pytest.mark.parametrize("name", LAYOUTS)
def test_adopted_and_applied_nothing_changes(fresh: Lab, name: str) -> None:
    lab, layout = fresh, LAYOUTS[name]
    fsid = deployed(lab, layout)
    before = prints(lab)

    text = adopt(lab, layout)
    assert f"cluster {fsid}" in text
    check_file(list(yaml.safe_load_all(text)), layout)
    same(lab, before, "after adopt")
    assert lab.ceph_json("orch", "host", "ls") == []
    assert json.loads(slow(lab, "orch-ansible", "adopt", "-f", "json"))["cluster"] == fsid

    dry = lab.ok("orch", "apply", "-i", FILE, "--dry-run")
    assert "there already, as the cluster has it: kept" in dry
    checked = slow(lab, "orch-ansible", "apply", "-i", FILE, "--check")
    assert "would add one" not in checked
    assert "would run" not in checked
    assert "mon: would stay as it is" in checked
    same(lab, before, "after the dry runs")

    lab.ok("orch", "apply", "-i", FILE)
    wait_until("all that runs is listed", lambda: listed(lab) == expected(layout), SECONDS)
    lab.ok("orch", "device", "ls", "--refresh")
    wait_until("no job runs", lambda: not running(lab), SECONDS)
    done = {row["operation"] for row in lab.jobs()}
    assert done <= {"add_host", "get_inventory", "list_daemons"}, done
    same(lab, before, "after the specs were applied")


def check_file(documents: list[dict[str, Any]], layout: Layout) -> None:
    """Check that every host and every daemon but OSDs is in the file, and nothing else."""
    hosts = {each["hostname"] for each in documents if each["service_type"] == "host"}
    assert hosts == set(layout.hostnames.values())
    services = {
        f"{each['service_type']}.{each.get('service_id', '')}".rstrip("."): each
        for each in documents
        if each["service_type"] != "host"
    }
    names = {f"mds.{each}" for each in layout.mdss.values()}
    names |= {f"rgw.{each}" for each in layout.rgws.values()}
    assert services.keys() == {"mon", "mgr"} | names
    assert not services["mon"].get("unmanaged")
    for identity in layout.rgws.values():
        assert services[f"rgw.{identity}"]["spec"]["rgw_frontend_port"] == hand_made.PORT
        assert not services[f"rgw.{identity}"].get("unmanaged")


def same(lab: Lab, before: dict[str, list[str]], when: str) -> None:
    now = prints(lab)
    for host in lab.hosts():
        assert now[host] == before[host], f"{host} {when}: {set(now[host]) ^ set(before[host])}"


def expected(layout: Layout) -> set[str]:
    found = {f"osd.{number}" for number in range(len(layout.hostnames))}
    for kind in ("mon", "mgr", "mds", "rgw"):
        found |= {f"{kind}.{each}" for each in getattr(layout, f"{kind}s").values()}
    return found
