"""Reach hosts by ssh with a key and a configuration of the lab's own."""

from __future__ import annotations

import shlex
import socket
import time
from pathlib import Path

from ceph_lab.errors import CommandError, LabError
from ceph_lab.model import Host, Lab
from ceph_lab.run import run

SSH_PORT = 22
POLL_SECONDS = 0.1

CONFIG = """\
Host {name}
    HostName {addr}
"""

CONFIG_FOR_ALL = """\
Host {names}
    User root
    IdentityFile {key}
    IdentitiesOnly yes
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    ConnectTimeout 5
    LogLevel ERROR
"""


def key_path(lab: Lab) -> Path:
    """Return the private key that every host of the lab admits as root."""
    return lab.directory / "ssh_key"


def config_path(lab: Lab) -> Path:
    """Return the ssh configuration for the lab: ssh -F FILE h1."""
    return lab.directory / "ssh_config"


def public_key(lab: Lab) -> str:
    """Return the lab's public key as one line."""
    return key_path(lab).with_suffix(".pub").read_text(encoding="utf-8")


def make_key(lab: Lab) -> None:
    """Make the lab's key pair if it has none."""
    if not key_path(lab).exists():
        comment = f"lab-{lab.name}"
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment]
        run([*make, "-f", str(key_path(lab))])


def write_config(lab: Lab, host_keys: dict[str, list[str]]) -> None:
    """Write ssh configuration and known hosts; `host_keys` has each host's public keys."""
    known_hosts = lab.directory / "known_hosts"
    lines = [
        f"{host.name},{host.addr} {' '.join(key.split()[:2])}"
        for host in lab.hosts
        for key in host_keys[host.name]
    ]
    known_hosts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = "".join(CONFIG.format(name=host.name, addr=host.addr) for host in lab.hosts)
    text += CONFIG_FOR_ALL.format(
        names=" ".join(f"{host.name} {host.addr}" for host in lab.hosts),
        key=key_path(lab),
        known_hosts=known_hosts,
    )
    config_path(lab).write_text(text, encoding="utf-8")


def ssh_command(lab: Lab, host: Host, argv: list[str]) -> list[str]:
    """Return the local command that runs `argv` on a host, word for word."""
    ssh = ["ssh", "-F", str(config_path(lab)), host.name]
    return [*ssh, "--", shlex.join(argv)] if argv else ssh


def remote(lab: Lab, host: Host, argv: list[str], stdin: str = "", timeout: float = 60) -> str:
    """Run a command on a host and return its output; errors as in run.run."""
    try:
        return run(ssh_command(lab, host, argv), stdin=stdin, timeout=timeout)
    except CommandError as error:
        raise CommandError(f"on {host.name}: {error}", error.status, error.output) from error


def answers(host: Host, timeout: float = 1) -> bool:
    """Tell whether sshd on a host greets within `timeout` seconds."""
    try:
        with socket.create_connection((host.addr, SSH_PORT), timeout=timeout) as connection:
            connection.settimeout(timeout)
            greeting = connection.recv(256)
            # Leave in the protocol's way, or sshd logs each look as an error.
            connection.sendall(b"SSH-2.0-lab\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
            return greeting.startswith(b"SSH-")
    except OSError:
        return False


def wait_for(host: Host, seconds: float) -> None:
    """Wait until a host answers on ssh; raise LabError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not answers(host):
        if time.monotonic() >= deadline:
            raise LabError(f"{host.name} ({host.addr}) does not answer on ssh after {seconds:g} s")
        time.sleep(POLL_SECONDS)
