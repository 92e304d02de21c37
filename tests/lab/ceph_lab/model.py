"""Describe a lab: its hosts, their disks, and where everything lies."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from ceph_lab import settings
from ceph_lab.errors import LabError
from ceph_lab.files import write_whole
from ceph_lab.packages import ImageKind

Phase = Literal["starting", "ready"]

FIRST_HOST_ADDRESS = 11
MAX_HOSTS = 200
DESCRIPTION = "lab.json"


@dataclass
class Disk:
    """A host's disk: a sparse file, and the loop device that shows it."""

    serial: str
    file: str
    size: int
    loop: str = ""


@dataclass
class Host:
    """One host of a lab; `image` is the kind of image that it runs."""

    name: str
    addr: str
    image: ImageKind
    image_path: str
    disks: list[Disk] = field(default_factory=list)


@dataclass
class Lab:
    """One lab, as its state directory keeps it."""

    name: str
    release: str
    bridge: str
    subnet: str
    repository: str
    cluster: bool
    dashboard: bool = True
    hosts: list[Host] = field(default_factory=list)
    phase: Phase = "starting"

    @property
    def directory(self) -> Path:
        """Return the lab's state directory."""
        return lab_directory(self.name)

    @property
    def network(self) -> ipaddress.IPv4Network:
        """Return the lab's subnet."""
        return ipaddress.IPv4Network(self.subnet)

    @property
    def gateway(self) -> str:
        """Return the machine's own address in the lab's subnet."""
        return str(self.network[1])

    @property
    def disks(self) -> list[Disk]:
        """Return the disks of all hosts."""
        return [disk for host in self.hosts for disk in host.disks]

    def host(self, name: str) -> Host:
        """Return the host of a name; raise LabError naming those there are."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts) or "none"
        raise LabError(f"lab {self.name} has no host {name}; it has {known}")

    def host_directory(self, host: Host) -> Path:
        """Return the directory of a host's overlay and log."""
        return self.directory / "hosts" / host.name

    def host_root(self, host: Host) -> Path:
        """Return where a host's file system is mounted."""
        return self.host_directory(host) / "root"

    def save(self) -> None:
        """Write the lab's description into its state directory."""
        # Closed to others: it holds the disks and the keys of a whole cluster.
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        self.directory.mkdir(mode=0o700, exist_ok=True)
        text = json.dumps(asdict(self), indent=2) + "\n"
        write_whole(self.directory / DESCRIPTION, text)


def check_name(name: str) -> str:
    """Return a lab's name if it can be part of file, bridge and machine names."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise LabError(
            f"lab name {name!r} is not usable: lower-case letters, digits and '-', "
            "beginning with a letter, at most 31 characters"
        )
    return name


def lab_directory(name: str) -> Path:
    """Return the state directory of a lab, whether it exists or not."""
    return settings.state_directory() / check_name(name)


def load(name: str) -> Lab | None:
    """Return a lab as it was saved, or None when there is no description of it."""
    path = lab_directory(name) / DESCRIPTION
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    hosts = [
        Host(**{**host, "disks": [Disk(**disk) for disk in host["disks"]]})
        for host in data.pop("hosts")
    ]
    return Lab(**data, hosts=hosts)


def load_existing(name: str) -> Lab:
    """Return a lab as it was saved; raise LabError when there is none."""
    lab = load(name)
    if lab is None:
        raise LabError(
            f"there is no lab {name} (no {lab_directory(name) / DESCRIPTION}); "
            f"known: {', '.join(known_labs()) or 'none'}; make it with: lab up --name {name}"
        )
    return lab


def known_labs() -> list[str]:
    """Return the names of the labs that have a description."""
    return sorted(path.parent.name for path in settings.state_directory().glob(f"*/{DESCRIPTION}"))
