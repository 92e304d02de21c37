"""Install, use, remove and install again, in each way of docs/install.md; what stays is its list.

Run on a lab of its own: `tests/lab/lab up --hosts 2 --disks 1 --bare h2`. `SHORT=1` is for
the Debian package alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Dict, Set

import pytest

from tests.lab_tests.install.snapshot import Snapshot, not_said
from tests.lab_tests.install.ways import NAMES, WAYS, Way
from tests.lab_tests.lab_client import ROOT, STATE, Lab, wait_until
from tests.tools.documents import names, rows, section

SHORT = bool(os.environ.get("SHORT"))
MANAGER, HOST = "h1", "h2"
AUTHORIZE = "mkdir -p -m 700 .ssh && cat >>.ssh/authorized_keys"
# How a document writes what is different from host to host.
PLACEHOLDERS = re.compile(r"\b(ID|UNIT|NAME|SERVICE|RELEASE)\b")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return the lab without the backend; a leftover of a run that was cut off ends the test."""
    name = os.environ.get("LAB") or "demo"
    found = Lab(name, tmp_path_factory.mktemp("ssh"))
    images = {machine.name: machine.image for machine in found.machines.values()}
    if images != {MANAGER: "full", HOST: "bare"}:
        pytest.skip("needs a lab of two hosts, of which the second is bare")
    if "ansible" in found.ok("mgr", "module", "ls"):
        pytest.skip("needs a lab on which the backend was never installed")
    yield found
    found.close()


@pytest.fixture(scope="module")
def before(lab: Lab) -> Dict[str, Snapshot]:
    return {host: Snapshot(lab, host) for host in (MANAGER, HOST)}


@pytest.fixture(scope="module")
def cluster_before(lab: Lab) -> Set[str]:
    return kept(lab)


def kept(lab: Lab) -> Set[str]:
    """Return keys of daemons, records and options that the monitors have."""
    auth = {f"auth {row['entity']}" for row in lab.ceph_json("auth", "ls")["auth_dump"]}
    records = {f"config-key {key}" for key in lab.ceph_json("config-key", "ls")}
    options = {f"config {row['section']} {row['name']}" for row in lab.ceph_json("config", "dump")}
    return auth | {each for each in records if "mgr/ansible" in each} | options


def said_to_stay(on: str) -> Set[str]:
    """Return the patterns of the files that docs/install.md says stay on such hosts."""
    text = (ROOT / "docs/install.md").read_text(encoding="utf-8")
    found: Set[str] = set()
    for row in rows(section(text, "What stays")):
        if on in row[1]:
            found |= {PLACEHOLDERS.sub("*", each) for each in names(row[0]) if each[0] == "/"}
    return found | {f"{each}*" for each in found if each.endswith("/")}


def use(lab: Lab) -> None:
    """Let it reach both hosts, add them, and see their disks."""
    key = lab.ok("ansible", "generate-key").strip() + "\n"
    for host in (MANAGER, HOST):
        lab.sh(host, AUTHORIZE, stdin=key)
        lab.ok("orch", "host", "add", host, lab.machines[host].addr)
    wait_until(
        "the disks of both hosts are known",
        lambda: sorted(lab.listed_devices()) == [MANAGER, HOST],
        lab.patience(300),
    )


def command(lab: Lab) -> str:
    """Return the command as it is installed."""
    found = lab.ssh(MANAGER, "sh", "-c", "command -v orch-ansible || ls /opt/*/bin/orch-ansible")
    return found.out.split()[0]


def deploy(lab: Lab) -> None:
    """Have an OSD, a metadata server, a tuned profile and the admin's key on the second host."""
    lab.ok("orch", "host", "label", "add", HOST, "_admin")
    spec = json.dumps(
        {
            "service_type": "osd",
            "service_id": "all",
            "placement": {"hosts": [HOST]},
            "spec": {"data_devices": {"all": True}, "method": "raw"},
        }
    )
    lab.ok("orch", "apply", "-i", "-", stdin=spec)
    lab.ok("orch", "apply", "mds", "fs", f"--placement={HOST}")
    setting = "net.core.somaxconn=4095"
    lab.ok("orch", "tuned-profile", "apply", "ways", "--settings", setting, "--placement", HOST)

    def runs() -> bool:
        up = lab.ceph_json("osd", "stat")["num_up_osds"]
        there = {
            row["service_name"]: row["status"]["running"] for row in lab.ceph_json("orch", "ls")
        }
        assert (up, there.get("mds.fs")) == (len(lab.machines[HOST].disks), 1), (up, there)
        return True

    wait_until("the OSDs and the metadata server run", runs, lab.patience(600))


def remove(lab: Lab, way: Way) -> str:
    """Disable it and take the files away, as the document says."""
    lab.sh(MANAGER, f"{command(lab)} mgr disable")
    said = way.take_files()
    lab.sh(MANAGER, "systemctl reset-failed ceph-mgr@h1; systemctl restart ceph-mgr@h1")

    def anew() -> bool:
        return "ansible" not in lab.ok("mgr", "module", "ls")

    wait_until("the manager has begun anew, without the module", anew, lab.patience(120))
    for host in (MANAGER, HOST):
        lab.sh(host, "sed -i '/ceph-orch-ansible$/d' /root/.ssh/authorized_keys")
    return said


def release(lab: Lab) -> None:
    """Give the hosts back before the module goes."""
    # Its monitor and its manager stay.
    jobs = [lab.ok("orch", "host", "rm", host, "--force") for host in (HOST, MANAGER)]
    assert jobs

    def done() -> bool:
        return all(row["status"] not in ("queued", "running") for row in lab.jobs())

    wait_until("the hosts are given back", done, lab.patience(120))


