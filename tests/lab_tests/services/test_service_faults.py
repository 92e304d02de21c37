"""What breaks under a service: the rest works, host and reason are named, and it heals alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import STATE, Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

BROKEN = "h3"
SOURCES = "/etc/apt/sources.list"


@pytest.fixture(autouse=True)
def without_leftovers(services: Services) -> Iterator[None]:
    """Remove the services of each test."""
    yield
    services.remove("mds.fault", "mds.other", "rbd-mirror", "rgw.fault")


def test_a_host_that_is_switched_off_and_on_again(services: Services) -> None:
    lab = services.lab
    lab.ok("orch", "apply", "mds", "fault", "--placement=*")
    services.wait_runs("mds.fault", 3)
    lab.power(BROKEN, "off")
    try:

        def named() -> bool:
            lines = services.health("ANSIBLE_HOST_OFFLINE")
            assert [line for line in lines if line.startswith(f"host {BROKEN} is offline")], lines
            errors = services.errors("mds.fault")
            assert [e for e in errors if e.startswith(f"{BROKEN}: the host is offline: ")], errors
            return True

        wait_until("the host is named", named, SECONDS)
        lab.ok("orch", "apply", "mds", "other", "--placement=2")
        services.wait_runs("mds.other", 2)
        assert BROKEN not in services.hosts("mds.other")
        assert services.hosts("mds.fault") == ["h1", "h2"]
    finally:
        lab.power(BROKEN, "on")
    services.wait_healed("mds.fault", 3)
    wait_until("all hosts answer", lambda: not services.health("ANSIBLE_HOST_OFFLINE"), SECONDS)
    assert services.errors("mds.other") == []
    assert services.hosts("mds.other") == ["h1", "h2"], "a host that is back shuffles nothing"


def test_a_package_source_that_fails(services: Services) -> None:
    lab = services.lab
    lab.sh(
        BROKEN,
        "apt-get -qq purge -y rbd-mirror >/dev/null; mv $1 $1.kept; rm -rf /var/lib/apt/lists/*; "
        "echo 'deb [trusted=yes] http://127.0.0.1:9 lab main' >$1",
        SOURCES,
    )
    try:
        lab.ok("orch", "apply", "rbd-mirror", "--placement=*")
        services.wait_named("rbd-mirror", BROKEN, "rbd-mirror cannot be installed")
        assert any("127.0.0.1:9" in error for error in services.errors("rbd-mirror"))
        wait_until("the others run", lambda: services.hosts("rbd-mirror") == ["h1", "h2"], SECONDS)
    finally:
        lab.sh(BROKEN, "mv $1.kept $1", SOURCES)
    services.wait_healed("rbd-mirror", 3)


def test_a_full_disk(services: Services) -> None:
    lab = services.lab
    lab.sh(
        BROKEN,
        "mount -t tmpfs -o size=64k,mode=755 full /var/lib/ceph/mds; "
        "chown ceph:ceph /var/lib/ceph/mds; cat /dev/zero >/var/lib/ceph/mds/fill || true",
    )
    try:
        lab.ok("orch", "apply", "mds", "fault", "--placement=*")
        services.wait_named("mds.fault", BROKEN, "No space left on device")
        wait_until("the others run", lambda: services.hosts("mds.fault") == ["h1", "h2"], SECONDS)
    finally:
        lab.sh(BROKEN, "umount /var/lib/ceph/mds")
    services.wait_healed("mds.fault", 3)


def test_an_ssh_key_that_is_denied(services: Services) -> None:
    lab = services.lab
    key = lab.ok("ansible", "get-pub-key").split()[1]
    keys = f"{lab.home}/.ssh/authorized_keys"
    lab.sh(BROKEN, "cp -p $1 $1.kept; grep -vF $2 $1.kept >$1 || true", keys, key)
    try:
        forget_connections(lab)

        def named() -> bool:
            lines = services.health("ANSIBLE_HOST_OFFLINE")
            assert any(BROKEN in line and "permission denied" in line for line in lines), lines
            return True

        wait_until("the host is named", named, SECONDS)
        lab.ok("orch", "apply", "mds", "fault", f"--placement=h1 {BROKEN}")

        def told() -> bool:
            errors = services.errors("mds.fault")
            mine = [each for each in errors if each.startswith(f"{BROKEN}: ")]
            assert any("permission denied" in each for each in mine), errors
            return services.hosts("mds.fault") == ["h1"]

        wait_until("the other one runs, and the event says why", told, SECONDS)
    finally:
        lab.sh(BROKEN, "mv $1.kept $1", keys)
    services.wait_healed("mds.fault", 2)
    assert services.hosts("mds.fault") == ["h1", BROKEN]


def forget_connections(lab: Lab) -> None:
    """End the managers' connections to the host: one that is open outlives its key."""
    for host in lab.hosts():
        config = f"{STATE}/ssh_config"
        script = f"test ! -e {config} || runuser -u ceph -- ssh -F {config} -O exit $1 || true"
        lab.sh(host, script, BROKEN)


def test_a_port_that_is_taken(services: Services) -> None:
    lab = services.lab
    lab.sh(
        BROKEN, "systemd-run -q --unit=lab-port python3 -m http.server 8091 --directory /var/empty"
    )
    try:
        lab.ok("orch", "apply", "rgw", "fault", f"--placement=h1 {BROKEN}", "--port=8091")
        services.wait_named("rgw.fault", BROKEN, "the port 8091 is taken by python3")
        wait_until("the other one runs", lambda: services.hosts("rgw.fault") == ["h1"], SECONDS)
    finally:
        lab.sh(BROKEN, "systemctl stop lab-port")
    services.wait_healed("rgw.fault", 2)
    assert (
        len([name for name in services.auth_names() if name.startswith("client.rgw.fault.")]) == 2
    )
