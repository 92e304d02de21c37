"""Disable and uninstall leave the cluster healthy and nothing of ours behind; install again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.conftest import install_backend, settle
from tests.lab_tests.lab_client import CONTENT, STATE, Lab, wait_until

SOURCE = "/root/ceph-orch-ansible"
MODULE = "/usr/share/ceph/mgr/ansible"


def orch_ansible(lab: Lab, *words: str) -> str:
    program = ["env", f"PYTHONPATH={SOURCE}", "python3", "-m", "adapter.cli"]
    answer = lab.ssh(lab.first, *program, *words)
    assert answer.rc == 0, answer.err
    return answer.out


@pytest.fixture
def installed_again(cluster: Lab) -> Iterator[Lab]:
    """Return the lab, and have the backend back at the end."""
    yield cluster
    install_backend(cluster)
    settle(cluster)


def test_install_twice_changes_nothing(cluster: Lab) -> None:
    assert orch_ansible(cluster, "mgr", "install").strip() == "Nothing changed"
    assert "Nothing to change" in orch_ansible(cluster, "mgr", "install", "--check")


def test_disable_uninstall_and_install_again(installed_again: Lab) -> None:
    lab = installed_again
    before = lab.listed_hosts()
    health = set(lab.ceph_json("health", "detail")["checks"])
    orch_ansible(lab, "mgr", "disable")
    would = orch_ansible(lab, "mgr", "uninstall", "--check")
    assert CONTENT in would
    assert lab.ssh(lab.first, "test", "-e", MODULE).rc == 0, "--check removed it"
    said = orch_ansible(lab, "mgr", "uninstall")
    assert CONTENT in said
    assert MODULE in said
    for path in (CONTENT, MODULE):
        assert lab.ssh(lab.first, "test", "-e", path).rc == 1, f"{path} is still there"
    left = lab.sh(lab.first, "find /usr/share -xdev -iname '*orch*ansible*'")
    assert left == ""
    lab.sh(lab.first, "systemctl restart ceph-mgr@h1")

    def healthy() -> bool:
        assert lab.ceph_json("mgr", "stat")["available"] is True
        checks = set(lab.ceph_json("health", "detail")["checks"])
        assert checks <= health, f"new: {checks - health}"
        return True

    wait_until("the cluster is as healthy as before", healthy, lab.patience(60))
    status = lab.ceph("orch", "status")
    assert status.rc != 0
    assert "No orchestrator configured" in status.err
    assert "ansible" not in lab.ok("mgr", "module", "ls")
    assert lab.ceph_json("crash", "ls") == []
    # What an operator set stays for the next time; `mgr uninstall --purge` is for the rest.
    assert lab.ssh(lab.first, "test", "-d", STATE).rc == 0
    orch_ansible(lab, "mgr", "install")
    said = orch_ansible(lab, "mgr", "enable")
    assert "Backend: ansible" in said
    wait_until(
        "the hosts are there as before", lambda: lab.listed_hosts() == before, lab.patience(60)
    )
    assert sorted(lab.listed_devices()) == lab.hosts()
