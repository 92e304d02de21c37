"""``orch-ansible`` on the lab's first host while no manager has a backend."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator

from tests.lab_tests.lab_client import Answer, Lab, wait_until
from tests.lab_tests.test_faults import answers

DIRECTORY = "/root/lab-orch"
CONFIG = "ssh_identity_file: /var/lib/ceph/orch-ansible/identity\n"
SCRIPT = 'dir=$1; shift; exec orch-ansible --dir "$dir" "$@"'
# What a command may take on a busy machine.
SECONDS = 600.0


def command(lab: Lab, *words: str, stdin: str = "") -> Answer:
    """Run ``orch-ansible`` on the first host, on a directory of its own."""
    argv = ("sh", "-c", SCRIPT, "sh", DIRECTORY, *words)
    return lab.ssh(lab.first, *argv, stdin=stdin, seconds=SECONDS)


def start(lab: Lab, *words: str) -> subprocess.Popen[str]:
    """Start ``orch-ansible`` there and do not wait for it."""
    argv = lab.argv(lab.first, "sh", "-c", SCRIPT, "sh", DIRECTORY, *words)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, text=True, **pipes)


def ok(answer: Answer) -> str:
    """Return what was printed; a failure fails the test."""
    assert answer.rc == 0, f"{answer.out}\n{answer.err}"
    return answer.out


def take_over_hosts(lab: Lab) -> None:
    """Have the manager's hosts in the directory, with the key that they accept."""
    found = json.loads(lab.ok("config-key", "dump", "mgr/ansible/host."))
    lab.sh(lab.first, 'mkdir -p "$1/host"; cat >"$1/config.yml"', DIRECTORY, stdin=CONFIG)
    for name, text in found.items():
        place = f"{DIRECTORY}/host/{name.partition('host.')[2]}.yml"
        lab.sh(lab.first, 'cat >"$1"', place, stdin=text)


def disable(lab: Lab, seconds: float = SECONDS) -> None:
    """Switch the backend off."""
    lab.ok("mgr", "module", "disable", "ansible")
    gone = lambda: "Module not found" in lab.ceph("orch", "status").err  # noqa: E731
    wait_until("the backend is off", gone, seconds)


def enable(lab: Lab, seconds: float = SECONDS) -> None:
    """Switch it on again."""
    lab.ok("mgr", "module", "enable", "ansible")
    wait_until("the manager answers", lambda: answers(lab), seconds)


@contextlib.contextmanager
def manager_off(lab: Lab) -> Iterator[None]:
    """Have the backend switched off for a while, and the hosts in the directory."""
    take_over_hosts(lab)
    disable(lab)
    try:
        yield
    finally:
        enable(lab)
