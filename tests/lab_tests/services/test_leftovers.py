"""What a cloned image has of other hosts' daemons is named, and nothing is done by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

OWNER, OTHER = "h1", "h3"
MIRROR = "rbd-mirror"
CONF = "/etc/ceph/ceph.conf"
NAME_ALL = (
    'cp -p "$1" "$1.kept"; sed -i "s/^ *mon[_ ]host *=.*/mon_host = $2/" "$1"; grep -q "$2" "$1"'
)
LEAVE = """
test -z "$1" || { mkdir -p "$1"; touch "$1/leftover"; chown -R ceph:ceph "$1"; }
systemctl enable "$2"
"""
TAKE_AWAY = """
systemctl disable --now "$2" || true; systemctl reset-failed "$2" || true
test -z "$1" || rm -rf "$1"
"""


class Daemon(NamedTuple):
    """A daemon of the first host, and what of it lies on another one."""

    name: str
    unit: str
    directory: str
    key: str


@pytest.fixture(scope="module")
def needed(services: Services) -> Iterator[Lab]:
    """Return a lab with three monitors, two managers and a mirror on the first host."""
    found = services.lab
    services.remove(MIRROR)
    found.ok("orch", "apply", "mon", "--placement=*")
    found.ok("orch", "apply", "mgr", f"--placement={OWNER} h2")
    found.ok("orch", "apply", MIRROR, f"--placement={OWNER}")
    for name, size in (("mon", 3), ("mgr", 2), (MIRROR, 1)):
        services.wait_runs(name, size)
    # A host whose ceph.conf names the first one only would keep its monitor by itself.
    addresses = " ".join(machine.addr for machine in found.machines.values())
    found.sh(OWNER, NAME_ALL, CONF, addresses)
    yield found
    found.sh(OWNER, "mv $1.kept $1", CONF)
    services.remove(MIRROR)


def daemon(services: Services, kind: str) -> Daemon:
    (row,) = [row for row in services.ps(kind) if row["hostname"] == OWNER]
    name = row["daemon_id"]
    directory = "" if kind == MIRROR else f"/var/lib/ceph/{kind}/ceph-{name}"
    key = {"mon": "mon.", "mgr": f"mgr.{name}", MIRROR: f"client.{MIRROR}.{name}"}[kind]
    return Daemon(f"{kind}.{name}", row["systemd_unit"], directory, key)


def is_well(services: Services, found: Daemon) -> None:
    """Check that the healthy daemon is where and what it was."""
    lab = services.lab
    assert found.key in lab.ceph("auth", "get", found.key).out, f"the key {found.key} is gone"
    assert lab.ssh(OWNER, "systemctl", "is-active", found.unit).out.strip() == "active"
    quorum = services.door.ask("quorum_status")
    assert set(quorum["quorum_names"]) == {"h1", "h2", "h3"}
    managers = services.door.ask("mgr dump")
    names = [managers["active_name"], *(each["name"] for each in managers["standbys"])]
    assert sorted(names) == ["h1", "h2"]


@pytest.mark.parametrize("kind", [MIRROR, "mgr", "mon"])
def test_the_healthy_daemon_stays(services: Services, needed: Lab, kind: str) -> None:
    lab, found = needed, daemon(services, kind)
    jobs = set(services.changing_jobs())
    lab.sh(OTHER, LEAVE, found.directory, found.unit)
    try:
        lab.ok("orch", "ps", "--refresh")
        wait_until(
            "the unit on the other host is listed",
            lambda: (
                (OTHER, found.unit) in {(r["hostname"], r["systemd_unit"]) for r in services.ps()}
            ),
            SECONDS,
        )

        def named() -> bool:
            is_well(services, found)
            lines = services.health("ANSIBLE_FOREIGN_DAEMON")
            start = f"{found.name} on host {OTHER} ({found.unit}) belongs to host {OWNER}: "
            assert [line for line in lines if line.startswith(start)], lines
            return True

        wait_until("health names both hosts", named, 60)
        rows = [row for row in services.ps() if row["daemon_name"].startswith(found.name)]
        assert sorted((row["daemon_name"], row["hostname"]) for row in rows) == [
            (found.name, OWNER),
            (f"{found.name}@{OTHER}", OTHER),
        ]
        assert services.ls()[kind]["status"]["running"] == services.ls()[kind]["status"]["size"]
        refused = lab.ceph("orch", "daemon", "rm", f"{found.name}@{OTHER}", "--force")
        assert refused.rc != 0
        assert OWNER in refused.err
        assert OTHER in refused.err
        # Each manager has a list of jobs of its own.
        assert set(services.changing_jobs()) == jobs
        if kind != MIRROR:
            # What the monitors have of the health is of the manager before, until the next one
            # has said something.
            lab.fail_over(SECONDS)
            wait_until(
                "the next manager lists it",
                lambda: f"{found.name}@{OTHER}" in {row["daemon_name"] for row in services.ps()},
                SECONDS,
            )
            wait_until("the next manager names it too", named, SECONDS)
        is_well(services, found)
    finally:
        lab.sh(OTHER, TAKE_AWAY, found.directory, found.unit)
    lab.ok("orch", "ps", "--refresh")
    wait_until(
        "nothing is said any more", lambda: not services.health("ANSIBLE_FOREIGN_DAEMON"), SECONDS
    )
    is_well(services, found)
