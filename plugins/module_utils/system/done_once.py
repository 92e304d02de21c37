"""Remember for whom something was done that leaves no state to be seen: the same is nothing new.

A restart is such a thing, and a light that cannot be read back. It is remembered until the host
starts anew; where that cannot be written, it is done again.
"""

from __future__ import annotations

import os
from typing import Dict, Iterable, List, Mapping

from .json_cache import RUN_DIR, load_private, save_private

_MOST_NAMES = 1000


class DoneOnce:
    """What was done for a ``mark``, such as a job's name; an empty mark is nobody's.

    ``part`` is what it is about, in the plural. Of each name as many marks are kept as ``most``
    says: with one, only what was done last counts.
    """

    def __init__(self, part: str, mark: str, most: int = 20, directory: str = RUN_DIR) -> None:
        self._mark = mark
        self._most = most
        self._path = os.path.join(directory, f"{part}-done.json")
        self._marks = _marks_of(load_private(self._path)) if mark else {}

    def has(self, name: str) -> bool:
        """Tell whether it was done to this one for this mark."""
        return self._mark in self._marks.get(name, ())

    def note(self, names: Iterable[str]) -> None:
        """Remember that it was done to these for this mark."""
        # What others have noted meanwhile is kept.
        marks = _marks_of(load_private(self._path))
        for name in names:
            others = [mark for mark in marks.pop(name, []) if mark != self._mark]
            marks[name] = [*others, self._mark][-self._most :]
        for name in list(marks)[:-_MOST_NAMES]:
            del marks[name]
        save_private(self._path, marks)


def _marks_of(data: Mapping[str, object]) -> Dict[str, List[str]]:
    """Return what is remembered, as far as it is what was written here."""
    return {
        name: [mark for mark in marks if isinstance(mark, str)]
        for name, marks in data.items()
        if isinstance(marks, list)
    }
