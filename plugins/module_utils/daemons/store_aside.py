"""Put the store of a monitor aside: nobody deletes one that somebody may want back."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import Iterable, List

from ..cluster.ceph_user import ceph_owner
from ..system.atomic_write import LOST_FOUND, make_directory
from ..system.mounts import reason_of_mounts, remove_tree
from ..system.reading import Roots, list_dir
from .kinds.base import DaemonRefused
from .shapes import DaemonShape

STORE = "store.db"
# RocksDB opens no store without it, and makes it after the files that it names.
_CURRENT = "CURRENT"
# A new store is made in here; it is not the monitor's before it is whole.
MAKING = ".ceph-orch-making"
_REMOVED = "lib/ceph/removed"
# What is kept inside of a directory that cannot be moved. Monitors do not look at it.
_KEPT = ".ceph-orch-removed-"


def holds(path: str) -> List[str]:
    """Return the names of what a directory holds of a monitor.

    What every new file system has, what a store was begun in and what is put aside are none.
    """
    return [name for name in list_dir(path) if not _is_ours(name) and name != LOST_FOUND]


def has_store(path: str) -> bool:
    """Tell whether a directory has a store that can be opened."""
    return os.path.exists(os.path.join(path, STORE, _CURRENT))


def is_left_over(path: str) -> bool:
    """Tell whether a directory is all that is left where a monitor was, or where one may be."""
    if not os.path.isdir(path) or holds(path):
        return False
    return os.path.ismount(path) or bool(list_dir(path))


def put_aside(roots: Roots, daemon: DaemonShape) -> str:
    """Move a monitor's store; return where it is now. Raises ``DaemonRefused``."""
    reason = reason_of_mounts(daemon.data_path, roots.proc)
    if reason:
        raise DaemonRefused(f"{daemon.name}: its store is not moved: {reason}")
    top = os.path.join(roots.var, _REMOVED)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = daemon.data_path
    kept = os.path.join(top, f"{daemon.kind.name}-{daemon.daemon_id}-{stamp}")
    try:
        # A link leads to where somebody wants the store to be.
        if os.path.islink(path) or os.path.ismount(path):
            return _put_inside(roots, path, stamp)
        make_directory(top, 0o700, ceph_owner(roots))
        try:
            os.rename(path, kept)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.EXDEV):
                raise
            return _put_inside(roots, path, stamp)
    except OSError as error:
        raise DaemonRefused(
            f"{daemon.name}: the store {path} cannot be put aside ({error.strerror}: "
            f"{error.filename}). Move all that is in {path} away by hand, and try again."
        ) from None
    return kept


def _put_inside(roots: Roots, path: str, stamp: str) -> str:
    """Move what a directory holds into one inside of it; the store first, which decides."""
    kept = os.path.join(path, _KEPT + stamp)
    make_directory(kept, 0o700, ceph_owner(roots))
    for name in sorted(holds(path), key=lambda name: name != STORE):
        os.rename(os.path.join(path, name), os.path.join(kept, name))
    return kept


def take_away(path: str, proc: str = "/proc") -> None:
    """Remove a monitor's directory; one that is a mount point, or has what is kept, is emptied."""
    empty(path, [*holds(path), MAKING], proc)
    if LOST_FOUND in list_dir(path):
        return
    try:
        if not os.path.islink(path):
            os.rmdir(path)
        elif not list_dir(path):
            os.unlink(path)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT):
            raise


def empty(path: str, names: Iterable[str], proc: str = "/proc") -> None:
    """Remove these from a directory; raise OSError where something is mounted in one."""
    for name in names:
        inner = os.path.join(path, name)
        if os.path.isdir(inner) and not os.path.islink(inner):
            remove_tree(inner, proc)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(inner)


def _is_ours(name: str) -> bool:
    return name == MAKING or name.startswith(_KEPT)
