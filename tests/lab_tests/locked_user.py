"""A user on all hosts who may run the invoker as root and nothing else, and is alone let in.

With ``LAB_LOCKED=1`` in the environment all lab tests are run so: what the product does on hosts
goes through the invoker, what tests do there themselves is root's. At the end sudo has run nothing
else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.sudo_user import MAKE, RIGHTS, USER, shut
from tests.lab_tests.sudo_user import let_out as open_again
from tests.lab_tests.test_playbooks import by_hand, recap

LOCKED = os.environ.get("LAB_LOCKED") == "1"
INVOKER = "/usr/local/libexec/ceph-orch-invoker"
RULE = "/etc/sudoers.d/ceph-orch-invoker"
LIMITS = "/etc/ceph-orch-invoker.json"
FILES = (INVOKER, RULE, LIMITS)
OPTION = ("config", "set", "mgr", "mgr/ansible/sudo_invoker")
# What the suites need besides. What options name is allowed when they are set.
LIMITS_OF_LAB: Mapping[str, Any] = {
    "kernel_settings": ["net.ipv4.ip_forward"],
    "sysfs_roots": ["/run/lab-tests-enclosure", "/run/lab-tests-playbooks"],
}


def make_user(lab: Lab) -> None:
    """Make the user on all hosts, without any rule of sudo."""
    public = lab.ok("ansible", "get-pub-key")
    for host in lab.hosts():
        lab.sh(host, MAKE, stdin=public)
        lab.sh(host, f"rm {RIGHTS}")


def let_in(lab: Lab, limits: Mapping[str, Any]) -> None:
    """Install the backend and the invoker as root, and let the manager log in as the user alone."""
    make_user(lab)
    recap(by_hand(lab, ("install",)), *lab.hosts())
    allowed = {"host_invoker_user": USER, "host_invoker_limits": limits}
    recap(by_hand(lab, ("install_invoker",), **allowed), *lab.hosts())
    lab.ok(*OPTION, "true")
    lab.ok("ansible", "set-user", USER)
    shut(lab)


def let_out(lab: Lab) -> None:
    """Let the manager log in as root again, and remove user and invoker."""
    lab.ok(*OPTION, "false")
    open_again(lab)
    recap(by_hand(lab, ("remove_invoker",)), *lab.hosts())


@contextlib.contextmanager
def locked(lab: Lab) -> Iterator[None]:
    """Have a lab's hosts worked on through the invoker; fails if sudo has run anything else."""
    # An earlier run may have left them so.
    lab.ok(*OPTION, "false")
    open_again(lab)
    let_in(lab, LIMITS_OF_LAB)
    since = {host: lab.sh(host, "date +%s").strip() for host in lab.hosts()}
    lab.user, lab.follow = USER, lambda name, value: allow(lab, name, value)
    try:
        yield
        found = [commands_of_sudo(lab, host, began) for host, began in since.items()]
        assert set().union(*found) == {INVOKER}, found
    finally:
        lab.user, lab.follow = "root", lambda name, value: None
        let_out(lab)


def allow(lab: Lab, name: str, value: str) -> None:
    """Have root allow on all hosts what an option of the manager names."""
    limits = dict(LIMITS_OF_LAB)
    if name == "light_command":
        limits["light_commands"] = [shlex.split(value)] if value else []
    for host in lab.hosts():
        lab.sh(host, 'cat >"$1"', LIMITS, stdin=json.dumps(limits))


def as_locked(lab: Lab, host: str, script: str, stdin: str = "") -> tuple[int, str]:
    """Run a script on a host as the user; return its status and all that it printed."""
    answer = lab.ssh(
        host, "runuser", "-u", USER, "--", "sh", "-c", f"cd /; {script} 2>&1", stdin=stdin,
        seconds=600,
    )  # fmt: skip
    return answer.rc, answer.out + answer.err


def commands_of_sudo(lab: Lab, host: str, since: str) -> set[str]:
    """Return the commands that sudo has run for the user since then, as its log has them."""
    text = lab.sh(host, "journalctl -q -o cat -t sudo --since=@$1", since)
    rows = [line for line in text.splitlines() if line.strip().startswith(f"{USER} :")]
    refused = ("command not allowed", "not allowed to", "a password is required")
    done = [row for row in rows if not any(words in row for words in refused)]
    return set(re.findall(r"COMMAND=(.*)", "\n".join(done)))
