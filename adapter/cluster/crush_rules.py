"""How many OSDs CRUSH rules find, whichever way they choose. Pure functions.

Source: `osd crush dump` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.osd_map import read_json
from adapter.errors import some_of

OSD = "osd"
_CHOOSE = ("choose_firstn", "choose_indep")
_CHOOSE_LEAF = ("chooseleaf_firstn", "chooseleaf_indep")
# Tries another bucket where one has nothing to give, which the steps above do not.
_CHOOSE_AGAIN = ("choosemsr",)
_NAMED = 8
Chosen = Callable[[int], bool]


@dataclass(frozen=True)
class Step:
    """One step of a rule: choose ``num`` of a type (0 and less: that many less than the size)."""

    op: str
    num: int = 0
    kind: str = ""


@dataclass(frozen=True)
class Part:
    """What a rule does from one bucket on, until it emits."""

    bucket: int
    steps: Tuple[Step, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A rule; ``strange`` is a step of it that is not known here, or nothing."""

    number: int
    name: str
    parts: Tuple[Part, ...] = ()
    strange: str = ""

    @property
    def domain(self) -> str:
        """Return the type of bucket of which each has one copy at most; empty if not so simple."""
        kinds = {
            part.steps[0].kind if len(part.steps) == 1 and _takes_leaf(part.steps[0]) else ""
            for part in self.parts
        }
        return kinds.pop() if len(kinds) == 1 else ""


@dataclass(frozen=True)
class Bucket:
    """A bucket: its type, and what is in it, each with its weight."""

    name: str
    kind: str
    items: Tuple[Tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Usable:
    """Which OSDs count.

    ``weighted`` are those that CRUSH may choose, ``able`` those of them that take data: they are up
    and in.
    """

    weighted: Chosen
    able: Chosen


@dataclass(frozen=True)
class CrushMap:
    """Buckets by number and rules by number."""

    buckets: Mapping[int, Bucket] = field(default_factory=dict)
    rules: Mapping[int, Rule] = field(default_factory=dict)

    def osds_below(self, number: int) -> Iterator[int]:
        """Return the OSDs with a weight in a bucket, or the OSD itself."""
        yield from self.of_type(number, OSD)

    def places(self, rule: Rule, size: int, usable: Usable) -> int:
        """Return how many OSDs a rule finds at least for a placement group, ``size`` at most."""
        found = sum(self._least(part.bucket, part.steps, size, usable) for part in rule.parts)
        return min(found, size)

    def domains(self, rule: Rule, usable: Usable) -> List[str]:
        """Return the names of the failure domains that a simple rule can choose from."""
        kind = rule.domain
        return sorted(
            f"osd.{each}" if each >= 0 else self.buckets[each].name
            for part in rule.parts
            for each in self.of_type(part.bucket, kind)
            if kind and self._has(each, usable.able)
        )

    def domain_osds(self, rule: Rule, usable: Usable) -> List[List[int]]:
        """Return the OSDs that take data, by failure domain; each by itself if not so simple."""
        kind = rule.domain or OSD
        found = [
            [osd for osd in self.osds_below(each) if usable.able(osd)]
            for part in rule.parts
            for each in self.of_type(part.bucket, kind)
        ]
        return [each for each in found if each]

    def _least(self, bucket: int, steps: Sequence[Step], size: int, usable: Usable) -> int:
        """Return how many OSDs come of steps in a bucket if the worst buckets are chosen."""
        if not steps:
            return int(bucket >= 0 and usable.able(bucket))
        step, rest = steps[0], steps[1:]
        number = step.num if step.num > 0 else max(0, size + step.num)
        if _takes_leaf(step):
            fitting = [each for each in self.of_type(bucket, step.kind) if each != bucket]
            return min(number, sum(self._has(each, usable.able) for each in fitting))
        chosen = [
            self._least(each, rest, size, usable)
            for each in self.of_type(bucket, step.kind)
            if each != bucket and self._has(each, usable.weighted)
        ]
        chosen.sort(reverse=step.op in _CHOOSE_AGAIN)
        if step.op == "choose_indep":
            # Each has its positions, and what it lacks there the others do not fill.
            number = min(number, math.ceil(size / _width(rest, size)))
        return sum(chosen[:number])

    def _has(self, number: int, chosen: Chosen) -> bool:
        return any(chosen(each) for each in self.osds_below(number))

    def of_type(self, number: int, kind: str) -> Iterator[int]:
        """Return what is of a type in a bucket, however deep, where it has a weight.

        A bucket that is in itself, which a broken map may have, is looked into once.
        """
        waiting, seen = [number], set()
        while waiting:
            each = waiting.pop()
            if each in seen:
                continue
            seen.add(each)
            bucket = self.buckets.get(each)
            if (OSD if each >= 0 else bucket.kind if bucket else "") == kind:
                yield each
            elif bucket is not None:
                waiting += [item for item, weight in bucket.items if weight > 0]


def named(names: Sequence[str]) -> str:
    """Return some names in brackets, nothing where there are none."""
    return f" ({some_of(names, _NAMED)})" if names else ""


def read_crush(text: str) -> CrushMap:
    """Return the map from `osd crush dump`; raises ``NotReady``."""
    data = read_json(text, "osd crush dump")
    buckets = {int(row["id"]): _bucket(row) for row in data.get("buckets") or ()}
    rules = [_rule(row) for row in data.get("rules") or ()]
    return CrushMap(buckets, {rule.number: rule for rule in rules})


def _bucket(row: Mapping[str, Any]) -> Bucket:
    items = tuple((int(each["id"]), float(each["weight"])) for each in row.get("items") or ())
    return Bucket(str(row.get("name")), str(row.get("type_name")), items)


def _rule(row: Mapping[str, Any]) -> Rule:
    parts: List[Part] = []
    strange, bucket = "", None
    steps: List[Step] = []
    for each in row.get("steps") or ():
        op = str(each.get("op"))
        if op == "take":
            bucket, steps = int(each["item"]), []
        elif op == "emit":
            parts += _part(bucket, steps)
            bucket, steps = None, []
        elif op in (*_CHOOSE, *_CHOOSE_LEAF, *_CHOOSE_AGAIN):
            steps.append(Step(op, int(each.get("num") or 0), str(each.get("type"))))
        elif not op.startswith("set_"):
            strange = op
    return Rule(int(row["rule_id"]), str(row.get("rule_name")), tuple(parts), strange)


def _part(bucket: Optional[int], steps: Sequence[Step]) -> List[Part]:
    return [] if bucket is None else [Part(bucket, tuple(steps))]


def _width(steps: Sequence[Step], size: int) -> int:
    """Return how many OSDs steps would choose in one bucket."""
    return math.prod(max(1, step.num if step.num > 0 else size + step.num) for step in steps)


def _takes_leaf(step: Step) -> bool:
    """Tell whether a step ends at OSDs, one for each bucket that it chooses."""
    return step.op in _CHOOSE_LEAF or step.kind == OSD
