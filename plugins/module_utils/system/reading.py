"""Read what the kernel and udev say without ever trusting it.

Files under /sys, /proc and /run hold what a disk's firmware or a process put there: any bytes, any
length, gone in the next moment. Everything here returns a bounded, printable value or the default.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any, Dict, List

# Longer texts carry nothing that an orchestrator needs and would travel with every report.
TEXT_LIMIT = 256
FILE_LIMIT = 1 << 20

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Roots:
    """The directories that a reader starts from; the tests give trees of their own."""

    def __init__(
        self,
        sys: str = "/sys",
        dev: str = "/dev",
        proc: str = "/proc",
        udev: str = "/run/udev/data",
        etc: str = "/etc",
        var: str = "/var",
        ceph_run: str = "/run/ceph",
        usr: str = "/usr",
    ) -> None:
        self.sys = sys
        self.dev = dev
        self.proc = proc
        self.udev = udev
        self.etc = etc
        self.var = var
        self.ceph_run = ceph_run
        self.usr = usr

    @property
    def real(self) -> bool:
        """Tell whether the device nodes are those of this very machine."""
        return self.dev == "/dev"


def clean(value: object, limit: int = TEXT_LIMIT) -> str:
    """Return a text on one line, printable, of bounded length, whatever it was made of."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = _CONTROL.sub(" ", str(value)[: 4 * limit]).strip()
    return text[:limit]


def clean_data(value: Any, depth: int = 0) -> Any:
    """Return JSON data with every text in it cleaned, and nothing nested without end."""
    if isinstance(value, (str, bytes)):
        return clean(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if abs(value) < 1e300 else 0.0
    if depth > 8:
        return None
    if isinstance(value, dict):
        return {clean(key): clean_data(item, depth + 1) for key, item in list(value.items())[:2000]}
    if isinstance(value, (list, tuple)):
        return [clean_data(item, depth + 1) for item in value[:20000]]
    return clean(value)


def read_bytes(path: str, limit: int = FILE_LIMIT) -> bytes:
    """Return the beginning of a file, or nothing when it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as stream:
            chunks = []
            left = limit
            while left > 0:
                chunk = stream.read(min(left, 1 << 16))
                if not chunk:
                    break
                chunks.append(chunk)
                left -= len(chunk)
            return b"".join(chunks)
    except (OSError, ValueError):
        return b""


def read_text(path: str, default: str = "", limit: int = TEXT_LIMIT) -> str:
    """Return a one-line value from a file; an empty one counts as missing."""
    return clean(read_bytes(path, 4 * limit), limit) or default


def read_lines(path: str, limit: int = FILE_LIMIT) -> List[str]:
    """Return the lines of a text file, without the line ends."""
    return read_bytes(path, limit).decode("utf-8", "replace").split("\n")


def read_int(path: str, default: int = 0) -> int:
    """Return a whole number from a file."""
    return to_int(read_text(path), default)


def to_int(text: Any, default: int = 0) -> int:
    """Return the whole number that a text is, or the default; no number needs more than 63 bits."""
    try:
        number = int(text)
    except (TypeError, ValueError, OverflowError):
        return default
    return number if abs(number) < 1 << 63 else default


def list_dir(path: str) -> List[str]:
    """Return the names in a directory in order, or nothing when there is none."""
    try:
        return sorted(os.listdir(path))
    except (OSError, ValueError):
        return []


def link_name(path: str) -> str:
    """Return the last part of where a link leads, or an empty text."""
    try:
        return os.path.basename(os.readlink(path))
    except (OSError, ValueError):
        return ""


def read_assignments(path: str, limit: int = TEXT_LIMIT) -> Dict[str, str]:
    """Return KEY=value lines as in /etc/os-release and /etc/environment, without the quotes.

    ``limit`` is how long a value may be.
    """
    values = {}
    for line in read_lines(path):
        key, separator, value = line.strip().partition("=")
        if separator and not key.startswith("#"):
            values[clean(key)] = clean(value.strip().strip("\"'"), limit)
    return values


def hash_of(data: bytes) -> str:
    """Return a short text that changes when these bytes do."""
    return hashlib.sha256(data).hexdigest()
