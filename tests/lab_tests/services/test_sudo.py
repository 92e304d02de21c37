"""The backend logs in as another user than root, who may or may not become root with sudo."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.slow_light import slow_light
from tests.lab_tests.sudo_user import ALLOW, RIGHTS, USER

HOST = "h3"


@pytest.mark.fault("ssh", "cancel, as a user who has sudo", full=2)
def test_what_is_cancelled_is_ended_with_sudo(as_user: Services) -> None:
    """Seen to fail where what ends the rest on a host is not run as root there."""
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


@pytest.mark.fault("ssh", "a user who may not become root", full=2)
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
