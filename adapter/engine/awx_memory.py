"""What a job's directory says of its objects in AWX, for whoever comes after its worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

from adapter.engine.files import read_json, write_private
from adapter.engine.jobs import JobDir

FILE = "awx.json"


def memory_of(job: Path) -> Dict[str, Any]:
    """Return what a job's directory says of its objects in AWX; empty where it says nothing."""
    kept = read_json(job / FILE)
    return kept if isinstance(kept, dict) else {}


class Memory:
    """The file, written before and after something is made in AWX.

    ``key`` is the name of all that is made for a launch, ``attempt`` its number, ``began`` when the
    first one began. ``inventory``, ``credential`` and ``job`` are paths, and ``jobs`` that of the
    list of the template's jobs. ``number`` is the inventory's id and ``created`` when it was made
    by AWX's clock, ``sent`` tells that AWX may have got the launch.
    """

    def __init__(self, job: JobDir) -> None:
        self._job = job
        self._kept = memory_of(job.path)

    def __bool__(self) -> bool:
        """Tell whether an earlier worker has begun with the job."""
        return bool(self._kept)

    def get(self, name: str) -> Any:
        """Return what is kept of a name, None where nothing is."""
        return self._kept.get(name)

    def path(self, name: str) -> str:
        """Return the path of an object, empty where there is none."""
        return str(self._kept.get(name) or "")

    def keep(self, **changes: Any) -> None:
        """Change what is kept, and have it on the disk."""
        self._kept.update(changes)
        write_private(self._job.file(FILE), json.dumps(self._kept), lasting=True)
