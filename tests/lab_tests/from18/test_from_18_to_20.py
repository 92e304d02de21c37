"""Debian 13's Ceph 18.2 goes to Debian's next 20.2 in place, managers first, while a client writes.

No manager of the old release loads an orchestrator: ``orch-ansible`` does it. Run on a lab of its
own: `tests/lab/lab up --release trixie --no-dashboard --disks 1`. The tests build on each other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.maintenance.ground import POOL, Ground
from tests.lab_tests.old_site import SECONDS, add_hosts, apply, command, data, ok, old_site
from tests.lab_tests.services.service_lab import Services

NEW, RELEASE = "20.2.4", "tentacle"
HOUR = 3600.0
# What Ceph 20.2 says of the keys and ciphers that a cluster of 18.2 has.
OF_KEYS = "AUTH_INSECURE_"
# Modules of 18.2 and 20.2 themselves that fail to load there.
OF_MODULES = {"RECENT_MGR_MODULE_CRASH", "RECENT_CRASH", "MGR_MODULE_DEPENDENCY"}
SCOPE = ("--ceph-version", NEW)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a lab with Ceph 18.2, with this checkout's command on its first host."""
    with old_site(tmp_path_factory.mktemp("ssh")) as lab:
        yield lab


def the_file(lab: Lab) -> str:
    """Return all services in one text."""
    hosts = list(lab.machines)
    everywhere = {"host_pattern": "*"}
    rows: list[dict[str, Any]] = [
        {"service_type": "mon", "placement": everywhere},
        {"service_type": "mgr", "placement": {"hosts": hosts[:2]}},
        {
            "service_type": "osd",
            "service_id": "all",
            "placement": everywhere,
            "spec": {"data_devices": {"all": True}},
        },
        {"service_type": "crash", "placement": everywhere},
        {"service_type": "mds", "service_id": "fs", "placement": {"hosts": hosts[:2]}},
    ]
    gateway = {"service_type": "rgw", "service_id": "s3", "placement": {"hosts": hosts[2:]}}
    rows.append({**gateway, "spec": {"rgw_frontend_port": 8094}})
    return str(yaml.safe_dump_all(rows))


def versions(lab: Lab) -> set[str]:
    return {name.split()[2] for name in lab.ceph_json("versions")["overall"]}


def checks(lab: Lab) -> set[str]:
    return set(lab.ceph_json("health", "detail")["checks"])


def wait_clean(lab: Lab) -> None:
    def clean() -> bool:
        rows = lab.ceph_json("pg", "stat")["pg_summary"]["num_pg_by_state"]
        assert {row["name"] for row in rows} == {"active+clean"}, rows
        return True

    wait_until("all placement groups are active and clean", clean, SECONDS)


def test_a_cluster_of_the_old_release(site: Lab) -> None:
    add_hosts(site)
    apply(site, the_file(site))
    count = sum(len(machine.disks) for machine in site.machines.values())
    wait_until("all OSDs", lambda: site.ceph_json("osd", "stat")["num_up_osds"] == count, SECONDS)
    # What waits for OSDs.
    apply(site, the_file(site))
    for pool in (POOL, "fs.meta", "fs.data"):
        site.ok("osd", "pool", "create", pool, "8")
    site.ok("osd", "pool", "application", "enable", POOL, "rados")
    site.ok("fs", "new", "fs", "fs.meta", "fs.data")
    for pool in site.ceph_json("osd", "pool", "ls"):
        site.ok("osd", "pool", "set", pool, "size", "3")
        site.ok("osd", "pool", "set", pool, "min_size", "2")
    wait_clean(site)
    assert versions(site) == {"18.2.7"}


def test_what_cannot_be_done_is_refused(site: Lab) -> None:
    refused = command(site, "upgrade", "start", *SCOPE)
    assert refused.rc != 0
    assert "no host has it" in refused.err
    assert versions(site) == {"18.2.7"}
    site.lab("offer", "forky", seconds=SECONDS)
    ok(site, "upgrade", "check", *SCOPE)
    staggered = command(site, "upgrade", "plan", *SCOPE, "--daemon-types", "osd")
    assert staggered.rc == 1
    assert "come first" in staggered.err
    steps = data(site, "upgrade", "plan", *SCOPE)["steps"]
    assert [step["kind"] for step in steps[:3]] == ["mgr", "mgr", "mon"]
    assert steps[1]["hands_over"] == f"mgr.{site.first}"


def test_managers_go_first_and_serve_the_old_cluster(site: Lab) -> None:
    site.lab("offer", "forky", seconds=SECONDS)
    ok(site, "upgrade", "check", *SCOPE)
    ok(site, "upgrade", "start", *SCOPE, "--daemon-types", "mgr", seconds=HOUR)
    found = site.ceph_json("versions")
    assert {name.split()[2] for name in found["mgr"]} == {NEW}
    assert {name.split()[2] for name in found["mon"]} == {"18.2.7"}
    wait_clean(site)


def test_all_daemons_go_to_the_new_release_under_a_client(site: Lab) -> None:
    hosts = list(site.machines)
    began = time.monotonic()
    with closing(Services(site)) as services, Ground(services).writing(hosts[2]):
        ok(site, "upgrade", "start", *SCOPE, seconds=HOUR)
    print(f"mons, OSDs, MDS and gateway took {time.monotonic() - began:.0f} s")
    wait_until("gateways say it", lambda: versions(site) == {NEW}, 180)
    wait_clean(site)
    dump = site.ceph_json("osd", "dump")
    assert dump["require_osd_release"] == RELEASE
    assert dump["crush_node_flags"] == {}
    assert site.ceph_json("mon", "dump")["min_mon_release_name"] == RELEASE
    for host in hosts:
        names = "/usr/sbin/policy-rc.d* /var/lib/ceph-orch-ansible/upgrade.json"
        assert site.sh(host, f"ls {names} 2>/dev/null || true") == ""
        assert site.sh(host, "dpkg --audit") == ""
    # Health names the old keys, and nothing else that the upgrade could have left.
    wait_until("nothing else", lambda: _of_keys(checks(site)), SECONDS)
    assert any(each.startswith(OF_KEYS) for each in checks(site))


def _of_keys(found: set[str]) -> bool:
    return not {each for each in found if not each.startswith(OF_KEYS)} - OF_MODULES


def test_a_second_time_there_is_nothing_to_do(site: Lab) -> None:
    said = ok(site, "upgrade", "start", *SCOPE)
    assert f"run {NEW} already" in said


def test_the_new_managers_load_an_orchestrator(site: Lab) -> None:
    answer = site.ceph("orch", "status")
    assert "No orchestrator configured" in answer.out + answer.err
