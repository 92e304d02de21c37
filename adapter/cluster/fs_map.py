"""The file systems and their metadata servers, read from `fs dump` of Ceph 18.2 and 20.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Tuple

_STANDS_BY = "up:standby"


@dataclass(frozen=True)
class FsMap:
    """The file systems by name, and the states of metadata servers by their ids."""

    names: FrozenSet[str] = frozenset()
    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def active(self) -> FrozenSet[str]:
        """Return the ids of those that serve a rank."""
        return frozenset(name for name, state in self.states.items() if state == "up:active")

    @property
    def ranked(self) -> FrozenSet[str]:
        """Return the ids of those that have a rank, serving or about to; none that stands by."""
        return frozenset(
            name for name, state in self.states.items() if not state.startswith(_STANDS_BY)
        )


def read_fs_map(data: Mapping[str, Any]) -> FsMap:
    """Read `fs dump`."""
    names = [
        str((row.get("mdsmap") or {}).get("fs_name") or "") for row in data.get("filesystems") or ()
    ]
    states = {str(row.get("name")): str(row.get("state") or "") for row, _ in rows_of(data)}
    return FsMap(frozenset(filter(None, names)), states)


def rows_of(data: Mapping[str, Any]) -> Iterator[Tuple[Dict[str, Any], bool]]:
    """Yield the rows of all metadata servers, and whether each belongs to a file system."""
    standbys: List[Dict[str, Any]] = list(data.get("standbys") or ())
    for row in standbys:
        yield {"state": _STANDS_BY, **row}, False
    for filesystem in data.get("filesystems") or ():
        for row in ((filesystem.get("mdsmap") or {}).get("info") or {}).values():
            yield row, True
