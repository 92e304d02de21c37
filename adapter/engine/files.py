"""Small files that only their owner may read, written so that nobody sees half of one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any, Optional, Union

PathLike = Union[str, Path]

PRIVATE_FILE = 0o600
PRIVATE_DIR = 0o700
OPEN_DIR = 0o755


def private_dir(path: PathLike) -> Path:
    """Make a directory 0700 with its parents, or set the mode of an existing one; return it."""
    directory = Path(path)
    make_dirs(directory, PRIVATE_DIR)
    if directory.stat().st_mode & 0o077:
        directory.chmod(PRIVATE_DIR)
    return directory


def make_dirs(directory: Path, mode: int = OPEN_DIR) -> None:
    """Make a directory with its parents where they are missing; no umask decides their modes."""
    if directory.is_dir():
        return
    make_dirs(directory.parent)
    try:
        directory.mkdir(mode=PRIVATE_DIR)
    except FileExistsError:
        if not directory.is_dir():
            raise
        return
    directory.chmod(mode)


def closed_dir(path: PathLike) -> Path:
    """Make a directory that others may read; take from one that is there what lets them write."""
    directory = Path(path)
    make_dirs(directory)
    mode = stat.S_IMODE(directory.stat().st_mode)
    if closed_mode(mode) != mode:
        directory.chmod(closed_mode(mode))
    return directory


def closed_mode(mode: int) -> int:
    """Return a directory's mode without what lets everybody write, but for those like /tmp."""
    is_open = mode & stat.S_IWOTH and not mode & stat.S_ISVTX
    return mode & ~(stat.S_IWOTH | stat.S_IWGRP) if is_open else mode


def write_private(path: PathLike, text: str, *, lasting: bool = False) -> None:
    """Replace a file by ``text``, mode 0600, through a temporary name in the same directory.

    With ``lasting`` the text is on the disk before the file has its name.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as handle:
            os.fchmod(descriptor, PRIVATE_FILE)
            handle.write(text)
            if lasting:
                handle.flush()
                os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        remove_quietly(temporary)
        raise


def remove_quietly(path: PathLike) -> None:
    """Remove a file that may be missing."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def write_if_changed(path: PathLike, text: str) -> bool:
    """Write a private file unless it says the same already; tell whether it was written."""
    path = Path(path)
    try:
        if path.read_text(encoding="utf-8") == text and not path.stat().st_mode & 0o077:
            return False
    except (OSError, ValueError):
        pass
    write_private(path, text)
    return True


def write_json(path: PathLike, data: Any) -> None:
    """Write JSON data as a private file."""
    write_private(path, json.dumps(data, separators=(",", ":"), default=str))


def read_json(path: PathLike) -> Any:
    """Return a file's JSON data, or None if it is missing or damaged."""
    try:
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None


def try_lock(path: PathLike) -> Optional[int]:
    """Return a descriptor that holds the lock file, or None if it is held or cannot be opened."""
    try:
        descriptor = _open_lock(path)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _open_lock(path: PathLike) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        # Who holds what can still be told where nothing can be written any more.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def reserve(path: PathLike, size: int) -> None:
    """Make a private file of so many bytes that are really there. Raises ``OSError``."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)


def write_reserved(reserved: PathLike, path: PathLike, data: Any) -> None:
    """Write JSON data into the room of a reserved file, which then gets the name ``path``.

    It works on a full disk. Where the room has been used already, it is an ordinary write.
    """
    path = Path(path)
    mine = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        os.rename(reserved, mine)
    except FileNotFoundError:
        write_json(path, data)
        return
    text = json.dumps(data, separators=(",", ":"), default=str).encode("utf-8", "surrogateescape")
    try:
        with open(mine, "r+b", buffering=0) as handle:
            write_all(handle.fileno(), text)
            handle.truncate()
        os.replace(mine, path)
    except BaseException:
        remove_quietly(mine)
        raise


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data, which one call to the system may not do. Raises ``OSError``."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
