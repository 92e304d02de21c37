"""How long an upgrade takes by its plan, and in how few rounds the OSDs of large clusters go."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
import yaml

from adapter.cluster.crush_rules import Bucket, CrushMap, Part, Rule, Step
from adapter.cluster.packages import HostPackages
from adapter.cluster.pool_sizes import Pool
from adapter.cluster.report_packages import packages_part
from adapter.cluster.upgrade_offers import Seen
from adapter.cluster.upgrade_plan import Batch, Cluster, Daemon, Plan, make_plan
from adapter.cluster.upgrade_speed import Costs, seconds_of, words_of

CASES: List[Dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "upgrade_rounds.yml").read_text(encoding="utf-8")
)
OLD, NEW = "20.2.4", "20.2.5"


def simulated(case: Dict[str, Any]) -> Tuple[Cluster, Dict[int, Dict[str, str]]]:
    """Return a whole cluster of this shape, and of each OSD its rack and host by type."""
    numbers, ids = itertools.count(-2, -1), itertools.count()
    buckets: Dict[int, Bucket] = {}
    places: Dict[int, Dict[str, str]] = {}
    roots: Dict[str, int] = {}
    for root, shape in case["roots"].items():
        racks = []
        for rack in range(shape["racks"]):
            count = shape["hosts"][rack] if isinstance(shape["hosts"], list) else shape["hosts"]
            inside = []
            for host in range(count):
                name = f"{root}-r{rack}-h{host}"
                own = [next(ids) for _ in range(shape["osds"])]
                places.update({osd: {"rack": f"{root}-r{rack}", "host": name} for osd in own})
                inside.append((next(numbers), 1.0))
                buckets[inside[-1][0]] = Bucket(name, "host", tuple((osd, 1.0) for osd in own))
            racks.append((next(numbers), 1.0))
            buckets[racks[-1][0]] = Bucket(f"{root}-r{rack}", "rack", tuple(inside))
        roots[root] = next(numbers)
        buckets[roots[root]] = Bucket(root, "root", tuple(racks))
    rules, pools = {}, []
    for at, (size, least, root, domain) in enumerate(case["pools"]):
        steps = (Step("chooseleaf_firstn", 0, domain),)
        rules[at] = Rule(at, f"{root} {domain}", (Part(roots[root], steps),))
        pools.append(Pool(f"p{at}", size, least, at))
    hosts = sorted({each["host"] for each in places.values()})
    daemons = [Daemon("osd", str(osd), each["host"], OLD) for osd, each in places.items()]
    daemons += [Daemon("mon", h, h, OLD, first=h == hosts[0]) for h in hosts[:5]]
    daemons += [Daemon("mgr", h, h, OLD, first=h == hosts[0]) for h in hosts[:2]]
    part = {"installed": {"ceph-osd": OLD}, "offered": {"ceph-osd": [NEW]}, "lists_read": 1}
    seen = Seen(HostPackages.of(packages_part(part)), 1.0)
    return (
        Cluster(tuple(daemons), dict.fromkeys(hosts, seen), CrushMap(buckets, rules), tuple(pools)),
        places,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_no_batch_breaks_min_size_and_rounds_are_few(case: Dict[str, Any]) -> None:
    cluster, places = simulated(case)
    began = time.process_time()
    plan = make_plan(cluster, NEW)
    assert time.process_time() - began < 10
    assert plan.refusals == ()
    rounds = [[int(n[4:]) for n in b.daemons] for b in plan.batches if b.kind == "osd"]
    assert sorted(itertools.chain(*rounds)) == sorted(places)
    assert len(rounds) <= 1.2 * case["best"]
    for size, least, root, domain in case["pools"]:
        for batch in rounds:
            mine = [places[osd] for osd in batch if places[osd]["rack"].startswith(f"{root}-")]
            # A placement group has one copy in a domain.
            assert min(size, len({each[domain] for each in mine})) <= size - least


def test_the_time_is_that_of_steps_that_follow_each_other() -> None:
    plan = Plan(
        "20.2.5",
        (
            Batch("mgr", ("mgr.b", "crash.h2"), ("h2",)),
            Batch("mgr", ("mgr.a",), (), "mgr.a"),
            Batch("osd", ("osd.0", "osd.1", "osd.2"), ("h3", "h4")),
            Batch("crash", ("crash.h5",), ("h5",)),
        ),
    )
    costs = Costs(job=1, packages=100, hand_over=7, restart={"mgr": 5, "osd": 20}, other=3)
    # Hosts of a batch change their packages together.
    assert seconds_of(plan, costs) == (1 + 100 + 5) + (7 + 1 + 5) + (1 + 100 + 1 + 20) + (
        1 + 100 + 3
    )
    assert seconds_of(Plan("20.2.5"), costs) == 0


def test_a_hundred_hosts_go_by_racks_and_not_one_by_one() -> None:
    by_rack, _ = simulated(CASES[0])
    by_host, _ = simulated(CASES[1])
    fast, slow = (seconds_of(make_plan(each, NEW)) for each in (by_rack, by_host))
    assert fast < 40 * 60
    assert slow < 8 * 3600
    assert fast < slow / 5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, ""),
        (40, "about a minute"),
        (61, "about 2 minutes"),
        (3500, "about 59 minutes"),
        (3600, "about 60 minutes"),
        (7300, "about 2.1 hours"),
        (36000, "about 10 hours"),
    ],
)
def test_it_is_said_in_words(seconds: float, words: str) -> None:
    assert words_of(seconds) == words
