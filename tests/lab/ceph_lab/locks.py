"""Keep two lab commands from doing the same thing at the same time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ceph_lab import settings
from ceph_lab.errors import LabError
from ceph_lab.report import say


@contextmanager
def held(name: str, *, wait: bool = True, shared: bool = False) -> Iterator[None]:
    """Hold the machine-wide lock `name`; the kernel frees it when the process dies.

    Any number can hold it `shared`, but not while one holds it alone. With
    `wait` false a lock that is taken raises LabError at once.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    directory = settings.RUN_DIRECTORY / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with Path(directory, name).open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise LabError(
                    f"another lab command holds {file.name}; wait for its end and try again"
                ) from None
            say(f"waiting for another lab command ({name})")
            fcntl.flock(file, kind)
        yield
