"""Tuned profiles of the lab: the values in the hosts' kernels, and the files on the hosts.

The hosts share one kernel. Settings below ``net`` are each host's own, for each has a network
namespace; all others can only be read there.
"""

from __future__ import annotations

import json

from tests.lab_tests.lab_client import Answer, Lab, wait_until

SECONDS = 120.0
CONNECTIONS, BUFFERS = "net.core.somaxconn", "net.ipv4.tcp_rmem"
FORWARD = "net.ipv4.ip_forward"
READ_ONLY = "vm.swappiness"
KEYS = (CONNECTIONS, BUFFERS, FORWARD)
FILES = "ls /etc/sysctl.d | grep ceph-orch-ansible || true"
MEMORY = "/var/lib/ceph-orch-ansible/sysctl.json"


class Tuned:
    """The profiles of the lab, and what hosts have of them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def value(self, host: str, key: str) -> str:
        """Return what a host's kernel has."""
        path = key.replace(".", "/")
        return " ".join(self.lab.sh(host, f"cat /proc/sys/{path}").split())

    def values(self, host: str) -> dict[str, str]:
        """Return what a host's kernel has of the settings of the tests."""
        return {key: self.value(host, key) for key in KEYS}

    def files(self, host: str) -> list[str]:
        """Return the profiles that have files on a host."""
        names = self.lab.sh(host, FILES).split()
        return [name.removesuffix("-ceph-orch-ansible.conf") for name in names]

    def set(self, host: str, key: str, value: str) -> None:
        """Set a value by hand."""
        self.lab.sh(host, f'echo "$1" > /proc/sys/{key.replace(".", "/")}', value)

    def call(self, *words: str, stdin: str = "") -> Answer:
        """Run a verb of ``ceph orch tuned-profile``."""
        return self.lab.ceph("orch", "tuned-profile", *words, stdin=stdin)

    def ok(self, *words: str, stdin: str = "") -> str:
        """Run a verb, which succeeds."""
        return self.lab.ok("orch", "tuned-profile", *words, stdin=stdin)

    def wait(self, host: str, key: str, value: str) -> None:
        """Wait until a host's kernel has a value."""
        what = f"{key} of {host} is {value}"
        wait_until(what, lambda: self.value(host, key) == value, SECONDS)

    def wait_files(self, host: str, *profiles: str) -> None:
        """Wait until a host has the files of these profiles, and no others."""
        what = f"{host} has {profiles}"
        wait_until(what, lambda: self.files(host) == sorted(profiles), SECONDS)

    def lines(self) -> list[str]:
        """Return what health says of profiles."""
        return self.lab.health_lines("ANSIBLE_TUNED_PROFILE")

    def wait_line(self, *words: str) -> str:
        """Wait until health says something with these words, and return it."""

        def found() -> str:
            lines = self.lines()
            named = [line for line in lines if all(word in line for word in words)]
            assert named, lines
            return named[0]

        return wait_until(f"health names {words}", found, SECONDS)

    def wait_silent(self) -> None:
        """Wait until health says nothing of profiles."""
        wait_until("health says nothing of profiles", lambda: not self.lines(), SECONDS)

    def remove_all(self) -> None:
        """Remove all profiles, and wait until no host has anything of them."""
        for profile in json.loads(self.ok("ls", "--format", "json") or "[]"):
            self.ok("rm", profile["profile_name"])
        for host in self.lab.hosts():
            self.wait_files(host)
            gone = f"test ! -e {MEMORY} && echo gone || true"
            wait_until(
                f"{host} remembers nothing",
                lambda host=host, gone=gone: self.lab.sh(host, gone).strip() == "gone",
                SECONDS,
            )
        self.wait_silent()
