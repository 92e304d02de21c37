"""Write a file so that a reader sees the old or the new one, whole."""

from __future__ import annotations

import os

from .reading import read_bytes


def is_written(path, text, mode, owner=None):
    """Tell whether a file already has this text, mode and owner."""
    try:
        state = os.lstat(path)
    except OSError:
        return False
    same_owner = owner is None or (state.st_uid, state.st_gid) == owner
    return (
        same_owner and state.st_mode & 0o7777 == mode and read_bytes(path) == text.encode("utf-8")
    )


def write_text(path, text, mode, owner=None):
    """Write a file unless it is so already, with its directory; return whether that was needed.

    ``owner`` is a user's and a group's number.
    """
    if is_written(path, text, mode, owner):
        return False
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    temporary = f"{path}.{os.getpid()}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as stream:
            if owner is not None:
                os.fchown(stream.fileno(), *owner)
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
    return True
