"""A monitor that is made again joins the one cluster, whatever ceph.conf says of first members."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services

ALL = ["h1", "h2", "h3"]
# Not the first host: the manager and the tests' own `ceph` find the cluster there.
VICTIM = "h3"
STORE = f"/var/lib/ceph/mon/ceph-{VICTIM}"
UNIT = f"ceph-mon@{VICTIM}.service"
JOINING = f"/etc/systemd/system/{UNIT}.d"
CONF = "/etc/ceph/ceph.conf"
ASK = f"ceph daemon mon.{VICTIM} mon_status"


@pytest.fixture(params=["mon_initial_members", "mon initial members"])
def three(services: Services, request: pytest.FixtureRequest) -> Iterator[Services]:
    """Return three monitors, and a ceph.conf of its own on one host that names it as the first."""
    lab = services.lab
    lab.ok("orch", "apply", "mon", "--placement=*")
    wait_until("three monitors in quorum", lambda: quorum(lab) == ALL, SECONDS)
    services.wait_runs("mon", 3)
    addresses = ",".join(machine.addr for machine in lab.machines.values())
    section = "[global]" if request.param == "mon_initial_members" else f"[mon.{VICTIM}]"
    lab.sh(
        VICTIM,
        'cp -p $1 $1.kept; printf "[global]\nfsid = %s\nmon_host = %s\n%s\n%s = %s\n" '
        '"$2" "$3" "$4" "$5" "$6" >$1',
        CONF,
        lab.ok("fsid").strip(),
        addresses,
        section,
        request.param,
        VICTIM,
    )
    services.door.orch("orch ps", refresh=True)
    yield services
    # A second cluster of before, if there is one, goes.
    if quorum(lab) != ALL:
        lab.sh(VICTIM, f"systemctl stop {UNIT} || true; rm -rf {STORE}")
    lab.sh(VICTIM, "mv $1.kept $1", CONF)
    lab.ok("orch", "ps", "--refresh")
    lab.ok("orch", "apply", "mon", "--placement=*")
    wait_until("three monitors in quorum", lambda: quorum(lab) == ALL, SECONDS)


def quorum(lab: Lab) -> list[str]:
    return sorted(lab.ceph_json("quorum_status")["quorum_names"])


def own_map(lab: Lab) -> list[str]:
    """Return the monitors that the one on the host knows, when it has a quorum."""
    answer = lab.ssh(VICTIM, *ASK.split())
    assert answer.rc == 0, answer.err
    status: dict[str, Any] = json.loads(answer.out)
    assert status["state"] in ("leader", "peon"), status["state"]
    return sorted(row["name"] for row in status["monmap"]["mons"])


def test_a_monitor_that_is_removed_and_made_again(three: Services) -> None:
    """Seen to fail before: it leads a map of epoch 1 of itself, and `orch ls` says 3/3."""
    lab = three.lab
    lab.ok("orch", "daemon", "rm", f"mon.{VICTIM}", "--force")
    wait_until("it is out", lambda: VICTIM not in quorum(lab), SECONDS)
    wait_until("it has a quorum", lambda: bool(own_map(lab)), SECONDS)
    assert own_map(lab) == ALL
    wait_until("it is in the one quorum", lambda: quorum(lab) == ALL, SECONDS)
    three.wait_healed("mon", 3)
    wait_until("its start is the package's again", lambda: not joining(lab), SECONDS)
    lab.sh(VICTIM, f"systemctl restart {UNIT}")
    wait_until("it is in the quorum after a restart", lambda: quorum(lab) == ALL, SECONDS)


def test_a_monitor_whose_store_was_emptied(three: Services) -> None:
    """Seen to fail before: what the service makes then is a second cluster, without a command."""
    lab = three.lab
    lab.sh(VICTIM, f"rm -rf {STORE}/*; systemctl restart {UNIT} || true")
    wait_until("it has a quorum", lambda: bool(own_map(lab)), SECONDS)
    assert own_map(lab) == ALL
    wait_until("it is in the one quorum", lambda: quorum(lab) == ALL, SECONDS)
    three.wait_healed("mon", 3)


def joining(lab: Lab) -> bool:
    return lab.ssh(VICTIM, "test", "-e", f"{JOINING}/ceph-orch-joining.conf").rc == 0


def test_one_that_leads_a_cluster_of_its_own_is_named_and_repaired(three: Services) -> None:
    """Seen to fail before: health is silent, `orch ls` says 3/3, a redeploy changes nothing."""
    lab = three.lab
    lab.ok("orch", "set-unmanaged", "mon")
    lab.ok("orch", "daemon", "rm", f"mon.{VICTIM}", "--force")
    wait_until("it is out", lambda: VICTIM not in quorum(lab), SECONDS)
    wait_until("its store is gone", lambda: lab.ssh(VICTIM, "test", "-e", STORE).rc == 1, SECONDS)
    key = lab.ok("auth", "get", "mon.")
    lab.sh(
        VICTIM,
        f"cat >/run/k; chown ceph /run/k; ceph -m $1 -n mon. -k /run/k mon getmap -o /run/m "
        f"2>/dev/null; monmaptool --addv {VICTIM} '[v2:$2:3300,v1:$2:6789]' /run/m >/dev/null; "
        "chown ceph /run/m; "
        f"install -d -o ceph -g ceph {STORE}; ceph-mon --mkfs -i {VICTIM} --monmap /run/m "
        "--keyring /run/k --setuser ceph --setgroup ceph; rm /run/k /run/m; "
        f"systemctl reset-failed {UNIT} || true; systemctl enable --now {UNIT}".replace("'", '"'),
        lab.machines["h1"].addr,
        lab.machines[VICTIM].addr,
        stdin=key,
    )
    wait_until("it leads a cluster of its own", lambda: own_map(lab) == [VICTIM], SECONDS)
    lab.ok("orch", "ps", "--refresh")

    def named() -> bool:
        lines = three.health("ANSIBLE_DAEMON_OUTSIDE")
        mine = [line for line in lines if f"mon.{VICTIM} on host {VICTIM} leads a cluster" in line]
        assert mine, lines
        assert f"`ceph orch daemon redeploy mon.{VICTIM}`" in mine[0]
        return True

    wait_until("it is named with the remedy", named, SECONDS)
    status = three.ls()["mon"]["status"]
    assert status["running"] == 2, status
    lab.ok("orch", "daemon", "redeploy", f"mon.{VICTIM}")
    wait_until("it is in the one quorum", lambda: quorum(lab) == ALL, SECONDS)
    lab.ok("orch", "set-managed", "mon")
    three.wait_healed("mon", 3)
    wait_until("nothing is named", lambda: not three.health("ANSIBLE_DAEMON_OUTSIDE"), SECONDS)
    kept = lab.sh(VICTIM, "ls /var/lib/ceph/removed")
    assert f"mon-{VICTIM}-" in kept, "its store was put aside, not wiped"
