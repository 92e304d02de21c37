"""Programs of which a host may run several: each has a directory of ours, named by its id."""

from __future__ import annotations

import os
from typing import List

from ...system.reading import Roots, list_dir
from .program import Program

# What says whose the directory is.
MARK = "ours"


class OwnFolder(Program):
    """A program whose unit is made here, as are the files that it reads."""

    makes_unit = True
    # Where the directories are, below /etc.
    folder = ""

    def mark_path(self, roots: Roots, daemon_id: str) -> str:
        """Return the file that says that the files of a daemon are ours."""
        return os.path.join(roots.etc, self.folder, daemon_id, MARK)

    def is_here(self, roots: Roots) -> bool:
        """Tell whether the host has such a daemon."""
        return bool(self.instances(roots))

    def instances(self, roots: Roots) -> List[str]:
        """Return the ids of the host's daemons."""
        names = list_dir(os.path.join(roots.etc, self.folder))
        return [each for each in names if os.path.lexists(self.mark_path(roots, each))]
