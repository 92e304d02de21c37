"""Change what a package's unit starts, by a drop-in file of our own."""

from __future__ import annotations

import contextlib
import os

from .units import act
from .whole_file import is_written, write_text

_DIRECTORY = "systemd/system/{unit}.d"
_FILE = "ceph-orch.conf"
_TEXT = """\
# Made by ceph-orch-ansible: {reason}
[Service]
ExecStart=
ExecStart={command}
"""


class UnitSettings:
    """The drop-in file of one unit. It is written only where the package's command will not do."""

    def __init__(self, roots, unit):
        self._directory = os.path.join(roots.etc, _DIRECTORY.format(unit=unit))
        self._path = os.path.join(self._directory, _FILE)

    def is_so(self, argv, reason):
        """Tell whether the unit starts this; an empty list means the package's own command."""
        if not argv:
            return not os.path.lexists(self._path)
        return is_written(self._path, _text_of(argv, reason), 0o644)

    def write(self, argv, reason):
        """Have the unit start this the next time."""
        if not argv:
            self.remove()
        elif write_text(self._path, _text_of(argv, reason), 0o644):
            act("daemon-reload", [])

    def remove(self):
        """Give the unit back the package's own command."""
        if not os.path.lexists(self._path):
            return
        os.unlink(self._path)
        with contextlib.suppress(OSError):
            os.rmdir(self._directory)
        act("daemon-reload", [])

    @property
    def path(self):
        """Return the file's path."""
        return self._path


def _text_of(argv, reason):
    return _TEXT.format(reason=reason, command=" ".join(argv))
