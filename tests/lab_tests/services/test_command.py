"""``orch-ansible`` on a cluster: dry runs of what its manager keeps, and services without one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Answer, Lab, wait_until
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.services.test_by_hand import HOST, state
from tests.lab_tests.test_faults import answers

DIRECTORY = "/root/lab-orch"
NAME = "mds.same"
SPEC = f"""service_type: mds
service_id: same
placement:
  hosts:
  - {HOST}
"""


def command(lab: Lab, *words: str, stdin: str = "") -> Answer:
    """Run ``orch-ansible`` on the first host, on a directory of its own."""
    script = 'dir=$1; shift; exec orch-ansible --dir "$dir" "$@"'
    return lab.ssh(lab.first, "sh", "-c", script, "sh", DIRECTORY, *words, stdin=stdin)


def ok(answer: Answer) -> str:
    assert answer.rc == 0, answer.err
    return answer.out


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
    lab = bare.lab
    found = json.loads(lab.ok("config-key", "dump", "mgr/ansible/host."))
    config = "ssh_identity_file: /var/lib/ceph/orch-ansible/identity\n"
    lab.sh(lab.first, 'mkdir -p "$1/host"; cat >"$1/config.yml"', DIRECTORY, stdin=config)
    for name, text in found.items():
        place = f"{DIRECTORY}/host/{name.partition('host.')[2]}.yml"
        lab.sh(lab.first, 'cat >"$1"', place, stdin=text)
    lab.ok("mgr", "module", "disable", "ansible")
    gone = lambda: "Module not found" in lab.ceph("orch", "status").err  # noqa: E731
    wait_until("the backend is off", gone, SECONDS)
    try:
        yield bare
    finally:
        lab.ok("mgr", "module", "enable", "ansible")
        wait_until("the manager answers", lambda: answers(lab), SECONDS)


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

    lab.ok("mgr", "module", "enable", "ansible")
    wait_until("the manager answers", lambda: answers(lab), SECONDS)
    seen = lambda: bare.ls().get(NAME, {}).get("unmanaged")  # noqa: E731
    lab.ok("orch", "ps", "--refresh")
    wait_until("the manager sees it, and leaves it alone", seen, SECONDS)
    assert state(lab) == made
    lab.ok("orch", "apply", "mds", "same", f"--placement={HOST}")
    bare.wait_runs(NAME, 1)
    assert state(lab) == made, "the manager makes it another way"
    bare.remove(NAME)
    assert state(lab) == nothing
