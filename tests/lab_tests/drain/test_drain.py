"""A host with data is emptied while clients write: nothing fails, nothing is forgotten.

Run on a lab of three full hosts with three disks each: `tests/lab/lab up --disks 3`. `SHORT=1` is
for the gate: the first test alone, with one fail-over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.lab_tests.drain.conftest import HOST, POOL, crash_hosts
from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds, one_line
from tests.lab_tests.osds.write_load import WriteLoad

SHORT = bool(os.environ.get("SHORT"))
FAIL_OVERS = 1 if SHORT else int(os.environ.get("DRAIN_FAIL_OVERS", "6"))
BOTH = ["_no_schedule", "_no_conf_keyring"]
# All that is ours or Ceph's daemons' on a host.
LEFT = """
for each in /var/lib/ceph-orch-ansible /etc/ceph/*.keyring /var/lib/ceph/osd/* \\
  /var/lib/ceph/mds/* /etc/systemd/system/*.wants/ceph-*@* /etc/systemd/system/ceph-*@*.d; do
  test ! -e "$each" || echo "$each"
done
systemctl is-enabled ceph-crash 2>/dev/null | grep -x enabled || true
grep -ls ceph-orch-ansible /etc/ceph/ceph.conf /var/lib/ceph/bootstrap-osd/ceph.keyring || true
"""


def kept(osds: Osds) -> Mapping[str, Any]:
    """Return the records of hosts and of the removal queue, as the monitors have them."""
    found = osds.lab.ceph_json("config-key", "dump", "mgr/ansible/")
    return {
        key: json.loads(text)
        for key, text in found.items()
        if key.startswith(("mgr/ansible/host.", "mgr/ansible/osd_removal."))
    }


def status(osds: Osds) -> str:
    return str(osds.lab.listed_hosts()[HOST]["status"])


def test_a_host_is_emptied_under_load(hosts: Osds, load: WriteLoad) -> None:
    lab, mine = hosts.lab, hosts.on(HOST)
    weights = {number: row["crush_weight"] for number, row in hosts.tree().items()}

    # Data that nothing moves: the drain can be looked at.
    hosts.door.ask("osd set", key="nobackfill")
    hosts.door.ask("osd set", key="norecover")
    said = lab.ok("orch", "host", "drain", HOST, "--zap-osd-devices")
    assert f"Scheduled to remove the following daemons from host '{HOST}'" in said
    assert "crash  h3" in said
    assert lab.listed_hosts()[HOST]["labels"] == BOTH
    assert status(hosts) == "draining"
    wait_until(
        "the queue says why",
        lambda: all(
            row["drain_status"].startswith(f"draining: drain of host {HOST}; ")
            and "the flags nobackfill, norecover are set" in row["drain_status"]
            and row["zap"]
            for row in hosts.queue().values()
        ),
        STEP_SECONDS,
    )
    assert sorted(hosts.queue()) == mine
    line = one_line(lab.ceph("orch", "host", "drain", "h2"))
    assert f"pool {POOL} has size 2 and needs as many of type host" in line
    assert "1 would remain (h1)" in line

    before = kept(hosts)
    for _ in range(FAIL_OVERS):
        lab.fail_over()
        wait_until("the manager answers", lambda: sorted(hosts.queue()) == mine, 60)
        assert kept(hosts) == before

    assert "Kept: " in lab.ok_when_settled("orch", "host", "drain", "stop", HOST)
    assert lab.listed_hosts()[HOST]["labels"] == []
    wait_until("the queue is empty", lambda: not hosts.queue(), STEP_SECONDS)
    assert {number: row["crush_weight"] for number, row in hosts.tree().items()} == weights
    wait_until("crash runs again", lambda: crash_hosts(hosts) == {"h1", "h2", HOST}, STEP_SECONDS)

    for flag in ("nobackfill", "norecover"):
        hosts.door.ask("osd unset", key=flag)
    lab.ok_when_settled("orch", "host", "drain", HOST, "--zap-osd-devices")
    hosts.wait_gone(*mine)
    wait_until("the host is drained", lambda: status(hosts) == "drained", STEP_SECONDS)
    load.check()
    check_removed(hosts)
    lab.ok("orch", "host", "add", HOST, lab.machines[HOST].addr)
    hosts.wait_free(HOST, *lab.machines[HOST].disks)


def check_removed(hosts: Osds) -> None:
    """Remove the drained host; nothing of ours is left there or in the cluster."""
    lab = hosts.lab
    assert "Removed host" in lab.ok("orch", "host", "rm", HOST)
    wait_until("nothing is left on the host", lambda: lab.sh(HOST, LEFT) == "", STEP_SECONDS)
    named = [key for key in lab.ceph_json("config-key", "dump", "mgr/ansible/") if HOST in key]
    assert named == []
    entities = {row["entity"] for row in lab.ceph_json("auth", "ls")["auth_dump"]}
    there = {f"osd.{number}" for number in hosts.map()}
    assert {each for each in entities if each.startswith("osd.")} == there
    assert not [each for each in entities if HOST in each]


def wipe(hosts: Osds, disks: Sequence[str]) -> None:
    """Wipe disks; the job that reads a host that was just added may still be at it."""
    for disk in disks:
        zap = ("orch", "device", "zap", HOST, disk, "--force")
        wait_until(f"{disk} is wiped", lambda zap=zap: hosts.lab.ceph(*zap).rc == 0, STEP_SECONDS)
    hosts.wait_free(HOST, *disks)


@pytest.mark.skipif(SHORT, reason="takes minutes")
def test_a_drain_that_cannot_end_is_refused(hosts: Osds) -> None:
    hosts.door.ask("osd pool create", pool="three", pg_num=8, size=3, autoscale_mode="off")
    try:
        hosts.wait_clean()
        before = (hosts.state(), kept(hosts))
        line = one_line(hosts.lab.ceph("orch", "host", "drain", HOST))
        assert "pool three has size 3 and needs as many of type host" in line
        assert "2 would remain (h1, h2)" in line
        assert (hosts.state(), kept(hosts)) == before
        assert "Begun with --force" in hosts.lab.ok("orch", "host", "drain", HOST, "--force")
        wait_until(
            "the status says that nothing moves",
            lambda: (
                all(
                    "CRUSH may find no other place for pool three" in row["drain_status"]
                    for row in hosts.queue().values()
                    if row["pg_count"]
                )
                and any(row["pg_count"] for row in hosts.queue().values())
            ),
            STEP_SECONDS,
        )
        hosts.lab.ok("orch", "host", "drain", "stop", HOST)
        hosts.wait_clean()
    finally:
        hosts.drop_pool("three")


@pytest.mark.skipif(SHORT, reason="takes minutes")
def test_disks_that_are_not_wiped_are_told(hosts: Osds) -> None:
    lab, mine = hosts.lab, hosts.on(HOST)
    disks = [place.disk for place in hosts.places().values() if place.host == HOST]
    lab.ok("orch", "host", "drain", HOST)
    hosts.wait_gone(*mine)
    wait_until("the host is drained", lambda: status(hosts) == "drained", STEP_SECONDS)
    check_removed(hosts)
    lab.ok("orch", "host", "add", HOST, lab.machines[HOST].addr)

    def told() -> bool:
        found = hosts.devices().get(HOST, {})
        assert set(disks) <= set(found)
        return all("Has BlueStore device label" in found[d]["rejected_reasons"] for d in disks)

    wait_until("the disks are listed with the reason", told, STEP_SECONDS)
    wipe(hosts, disks)


@pytest.mark.skipif(SHORT, reason="takes minutes")
def test_a_host_that_does_not_come_back(hosts: Osds, load: WriteLoad) -> None:
    lab, mine = hosts.lab, hosts.on(HOST)
    lab.power(HOST, "off")
    wait_until("the host is offline", lambda: status(hosts) == "Offline", STEP_SECONDS)
    wait_until("its OSDs are down", lambda: not set(mine) & hosts.up(), STEP_SECONDS)
    said = lab.ok("orch", "host", "drain", HOST)
    assert f"`ceph orch host rm {HOST} --offline --force` then forgets the host" in said
    wait_until("its OSDs left the map", lambda: not set(mine) & set(hosts.map()), 300)
    waiting = f"cleaning: drain of host {HOST}; waiting for host {HOST} to take its unit away"
    wait_until(
        "the queue waits for the host",
        lambda: {row["drain_status"] for row in hosts.queue().values()} == {waiting},
        STEP_SECONDS,
    )
    load.check()
    assert "Removed offline host" in lab.ok("orch", "host", "rm", HOST, "--offline", "--force")
    wait_until("the queue is empty", lambda: not hosts.queue(), STEP_SECONDS)
    named = [key for key in lab.ceph_json("config-key", "dump", "mgr/ansible/") if HOST in key]
    assert named == []
    lab.power(HOST, "on")
    disks = set(lab.machines[HOST].disks)
    lab.ok("orch", "host", "add", HOST, lab.machines[HOST].addr)
    wait_until("its disks are listed", lambda: disks <= set(hosts.devices().get(HOST, {})), 120)
    wipe(hosts, sorted(disks - set(hosts.free()[HOST])))
