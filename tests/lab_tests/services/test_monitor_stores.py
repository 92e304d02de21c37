"""A monitor that the placement wants is made anew where its store or its place in the map is lost.

Nothing of it is deleted: what was there is put aside.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.services.test_one_cluster import ALL, STORE, UNIT, VICTIM, own_map, quorum

OUTSIDE = "ANSIBLE_DAEMON_OUTSIDE"
# A file system as ext4 makes one: lost+found in it, and root's.
MOUNT = (
    f"mkdir -p {STORE}; mount -t tmpfs -o mode=755 tmpfs {STORE}; mkdir -m 700 {STORE}/lost+found"
)
# Ceph 20.2.4: a monitor that is removed while it runs may bring another one down by its ping, which
# systemd starts again (https://tracker.ceph.com/issues/71259). Its report is no word of ours.
FORGET_CRASH = (
    "grep -ls MonMap::get_addrs /var/lib/ceph/crash/*/meta | xargs -r dirname | xargs -r rm -r"
)
KEY = f"{STORE}/keyring"
KEPT = f"ls -d /var/lib/ceph/removed/mon-{VICTIM}-* {STORE}/.ceph-orch-removed-* 2>/dev/null"


@pytest.fixture
def three(services: Services) -> Iterator[Services]:
    """Return three monitors, and nothing put aside."""
    lab = services.lab
    lab.ok("orch", "apply", "mon", "--placement=*")
    wait_until("three monitors in quorum", lambda: quorum(lab) == ALL, SECONDS)
    services.wait_runs("mon", 3)
    lab.sh(VICTIM, f"rm -rf $({KEPT} || true)")
    yield services
    lab.ok("orch", "set-managed", "mon")
    for host in ALL:
        lab.sh(host, FORGET_CRASH)


@pytest.fixture
def mounted(three: Services) -> Iterator[Services]:
    """Return three monitors, the directory of one of which is a new file system."""
    leave(three.lab)
    three.lab.sh(VICTIM, MOUNT)
    three.lab.ok("orch", "apply", "mon", "--placement=*")
    yield three
    leave(three.lab)
    three.lab.sh(VICTIM, f"umount {STORE}; rm -rf {STORE} $({KEPT} || true)")
    three.lab.ok("orch", "apply", "mon", "--placement=*")
    wait_until("three monitors in quorum", lambda: quorum(three.lab) == ALL, SECONDS)


def leave(lab: Lab) -> None:
    """Let the placement take the monitor away."""
    lab.ok("orch", "apply", "mon", "--placement=h1,h2")
    wait_until("it is out", lambda: VICTIM not in quorum(lab), SECONDS)
    wait_until("its unit is gone", lambda: not runs(lab), SECONDS)
    wait_until("the job has ended", lambda: lab.ssh(VICTIM, "test", "-e", KEY).rc == 1, SECONDS)


def runs(lab: Lab) -> bool:
    return lab.ssh(VICTIM, "systemctl", "is-enabled", "--quiet", UNIT).rc == 0


def kept(lab: Lab) -> list[str]:
    """Return what was put aside, wherever."""
    return lab.sh(VICTIM, f"{KEPT} || true").split()


def is_back(three: Services) -> None:
    """Wait until the monitor is in the one quorum, and nothing is named."""
    lab = three.lab
    wait_until("it is in the one quorum", lambda: quorum(lab) == ALL, SECONDS)
    wait_until("it says so itself", lambda: own_map(lab) == ALL, SECONDS)
    three.wait_healed("mon", 3)
    wait_until("nothing is named", lambda: not three.health(OUTSIDE), SECONDS)
    lab.sh(VICTIM, f"systemctl restart {UNIT}")
    wait_until("it is in the quorum after a restart", lambda: quorum(lab) == ALL, SECONDS)


def take_out(lab: Lab) -> None:
    """Take the monitor out of the map by hand; it ends by itself."""
    lab.ok("mon", "rm", VICTIM)
    wait_until(
        "it has ended",
        lambda: lab.ssh(VICTIM, "systemctl", "is-active", "--quiet", UNIT).rc != 0,
        SECONDS,
    )


def test_one_that_was_taken_out_of_the_map_by_hand(three: Services) -> None:
    """Seen to fail before: 2/3 for ever with HEALTH_OK, and nothing made it start again."""
    lab = three.lab
    before = told(three)
    take_out(lab)
    is_back(three)
    assert len(kept(lab)) == 1, "its old store was put aside"
    assert len(told(three) - before) == 1, "it is said once"


def told(three: Services) -> set[str]:
    """Return the events that say that a monitor is made anew."""
    events = (str(each) for each in three.ls()["mon"]["events"])
    return {each for each in events if "is not in the monitors' map any more" in each}


def test_an_unmanaged_one_is_made_anew_by_a_redeploy(three: Services) -> None:
    """Seen to fail before: the redeploy ends with "not present in monmap or ceph.conf"."""
    lab = three.lab
    lab.ok("orch", "set-unmanaged", "mon")
    take_out(lab)
    lab.ssh("h1", "ceph", "orch", "daemon", "start", f"mon.{VICTIM}")
    lab.ok("orch", "daemon", "redeploy", f"mon.{VICTIM}")
    wait_until("it is in the one quorum", lambda: quorum(lab) == ALL, SECONDS)
    lab.ok("orch", "set-managed", "mon")
    is_back(three)


def test_one_that_somebody_stopped_is_named_and_left(three: Services) -> None:
    lab = three.lab
    lab.ok("orch", "daemon", "stop", f"mon.{VICTIM}")
    wait_until("it is out", lambda: VICTIM not in quorum(lab), SECONDS)
    wait_until("it is named", lambda: bool(three.health(OUTSIDE)), SECONDS)
    (line,) = three.health(OUTSIDE)
    assert f"mon.{VICTIM} on host {VICTIM} does not run" in line
    assert f"`ceph orch daemon start mon.{VICTIM}`" in line
    assert VICTIM not in quorum(lab), "somebody stopped it, and it runs"
    lab.ok("orch", "daemon", "start", f"mon.{VICTIM}")
    is_back(three)
    assert kept(lab) == []


def test_one_whose_store_is_lost_is_made_anew(three: Services) -> None:
    """Seen to fail before: "store.db/CURRENT: No such file" for ever."""
    lab = three.lab
    lab.sh(VICTIM, f"systemctl stop {UNIT}; rm -rf {STORE}/store.db; systemctl start {UNIT}||true")
    is_back(three)
    assert len(kept(lab)) == 1, "what was there was put aside"


def test_one_on_a_file_system_of_its_own_comes_and_goes(mounted: Services) -> None:
    """Seen to fail before: never made; taken from it, it was never taken in again."""
    lab = mounted.lab
    is_back(mounted)

    leave(lab)
    mounted.wait_healed("mon", 2)
    inside = [each for each in kept(lab) if each.startswith(STORE)]
    assert len(inside) == 1, "its store was put aside, in its own file system"
    lab.ok("orch", "ps", "--refresh")
    wait_until("it is not listed", lambda: VICTIM not in hosts(mounted), SECONDS)
    lab.ok("orch", "apply", "mon", "--placement=*")
    is_back(mounted)

    take_out(lab)
    is_back(mounted)
    assert len([each for each in kept(lab) if each.startswith(STORE)]) == 2
    assert lab.sh(VICTIM, f"stat -c %U {STORE}").strip() == "ceph"


def hosts(services: Services) -> list[str]:
    return [str(row["hostname"]) for row in services.ps("mon")]
