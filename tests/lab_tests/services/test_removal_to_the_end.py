"""What is removed goes to its end and takes nothing else along; what is deployed again is right."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

HOST, OTHER = "h3", "h2"
KEPT = "/srv/kept"
SLOW = "/run/systemd/system/$1.d"
MOUNT = "mkdir -p $1/backup $2; echo theirs >$2/f; mount --bind $2 $1/backup"


@pytest.fixture(autouse=True)
def without_leftovers(services: Services) -> Iterator[None]:
    """Remove the services of each test."""
    yield
    services.remove("mds.last", "rgw.last")


def mds_on(services: Services, host: str) -> Mapping[str, Any]:
    """Return the metadata server of the service on a host."""
    (row,) = [row for row in services.ps("mds.last") if row["hostname"] == host]
    return row


def deployed(services: Services) -> tuple[str, str, str]:
    """Deploy metadata servers; return unit, directory and key of the one that is to go."""
    services.lab.ok("orch", "apply", "mds", "last", f"--placement={OTHER} {HOST}")
    services.wait_runs("mds.last", 2)
    row = mds_on(services, HOST)
    name = row["daemon_id"]
    return row["systemd_unit"], f"/var/lib/ceph/mds/ceph-{name}", f"mds.{name}"


def wait_gone(services: Services, directory: str, key: str) -> None:
    """Wait until nothing is left of a daemon, with the monitors neither."""

    def gone() -> bool:
        assert key not in services.auth_names()
        services.lab.sh(HOST, "test ! -e $1", directory)
        assert key not in services.lab.ok("config-key", "ls"), "its record is left"
        assert key not in str(services.ps())
        assert not services.health("ANSIBLE_SERVICE_FAILED")
        return True

    wait_until("nothing is left of it", gone, 2 * SECONDS)


def test_what_is_mounted_below_its_directory_stays(services: Services) -> None:
    lab = services.lab
    unit, directory, key = deployed(services)
    lab.sh(HOST, MOUNT, directory, KEPT)
    try:
        lab.ok("orch", "apply", "mds", "last", f"--placement={OTHER}")
        services.wait_named("mds.last", HOST, f"{directory}/backup is mounted below it")
        assert lab.sh(HOST, "cat $1/f", KEPT) == "theirs\n"
        assert lab.sh(HOST, "systemctl is-active $1; systemctl is-enabled $1", unit).split() == [
            "active",
            "enabled",
        ]
        print(services.health("ANSIBLE_SERVICE_FAILED"))
    finally:
        lab.sh(HOST, "umount $1/backup", directory)
    wait_gone(services, directory, key)
    assert lab.sh(HOST, "cat $1/f; rm -r $1", KEPT) == "theirs\n"


@pytest.mark.parametrize("managed", [True, False])
def test_one_that_cannot_be_deleted_is_named_until_it_is(services: Services, managed: bool) -> None:
    lab = services.lab
    _, directory, key = deployed(services)
    before = set(services.changing_jobs())
    lab.sh(HOST, "touch $1/stays; chattr +i $1/stays", directory)
    try:
        if managed:
            lab.ok("orch", "apply", "mds", "last", f"--placement={OTHER}")
        else:
            lab.ok("orch", "set-unmanaged", "mds.last")
            lab.ok("orch", "daemon", "rm", key)
        services.wait_named("mds.last", HOST, "Operation not permitted")
        wait_until(
            "its host says that it is stopped",
            lambda: mds_on(services, HOST)["status_desc"] == "stopped",
            SECONDS,
        )
        # Its host reports after each try, and the pauses grow all the same.
        time.sleep(25)
        tries = [job for job in services.changing_jobs() if "remove_daemons" in job]
        assert 1 < len(set(tries) - before) <= 4, tries
        services.wait_named("mds.last", HOST, "Operation not permitted")
        assert key in services.auth_names()
        print(services.health("ANSIBLE_SERVICE_FAILED"))
    finally:
        lab.sh(HOST, "chattr -i $1/stays", directory)
    wait_gone(services, directory, key)


def test_a_host_that_is_switched_off_in_the_middle(services: Services) -> None:
    lab = services.lab
    unit, directory, key = deployed(services)
    lab.ok("orch", "set-unmanaged", "mds.last")
    slow = "mkdir -p {0}; printf '[Service]\\nExecStopPost=sleep 60\\n' >{0}/slow.conf"
    lab.sh(HOST, slow.format(SLOW) + "; systemctl daemon-reload", unit)
    lab.ok("orch", "daemon", "rm", key)

    def stopping() -> bool:
        state = lab.sh(
            HOST, "systemctl is-active $1 || true; systemctl is-enabled $1 || true", unit
        )
        assert state.split() == ["deactivating", "disabled"], state
        return True

    wait_until("it is being stopped", stopping, SECONDS, 0.3)
    lab.power(HOST, "off")
    lab.power(HOST, "on")
    lab.sh(HOST, "test -d $1", directory)
    wait_gone(services, directory, key)


@pytest.mark.parametrize("how", ["reconfig", "daemon redeploy"])
def test_a_gateway_that_listens_elsewhere_is_put_right(services: Services, how: str) -> None:
    lab = services.lab
    lab.ok("orch", "apply", "rgw", "last", f"--placement={OTHER}", "--port=8093")
    services.wait_runs("rgw.last", 1)
    (row,) = services.ps("rgw.last")
    name, entity = row["daemon_name"], f"client.{row['daemon_name']}"
    lab.ok("config-key", "rm", f"mgr/ansible/deployed.{OTHER}")
    lab.ok("config", "rm", entity, "rgw_frontends")
    lab.ok("orch", "daemon", "restart", name)

    def listens(port: int) -> bool:
        lab.ok("orch", "ps", "--refresh")
        (row,) = services.ps("rgw.last")
        assert row.get("ports") == [port], row.get("ports")
        assert row["status_desc"] == "running"
        return True

    wait_until("it listens on Ceph's own port", lambda: listens(7480), SECONDS)
    lab.ok("orch", *how.split(), name if how.startswith("daemon") else "rgw.last")
    wait_until("it listens on its port", lambda: listens(8093), SECONDS)
    found = json.loads(lab.ok("config", "dump", "--format", "json"))
    values = [each["value"] for each in found if each["section"] == entity]
    assert values == ["beast port=8093"]
