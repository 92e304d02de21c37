"""What runs and nobody looks after is in health: named after two minutes, gone when it is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapter.cluster.strays import GRACE
from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

HOST, DAEMON = "ANSIBLE_STRAY_HOST", "ANSIBLE_STRAY_DAEMON"
OPTION = "mgr/ansible/warn_on_stray_hosts"
LATEST = GRACE + SECONDS
BY_HAND = "stray.byhand"
CAPS = ("mon", "profile mds", "osd", "allow rw tag cephfs *=*", "mds", "allow")
# As in a container: a daemon without a unit of its name.
RUN = """
umask 077; d=/run/stray; mkdir -p $d; cat >$d/keyring; chown -R ceph:ceph $d
systemd-run --quiet --unit stray ceph-mds -f -i "$1" --keyring $d/keyring \
  --setuser ceph --setgroup ceph
"""
STOP = "systemctl stop stray 2>/dev/null || true; rm -rf /run/stray"


def osds_of(lab: Lab, host: str) -> list[str]:
    rows = lab.ceph_json("osd", "metadata")
    return sorted(f"osd.{row['id']}" for row in rows if row.get("hostname") == host)


@pytest.fixture
def removed(services: Services) -> Iterator[Services]:
    """Return services of a lab of which a host was removed with its OSDs."""
    lab = services.lab
    lab.ok("orch", "host", "rm", "h3", "--force")
    yield services
    lab.ok("config", "set", "mgr", OPTION, "true")
    lab.ok("config", "rm", "mgr", OPTION)
    settle(lab)


def test_what_a_removed_host_left_running(removed: Services) -> None:
    lab = removed.lab
    lines = wait_until("the host is named", lambda: removed.health(HOST), LATEST)
    print(*lines, sep="\n")
    (line,) = lines
    assert line.startswith("host h3 is not managed, and ")
    assert all(osd in line for osd in osds_of(lab, "h3")), line
    lab.ok("config", "set", "mgr", OPTION, "false")
    wait_until("it is turned off", lambda: not removed.health(HOST), 60)
    lab.ok("config", "set", "mgr", OPTION, "true")
    wait_until("it is on again", lambda: removed.health(HOST), 60)
    lab.ok("orch", "host", "add", "h3", lab.machines["h3"].addr)
    wait_until("it is over", lambda: not removed.health(HOST), SECONDS)
    assert not removed.health(DAEMON)


@pytest.fixture
def by_hand(services: Services) -> Iterator[Services]:
    """Return services beside which somebody has started a metadata server without a unit."""
    lab = services.lab
    key = lab.ok("auth", "get-or-create", f"mds.{BY_HAND}", *CAPS)
    lab.sh("h2", RUN, BY_HAND, stdin=key)
    yield services
    lab.sh("h2", STOP)
    lab.ok("auth", "rm", f"mds.{BY_HAND}")


def test_a_daemon_that_its_host_does_not_know(by_hand: Services) -> None:
    lab = by_hand.lab
    wait_until("it is in the map", lambda: BY_HAND in lab.ok("fs", "dump"), 60)
    lines = wait_until("it is named", lambda: by_hand.health(DAEMON), LATEST)
    print(*lines, sep="\n")
    assert [line.partition(" runs for")[0] for line in lines] == [f"mds.{BY_HAND} on host h2"]
    assert not by_hand.health(HOST)
    lab.sh("h2", STOP)
    wait_until("it is over", lambda: not by_hand.health(DAEMON), SECONDS)
