"""Write into a host's own layer what makes it this host and no other."""

from __future__ import annotations

import uuid
from pathlib import Path

from ceph_lab import access
from ceph_lab.model import Host, Lab
from ceph_lab.run import run

NETWORK_UNIT = """\
[Match]
Name=host0

[Network]
Address={addr}/{prefix}
LinkLocalAddressing=no
IPv6AcceptRA=no
"""


def write(lab: Lab, host: Host) -> list[str]:
    """Write a new host's identity and return its public ssh host keys.

    The host's overlay is mounted and the host is off.
    """
    root = lab.host_root(host)
    _write(root / "etc/hostname", f"{host.name}\n")
    _write(root / "etc/hosts", hosts_file(lab))
    _write(root / "etc/machine-id", f"{uuid.uuid4().hex}\n")
    unit = NETWORK_UNIT.format(addr=host.addr, prefix=lab.network.prefixlen)
    _write(root / "etc/systemd/network/10-host0.network", unit)
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    _write(ssh / "authorized_keys", access.public_key(lab))
    (ssh / "authorized_keys").chmod(0o600)
    run(["ssh-keygen", "-A", "-f", str(root)])
    keys = sorted((root / "etc/ssh").glob("ssh_host_*_key.pub"))
    return [key.read_text(encoding="utf-8") for key in keys]


def hosts_file(lab: Lab) -> str:
    """Return the /etc/hosts by which a lab's hosts know each other."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [f"{host.addr} {host.name}" for host in lab.hosts]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
