"""The file systems and their metadata servers, read from `fs dump` of Ceph 18.2 and 20.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Tuple

_STANDS_BY = "up:standby"


@dataclass(frozen=True)
class FsMap:
    """The file systems by name, and the states of metadata servers by their ids.

    ``of`` names the file system of each that has a place in one.
    """

    names: FrozenSet[str] = frozenset()
    states: Mapping[str, str] = field(default_factory=dict)
    of: Mapping[str, str] = field(default_factory=dict)

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

    def serves_another(self, name: str, filesystem: str) -> bool:
        """Tell whether a metadata server has a rank of another file system than this one."""
        return name in self.ranked and self.of.get(name, "") != filesystem


@dataclass(frozen=True)
class FileSystemState:
    """A file system: how many ranks it is to have, and which it has; ``ready`` are active."""

    name: str
    max_mds: int
    standby_replay: bool
    ranks: Tuple[int, ...] = ()
    ready: Tuple[int, ...] = ()

    @property
    def is_single(self) -> bool:
        """Tell whether rank 0 alone is there, and serves."""
        return self.ranks == (0,) and self.ready == (0,)


def read_file_systems(data: Mapping[str, Any]) -> List[FileSystemState]:
    """Read what `fs dump` says of file systems."""
    found = []
    for row in data.get("filesystems") or ():
        mds_map = row.get("mdsmap") or {}
        flags = mds_map.get("flags_state") or {}
        info = (mds_map.get("info") or {}).values()
        ready = [int(each["rank"]) for each in info if each.get("state") == "up:active"]
        found.append(
            FileSystemState(
                _name(row),
                int(mds_map.get("max_mds") or 1),
                bool(flags.get("allow_standby_replay")),
                tuple(sorted(int(rank) for rank in mds_map.get("in") or ())),
                tuple(sorted(ready)),
            )
        )
    return found


def read_fs_map(data: Mapping[str, Any]) -> FsMap:
    """Read `fs dump`."""
    names = [_name(filesystem) for filesystem in data.get("filesystems") or ()]
    states: Dict[str, str] = {}
    of: Dict[str, str] = {}
    for row, filesystem in rows_of(data):
        states[str(row.get("name"))] = str(row.get("state") or "")
        if filesystem:
            of[str(row.get("name"))] = filesystem
    return FsMap(frozenset(filter(None, names)), states, of)


def rows_of(data: Mapping[str, Any]) -> Iterator[Tuple[Dict[str, Any], str]]:
    """Yield the rows of all metadata servers, with the file system that each belongs to, if any."""
    standbys: List[Dict[str, Any]] = list(data.get("standbys") or ())
    for row in standbys:
        yield {"state": _STANDS_BY, **row}, ""
    for filesystem in data.get("filesystems") or ():
        for row in ((filesystem.get("mdsmap") or {}).get("info") or {}).values():
            yield row, _name(filesystem)


def _name(filesystem: Mapping[str, Any]) -> str:
    return str((filesystem.get("mdsmap") or {}).get("fs_name") or "")
