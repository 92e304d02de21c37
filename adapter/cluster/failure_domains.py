"""Whether the data of OSDs that leave has a place elsewhere. Pure functions.

A pool of size 3 over hosts needs three hosts: where two remain its data never moves, nothing
recovers, and no warning of Ceph's says so. So it is counted before the first OSD drains.

Source: `osd dump`, `osd df` and `osd crush dump` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, List, Mapping, Sequence, Tuple

from adapter.cluster.crush_rules import CrushMap, Rule, Usable, named
from adapter.cluster.osd_map import read_json
from adapter.cluster.pool_sizes import Pool

NEARFULL, FULL = 0.85, 0.95
KIB = 1024


@dataclass(frozen=True)
class Usage:
    """What an OSD holds, in KiB: in all, used, and of this what moves with its data."""

    total: int = 0
    used: int = 0
    data: int = 0

    def room(self, ratio: float) -> float:
        """Return how much data it takes in all until so much of it is used."""
        return max(0.0, self.total * ratio - (self.used - self.data))


@dataclass(frozen=True)
class Placements:
    """Where data may be. ``able`` are the OSDs that are up and in, and do not leave already.

    ``leaving`` are those that do; nothing is moved to them.
    """

    crush: CrushMap = field(default_factory=CrushMap)
    pools: Tuple[Pool, ...] = ()
    usage: Mapping[int, Usage] = field(default_factory=dict)
    able: Collection[int] = ()
    leaving: Collection[int] = ()
    nearfull: float = NEARFULL
    full: float = FULL


@dataclass(frozen=True)
class Obstacle:
    """Why the data of OSDs cannot all move away; ``final`` where no force is to help."""

    reason: str
    final: bool = False


class Places:
    """How many OSDs rules find now, and when some are gone; each rule and size is counted once."""

    def __init__(self, placements: Placements, going: Collection[int]) -> None:
        self._crush = placements.crush
        self.now = _usable(placements, ())
        self.then = _usable(placements, going)
        self._found: Dict[Tuple[int, int], Tuple[int, int]] = {}

    def of(self, rule: Rule, size: int) -> Tuple[int, int]:
        """Return how many OSDs a rule finds, of ``size``: now, and then."""
        key = (rule.number, size)
        if key not in self._found:
            now, then = (self._crush.places(rule, size, each) for each in (self.now, self.then))
            self._found[key] = (now, then)
        return self._found[key]


def obstacles(placements: Placements, osd_ids: Collection[int]) -> List[Obstacle]:
    """Return what keeps OSDs from being drained: by pool the places, by rule the room.

    What these OSDs do not take away is no obstacle: a pool that lacks places already, and loses
    none, moves as far as it can.
    """
    going = {*osd_ids} - {*placements.leaving}
    if not going:
        return []
    places = Places(placements, going)
    found = [each for pool in placements.pools for each in _lacks(placements, pool, places)]
    rules: Dict[int, List[Pool]] = {}
    for pool in placements.pools:
        rules.setdefault(pool.rule, []).append(pool)
    for number, pools in sorted(rules.items()):
        rule = placements.crush.rules.get(number)
        if rule is not None and not rule.strange:
            found += _room(placements, rule, pools, going)
    return found


def _usable(placements: Placements, without: Collection[int]) -> Usable:
    gone = {*placements.leaving, *without}
    able = {*placements.able} - gone
    return Usable(weighted=lambda osd: osd not in gone, able=lambda osd: osd in able)


def _lacks(placements: Placements, pool: Pool, places: Places) -> List[Obstacle]:
    """Return whether a pool would have too few places."""
    rule = placements.crush.rules.get(pool.rule)
    if rule is None or rule.strange:
        what = f"the step {rule.strange!r}" if rule is not None else "no rule that is known"
        return [
            Obstacle(
                f"pool {pool.name}: its CRUSH rule has {what}, so its places cannot be counted"
            )
        ]
    before, after = places.of(rule, pool.size)
    if after >= min(pool.size, before):
        return []
    kind = rule.domain or "OSD"
    names = named(placements.crush.domains(rule, places.then))
    reason = (
        f"pool {pool.name} has size {pool.size} and needs as many of type {kind} "
        f"(CRUSH rule {rule.name}): {after} would remain{names}"
    )
    if after < pool.least:
        return [Obstacle(f"{reason}, less than its min_size {pool.least}", final=True)]
    return [Obstacle(reason)]


def _room(
    placements: Placements, rule: Rule, pools: Sequence[Pool], going: Collection[int]
) -> List[Obstacle]:
    """Return whether the OSDs that remain would be full."""
    crush, usage = placements.crush, placements.usage
    below = {osd for part in rule.parts for osd in crush.osds_below(part.bucket)}
    moved = sum(usage.get(osd, Usage()).data for osd in below & {*going})
    domains = crush.domain_osds(rule, _usable(placements, going))
    if not moved or not domains:
        return []
    stay = {osd for osds in domains for osd in osds}
    held = moved + sum(usage.get(osd, Usage()).data for osd in stay)
    # A failure domain has one copy of each placement group: it takes no more than such a part.
    most = held / min(len(domains), *(max(1, pool.size) for pool in pools))

    def fits(ratio: float) -> bool:
        room = [sum(usage.get(osd, Usage()).room(ratio) for osd in osds) for osds in domains]
        return sum(min(each, most) for each in room) >= held

    if fits(placements.nearfull):
        return []
    names = ", ".join(sorted(pool.name for pool in pools))
    noun = "pools" if len(pools) > 1 else "pool"
    total = sum(usage.get(osd, Usage()).total for osd in stay)
    reason = (
        f"{noun} {names} (CRUSH rule {rule.name}): {_size(held)} would have to fit on OSDs of "
        f"{_size(total)} in all, which would be over the nearfull ratio {placements.nearfull:g}"
    )
    if not fits(placements.full):
        return [Obstacle(f"{reason} and over the full ratio {placements.full:g}", final=True)]
    return [Obstacle(reason)]


def _size(kib: float) -> str:
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        if kib < 10 * KIB or unit == "TiB":
            break
        kib /= KIB
    return f"{kib:.0f} {unit}"


def read_ratios(dump: str) -> Tuple[float, float]:
    """Return the nearfull and the full ratio from `osd dump`; raises ``NotReady``."""
    data = read_json(dump, "osd dump")
    return float(data.get("nearfull_ratio") or NEARFULL), float(data.get("full_ratio") or FULL)


def read_usage(df: str) -> Dict[int, Usage]:
    """Return what OSDs hold, from `osd df`; raises ``NotReady``."""
    rows = read_json(df, "osd df").get("nodes") or ()
    return {int(row["id"]): _usage(row) for row in rows if int(row["id"]) >= 0}


def _usage(row: Mapping[str, Any]) -> Usage:
    total, used = int(row.get("kb") or 0), int(row.get("kb_used") or 0)
    if "kb_used_data" not in row:
        return Usage(total, used, used)
    data = int(row.get("kb_used_data") or 0) + int(row.get("kb_used_omap") or 0)
    return Usage(total, used, min(used, data))
