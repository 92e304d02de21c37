"""Hosts and services go from a manager to a directory and back, and nothing on hosts changes."""

from __future__ import annotations

import json

from tests.lab_tests.adoption.hand_made import LAYOUTS
from tests.lab_tests.adoption.taking import adopt, deployed, listed, slow
from tests.lab_tests.fingerprint import prints
from tests.lab_tests.lab_client import Lab, wait_until

SECONDS = 180.0


def test_taken_over_and_handed_back(fresh: Lab) -> None:
    lab, layout = fresh, LAYOUTS["short names"]
    deployed(lab, layout)
    adopt(lab, layout)
    lab.ok("orch", "apply", "-i", "/root/cluster.yml")
    wait_until("all hosts have reported", lambda: len(listed(lab)) > len(lab.hosts()), SECONDS)
    before, hosts, specs = prints(lab), lab.listed_hosts(), lab.ok("orch", "ls", "--export")

    slow(lab, "orch-ansible", "mgr", "disable")
    slow(lab, "orch-ansible", "mgr", "take-over", "--yes")
    held = json.loads(slow(lab, "orch-ansible", "host", "ls", "-f", "json"))
    assert [row["hostname"] for row in held] == sorted(hosts)
    assert "mon" in slow(lab, "orch-ansible", "ls")
    elsewhere = ("orch-ansible", "--dir", "/root/other", "mgr", "hand-back", "--yes")
    assert "are held by /root/.orch-ansible" in lab.ssh(lab.first, *elsewhere).err
    assert "orch-ansible mgr hand-back" in lab.ssh(lab.first, "orch-ansible", "mgr", "enable").err

    slow(lab, "orch-ansible", "mgr", "hand-back", "--yes")
    slow(lab, "orch-ansible", "mgr", "enable")
    wait_until("all hosts are listed", lambda: lab.listed_hosts().keys() == hosts.keys(), SECONDS)
    assert lab.ok("orch", "ls", "--export") == specs
    now = prints(lab)
    for host in lab.hosts():
        # The manager is another process than before: its module was disabled and enabled.
        assert now[host] == before[host], f"{host}: {set(now[host]) ^ set(before[host])}"
