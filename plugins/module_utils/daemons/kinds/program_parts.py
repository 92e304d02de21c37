"""What is written of a program that is none of Ceph's, and read again."""

from __future__ import annotations

import os
import re
import sys
from typing import List, NamedTuple, Optional, Tuple

from ...system.reading import Roots, read_text
from ..shapes import WantedShape

if sys.version_info >= (3, 8):
    from typing import Protocol
else:
    Protocol = object

_REASON = "cluster {cluster}, answers at [{addr}]:{port}{tls}."
_TLS = " with TLS"
_TOLD = re.compile(
    r"cluster ([0-9A-Za-z-]+), answers at \[([0-9a-fA-F:.]*)\]:(\d{1,5})( with TLS)?\."
)


class OwnFile(NamedTuple):
    """A file that a program reads, in the directory of ours.

    ``check`` is the command that says whether the program can use it, before it is put there; its
    last word is the file's name. ``reload`` is whether the program must be told of a change, and
    ``restart`` whether it reads the file only when it starts. What is ``secret`` is for the
    program's user alone.
    """

    name: str
    check: Tuple[str, ...] = ()
    reload: bool = True
    restart: bool = False
    secret: bool = False


class Told(NamedTuple):
    """What a drop-in file of ours says: whose the daemon is, and where it answers."""

    cluster: str
    addr: str
    port: int
    tls: bool = False


class ProgramShape(Protocol):
    """A program (``program.Program``)."""

    name: str
    unit: str
    user: str
    store: str
    files: Tuple[OwnFile, ...]

    def command(self, folder: str, store: str, wanted: WantedShape) -> List[str]: ...

    def objection(self, wanted: WantedShape) -> str: ...

    def has_tls(self, wanted: WantedShape) -> bool: ...

    def is_here(self, roots: Roots) -> bool: ...

    def answers(self, told: Told, timeout: float) -> bool: ...


def listen_address(wanted: WantedShape) -> str:
    """Return address and port as programs take them; without an address it is all."""
    addr = f"[{wanted.addr}]" if ":" in wanted.addr else wanted.addr
    return f"{addr}:{wanted.port}"


def own_certificate(folder: str) -> Tuple[str, str]:
    """Return the files of the certificate and its key, in the directory of ours."""
    return os.path.join(folder, "tls.crt"), os.path.join(folder, "tls.key")


def reason_of(wanted: WantedShape, tls: bool = False) -> str:
    """Return what the drop-in file of a daemon says of it."""
    said = _TLS if tls else ""
    return _REASON.format(cluster=wanted.cluster, addr=wanted.addr, port=wanted.port, tls=said)


def read_told(path: str) -> Optional[Told]:
    """Return what a drop-in file says; None where it is none of ours."""
    match = _TOLD.search(read_text(path).partition("\n")[0])
    if match is None:
        return None
    return Told(match.group(1), match.group(2), int(match.group(3)), bool(match.group(4)))
