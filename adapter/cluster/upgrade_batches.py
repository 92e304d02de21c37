"""Which OSDs can be restarted together with no placement group losing its min_size. Pure functions.

A CRUSH rule bounds how many copies of a placement group some OSDs can have: one for each failure
domain that they are in, and no more than the rule takes from the buckets above. What is safe by
this bound is safe wherever the data is. What the monitors allow is asked when it is done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Collection, Dict, FrozenSet, Iterable, List, Mapping, Sequence, Set, Tuple

from adapter.cluster.crush_rules import OSD, CrushMap, Rule, Step
from adapter.cluster.pool_sizes import Pool

_ENDS = ("chooseleaf_firstn", "chooseleaf_indep")


@dataclass(frozen=True)
class Guarded:
    """A rule with how many copies the pools that use it can miss; ``pools`` are their names."""

    rule: Rule
    size: int
    spare: int
    pools: Tuple[str, ...]


def guards(crush: CrushMap, pools: Iterable[Pool]) -> List[Guarded]:
    """Return what protects pools: for each rule and size the least that can be missed.

    A pool whose rule is not known is left out; ``unknown`` names them.
    """
    found: Dict[Tuple[int, int, int], List[str]] = {}
    for pool in pools:
        if pool.rule in crush.rules and not crush.rules[pool.rule].strange:
            key = (pool.rule, pool.size, pool.size - max(pool.least, 1))
            found.setdefault(key, []).append(pool.name)
    return [
        Guarded(crush.rules[number], size, spare, tuple(sorted(names)))
        for (number, size, spare), names in sorted(found.items())
    ]


def unknown(crush: CrushMap, pools: Iterable[Pool]) -> List[str]:
    """Return the pools of which nobody can say where their data is by the rule."""
    strange = (each for each in pools if each.rule not in crush.rules)
    more = (each for each in pools if each.rule in crush.rules and crush.rules[each.rule].strange)
    return sorted(pool.name for pool in (*strange, *more))


class Losses:
    """How many copies of one placement group OSDs can have at most, by rule.

    Buckets are looked through once; an answer costs as much as there are OSDs that it is about.
    """

    def __init__(self, crush: CrushMap) -> None:
        self._crush = crush
        self._places: Dict[Tuple[int, str], Mapping[int, int]] = {}

    def most(self, guarded: Guarded, stopped: Collection[int]) -> int:
        """Return how many of a placement group's copies these OSDs have in the worst case."""
        parts = guarded.rule.parts
        found = sum(self._worst(each.bucket, each.steps, guarded.size, stopped) for each in parts)
        return min(found, guarded.size)

    def _worst(
        self, bucket: int, steps: Sequence[Step], size: int, stopped: Collection[int]
    ) -> int:
        if not steps:
            # The last step has chosen an OSD.
            return int(bucket in stopped)
        step, rest = steps[0], steps[1:]
        number = step.num if step.num > 0 else max(0, size + step.num)
        places = self._places_of(bucket, step.kind)
        hit: Dict[int, List[int]] = {}
        for osd in stopped:
            if osd in places:
                hit.setdefault(places[osd], []).append(osd)
        if step.op in _ENDS or step.kind == OSD:
            return min(number, len(hit))
        worst = sorted(
            (self._worst(at, rest, size, osds) for at, osds in hit.items()), reverse=True
        )
        return sum(worst[:number])

    def _places_of(self, bucket: int, kind: str) -> Mapping[int, int]:
        """Return in which bucket of a type each OSD of a bucket is."""
        key = (bucket, kind)
        if key not in self._places:
            crush = self._crush
            inner = [each for each in crush.of_type(bucket, kind) if each != bucket]
            self._places[key] = {osd: each for each in inner for osd in crush.osds_below(each)}
        return self._places[key]


@dataclass(frozen=True)
class OsdBatch:
    """OSDs that are restarted together, by host."""

    osds: Mapping[str, Tuple[int, ...]]

    @property
    def ids(self) -> FrozenSet[int]:
        """Return the OSDs of all hosts."""
        return frozenset(osd for each in self.osds.values() for osd in each)


def osd_batches(
    crush: CrushMap,
    pools: Sequence[Pool],
    by_host: Mapping[str, Sequence[int]],
    down: Collection[int] = (),
) -> Tuple[List[OsdBatch], List[str]]:
    """Return in which batches the OSDs of hosts are restarted, and what forbids it.

    Hosts go together as far as every pool keeps its ``min_size`` whatever placement groups they
    have, with ``down`` the OSDs that are down and in already. The OSDs of a host are divided only
    where they cannot go together. Where not even one can, the sentences name it and the pools.
    """
    losses, guarded, gone = Losses(crush), guards(crush, pools), frozenset(down)
    order = _order(crush)
    units: List[Tuple[str, Tuple[int, ...]]] = []
    refused: Dict[str, Set[int]] = {}
    for host, osds in by_host.items():
        if not _lost(losses, guarded, gone | {*osds}):
            units.append((host, tuple(sorted(osds))))
            continue
        for osd in sorted(osds):
            lost = _lost(losses, guarded, gone | {osd})
            for pool in lost:
                refused.setdefault(pool, set()).add(osd)
            if not lost:
                units.append((host, (osd,)))
    units.sort(key=lambda unit: (min(order.get(osd, math.inf) for osd in unit[1]), unit))
    return _packed(losses, guarded, units, gone), _sentences(refused, pools)


def _packed(
    losses: Losses,
    guarded: Sequence[Guarded],
    units: Sequence[Tuple[str, Tuple[int, ...]]],
    gone: FrozenSet[int],
) -> List[OsdBatch]:
    """Fill one batch after the other; units that are near each other in CRUSH come together."""
    batches: List[OsdBatch] = []
    left = list(units)
    while left:
        taken, later = gone, []
        found: Dict[str, Tuple[int, ...]] = {}
        for host, osds in left:
            if _lost(losses, guarded, taken | {*osds}):
                later.append((host, osds))
                continue
            taken = taken | {*osds}
            found[host] = (*found.get(host, ()), *osds)
        batches.append(OsdBatch(found))
        left = later
    return batches


def _lost(losses: Losses, guarded: Sequence[Guarded], stopped: FrozenSet[int]) -> List[str]:
    """Return the pools that could lose their ``min_size``."""
    return [
        pool
        for each in guarded
        if losses.most(each, stopped) > max(each.spare, 0)
        for pool in each.pools
    ]


def _order(crush: CrushMap) -> Dict[int, int]:
    """Return the place of each OSD as the trees have them: what is in one bucket is together."""
    inner = {item for bucket in crush.buckets.values() for item, _ in bucket.items}
    found: Dict[int, int] = {}
    waiting = sorted(each for each in crush.buckets if each not in inner)
    seen: Set[int] = set()
    while waiting:
        each = waiting.pop()
        if each >= 0:
            found.setdefault(each, len(found))
        elif each in crush.buckets and each not in seen:
            seen.add(each)
            waiting += [item for item, _ in reversed(crush.buckets[each].items)]
    return found


def _sentences(refused: Mapping[str, Set[int]], pools: Sequence[Pool]) -> List[str]:
    sizes = {pool.name: pool for pool in pools}
    return [
        f"pool {name} (size {sizes[name].size}, min_size {sizes[name].least}) would not be "
        f"available while {'an OSD' if len(osds) > 1 else f'osd.{min(osds)}'} is restarted"
        for name, osds in sorted(refused.items())
    ]
