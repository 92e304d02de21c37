"""A placement's network decides at which address of its host a monitor is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

HOST, NETWORK, ADDRESS = "h3", "10.99.0.0/24", "10.99.0.13"


@pytest.fixture
def second_network(services: Services) -> Iterator[Services]:
    """Return hosts with addresses in a second network, and monitors on the first two."""
    lab = services.lab
    for number, host in enumerate(lab.hosts(), 11):
        lab.sh(host, "ip addr replace $1 dev host0", f"10.99.0.{number}/24")
    lab.ok("orch", "apply", "mon", "--placement=h1 h2")
    wait_until("two monitors", lambda: sorted(mons(lab)) == ["h1", "h2"], SECONDS)
    lab.ok("orch", "device", "ls", "--refresh")
    yield services
    lab.ok("orch", "apply", "mon", "--placement=h1 h2")
    wait_until("two monitors", lambda: sorted(mons(lab)) == ["h1", "h2"], SECONDS)
    for number, host in enumerate(lab.hosts(), 11):
        lab.sh(host, "ip addr del $1 dev host0 || true", f"10.99.0.{number}/24")
    lab.ok("orch", "device", "ls", "--refresh")
    lab.ok("orch", "apply", "mon", "--placement=*")
    services.wait_runs("mon", 3)


def mons(lab: Lab) -> dict[str, str]:
    return {row["name"]: row["public_addr"] for row in lab.ceph_json("mon", "dump")["mons"]}


def test_a_monitor_is_where_its_placement_says(second_network: Services) -> None:
    """Seen to fail before: the monitor is at the host's first address."""
    lab = second_network.lab

    def apply() -> bool:
        answer = lab.ceph("orch", "apply", "mon", f"--placement=h1 h2 {HOST}:{NETWORK}=mon-x")
        assert answer.rc == 0, answer.err
        return True

    wait_until("the host has reported its new address", apply, SECONDS)
    wait_until("the monitor is there", lambda: len(mons(lab)) == 3, SECONDS)
    assert mons(lab)["mon-x"].startswith(f"{ADDRESS}:")
    second_network.wait_runs("mon", 3)


def test_a_network_that_the_host_has_not_is_refused(second_network: Services) -> None:
    """Seen to fail before: it is accepted."""
    lab = second_network.lab
    answer = lab.ceph("orch", "apply", "mon", f"--placement=h1 h2 {HOST}:10.98.0.0/24")
    assert answer.rc != 0
    assert f"host '{HOST}' has no address in it" in answer.err
    assert lab.machines[HOST].addr in answer.err
    answer = lab.ceph("orch", "daemon", "add", "mon", f"{HOST}:10.98.0.7")
    assert answer.rc != 0, answer.out
    assert "has no address in it" in answer.err
