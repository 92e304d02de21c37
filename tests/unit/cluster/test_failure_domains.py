"""Whether OSDs can be drained: many shapes of CRUSH, rules and pools, and the room that is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

import pytest
import yaml

from adapter.cluster.crush_rules import Usable, read_crush
from adapter.cluster.failure_domains import (
    KIB,
    Placements,
    obstacles,
    read_ratios,
    read_usage,
)
from adapter.cluster.pool_sizes import read_pools
from adapter.errors import NotReady

CASES = yaml.safe_load(Path(__file__).with_name("failure_domains.yml").read_text(encoding="utf-8"))
KINDS = {"d": "datacenter", "r": "rack", "h": "host"}
GIB = KIB * KIB
HOSTS = ["take default", "chooseleaf firstn 0 host", "emit"]


class Crush:
    """Make the answer of `osd crush dump` of a tree."""

    def __init__(self, tree: Mapping[str, Any], weightless: List[int]) -> None:
        self.rows: List[Dict[str, Any]] = []
        self._weightless = weightless
        for name, inside in tree.items():
            self.add(name, "root", inside)

    def add(
        self, name: str, kind: str, inside: Any, only: Optional[List[int]] = None, end: str = ""
    ) -> Dict[str, Any]:
        items: List[Dict[str, Any]] = []
        if isinstance(inside, list):
            chosen = [each for each in inside if only is None or each in only]
            items = [
                {"id": each, "weight": 0 if each in self._weightless else 65536} for each in chosen
            ]
        else:
            for below, more in inside.items():
                row = self.add(below, KINDS[below[0]], more, only, end)
                items.append({"id": row["id"], "weight": row["weight"]})
        row = {
            "id": -1 - len(self.rows),
            "name": name + end,
            "type_name": kind,
            "weight": sum(each["weight"] for each in items),
            "items": items,
        }
        self.rows.append(row)
        return row

    def number(self, name: str) -> int:
        return int(next(row["id"] for row in self.rows if row["name"] == name))


def steps_of(crush: Crush, texts: List[str]) -> List[Dict[str, Any]]:
    steps: List[Dict[str, Any]] = []
    for text in texts:
        words = text.split()
        if words[0] == "take":
            steps.append({"op": "take", "item": crush.number(words[1]), "item_name": words[1]})
        elif len(words) == 4:
            steps.append({"op": "_".join(words[:2]), "num": int(words[2]), "type": words[3]})
        elif len(words) == 3:
            steps.append({"op": words[0], "num": int(words[1]), "type": words[2]})
        else:
            steps.append({"op": words[0], **({"num": int(words[1])} if words[1:] else {})})
    return steps


def placements_of(case: Mapping[str, Any]) -> Placements:
    crush = Crush(case["tree"], case.get("weightless", []))
    for name, only in case.get("class", {}).items():
        for root, inside in case["tree"].items():
            crush.add(root, "root", inside, only, f"~{name}")
    rule = {"rule_id": 7, "rule_name": "rule", "steps": steps_of(crush, case.get("rule", HOSTS))}
    size = case.get("size", 3)
    pool = {
        "pool": 1,
        "pool_name": "data",
        "size": size,
        "min_size": case.get("min_size", max(1, size - 1)),
        "crush_rule": 7,
    }
    osds = sorted({each["id"] for row in crush.rows for each in row["items"] if each["id"] >= 0})
    usage = [
        {
            "id": osd,
            "kb": case.get("sizes", {}).get(osd, case.get("gib", 100)) * GIB,
            "kb_used": case.get("held", {}).get(osd, case.get("used", 0)) * GIB + KIB,
            "kb_used_data": case.get("held", {}).get(osd, case.get("used", 0)) * GIB,
            "kb_used_omap": 0,
        }
        for osd in osds
    ]
    dump = json.dumps({"pools": [pool]})
    nearfull, full = read_ratios(dump)
    return Placements(
        crush=read_crush(json.dumps({"buckets": crush.rows, "rules": [rule]})),
        pools=tuple(read_pools(dump).values()),
        usage=read_usage(json.dumps({"nodes": usage})),
        able=[osd for osd in osds if osd not in case.get("down", [])],
        leaving=case.get("leaving", []),
        nearfull=nearfull,
        full=full,
    )


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_whether_a_drain_can_end(case: Mapping[str, Any]) -> None:
    placements = placements_of(case)
    gone = {*case["drain"], *placements.leaving}
    usable = Usable(
        weighted=lambda osd: osd not in gone,
        able=lambda osd: osd in placements.able and osd not in gone,
    )
    found = placements.crush.places(placements.crush.rules[7], case.get("size", 3), usable)
    assert found == case["places"]
    said = obstacles(placements, case["drain"])
    text = "; ".join(each.reason for each in said)
    wanted = case.get("refused", [])
    assert bool(said) == bool(wanted), text
    for words in wanted:
        assert words in text
    assert any(each.final for each in said) == case.get("final", False)


def test_a_pool_whose_rule_nobody_knows() -> None:
    case = CASES[0]
    placements = placements_of({**case, "size": 1})
    strange = Placements(
        crush=read_crush(json.dumps({"buckets": [], "rules": []})), pools=placements.pools
    )
    (obstacle,) = obstacles(strange, [4])
    assert "no rule that is known" in obstacle.reason
    assert not obstacle.final


def test_a_bucket_that_is_in_itself_ends_the_count() -> None:
    rows = [
        {"id": -1, "name": "default", "type_name": "root", "items": [{"id": -2, "weight": 1}]},
        {"id": -2, "name": "r1", "type_name": "rack", "items": [{"id": -1, "weight": 1}]},
    ]
    crush = read_crush(json.dumps({"buckets": rows}))
    assert list(crush.osds_below(-1)) == []


@pytest.mark.parametrize("read", [read_crush, read_ratios, read_usage])
def test_an_answer_that_is_none(read: Any) -> None:
    with pytest.raises(NotReady, match="is not JSON"):
        read("osd: none")


def test_ratios_of_the_cluster_are_used() -> None:
    dump = json.dumps({"nearfull_ratio": 0.5, "full_ratio": 0.6})
    assert read_ratios(dump) == (0.5, 0.6)


def test_what_an_older_osd_df_says_of_used_space_counts_as_data() -> None:
    usage = read_usage(json.dumps({"nodes": [{"id": 3, "kb": 10, "kb_used": 4}, {"id": -1}]}))
    assert {osd: (each.total, each.data) for osd, each in usage.items()} == {3: (10, 4)}
