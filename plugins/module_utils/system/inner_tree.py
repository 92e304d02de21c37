"""Write below a directory in which somebody else may write too: no link leads out of it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Iterator, List, Sequence, Tuple

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# One that is no file must not hold up who opens it.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = ".ceph-orch-new"
_OTHERS = (errno.ELOOP, errno.ENOTDIR)
_NO_DIRECTORY = "a link or a file is in place of a directory, and is not followed; remove it"


class InnerTree:
    """A directory, whose paths are given as those below it; ``owner`` is a user and a group.

    All methods raise ``OSError`` where something else is in a place than there should be.
    """

    def __init__(self, top: str, owner: Tuple[int, int]) -> None:
        self._top, self._owner = top, owner

    def has_directory(self, path: str) -> bool:
        """Tell whether a directory is there."""
        try:
            with self._opened(path.split("/")):
                return True
        except OSError:
            return False

    def has_file(self, path: str, text: str) -> bool:
        """Tell whether a file has this text."""
        *above, name = path.split("/")
        try:
            with self._opened(above) as place:
                handle = os.open(name, _READ, dir_fd=place)
                with os.fdopen(handle, "rb", buffering=0) as stream:
                    wanted = text.encode()
                    plain = stat.S_ISREG(os.fstat(handle).st_mode)
                    return plain and stream.read(max(len(wanted) + 1, 1)) == wanted
        except OSError:
            return False

    def make_directory(self, path: str) -> None:
        """Make a directory with those above it, the owner's; others may look into it."""
        with self._opened(path.split("/"), make=True) as place:
            state = os.fstat(place)
            if (state.st_uid, state.st_gid) != self._owner:
                os.fchown(place, *self._owner)

    def write(self, path: str, text: str) -> None:
        """Write a file that its owner alone reads, with the directories above it."""
        *above, name = path.split("/")
        with self._opened(above, make=True) as place:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name + _NEW, dir_fd=place)
            handle = os.open(name + _NEW, _WRITE, 0o600, dir_fd=place)
            with os.fdopen(handle, "wb") as stream:
                os.fchown(handle, *self._owner)
                stream.write(text.encode())
                stream.flush()
                os.fsync(handle)
            os.replace(name + _NEW, name, src_dir_fd=place, dst_dir_fd=place)

    def remove(self, path: str) -> None:
        """Remove a file, or a directory in which nothing is; what is something else stays."""
        *above, name = path.split("/")
        with contextlib.suppress(OSError), self._opened(above) as place:
            try:
                os.unlink(name, dir_fd=place)
            except OSError:
                os.rmdir(name, dir_fd=place)

    def remove_empty(self, path: str) -> None:
        """Remove a directory in which nothing is; what is something else stays."""
        *above, name = path.split("/")
        with contextlib.suppress(OSError), self._opened(above) as place:
            os.rmdir(name, dir_fd=place)

    def others(self, own: Sequence[str]) -> List[str]:
        """Return what is there and is neither one of these paths nor a directory above one."""
        parts = [path.split("/") for path in own]
        above = {"/".join(each[:count]) for each in parts for count in range(1, len(each))}
        found = []
        for folder, below, files in os.walk(self._top):
            inner = os.path.relpath(folder, self._top)
            for each in (*below, *files):
                name = os.path.normpath(os.path.join(inner, each))
                is_directory = each in below and not os.path.islink(os.path.join(folder, each))
                if name not in own and not (is_directory and name in above):
                    found.append(name)
        return sorted(found)

    @contextlib.contextmanager
    def _opened(self, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
        place = os.open(self._top, _DIRECTORY)
        try:
            for part in parts:
                try:
                    inner = os.open(part, _DIRECTORY, dir_fd=place)
                except FileNotFoundError:
                    if not make:
                        raise
                    os.mkdir(part, 0o700, dir_fd=place)
                    inner = os.open(part, _DIRECTORY, dir_fd=place)
                    os.fchown(inner, *self._owner)
                    os.fchmod(inner, 0o755)
                except OSError as error:
                    whole = os.path.join(self._top, *parts)
                    said = _NO_DIRECTORY if error.errno in _OTHERS else error.strerror
                    raise OSError(error.errno, said, whole) from None
                os.close(place)
                place = inner
            yield place
        finally:
            os.close(place)
