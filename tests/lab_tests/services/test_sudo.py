"""The whole backend logs in as another user than root, which may become root with sudo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.every_verb import OPERATIONS, actions, all_services, devices, hosts
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.slow_light import slow_light

USER, HOST = "lab-orch", "h3"
RIGHTS = f"/etc/sudoers.d/{USER}"
ALLOW = f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' >{RIGHTS}; chmod 440 {RIGHTS}"
MAKE = f"""
read -r key
id {USER} >/dev/null 2>&1 || useradd -m -s /bin/sh {USER}
install -d -m 700 -o {USER} -g {USER} ~{USER}/.ssh
printf '%s\\n' "$key" >~{USER}/.ssh/authorized_keys
chown {USER}: ~{USER}/.ssh/authorized_keys
{ALLOW}
"""
# root's own door is shut for the key while it is tried.
SHUT = 'cp -p $2 $2.kept; grep -vF "$1" $2.kept >$2 || true'
OPEN = "test ! -e $1.kept || mv $1.kept $1"
KEYS = "/root/.ssh/authorized_keys"


@pytest.fixture(scope="module")
def as_user(services: Services) -> Iterator[Services]:
    """Return the services of a lab whose hosts let only that user in with the manager's key."""
    lab = services.lab
    public = lab.ok("ansible", "get-pub-key")
    for host in lab.hosts():
        lab.sh(host, MAKE, stdin=public)
    lab.ok("ansible", "set-user", USER)
    for host in lab.hosts():
        lab.sh(host, SHUT, public.split()[1], KEYS)
    yield services
    for host in lab.hosts():
        lab.sh(host, OPEN, KEYS)
    lab.ok("ansible", "set-user", "root")
    wait_until("all hosts answer", lambda: not lab.health_lines("ANSIBLE_HOST_OFFLINE"), SECONDS)
    for host in lab.hosts():
        lab.sh(host, f"userdel -rf {USER} 2>/dev/null || true; rm -f {RIGHTS}")


def test_every_verb_works_with_sudo(as_user: Services) -> None:
    """Root's own door is shut: what is not done through sudo cannot be done."""
    lab = as_user.lab
    known = {job["id"] for job in lab.jobs()}
    hosts(lab)
    devices(lab)
    with all_services(as_user):
        actions(as_user)
    done: dict[str, set[str]] = {}
    for job in lab.jobs():
        if job["id"] not in known:
            done.setdefault(job["operation"], set()).add(job["status"])
    assert OPERATIONS - done.keys() == set(), "not every verb was tried"
    assert {name: found for name, found in done.items() if "succeeded" not in found} == {}


def test_what_is_cancelled_is_ended_with_sudo(as_user: Services) -> None:
    """What ends the rest on a host has to be root there as well."""
    lab = as_user.lab
    with slow_light(lab, "h2", seconds=28) as job:
        assert job.works()
        lab.ok("ansible", "job", "cancel", job.job_id)
        assert job.wait_for_end(lab.patience(15)) == "cancelled"
        assert not job.works(), "root's process on the host goes on"


@pytest.fixture
def without_rights(as_user: Services) -> Iterator[Lab]:
    """Return the lab while the user may not become root on one host."""
    lab = as_user.lab
    lab.sh(HOST, f"rm {RIGHTS}")
    yield lab
    lab.sh(HOST, ALLOW)
    if HOST not in lab.listed_hosts():
        lab.ok("orch", "host", "add", HOST, lab.machines[HOST].addr)
    wait_until("its devices are known", lambda: HOST in lab.listed_devices(), SECONDS)


def test_a_user_without_sudo_is_told(without_rights: Lab) -> None:
    """Seen to fail with sudo's own words, ``Missing sudo password``, as all that is said."""
    lab = without_rights
    addr = lab.machines[HOST].addr
    sentence = f"user '{USER}' may not become root with sudo on {addr}"
    remedy = f"Put `{USER} ALL=(ALL) NOPASSWD: ALL` into {RIGHTS} there."
    checked = lab.ceph("ansible", "check-host", HOST)
    assert checked.rc != 0
    assert sentence in checked.err, checked
    assert remedy in checked.err, checked
    known = {job["id"] for job in lab.jobs()}
    lab.ok("orch", "host", "label", "add", HOST, "no-rights")
    (job,) = [
        row["id"]
        for row in lab.jobs()
        if row["id"] not in known and row["operation"] == "add_host_label"
    ]
    failed = lab.wait_for_job(job)
    assert "the ssh user may not become root there with sudo" in failed["message"], failed
    lab.ok("orch", "host", "rm", HOST, "--force")
    wait_until("the host is gone", lambda: HOST not in lab.listed_hosts(), SECONDS)
    refused = lab.ceph("orch", "host", "add", HOST, addr)
    assert refused.rc != 0
    assert sentence in refused.err, refused
    assert HOST not in lab.listed_hosts(), "a host that cannot be used is kept"
