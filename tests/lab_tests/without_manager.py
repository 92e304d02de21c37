"""``orch-ansible`` on the lab's first host while no manager has a backend."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

from tests.lab_tests.lab_client import Answer, Lab, wait_until
from tests.lab_tests.test_faults import answers

DIRECTORY = "/root/lab-orch"
SCRIPT = 'dir=$1; shift; exec orch-ansible --dir "$dir" "$@"'
CONFIGURE = "mkdir -p -m 700 $1; printf 'ssh_user: %s\\nsudo_invoker: true\\n' $2 >$1/config.yml"
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
    """Have the backend switched off for a while, and hosts and services in the directory."""
    disable(lab)
    if lab.locked:
        lab.sh(lab.first, CONFIGURE, DIRECTORY, lab.user)
    ok(command(lab, "mgr", "take-over", "--yes"))
    try:
        yield
    finally:
        hand_back(lab)


def hand_back(lab: Lab) -> None:
    """Give hosts and services back, and switch the backend on."""
    if "state.holder" in lab.ok("config-key", "ls"):
        ok(command(lab, "mgr", "hand-back", "--yes"))
    enable(lab)
    lab.ok("orch", "resume")
