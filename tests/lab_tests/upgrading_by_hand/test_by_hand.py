"""A cluster is upgraded by the playbook while a client writes; no manager has a part in it."""

from __future__ import annotations

import json
import shlex

from tests.lab_tests.lab_client import CONTENT, STATE, Answer, Lab
from tests.lab_tests.maintenance.ground import Ground
from tests.lab_tests.test_playbooks import recap
from tests.lab_tests.upgrades.upgrade_lab import AFTER, NEXT, NOW, Upgrades
from tests.lab_tests.upgrading.upgrading_lab import (
    HOSTS,
    assert_nothing_left,
    versions,
    wait_versions,
)

KEY = "ceph-orch-ansible/upgrade_by_hand"
INVENTORY = "/root/upgrade-by-hand.ini"
SECONDS = 2400.0


def play(lab: Lab, *words: str) -> Answer:
    """Run the playbook on the first host with an inventory of its own."""
    lines = [f"{name} ansible_host={machine.addr}" for name, machine in lab.machines.items()]
    lab.sh(lab.first, f"cat > {INVENTORY}", stdin="\n".join(lines) + "\n")
    command = [
        # The manager's own connections end with it.
        *("env", f"ANSIBLE_SSH_ARGS=-F {STATE}/ssh_config -o ControlPath=none"),
        *("ansible-playbook", "-i", INVENTORY, "playbooks/upgrade_start.yml"),
        *("-e", f"host_upgrade_version={NEXT}", *words),
    ]
    script = f"cd {CONTENT} && {shlex.join(command)}"
    return lab.ssh(lab.first, "sh", "-c", script, seconds=SECONDS)


def test_a_playbook_upgrades_the_cluster_under_a_client(ground: Ground, upgrades: Upgrades) -> None:
    lab = ground.lab
    upgrades.offer(NEXT)
    for host in HOSTS:
        lab.sh(host, "apt-get -q update >/dev/null")
    before, ran = ground.snapshot(), versions(lab)
    # What a run that was cut off has left is put back by the next one.
    lab.ok("orch", "pause")
    lab.ok("osd", "set-group", "noout", "h3")
    nodes = {node["name"]: node["id"] for node in lab.ceph_json("osd", "tree")["nodes"]}
    lab.ok("config-key", "set", KEY, json.dumps({"nodes": {"h3": nodes["h3"]}, "systems": []}))

    assert recap(play(lab, "--check"), *HOSTS) >= len(HOSTS)
    assert versions(lab) == ran
    assert lab.ceph_json("osd", "dump")["crush_node_flags"] == {"h3": ["noout"]}

    with ground.writing("h3"):
        assert recap(play(lab), *HOSTS) >= len(HOSTS)
    wait_versions(lab, NEXT)
    assert_nothing_left(lab)
    assert lab.ceph("config-key", "exists", KEY).rc != 0
    ground.assert_as_before(before)
    ground.wait_well()

    assert recap(play(lab), *HOSTS) == 0
    lab.ok("orch", "resume")


def test_what_forbids_it_is_said_and_nothing_is_changed(ground: Ground, upgrades: Upgrades) -> None:
    lab = ground.lab
    upgrades.offer(AFTER)
    for host in HOSTS:
        lab.sh(host, "apt-get -q update >/dev/null")
    older = play(lab, "-e", f"host_upgrade_version={NOW}")
    assert older.rc != 0
    assert f"the packages of {NOW} cannot be fetched" in older.out
    alone = play(lab, "-e", f"host_upgrade_version={AFTER}", "-l", "h3")
    assert alone.rc != 0
    assert "come first" in alone.out
    assert versions(lab) == {NEXT}
    wait_versions(lab, NEXT)
    assert_nothing_left(lab)
