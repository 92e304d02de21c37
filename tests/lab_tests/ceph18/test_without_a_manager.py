"""Debian 13's Ceph 18.2, whose managers can load no orchestrator: ``orch-ansible`` and playbooks.

Run on a lab of its own: `tests/lab/lab up --release trixie --no-dashboard`. The tests build on each
other.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import CONTENT, RECORD, Lab, wait_until
from tests.lab_tests.old_site import SECONDS, add_hosts, apply, command, data, ok, old_site
from tests.lab_tests.test_playbooks import recap

DIRECTORY = "/root/.orch-ansible"
SERVICES = ("osd.all", "mon", "mgr", "mds.fs", "rgw.s3", "crash")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a lab with Ceph 18.2, with this checkout's command on its first host."""
    with old_site(tmp_path_factory.mktemp("ssh")) as lab:
        yield lab


def the_file(lab: Lab) -> str:
    """Return all services in one text."""
    first = {"hosts": [lab.first]}
    rows: list[dict[str, Any]] = [
        {
            "service_type": "osd",
            "service_id": "all",
            "placement": {"host_pattern": "*"},
            "spec": {"data_devices": {"all": True}},
        },
        {"service_type": "mon", "placement": {"host_pattern": "*"}},
        {"service_type": "mgr", "placement": first},
        {"service_type": "mds", "service_id": "fs", "placement": {"count": 1}},
        {
            "service_type": "rgw",
            "service_id": "s3",
            "placement": first,
            "spec": {"rgw_frontend_port": 8094},
        },
        {"service_type": "crash", "placement": {"host_pattern": "*"}},
    ]
    return str(yaml.safe_dump_all(rows))


def test_enabling_says_that_no_manager_can(site: Lab) -> None:
    """Seen to fail before: `unrecognized key 'mgr/orchestrator/orchestrator'`."""
    refused = command(site, "mgr", "enable")

    assert refused.rc == 1
    assert "The managers of this cluster cannot load Ceph's orchestrator" in refused.err
    assert "docs/versions.md" in refused.err


def test_hosts_and_disks(site: Lab) -> None:
    add_hosts(site)
    assert {row["hostname"] for row in data(site, "host", "ls")} == set(site.machines)
    disks = {row["name"]: {d["path"] for d in row["devices"]} for row in data(site, "device", "ls")}
    assert disks == {name: set(machine.disks) for name, machine in site.machines.items()}


def test_one_file_makes_osds_and_services(site: Lab) -> None:
    """Seen to fail before: `ceph orch status` is no command there."""
    text = the_file(site)
    apply(site, text)
    disks = sum(len(machine.disks) for machine in site.machines.values())
    up = lambda: site.ceph_json("osd", "stat")["num_up_osds"] == disks  # noqa: E731
    wait_until("all OSDs are up", up, SECONDS)

    rows = {row["service_name"]: row["status"] for row in data(site, "ls")}
    assert set(SERVICES) <= set(rows)
    wrong = {name: row for name, row in rows.items() if row["running"] != row["size"]}
    assert wrong == {}
    jobs = ok(site, "job", "ls")
    apply(site, text)
    assert ok(site, "job", "ls") == jobs, "applied again, something was done"


def test_daemons_are_restarted_and_services_removed(site: Lab) -> None:
    name = next(row["daemon_name"] for row in data(site, "ps") if row["daemon_type"] == "mds")
    for action in ("stop", "start", "restart"):
        ok(site, "daemon", action, name)
    state = next(row for row in data(site, "ps") if row["daemon_name"] == name)
    assert state["status_desc"] == "running"
    ok(site, "rm", "rgw.s3")
    assert "rgw.s3" not in {row["service_name"] for row in data(site, "ls")}


def test_playbooks_by_hand(site: Lab) -> None:
    """The reading ones, twice with the same answer and nothing changed."""
    for name in ("get_inventory", "list_daemons", "get_facts"):
        words = [
            "env",
            f"ORCH_ANSIBLE_DIR={DIRECTORY}",
            f"ANSIBLE_SSH_ARGS=-F {DIRECTORY}/ssh_config",
            "ansible-playbook",
            f"playbooks/{name}.yml",
        ]
        answer = site.ssh(
            site.first, "sh", "-c", f"cd {CONTENT} && {shlex.join(words)}", seconds=SECONDS
        )
        assert recap(answer, *site.machines) == 0


def test_a_host_is_removed(site: Lab) -> None:
    """Last: nothing on it is touched but its record."""
    last = list(site.machines)[-1]
    ok(site, "host", "rm", last, "--force")
    assert last not in {row["hostname"] for row in data(site, "host", "ls")}
    assert site.ssh(last, "test", "-e", RECORD).rc == 1
