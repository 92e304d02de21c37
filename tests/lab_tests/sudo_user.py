"""A user on all hosts who may become root with sudo, and is the only one that is let in."""

from __future__ import annotations

from tests.lab_tests.lab_client import Lab, wait_until

USER = "lab-orch"
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
SHUT = 'test -e $2.kept || cp -p $2 $2.kept; grep -vF "$1" $2.kept >$2 || true'
OPEN = "test ! -e $1.kept || mv $1.kept $1"
KEYS = "/root/.ssh/authorized_keys"
SECONDS = 180.0


def let_in(lab: Lab) -> None:
    """Make the user on all hosts, and let the manager log in so alone."""
    public = lab.ok("ansible", "get-pub-key")
    for host in lab.hosts():
        lab.sh(host, MAKE, stdin=public)
    lab.ok("ansible", "set-user", USER)
    shut(lab)


def shut(lab: Lab) -> None:
    """Shut root's own door for the manager's key."""
    key = lab.ok("ansible", "get-pub-key").split()[1]
    for host in lab.hosts():
        lab.sh(host, SHUT, key, KEYS)


def let_out(lab: Lab) -> None:
    """Let the manager log in as root again, and remove the user."""
    for host in lab.hosts():
        lab.sh(host, OPEN, KEYS)
    lab.ok("ansible", "set-user", "root")
    wait_until("all hosts answer", lambda: not lab.health_lines("ANSIBLE_HOST_OFFLINE"), SECONDS)
    for host in lab.hosts():
        lab.sh(host, f"userdel -rf {USER} 2>/dev/null || true; rm -f {RIGHTS}")
