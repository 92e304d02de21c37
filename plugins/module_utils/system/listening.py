"""Tell which process listens on a TCP port of this host."""

from __future__ import annotations

import re
import socket
import sys
from typing import Container, List, Tuple

from .reading import link_name, list_dir, read_lines, read_text, to_int

_LISTENING = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


class Holder:
    """A process that listens."""

    def __init__(self, proc: str, pid: int) -> None:
        self.pid = pid
        self.name = read_text(f"{proc}/{pid}/comm") or "a process"
        self.unit = _unit_of(proc, pid)

    def __str__(self) -> str:
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.name} (pid {self.pid}{unit})" if self.pid else "a process"


def holders(proc: str, port: int, addr: str = "") -> List[Holder]:
    """Return who listens on a port where a daemon that binds to ``addr`` (or all) would collide."""
    sockets = {number for number, where in _listening(proc, port) if _collide(where, addr)}
    if not sockets:
        return []
    found = [Holder(proc, pid) for pid in _processes_with(proc, sockets)]
    # A process whose files cannot be read holds the port all the same.
    return found or [Holder(proc, 0)]


def is_listened_on(proc: str, port: int) -> bool:
    """Tell whether any process listens on a port; who it is takes longer to find out."""
    return bool(_listening(proc, port))


def listens(proc: str, pid: int) -> bool:
    """Tell whether a process listens on any TCP port."""
    own = {
        match.group(1)
        for match in (
            _SOCKET.fullmatch(link_name(f"{proc}/{pid}/fd/{name}"))
            for name in list_dir(f"{proc}/{pid}/fd")
        )
        if match
    }
    return any(
        fields[3] == _LISTENING and fields[9] in own
        for name in ("tcp", "tcp6")
        for fields in (line.split() for line in read_lines(f"{proc}/net/{name}", 16 << 20)[1:])
        if len(fields) >= 10
    )


def _listening(proc: str, port: int) -> List[Tuple[str, str]]:
    """Return the number and the address of each socket that listens on a port."""
    found = []
    for name in ("tcp", "tcp6"):
        for line in read_lines(f"{proc}/net/{name}", 16 << 20)[1:]:
            fields = line.split()
            if len(fields) < 10 or fields[3] != _LISTENING:
                continue
            where, _, number = fields[1].rpartition(":")
            if to_int(int(number, 16)) == port:
                found.append((fields[9], _address(where)))
    return found


def _address(text: str) -> str:
    """Return an address from the kernel's words of 32 bits in the machine's own byte order."""
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    address = socket.inet_ntop(family, b"".join(words))
    return address[7:] if address.startswith("::ffff:") else address


def _collide(one: str, other: str) -> bool:
    return not other or one == other or one in _EVERYWHERE or other in _EVERYWHERE


def _processes_with(proc: str, sockets: Container[str]) -> List[int]:
    found = []
    for name in list_dir(proc):
        if not name.isdigit():
            continue
        directory = f"{proc}/{name}/fd"
        for descriptor in list_dir(directory):
            match = _SOCKET.fullmatch(link_name(f"{directory}/{descriptor}"))
            if match and match.group(1) in sockets:
                found.append(int(name))
                break
    return found


def _unit_of(proc: str, pid: int) -> str:
    """Return the unit that a process is of; a container of a unit has a group below the unit's."""
    for line in read_lines(f"{proc}/{pid}/cgroup"):
        for name in reversed(line.split("/")):
            if name.endswith(".service"):
                return name
    return ""
