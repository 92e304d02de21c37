"""Change what a package's unit starts, by a drop-in file of our own."""

from __future__ import annotations

import contextlib
import os
from typing import Iterable, List, Sequence

from ..system.atomic_write import is_written, write_text
from ..system.reading import Roots
from .units import act

_DIRECTORY = "systemd/system/{unit}.d"
_FILE = "ceph-orch.conf"
_TEXT = """\
# Made by ceph-orch-ansible: {reason}
[Service]
{lines}
"""


class DropIn:
    """The drop-in file of one unit; ``lines`` are what stands in its section, none is no file."""

    def __init__(self, roots: Roots, unit: str) -> None:
        self._directory = os.path.join(roots.etc, _DIRECTORY.format(unit=unit))
        self._path = os.path.join(self._directory, _FILE)

    def has(self, lines: Sequence[str], reason: str) -> bool:
        """Tell whether the file says this."""
        if not lines:
            return not os.path.lexists(self._path)
        return is_written(self._path, _text_of(lines, reason), 0o644)

    def put(self, lines: Sequence[str], reason: str) -> None:
        """Have the file say this, and systemd know it."""
        if not lines:
            self.remove()
        elif write_text(self._path, _text_of(lines, reason), 0o644):
            act("daemon-reload", [])

    def renew(self) -> None:
        """Have the file be of now: a daemon that was started before has old settings."""
        os.utime(self._path)
        act("daemon-reload", [])

    def remove(self) -> None:
        """Give the unit back what the package says."""
        if not os.path.lexists(self._path):
            return
        os.unlink(self._path)
        with contextlib.suppress(OSError):
            os.rmdir(self._directory)
        act("daemon-reload", [])

    @property
    def path(self) -> str:
        """Return the file's path."""
        return self._path


class UnitSettings(DropIn):
    """The command of one unit. It is written only where the package's command will not do."""

    def is_so(self, argv: Sequence[str], reason: str) -> bool:
        """Tell whether the unit starts this; an empty list means the package's own command."""
        return self.has(_command(argv), reason)

    def write(self, argv: Sequence[str], reason: str) -> None:
        """Have the unit start this the next time."""
        self.put(_command(argv), reason)


def _command(argv: Sequence[str]) -> List[str]:
    return ["ExecStart=", "ExecStart=" + " ".join(argv)] if argv else []


def _text_of(lines: Iterable[str], reason: str) -> str:
    return _TEXT.format(reason=reason, lines="\n".join(lines))
