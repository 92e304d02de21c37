"""The collection does its work from where ansible-galaxy installed it, by its full names."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from tests.integration.content.installed import Installed
from tests.integration.content.runs import ROOT

COLLECTION = "ceph_orch.ansible"
READERS = ("available", "get_facts", "get_hosts", "get_inventory", "list_daemons")
FSID = "2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11"
ANOTHER = """\
- hosts: all
  gather_facts: false
  module_defaults:
    group/ceph_orch.ansible.cluster:
      cluster: 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11
  tasks:
    - ceph_orch.ansible.osd_create:
        groups: []
    - ceph_orch.ansible.osd_remove:
        osds: []
    - ceph_orch.ansible.backend_install:
      register: backend
    - ansible.builtin.debug:
        var: backend.ceph_orch_result.backend
"""


def test_every_playbook_is_found_by_its_full_name(installed: Installed) -> None:
    names = [path.stem for path in sorted((ROOT / "playbooks").glob("*.yml"))]

    run = installed.play("--syntax-check", *(f"{COLLECTION}.{name}" for name in names))

    assert run.returncode == 0, run.stdout + run.stderr
    for name in names:
        assert f"playbook: {installed.path}/playbooks/{name}.yml" in run.stdout


def test_reading_playbooks_run_by_their_full_names(installed: Installed) -> None:
    names = [f"{COLLECTION}.{name}" for name in (*READERS, "preview_osdspecs")]

    run = installed.play("-v", *names, osd_create_groups={}, osd_create_fsid=FSID)

    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("PLAY RECAP") == len(names)
    assert "changed: [h1]" not in run.stdout
    for key in ('"devices": [', '"facts": {', '"daemons": [', '"host": {', '"osds": []'):
        assert key in run.stdout
    assert list(installed.empty.iterdir()) == []


def test_defaults_for_a_group_and_the_backend_of_the_python_package(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "play.yml").write_text(ANOTHER)

    run = installed.play("--check", str(tmp_path / "play.yml"))

    assert run.returncode == 0, run.stdout + run.stderr
    assert "make or change /usr/share/ceph-orch-ansible" in run.stdout


@pytest.mark.skipif(Path("/usr/bin/ceph-mgr").exists(), reason="this machine has a ceph-mgr")
@pytest.mark.parametrize("options", [["--check"], []])
def test_a_host_without_a_manager_is_refused_before_anything_is_done(
    options: List[str], installed: Installed
) -> None:
    """It was seen to get 24 packages first, and a check did not say it."""
    run = installed.play(*options, f"{COLLECTION}.install")

    assert run.returncode != 0
    assert "There is no ceph-mgr on this host. Install the package ceph-mgr" in run.stdout
    assert "changed=0 " in run.stdout


@pytest.mark.parametrize(
    ("playbook", "remedy"),
    [
        (
            f"{COLLECTION}.apply_mgr",
            "or set daemon_deploy_backend to false. Nothing was changed on the host.",
        ),
        ("play.yml", "Nothing was changed on the host."),
    ],
)
def test_without_the_python_package_a_manager_is_refused_first(
    playbook: str, remedy: str, installed: Installed, tmp_path: Path
) -> None:
    """Nothing but Ansible's own check of the variables has run before."""
    role = {"hosts": "all", "gather_facts": False, "roles": [f"{COLLECTION}.orchestrator_backend"]}
    (tmp_path / "play.yml").write_text(f"[{role}]".replace("False", "false"))
    path = playbook if playbook.startswith(COLLECTION) else str(tmp_path / playbook)
    daemons = {"h1": [{"id": "h1", "keyring_file": ""}]}

    run = installed.play(
        "--check", path, package=False, daemon_deploy_fsid=FSID, daemon_deploy_daemons=daemons
    )

    assert run.returncode != 0
    assert "ok=1    changed=0    unreachable=0    failed=1 " in run.stdout
    said = [line for line in run.stdout.splitlines() if line.startswith("fatal: [h1]")]
    assert len(said) == 1
    assert "install the Python package ceph-orch-ansible for " in said[0]
    assert remedy in said[0]
