"""How many copies pools have and need, and which would have too few. Pure functions.

Sources: `osd dump` and `pg dump` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, Iterable, List, Mapping

from adapter.cluster.osd_map import read_json


@dataclass(frozen=True)
class Pool:
    """A pool; with fewer copies than ``least`` (its ``min_size``) it takes no writes.

    ``rule`` is the number of its CRUSH rule.
    """

    name: str
    size: int
    least: int
    rule: int = 0


@dataclass(frozen=True)
class Shortage:
    """How many placement groups of a pool would have too few copies.

    ``short`` of them have fewer copies than the pool wants already.
    """

    pool: Pool
    pgs: int
    short: int

    def describe(self) -> str:
        """Return e.g. ``pool data (size 2, min_size 2): 8 placement groups``."""
        groups = "1 placement group" if self.pgs == 1 else f"{self.pgs} placement groups"
        more = f", {self.short} of them degraded already" if self.short else ""
        pool = self.pool
        return f"pool {pool.name} (size {pool.size}, min_size {pool.least}): {groups}{more}"


def read_pools(dump: str) -> Dict[int, Pool]:
    """Return the pools by their ids, from `osd dump`; raises ``NotReady``."""
    rows = read_json(dump, "osd dump").get("pools") or ()
    return {
        int(row["pool"]): Pool(
            str(row["pool_name"]),
            int(row.get("size") or 0),
            int(row.get("min_size") or 0),
            int(row.get("crush_rule") or 0),
        )
        for row in rows
    }


def shortages(
    rows: Iterable[Mapping[str, Any]],
    pools: Mapping[int, Pool],
    stopping: Collection[int],
    up: Collection[int],
) -> List[Shortage]:
    """Return by pool how many placement groups would have too few copies.

    ``rows`` are of `pg dump`, ``stopping`` the OSDs that are to stop, ``up`` those that are up.
    """
    alive, gone = set(up), set(stopping)
    found: Dict[int, List[bool]] = {}
    for row in rows:
        number = str(row.get("pgid") or "").partition(".")[0]
        pool = pools.get(int(number)) if number.isdigit() else None
        acting = alive.intersection(row.get("acting") or ())
        if pool is not None and acting & gone and len(acting - gone) < pool.least:
            found.setdefault(int(number), []).append(len(acting) < pool.size)
    return [
        Shortage(pools[number], len(short), sum(short)) for number, short in sorted(found.items())
    ]
