"""Specs of before take nothing away unasked, after the module was off or a host was added again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

NAME, ELSEWHERE, BY_HAND = "mds.away", "h3", "away.h3.byhand"
CAPS = (
    "mon",
    "profile mds",
    "mgr",
    "profile mds",
    "osd",
    "allow rw tag cephfs *=*",
    "mds",
    "allow",
)
MAKE = """
umask 077; d=/var/lib/ceph/mds/ceph-$1; mkdir -p $d; cat >$d/keyring
chown -R ceph:ceph $d; systemctl enable --now ceph-mds@$1
"""
UNMAKE = "systemctl disable --now ceph-mds@$1 || true; rm -rf /var/lib/ceph/mds/ceph-$1"
LABEL = "files"


@pytest.fixture
def moved(services: Services) -> Iterator[Services]:
    """Return services of which a daemon was put on another host while the module was off."""
    lab = services.lab
    lab.ok("orch", "apply", "mds", "away", "--placement=h1 h2")
    services.wait_runs(NAME, 2)
    lab.sh(lab.first, "orch-ansible mgr disable")
    key = lab.ok("auth", "get-or-create", f"mds.{BY_HAND}", *CAPS)
    lab.sh(ELSEWHERE, MAKE, BY_HAND, stdin=key)
    said = lab.sh(lab.first, "orch-ansible mgr enable 2>&1")
    assert f"{NAME}: mds.{BY_HAND} on {ELSEWHERE} would be removed" in said
    yield services
    lab.ok("orch", "resume")
    services.remove(NAME)
    lab.sh(ELSEWHERE, UNMAKE, BY_HAND)
    lab.ok("auth", "rm", f"mds.{BY_HAND}")


def by_hand_runs(services: Services) -> bool:
    return any(row["daemon_id"] == BY_HAND for row in services.ps() if row["status"] == 1)


def test_what_runs_stays_until_somebody_says_otherwise(moved: Services) -> None:
    """Seen to fail before: it was removed within seconds."""
    lab = moved.lab
    lab.ok("orch", "ps", "--refresh")
    lines = wait_until("health says it", lambda: moved.health("ANSIBLE_PAUSED"), SECONDS)
    assert any(f"mds.{BY_HAND} on {ELSEWHERE} would be removed" in line for line in lines)
    assert by_hand_runs(moved)
    assert f"mds.{BY_HAND}" in lab.ok("ansible", "drop-pending")
    wait_until("it is not paused", lambda: not moved.health("ANSIBLE_PAUSED"), SECONDS)
    lab.ok("orch", "ps", "--refresh")
    assert by_hand_runs(moved)
    assert moved.ls()[NAME].get("unmanaged") is True

    lab.ok("orch", "apply", "mds", "away", "--placement=h1 h2")
    wait_until("it goes when it is asked for", lambda: not by_hand_runs(moved), SECONDS)


def test_one_command_puts_the_specs_in_force(moved: Services) -> None:
    moved.lab.ok("orch", "resume")
    wait_until("it goes", lambda: not by_hand_runs(moved), SECONDS)
    moved.wait_runs(NAME, 2)


@pytest.fixture
def labelled(services: Services) -> Iterator[Lab]:
    """Return a lab with a service on the hosts that have a label."""
    lab = services.lab
    for host in ("h1", "h2"):
        lab.ok("orch", "host", "label", "add", host, LABEL)
    lab.ok("orch", "apply", "mds", "away", f"--placement=label:{LABEL}")
    services.wait_runs(NAME, 2)
    yield lab
    services.remove(NAME)
    for host in ("h1", "h2"):
        lab.ceph("orch", "host", "label", "rm", host, LABEL)


def test_a_host_that_is_added_again_without_labels_keeps_what_runs(
    services: Services, labelled: Lab
) -> None:
    """Seen to fail before: its daemon was removed when it had reported."""
    labelled.ok("orch", "host", "rm", "h2", "--force")
    labelled.ok("orch", "host", "add", "h2", labelled.machines["h2"].addr)
    lines = wait_until("health says it", lambda: services.health("ANSIBLE_SERVICE_HELD"), SECONDS)
    assert any(f"{NAME}: " in line and "on host h2 not removed" in line for line in lines), lines
    assert services.hosts(NAME) == ["h1", "h2"]
    labelled.ok("orch", "host", "label", "add", "h2", LABEL)
    wait_until("it is wanted", lambda: not services.health("ANSIBLE_SERVICE_HELD"), SECONDS)
    labelled.ok("orch", "host", "label", "rm", "h2", LABEL)
    wait_until("it goes when it is asked for", lambda: services.hosts(NAME) == ["h1"], SECONDS)
