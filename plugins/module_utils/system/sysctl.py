"""The kernel's settings, as ``sysctl`` names them: read, set, and read back.

A key is written as facts have it: parts with dots between them, and a slash for a dot that is in a
part (``net.ipv4.conf.eth0/100.rp_filter``). What sets a value is judged by what the kernel says
afterwards.
"""

from __future__ import annotations

import os
import re
from typing import Optional

from .reading import Roots

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,254}")
VALUE_LIMIT = 1024
_SWAPPED = str.maketrans("./", "/.")


def canonical(key: str) -> str:
    """Return a key as facts have it; one whose first mark is a slash has them the other way round.

    Raises ``ValueError`` for what no setting is called.
    """
    if not KEY.fullmatch(key):
        raise ValueError("it is not the name of a kernel setting")
    first = re.search(r"[./]", key)
    key = key.translate(_SWAPPED) if first and first.group() == "/" else key
    if any(part.strip("/") == "" for part in key.split(".")):
        raise ValueError("a part of it is empty")
    return key


def one_spaced(value: str) -> str:
    """Return a value as it is compared: the kernel prints tabs where blanks were written."""
    return " ".join(value.split())


def same(one: str, other: str) -> bool:
    """Tell whether two texts are one value to the kernel, which prints numbers in its own way."""
    return list(map(_plain, one.split())) == list(map(_plain, other.split()))


def _plain(word: str) -> str:
    try:
        return str(int(word, 16 if word.lower().startswith("0x") else 10))
    except ValueError:
        return word


class Refused(Exception):
    """The kernel does not have a value that it was to have; says why, and what it has."""

    def __init__(self, why: str, has: str) -> None:
        super().__init__(why)
        self.why, self.has = why, has


class Kernel:
    """The settings of the running kernel, below /proc/sys."""

    def __init__(self, roots: Roots) -> None:
        self._top = os.path.join(roots.proc, "sys")

    def _path(self, key: str) -> str:
        return os.path.join(self._top, canonical(key).translate(_SWAPPED))

    def read(self, key: str) -> Optional[str]:
        """Return what the kernel has; None where it does not tell, or has no such setting.

        One whose value is of several lines cannot be set from a file, and counts as such.
        """
        try:
            with open(self._path(key), "rb", buffering=0) as stream:
                data = stream.read(VALUE_LIMIT + 1)
        except (OSError, ValueError):
            return None
        text = data.rstrip(b"\n").decode("utf-8", "replace")
        if len(data) > VALUE_LIMIT or "\n" in text:
            return None
        return one_spaced(text)

    def exists(self, key: str) -> bool:
        """Tell whether the kernel has a setting of this name, readable or not."""
        return os.path.isfile(self._path(key))

    def is_writable(self, key: str) -> bool:
        """Tell whether the setting may be changed; for root the mode decides that too."""
        path = self._path(key)
        try:
            return bool(os.stat(path).st_mode & 0o222) and os.access(path, os.W_OK)
        except OSError:
            return False

    def write(self, key: str, value: str) -> str:
        """Set a value and return what the kernel has then; raises ``Refused``."""
        why = ""
        try:
            handle = os.open(self._path(key), os.O_WRONLY | os.O_CLOEXEC | os.O_TRUNC)
            try:
                os.write(handle, f"{value}\n".encode())
            finally:
                os.close(handle)
        except OSError as error:
            why = str(error.strerror)
        has = self.read(key)
        if has is None:
            raise Refused(why or "it cannot be read back", "nothing that can be read")
        if not same(has, value):
            raise Refused(why or "it was written, and the kernel has another value", has)
        return has
