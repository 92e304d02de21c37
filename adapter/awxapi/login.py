"""The login at AWX: a token, or a user with a password, from a file that only its owner reads."""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from adapter.errors import AdapterError, NotReady

_MOST_BYTES = 8192


@dataclass(frozen=True)
class Login:
    """What the header ``Authorization`` says; it is in no message and no ``repr``."""

    header: str = field(repr=False)


def read_login(path: Path, user: str = "") -> Login:
    """Return the login with the secret in a file: the user's password, or without one a token.

    Raises ``NotReady`` without the file, ``AdapterError`` for one that others may read, or that is
    not one line.
    """
    secret = _secret(path)
    if not user:
        return Login(f"Bearer {secret}")
    return Login("Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode("ascii"))


def _secret(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise NotReady(
            f"The file {path} with the login at AWX cannot be read: {error.strerror}.",
            "Write the token or the password into it, with mode 0600.",
        ) from None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise AdapterError(f"{path} is not a file.", "Name the file with the login at AWX.")
        if about.st_mode & 0o077 or about.st_uid not in (0, os.geteuid()):
            raise AdapterError(
                f"The file {path} with the login at AWX belongs to somebody else, or others may "
                "read or write it.",
                f"Run `chmod 600 {path}` as its owner, and take another token if others read it.",
            )
        data = os.read(descriptor, _MOST_BYTES)
    finally:
        os.close(descriptor)
    return check_secret(data.decode("utf-8", errors="replace"), f"The file {path}")


def check_secret(text: str, what: str) -> str:
    """Return the token or password in a text; ``what`` says where that is from.

    Raises ``AdapterError``, which shows nothing of it.
    """
    found = text.strip()
    if not found or not found.isascii() or not found.isprintable() or len(text) >= _MOST_BYTES:
        raise AdapterError(
            f"{what} does not hold a login at AWX: it is not one line of plain text.",
            "Write the token or the password into it, and nothing else.",
        )
    return found
