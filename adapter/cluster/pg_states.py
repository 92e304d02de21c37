"""How placement groups are, by the words of their states. Pure functions.

Source: `pg dump` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, FrozenSet, Iterable, Mapping, Tuple

# What a placement group may be beside active and clean while each of its copies is whole and there.
_AT_WORK = frozenset(
    ("active", "clean", "scrubbing", "deep", "snaptrim", "snaptrim_wait", "premerge")
)
_WHOLE = frozenset(("active", "clean"))
# Stands for an OSD where CRUSH finds none (CRUSH_ITEM_NONE).
NOBODY = 0x7FFFFFFF


def is_whole(state: object) -> bool:
    """Tell whether all copies of a placement group in a state are there and answer.

    A group that is ``stale+active+clean`` was so when its OSDs were heard of last; where any other
    word stands beside the two, something is missing or in doubt.
    """
    words = frozenset(str(state).split("+"))
    return _WHOLE <= words <= _AT_WORK


def is_complete(state: object) -> bool:
    """Tell whether a placement group in a state serves all of its data."""
    return is_served(state) and "unfound" not in str(state)


def is_inconsistent(state: object) -> bool:
    """Tell whether scrubs found that copies of a placement group in a state differ."""
    return "inconsistent" in str(state).split("+")


def unknown_pgs(rows: Collection[Mapping[str, Any]], count: int) -> int:
    """Return of how many placement groups, of ``count``, nobody has said yet how they are.

    A manager that has just begun lists all as unknown, or none at all.
    """
    known = sum(str(row.get("state") or "unknown") != "unknown" for row in rows)
    return max(0, count - known, len(rows) - known)


def doubt(inconsistent: int, where: str = "on it ") -> str:
    """Return what speaks against removing an OSD while so many placement groups differ."""
    if not inconsistent:
        return ""
    groups = f"{inconsistent} placement groups {where}are"
    if inconsistent == 1:
        groups = f"1 placement group {where}is"
    return (
        f"{groups} inconsistent, and the good copy may be this one. `ceph health detail` names "
        "them, `ceph pg repair PGID` repairs one"
    )


def is_served(state: object) -> bool:
    """Tell whether a placement group in a state takes reads and writes."""
    words = str(state).split("+")
    return "active" in words and "stale" not in words


def waited_for(
    rows: Iterable[Mapping[str, Any]], gone: Collection[int]
) -> Tuple[bool, FrozenSet[int]]:
    """Tell whether no placement group waits for others to take over from the OSDs ``gone``.

    One waits that does not serve, or counts on one of them. Returned as well are the other OSDs of
    such groups, which can say how these are now.
    """
    away, others, served = set(gone), set(), True
    for row in rows:
        acting = set(row.get("acting") or ())
        if not is_served(row.get("state")) or away & acting:
            served = False
            others |= acting | set(row.get("up") or ())
    return served, frozenset(others - away - {NOBODY})


def not_whole_on(rows: Iterable[Mapping[str, Any]]) -> FrozenSet[int]:
    """Return the OSDs of the placement groups of which a copy is missing or in doubt."""
    found = set()
    for row in rows:
        if not is_whole(row.get("state")):
            found |= {*(row.get("acting") or ()), *(row.get("up") or ())}
    return frozenset(found - {NOBODY})


@dataclass(frozen=True)
class Left:
    """The placement groups that are still on an OSD: how many in which state, of which pools."""

    count: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    pools: Tuple[str, ...] = ()

    @property
    def moves(self) -> bool:
        """Tell whether data is on its way, or waits for its turn."""
        words = ("backfilling", "backfill_wait", "recover", "peering", "activating")
        return any(word in state for state in self.states for word in words)

    def doubt(self) -> str:
        """Return what speaks against moving the data away: scrubs found copies that differ."""
        return doubt(sum(n for state, n in self.states.items() if is_inconsistent(state)))

    def describe(self) -> str:
        """Return e.g. ``3 PGs left: 2 active+remapped+backfilling, 1 active+clean``."""
        states = sorted(self.states.items(), key=lambda item: (-item[1], item[0]))
        listed = ", ".join(f"{number} {state}" for state, number in states[:4])
        text = "1 PG left" if self.count == 1 else f"{self.count} PGs left"
        return f"{text}: {listed}" if listed else text


def read_left(
    rows: Iterable[Mapping[str, Any]], osd_ids: Collection[int], names: Mapping[int, str]
) -> Dict[int, Left]:
    """Return the placement groups on OSDs, by OSD, from the statistics of all of them.

    ``names`` are the pools' by their ids.
    """
    states: Dict[int, Dict[str, int]] = {osd_id: {} for osd_id in osd_ids}
    pools: Dict[int, Dict[str, None]] = {osd_id: {} for osd_id in osd_ids}
    for row in rows:
        for osd_id in states.keys() & {*row.get("up", ()), *row.get("acting", ())}:
            state = str(row.get("state") or "unknown")
            states[osd_id][state] = states[osd_id].get(state, 0) + 1
            number = str(row.get("pgid") or "").partition(".")[0]
            if number.isdigit():
                pools[osd_id][names.get(int(number), number)] = None
    return {
        osd_id: Left(sum(found.values()), found, tuple(pools[osd_id]))
        for osd_id, found in states.items()
    }
