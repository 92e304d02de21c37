"""A host with a gateway, a rank and the active manager is emptied under load, managers killed.

`DRAIN_FAIL_OVERS` says how often another manager takes over, every second time because the active
one is killed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab_tests.drain.conftest import HOST
from tests.lab_tests.drain.test_drain import kept, status, wipe
from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds
from tests.lab_tests.osds.write_load import WriteLoad
from tests.lab_tests.services.gateway_load import GatewayLoad
from tests.lab_tests.services.service_lab import SECONDS, Services

FAIL_OVERS = int(os.environ.get("DRAIN_FAIL_OVERS", "6"))
KINDS = ("mgr", "mds", "rgw")
PORT = 8095
# The manager that goes on waits for the jobs of the one that was killed, then one daemon follows
# the other.
LEFT_SECONDS = 360.0
# Pools that grow meanwhile have all of their placement groups peer again and again.
POOLS = {
    "osd_pool_default_size": "2",
    "osd_pool_default_pg_num": "8",
    "osd_pool_default_pg_autoscale_mode": "off",
}
KILL = """
systemctl kill -s KILL --kill-whom=all ceph-mgr@$1
systemctl reset-failed ceph-mgr@$1 2>/dev/null || true; systemctl start ceph-mgr@$1
"""

pytestmark = pytest.mark.skipif(bool(os.environ.get("SHORT")), reason="takes minutes")


@pytest.fixture
def serving(hosts: Osds) -> Iterator[Services]:
    """Return the lab with a manager, a metadata server and a gateway on each host."""
    lab = hosts.lab
    services = Services(lab)
    for name, value in POOLS.items():
        lab.ok("config", "set", "global", name, value)
    lab.ok("orch", "apply", "mgr", "--placement=*")
    lab.ok("fs", "volume", "create", "drained", "--placement=*")
    lab.ok("orch", "apply", "rgw", "drained", "--placement=*", f"--port={PORT}")
    for name in ("mgr", "mds.drained", "rgw.drained"):
        services.wait_runs(name, 3, SECONDS)
    # One of three copies, as that of the manager's own, could not be moved to two hosts.
    for pool in lab.ceph_json("osd", "pool", "ls"):
        lab.ok("osd", "pool", "set", pool, "size", "2")
    hosts.wait_clean()
    yield services
    lab.ok("orch", "resume")
    # The manager of the others' tests is the first host's.
    be_active(lab, lab.first)
    lab.ok("orch", "apply", "mgr", f"--placement={lab.first}")
    services.remove_all()
    services.close()
    for name in POOLS:
        lab.ok("config", "rm", "global", name)


def active(lab: Lab) -> str:
    return str(lab.ceph_json("mgr", "stat")["active_name"])


def be_active(lab: Lab, name: str) -> None:
    """Let managers take over until one is the active one."""
    wait_until(
        f"mgr.{name} is known",
        lambda: (
            name
            in (active(lab), *(each["name"] for each in lab.ceph_json("mgr", "dump")["standbys"]))
        ),
        SECONDS,
    )
    for _ in range(8):
        if active(lab) == name:
            break
        lab.fail_over()
    assert active(lab) == name


def have_rank(lab: Lab, host: str) -> None:
    """Let the metadata server of a host have the rank."""

    def holder() -> str:
        (fs,) = lab.ceph_json("fs", "dump")["filesystems"]
        rows = fs["mdsmap"]["info"].values()
        return next((str(r["name"]) for r in rows if r["state"] == "up:active"), "")

    for _ in range(8):
        name = wait_until("a rank is active", holder, SECONDS)
        if f".{host}." in name:
            return
        lab.ok("mds", "fail", name)
        wait_until("another one has it", lambda name=name: holder() not in ("", name), SECONDS)
    raise AssertionError(f"no metadata server of {host} gets the rank")


def take_over(lab: Lab, *, kill: bool) -> None:
    """Let another manager take over, or the same one begin anew."""
    if not kill:
        lab.fail_over()
        return
    dump = lab.ceph_json("mgr", "dump")
    before, name = dump["active_gid"], dump["active_name"]
    lab.sh(name, KILL, name)

    def another() -> bool:
        found = lab.ceph_json("mgr", "dump")
        return bool(found["available"]) and found["active_gid"] not in (before, 0)

    wait_until("another manager is active", another, SECONDS)


def left(services: Services) -> list[str]:
    return [str(r["daemon_name"]) for r in services.ps() if r["hostname"] == HOST]


def test_a_host_that_serves_is_emptied_and_nobody_notices(
    hosts: Osds, load: WriteLoad, serving: Services
) -> None:
    lab, mine = hosts.lab, hosts.on(HOST)
    have_rank(lab, HOST)
    be_active(lab, HOST)
    addresses = [f"http://{lab.machines[each].addr}:{PORT}" for each in (lab.first, HOST)]
    objects = GatewayLoad(lab, addresses)
    try:
        # Data that nothing moves: the queue is what it is.
        hosts.door.ask("osd set", key="nobackfill")
        hosts.door.ask("osd set", key="norecover")
        said = lab.ok_when_settled("orch", "host", "drain", HOST)
        assert all(f"\n{kind}  " in said for kind in KINDS), said
        osds = sorted(f"osd.{each}" for each in mine)
        # It is killed on the way too: what it was at is what another one goes on with.
        take_over(lab, kill=True)
        wait_until("only OSDs are left", lambda: sorted(left(serving)) == osds, LEFT_SECONDS)
        assert active(lab) != HOST
        before = kept(hosts)
        assert sorted(hosts.queue()) == mine
        for turn in range(FAIL_OVERS):
            take_over(lab, kill=bool(turn % 2))
            wait_until("the queue is the same", lambda: sorted(hosts.queue()) == mine, SECONDS)
            assert kept(hosts) == before
        for flag in ("nobackfill", "norecover"):
            hosts.door.ask("osd unset", key=flag)
        hosts.wait_gone(*mine, seconds=LEFT_SECONDS)
        wait_until("the host is drained", lambda: status(hosts) == "drained", STEP_SECONDS)
        load.check()
        objects.check()
    finally:
        objects.stop()
    lab.ok_when_settled("orch", "host", "drain", "stop", HOST)
    # Services come back to it, and a disk is not wiped while a job is at its host.
    wipe(hosts, sorted(set(lab.machines[HOST].disks) - set(hosts.free()[HOST])))
