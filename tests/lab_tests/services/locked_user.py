"""A user on all hosts who may run the invoker as root and nothing else, and is alone let in."""

from __future__ import annotations

import re
import shlex

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.services.every_verb import LIGHT
from tests.lab_tests.services.service_lab import SECONDS, Services
from tests.lab_tests.services.sudo_user import KEYS, MAKE, RIGHTS, SHUT, USER
from tests.lab_tests.services.sudo_user import let_out as open_again
from tests.lab_tests.slow_light import PROGRAM
from tests.lab_tests.test_playbooks import by_hand, recap

INVOKER = "/usr/local/libexec/ceph-orch-invoker"
RULE = "/etc/sudoers.d/ceph-orch-invoker"
LIMITS = "/etc/ceph-orch-invoker.json"
FILES = (INVOKER, RULE, LIMITS)
ALLOWED = {
    "host_invoker_user": USER,
    "host_invoker_limits": {
        "light_commands": [shlex.split(LIGHT), [PROGRAM, "28", "{dev}", "{state}"]],
        "clusters": [],
    },
}
OPTION = ("config", "set", "mgr", "mgr/ansible/sudo_invoker")


def make_user(lab: Lab) -> None:
    """Make the user on all hosts, without any rule of sudo."""
    public = lab.ok("ansible", "get-pub-key")
    for host in lab.hosts():
        lab.sh(host, MAKE, stdin=public)
        lab.sh(host, f"rm {RIGHTS}")


def let_in(services: Services) -> None:
    """Install the backend and the invoker as root, and let the manager log in as the user alone."""
    lab = services.lab
    make_user(lab)
    recap(by_hand(lab, ("install",)), *lab.hosts())
    recap(by_hand(lab, ("install_invoker",), **ALLOWED), *lab.hosts())
    lab.ok(*OPTION, "true")
    lab.ok("ansible", "set-user", USER)
    key = lab.ok("ansible", "get-pub-key").split()[1]
    for host in lab.hosts():
        lab.sh(host, SHUT, key, KEYS)


def let_out(services: Services) -> None:
    """Let the manager log in as root again, and remove user and invoker."""
    lab = services.lab
    lab.ok(*OPTION, "false")
    open_again(services)
    recap(by_hand(lab, ("remove_invoker",)), *lab.hosts())
    wait_until("all hosts answer", lambda: not lab.health_lines("ANSIBLE_HOST_OFFLINE"), SECONDS)


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