def check_what_stays(lab: Lab, before: Dict[str, Snapshot], *, given_back: bool) -> None:
    """Compare both hosts with what they were, and the difference with the document."""
    for host, on in ((MANAGER, "managers"), (HOST, "hosts")):
        changed = Snapshot(lab, host).changed_since(before[host])
        patterns = said_to_stay(on) | (said_to_stay("hosts") if host == MANAGER else set())
        assert not_said(changed, patterns) == set(), host
        if given_back:
            ours = ("host.json", "sysctl.json", "-ceph-orch-ansible.conf")
            assert [name for name in changed if name.endswith(ours)] == []


@pytest.mark.parametrize("name", NAMES[:1] if SHORT else NAMES)
def test_install_use_remove_and_install_again(
    name: str,
    lab: Lab,
    before: Dict[str, Snapshot],
    cluster_before: Set[str],
    tmp_path: Path,
) -> None:
    way = WAYS[name](lab, tmp_path)
    lab.sh(MANAGER, "rm -rf /root/dist")
    way.make()
    for turn in ("first", "again"):
        print(turn, way.install())
        assert f"Has the module   {MANAGER}" in status_after_enabling(lab)
        if turn == "first":
            use(lab)
            way.try_out()
            release(lab)
        remove(lab, way)
        assert kept(lab) - cluster_before == set()
    check_what_stays(lab, before, given_back=True)


def status_after_enabling(lab: Lab) -> str:
    """Enable it, and return what `mgr status` says then."""
    program = command(lab)
    lab.sh(MANAGER, f"{program} mgr enable")
    return lab.sh(MANAGER, f"{program} mgr status")


def test_disabled_taken_away_and_installed_again_without_a_pause(lab: Lab, tmp_path: Path) -> None:
    """Pasted together: a manager that was just loading the files could not run them any more."""
    way = WAYS["checkout"](lab, tmp_path)
    lab.sh(MANAGER, "rm -rf /root/dist")
    way.make()
    way.install()
    status_after_enabling(lab)
    again = "orch-ansible mgr disable && orch-ansible mgr uninstall && cd /root/dist && "
    again += "python3 -B -m adapter.cli mgr install && orch-ansible mgr enable"
    for _ in range(1 if SHORT else 3):
        said = lab.sh(MANAGER, f"{again} 2>&1")
        assert "Backend: ansible" in said
        assert "could not load" not in said
    lab.sh(MANAGER, "orch-ansible mgr disable; orch-ansible mgr uninstall --purge")
    able = [
        row["can_run"]
        for row in lab.ceph_json("mgr", "dump")["available_modules"]
        if row["name"] == "ansible"
    ]
    assert able in ([], [True])
    lab.sh(MANAGER, "systemctl reset-failed ceph-mgr@h1; systemctl restart ceph-mgr@h1")


def test_files_that_go_while_the_module_is_enabled(lab: Lab, tmp_path: Path) -> None:
    """It is said what that means, and `mgr disable` brings the rest to an end afterwards."""
    way = WAYS["checkout"](lab, tmp_path)
    lab.sh(MANAGER, "rm -rf /root/dist")
    way.make()
    way.install()
    status_after_enabling(lab)
    said = lab.sh(MANAGER, "orch-ansible mgr uninstall 2>&1")
    assert "the module ansible is enabled in this cluster" in said
    lab.sh(MANAGER, "systemctl reset-failed ceph-mgr@h1; systemctl restart ceph-mgr@h1")

    def lost() -> bool:
        assert "Module not found" in lab.ceph("orch", "status").err
        return True

    wait_until("the module is not found", lost, lab.patience(120))
    way.install()
    remove(lab, way)
    assert [row for row in lab.ceph_json("config", "dump") if "orchestrator" in row["name"]] == []


def test_a_purge_takes_no_state_from_a_manager_that_runs(lab: Lab, tmp_path: Path) -> None:
    way = WAYS["deb"](lab, tmp_path)
    lab.sh(MANAGER, "rm -rf /root/dist")
    way.make()
    way.install()
    status_after_enabling(lab)
    said = lab.sh(MANAGER, "apt-get -q purge -y ceph-mgr-ansible 2>&1")
    assert f"{STATE} is kept: the module ansible is enabled" in said
    assert "Backend: ansible" in lab.ok("orch", "status")
    assert lab.ssh(MANAGER, "test", "-e", f"{STATE}/ssh_config").rc == 0
    way.install()
    remove(lab, way)
    assert lab.ssh(MANAGER, "test", "-e", STATE).rc == 1


@pytest.mark.skipif(SHORT, reason="takes minutes")
def test_what_was_deployed_stays_and_is_in_the_list(
    lab: Lab, before: Dict[str, Snapshot], tmp_path: Path
) -> None:
    """The last test: the OSD and the metadata server run on."""
    way = WAYS["deb"](lab, tmp_path)
    lab.sh(MANAGER, "rm -rf /root/dist")
    way.make()
    way.install()
    status_after_enabling(lab)
    use(lab)
    deploy(lab)
    remove(lab, way)
    check_what_stays(lab, before, given_back=False)
    assert lab.ceph_json("osd", "stat")["num_up_osds"] == len(lab.machines[HOST].disks)
    # What starts with the host starts without the backend.
    lab.power(HOST, "off")
    lab.power(HOST, "on")

    def answers() -> bool:
        """Ask the OSD itself: the map does not know of such a short absence."""
        assert lab.sh(HOST, "systemctl is-active ceph-osd@0").strip() == "active"
        return "version" in lab.ok("tell", "osd.0", "version")

    wait_until("the OSD answers after a restart of its host", answers, lab.patience(180))
