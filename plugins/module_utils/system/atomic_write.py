"""Write a file so that a reader sees the old or the new one, whole."""

from __future__ import annotations

import errno
import os
import stat
from typing import List, Optional, Tuple

from .reading import FILE_LIMIT, list_dir, read_bytes

# What mke2fs makes in every file system.
LOST_FOUND = "lost+found"


def read_whole(path: str) -> str:
    """Return the text of a file that is to be changed, empty where there is none; raise OSError.

    What cannot be read to its end must not be taken for empty: it would be written over.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(FILE_LIMIT + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        # A call on an open file names none.
        raise OSError(error.errno, error.strerror, path) from None
    if len(data) > FILE_LIMIT:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return data.decode("utf-8", "surrogateescape")


def read_record_text(path: str) -> Optional[str]:
    """Return the text of a record, None where there is none; raises ``OSError``.

    One that is there and empty, as after a crash of the host, is not none.
    """
    text = read_whole(path)
    return text if text or os.path.lexists(path) else None


def is_written(path: str, text: str, mode: int, owner: Optional[Tuple[int, int]] = None) -> bool:
    """Tell whether a file already has this text, mode and owner.

    One in a directory that everybody may write is not: anybody could put another one there.
    """
    try:
        state = os.lstat(path)
    except OSError:
        return False
    same_owner = owner is None or (state.st_uid, state.st_gid) == owner
    return (
        same_owner
        and state.st_mode & 0o7777 == mode
        and not open_directories(path)
        and read_bytes(path) == text.encode("utf-8", "surrogateescape")
    )


def open_directories(path: str) -> List[str]:
    """Return the directories above a path that everybody may write, but those like /tmp."""
    found = []
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            found.append(path)
    return found


def make_directory(path: str, mode: int = 0o755, owner: Optional[Tuple[int, int]] = None) -> None:
    """Make a directory with those above it, unless it is there; no umask decides their modes.

    One that is there with nothing in it, as a new file system is, is given its owner and mode.
    """
    if not _make_missing(path, mode, owner) and owner is not None:
        _own_empty(path, mode, owner)


def _make_missing(path: str, mode: int, owner: Optional[Tuple[int, int]]) -> bool:
    """Make a directory; return whether it was not there."""
    if os.path.isdir(path):
        return False
    _make_missing(os.path.dirname(path), 0o755, owner)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
        return False
    if owner is not None:
        os.chown(path, *owner)
    os.chmod(path, mode)
    return True


def _own_empty(path: str, mode: int, owner: Tuple[int, int]) -> None:
    """Set owner and mode of a directory that is another one's, and that nobody has used yet."""
    if set(list_dir(path)) <= {LOST_FOUND}:
        own_directory(path, mode, owner)


def own_directory(path: str, mode: int, owner: Tuple[int, int]) -> None:
    """Set owner and mode of a directory that is another one's."""
    # Who may write above it may put a link there: what that leads to is not touched.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return
        raise
    try:
        state = os.fstat(handle)
        # One that is the right one's has the mode that somebody gave it.
        if (state.st_uid, state.st_gid) != owner:
            os.fchown(handle, *owner)
            os.fchmod(handle, mode)
    finally:
        os.close(handle)


def write_text(path: str, text: str, mode: int, owner: Optional[Tuple[int, int]] = None) -> bool:
    """Write a file unless it is so already, with its directory; return whether that was needed.

    ``owner`` is a user's and a group's number.
    """
    if is_written(path, text, mode, owner):
        return False
    make_directory(os.path.dirname(path))
    for directory in open_directories(path):
        os.chmod(directory, stat.S_IMODE(os.stat(directory).st_mode) & ~0o022)
    temporary = f"{path}.{os.getpid()}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(temporary, flags, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
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
