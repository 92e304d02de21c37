"""A cluster that was made by hand is listed completely, and nothing on its hosts changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.fingerprint import prints
from tests.lab_tests.lab_client import RECORD, Lab, wait_until
from tests.lab_tests.services import by_hand
from tests.lab_tests.services.service_lab import NEEDED, SECONDS, Services
from tests.lab_tests.test_faults import answers, kill_manager

BY_HAND = {("h2", "mds", "byhand"), ("h3", "rgw", "gate")}


@pytest.fixture
def made_by_hand(services: Services) -> Iterator[Lab]:
    """Return a lab on which nobody specified anything, with daemons made by hand."""
    lab = services.lab
    services.remove_all()
    kept = [name for name, row in services.ls().items() if not row.get("unmanaged")]
    try:
        for name in kept:
            lab.ok("orch", "set-unmanaged", name)
        for host, kind, identity in BY_HAND:
            by_hand.make(lab, host, kind, identity)
        yield lab
    finally:
        for host, kind, identity in BY_HAND:
            by_hand.remove(lab, host, kind, identity)
        for name in kept:
            lab.ok("orch", "set-managed", name)
    lab.ok("orch", "ps", "--refresh")
    wait_until("nothing made by hand is listed", lambda: not listed(services), SECONDS)


def listed(services: Services) -> set[tuple[str, str, str]]:
    rows = ((row["hostname"], row["daemon_type"], row["daemon_id"]) for row in services.ps())
    return set(rows) & BY_HAND


def test_what_was_made_by_hand_is_seen_and_left_alone(
    services: Services, made_by_hand: Lab
) -> None:
    lab = made_by_hand
    others = [host for host in lab.hosts() if host != lab.first]
    for host in others:
        lab.ok("orch", "host", "rm", host, "--force")
    wait_until("the hosts' records are gone", lambda: not records(lab, others), SECONDS)
    before, jobs = prints(lab), set(services.changing_jobs())

    for host in others:
        lab.ok("orch", "host", "add", host, lab.machines[host].addr)
    wait_until("they are listed", lambda: listed(services) == BY_HAND, SECONDS)
    complete(services)
    lab.ok("orch", "device", "ls", "--refresh")
    lab.ok("orch", "ps", "--refresh")
    if lab.ceph_json("mgr", "stat")["active_name"] == lab.first:
        kill_manager(lab, "main")
    wait_until("the manager answers", lambda: answers(lab), SECONDS)
    wait_until("they are listed again", lambda: listed(services) == BY_HAND, SECONDS)
    complete(services)

    after = prints(lab)
    for host in lab.hosts():
        assert after[host] == before[host], set(after[host]) ^ set(before[host])
    assert set(services.changing_jobs()) == jobs
    assert records(lab, others) == others, "our own record is all that is new"


def records(lab: Lab, hosts: list[str]) -> list[str]:
    return [host for host in hosts if lab.ssh(host, "test", "-e", RECORD).rc == 0]


def complete(services: Services) -> None:
    """Check that every unit that runs on a host is listed, in a service that is unmanaged."""
    units = {(row["hostname"], row["systemd_unit"]) for row in services.ps()}
    script = "systemctl list-units --no-legend --plain --state=active 'ceph*.service'"
    there = {
        (host, line.split()[0])
        for host in services.lab.hosts()
        for line in services.lab.sh(host, script).splitlines()
    }
    # Units that are no daemons of the cluster.
    there = {(host, unit) for host, unit in there if "@" in unit and "volume" not in unit}
    assert there <= units, there - units
    rows = services.ls()
    assert {"mds.byhand", "rgw.gate"} <= rows.keys()
    assert [name for name, row in rows.items() if not row.get("unmanaged")] == []
    assert set(NEEDED) <= rows.keys()
