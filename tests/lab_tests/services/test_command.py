"""``orch-ansible`` on a cluster: dry runs of what its manager keeps, and services without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab_tests.services.service_lab import Services
from tests.lab_tests.services.test_by_hand import HOST, state
from tests.lab_tests.without_manager import DIRECTORY, command, hand_back, manager_off, ok

NAME = "mds.same"
SPEC = f"""service_type: mds
service_id: same
placement:
  hosts:
  - {HOST}
"""


@pytest.fixture
def bare(services: Services) -> Iterator[Services]:
    """Return the lab without the service and the directory."""
    services.remove(NAME)
    try:
        yield services
    finally:
        services.lab.sh(services.lab.first, "rm -rf $1", DIRECTORY)
        services.remove(NAME)


@pytest.fixture
def unmanaged(bare: Services) -> Iterator[Services]:
    """Return the lab with its backend switched off, and the hosts in the directory."""
    with manager_off(bare.lab):
        yield bare


def test_a_dry_run_shows_what_the_manager_would_change(bare: Services) -> None:
    lab = bare.lab
    before, jobs, keys = state(lab), bare.changing_jobs(), bare.auth_names()

    refused = command(lab, "apply", "-i", "-", stdin=SPEC)
    assert refused.rc == 1
    assert "The cluster's manager does this by itself" in refused.err
    out = ok(command(lab, "apply", "-i", "-", "--check", stdin=SPEC))

    assert f"{NAME}: would add one on {HOST}" in out
    (key,) = re.findall(r"would run: ceph auth get-or-create mds\.(\S+) ", out)
    assert f"+mds.{key}: running" in out
    assert (state(lab), bare.changing_jobs(), bare.auth_names()) == (before, jobs, keys)
    lab.ok("orch", "apply", "mds", "same", f"--placement={HOST}")
    bare.wait_runs(NAME, 1)
    assert [row["daemon_id"] for row in bare.ps(NAME)] == [key], "it foretold another"
    assert f"{NAME}: would stay as it is" in ok(
        command(lab, "apply", "-i", "-", "--check", stdin=SPEC)
    )


def test_without_a_manager_the_end_is_the_same(bare: Services, unmanaged: Services) -> None:
    lab = bare.lab
    nothing = state(lab)

    out = ok(command(lab, "apply", "-i", "-", stdin=SPEC))
    assert re.search(rf"^{re.escape(NAME)} +1/1", out, re.MULTILINE)
    made = state(lab)
    jobs = ok(command(lab, "job", "ls"))
    ok(command(lab, "apply", "-i", "-", stdin=SPEC))
    assert ok(command(lab, "job", "ls")) == jobs, "applied again, something was done"
    exported = ok(command(lab, "ls", "--export"))
    ok(command(lab, "apply", "-i", "-", stdin=exported))
    assert ok(command(lab, "ls", "--export")) == exported

    hand_back(lab)
    bare.wait_runs(NAME, 1)
    assert state(lab) == made
    lab.ok("orch", "apply", "mds", "same", f"--placement={HOST}")
    bare.wait_runs(NAME, 1)
    assert state(lab) == made, "the manager makes it another way"
    bare.remove(NAME)
    assert state(lab) == nothing
