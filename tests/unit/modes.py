"""Who may do what with files, and umasks that would decide it if nobody else did."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Dict, Iterator

# Nobody is kept out, and everybody is.
UMASKS = (0o000, 0o077)


@contextlib.contextmanager
def umask(value: int) -> Iterator[None]:
    """Work under a umask."""
    old = os.umask(value)
    try:
        yield
    finally:
        os.umask(old)


def modes(top: Path) -> Dict[str, int]:
    """Return the mode of a directory and of everything below it but links, by name."""
    paths = [top, *sorted(top.rglob("*"))]
    return {
        str(path.relative_to(top)): stat.S_IMODE(path.lstat().st_mode)
        for path in paths
        if not path.is_symlink()
    }
