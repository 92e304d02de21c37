"""The order in which a cluster would be upgraded: safe, in few rounds, refused with names."""

from __future__ import annotations

import itertools
import math
import random
import time
from dataclasses import replace
from typing import Any, Dict, List, Sequence, Tuple

import pytest

from adapter.cluster.crush_rules import Bucket, CrushMap, Part, Rule, Step
from adapter.cluster.packages import HostPackages
from adapter.cluster.pool_sizes import Pool
from adapter.cluster.report_packages import packages_part
from adapter.cluster.upgrade_batches import Losses, guards, osd_batches
from adapter.cluster.upgrade_offers import Seen
from adapter.cluster.upgrade_plan import Cluster, Daemon, Plan, Scope, make_plan

OLD, NEW = "20.2.4+ds-2", "20.2.5+ds-1"


def tree(racks: int, hosts: int, osds: int) -> Tuple[CrushMap, Dict[str, List[int]]]:
    """Return a CRUSH map of racks of hosts with a rule for each domain, and the OSDs by host."""
    numbers, ids = itertools.count(-2, -1), itertools.count()
    buckets: Dict[int, Bucket] = {}
    by_host: Dict[str, List[int]] = {}
    top = []
    for rack in range(racks):
        inside = []
        for host in range(hosts):
            name, own = f"r{rack:02}h{host:02}", [next(ids) for _ in range(osds)]
            by_host[name] = own
            number = next(numbers)
            buckets[number] = Bucket(name, "host", tuple((osd, 1.0) for osd in own))
            inside.append((number, float(osds)))
        number = next(numbers)
        buckets[number] = Bucket(f"r{rack:02}", "rack", tuple(inside))
        top.append((number, float(osds * hosts)))
    buckets[-1] = Bucket("default", "root", tuple(top))
    kinds = ("rack", "host", "osd")
    rules = {
        at: Rule(at, kind, (Part(-1, (Step("chooseleaf_firstn", 0, kind),)),))
        for at, kind in enumerate(kinds)
    }
    two = (Step("choose_firstn", 2, "rack"), Step("chooseleaf_firstn", 2, "host"))
    rules[3] = Rule(3, "two racks", (Part(-1, two),))
    return CrushMap(buckets, rules), by_host


def places(crush: CrushMap, rule: Rule, size: int, seed: random.Random) -> List[int]:
    """Choose OSDs for a placement group as the rule says: whichever, each at random."""

    def osds(number: int) -> List[int]:
        return sorted(crush.osds_below(number))

    def choose(bucket: int, steps: Sequence[Step]) -> List[int]:
        if not steps:
            return [bucket]
        step, rest = steps[0], steps[1:]
        inner = [each for each in crush.of_type(bucket, step.kind) if each != bucket]
        count = min(step.num or size, len(inner))
        chosen = seed.sample(inner, count)
        if step.op.startswith("chooseleaf") or step.kind == "osd":
            return [seed.choice(osds(each)) for each in chosen]
        return [osd for each in chosen for osd in choose(each, rest)]

    return [osd for part in rule.parts for osd in choose(part.bucket, part.steps)][:size]


@pytest.mark.parametrize(
    ("pools", "rounds"),
    [
        ([Pool("p", 3, 2, 0)], 10),
        ([Pool("p", 4, 2, 0)], 5),
        ([Pool("p", 6, 5, 0)], 10),
        ([Pool("p", 3, 2, 0), Pool("q", 6, 4, 0)], 10),
        ([Pool("p", 3, 2, 1)], 100),
        ([Pool("p", 3, 1, 1)], 50),
        ([Pool("p", 4, 2, 3)], 10),
        ([], 1),
    ],
)
def test_a_thousand_osds_in_few_rounds(pools: List[Pool], rounds: int) -> None:
    crush, by_host = tree(10, 10, 10)
    began = time.process_time()
    batches, refusals = osd_batches(crush, pools, by_host)
    assert time.process_time() - began < 5
    assert refusals == []
    assert sorted(osd for batch in batches for osd in batch.ids) == list(range(1000))
    assert len(batches) <= 1.2 * rounds
    check_safe(crush, pools, [sorted(batch.ids) for batch in batches])


def check_safe(crush: CrushMap, pools: Sequence[Pool], batches: Sequence[Sequence[int]]) -> None:
    """Hold every batch against placement groups at random: each keeps its ``min_size``."""
    seed = random.Random(7)
    for pool in pools:
        rule = crush.rules[pool.rule]
        for _ in range(400):
            group = set(places(crush, rule, pool.size, seed))
            for batch in batches:
                assert len(group.difference(batch)) >= min(pool.least, len(group))


def test_trees_at_random_never_lose_min_size() -> None:
    seed = random.Random(11)
    for _ in range(40):
        crush, by_host = tree(seed.randint(3, 6), seed.randint(2, 4), seed.randint(1, 3))
        pools = [
            Pool(f"p{at}", size, seed.randint(1, size - 1), seed.randint(0, 2))
            for at in range(seed.randint(1, 3))
            for size in [seed.randint(2, 3)]
        ]
        batches, refusals = osd_batches(crush, pools, by_host)
        assert refusals == []
        check_safe(crush, pools, [sorted(batch.ids) for batch in batches])


def test_the_osds_of_a_host_are_divided_where_copies_may_be_on_one_host() -> None:
    crush, by_host = tree(1, 2, 3)
    batches, refusals = osd_batches(crush, [Pool("p", 2, 1, 2)], by_host)
    assert refusals == []
    assert [sorted(batch.ids) for batch in batches] == [[0], [1], [2], [3], [4], [5]]


def test_a_pool_that_can_miss_no_copy_is_refused() -> None:
    crush, by_host = tree(3, 1, 2)
    _, refusals = osd_batches(crush, [Pool("one", 1, 1, 0), Pool("all", 3, 3, 0)], by_host)
    assert refusals == [
        "pool all (size 3, min_size 3) would not be available while an OSD is restarted",
        "pool one (size 1, min_size 1) would not be available while an OSD is restarted",
    ]


def test_osds_that_are_down_already_count() -> None:
    crush, by_host = tree(3, 1, 2)
    rest = {host: osds for host, osds in by_host.items() if 0 not in osds}
    batches, refusals = osd_batches(crush, [Pool("p", 3, 2, 0)], rest, down=[0])
    assert batches == []
    assert "pool p" in refusals[0]


def test_the_bound_is_exact_for_rules_of_several_steps() -> None:
    crush, by_host = tree(3, 3, 2)
    (guarded,) = guards(crush, [Pool("p", 4, 2, 3)])
    losses = Losses(crush)
    rack = [osd for host, osds in by_host.items() if host.startswith("r00") for osd in osds]
    assert losses.most(guarded, frozenset(rack)) == 2
    assert losses.most(guarded, frozenset(range(18))) == 4
    assert losses.most(guarded, frozenset(by_host["r00h00"])) == 1


def seen(*offered: str, on_disk: str = OLD, **about: Any) -> Seen:
    part = {
        "installed": {"ceph-osd": on_disk},
        "offered": {"ceph-osd": list(offered)},
        "lists_read": 1,
    }
    return Seen(HostPackages.of(packages_part(part)), 1.0, **about)


def cluster() -> Cluster:
    """Return three hosts with everything."""
    crush, by_host = tree(3, 1, 2)
    names = dict(zip(by_host, ("h1", "h2", "h3")))
    daemons = [
        Daemon("osd", str(osd), names[host], "20.2.4", "osd.all")
        for host, osds in by_host.items()
        for osd in osds
    ]
    for host in names.values():
        daemons += [
            Daemon("mon", host, host, "20.2.4", "mon", first=host == "h1"),
            Daemon("crash", host, host, "20.2.4", "crash"),
        ]
    daemons += [
        Daemon("mgr", "h1", "h1", "20.2.4", "mgr", first=True),
        Daemon("mgr", "h2", "h2", "20.2.4", "mgr"),
        Daemon("mds", "a", "h1", "20.2.4", "mds.fs", first=True),
        Daemon("mds", "b", "h2", "20.2.4", "mds.fs"),
        Daemon("rgw", "x", "h3", "20.2.4", "rgw.web"),
        Daemon("rgw", "y", "h1", "20.2.4", "rgw.web"),
    ]
    hosts = {host: seen(NEW, OLD) for host in names.values()}
    pools = (Pool("data", 3, 2, 1),)
    return Cluster(tuple(daemons), hosts, crush, pools, {"require_osd_release": "tentacle"})


def shown(plan: Plan) -> List[str]:
    return [
        f"{', '.join(each.hosts)}: {', '.join(each.daemons)}"
        if each.hosts
        else ", ".join(each.daemons)
        for each in plan.batches
    ]


def test_the_order_is_that_of_kinds_and_who_leads_is_last() -> None:
    plan = make_plan(cluster(), "20.2.5")
    assert plan.refusals == ()
    assert shown(plan) == [
        "h2, h3: mgr.h2, crash.h2, crash.h3",
        "h1: mgr.h1, crash.h1",
        "mon.h2",
        "mon.h3",
        "mon.h1",
        "osd.0, osd.1",
        "osd.2, osd.3",
        "osd.4, osd.5",
        "mds.b",
        "mds.a",
        "rgw.x",
        "rgw.y",
    ]
    assert [each.hands_over for each in plan.batches if each.hands_over] == ["mgr.h1", "mds.a"]
    (note,) = plan.notes
    assert note.startswith("packages change before daemons are restarted on h1 (")


@pytest.mark.parametrize("scope", [Scope(limit=30), Scope(kinds=frozenset(["mgr"]))])
def test_packages_of_a_part_change_on_no_other_host(scope: Scope) -> None:
    assert shown(make_plan(cluster(), "20.2.5", scope))[:2] == [
        "h2: mgr.h2, crash.h2",
        "h1: mgr.h1, crash.h1",
    ]


def test_a_plan_goes_on_where_it_was_cut() -> None:
    whole = cluster()
    full = make_plan(whole, "20.2.5")
    for cut in range(len(full.batches)):
        done = {name for batch in full.batches[:cut] for name in batch.daemons}
        given = {host for batch in full.batches[:cut] for host in batch.hosts}
        daemons = tuple(
            replace(each, version="20.2.5") if each.name in done else each for each in whole.daemons
        )
        hosts = {
            name: seen(NEW, on_disk=NEW) if name in given else found
            for name, found in whole.hosts.items()
        }
        rest = make_plan(replace(whole, daemons=daemons, hosts=hosts), "20.2.5")
        assert rest.refusals == ()
        assert rest.batches == full.batches[cut:]


def all_at(version: str, *names: str) -> Cluster:
    """Return the cluster with these daemons at a version, all of them without names."""
    found = cluster()
    daemons = [
        replace(each, version=version) if not names or each.name in names else each
        for each in found.daemons
    ]
    return replace(found, daemons=tuple(daemons))


def with_packages(made: Cluster, **hosts: Seen) -> Cluster:
    return replace(made, hosts={**made.hosts, **hosts})


HALF = Seen(
    HostPackages.of(
        packages_part(
            {
                "installed": {"ceph-osd": NEW, "ceph-common": OLD},
                "offered": {"ceph-osd": [NEW], "ceph-common": [NEW]},
                "unfinished": {"ceph-osd": "unpacked"},
                "lists_read": 1,
            }
        )
    ),
    1.0,
)


@pytest.mark.parametrize(
    "scope",
    [Scope(), Scope(limit=30), Scope(hosts=frozenset({"h3"})), Scope(kinds=frozenset({"osd"}))],
)
def test_a_host_whose_daemons_run_the_target_gets_its_packages_all_the_same(scope: Scope) -> None:
    there = {host: seen(NEW, on_disk=NEW) for host in ("h1", "h2")}
    plan = make_plan(with_packages(all_at("20.2.5"), **there), "20.2.5", scope)
    assert [(each.kind, each.hosts, each.daemons) for each in plan.batches] == [
        ("packages", ("h3",), ())
    ]
    (note,) = plan.notes
    assert note.startswith("daemons that run 20.2.5 already are not restarted: osd.4, ")
    assert "h1" not in note
    assert "crash" not in note


def test_no_host_outside_of_a_part_gets_its_packages() -> None:
    scope = Scope(hosts=frozenset({"h2"}))
    made = with_packages(all_at("20.2.5"), h2=seen(NEW, on_disk=NEW))
    assert make_plan(made, "20.2.5", scope).batches == ()


@pytest.mark.parametrize("host", ["h1", "h2", "h3"])
def test_packages_that_were_left_halfway_come_before_all_else(host: str) -> None:
    """Daemons there were started with what was unpacked: another manager must not rely on them."""
    made = with_packages(all_at("20.2.5", *(f"{kind}.{host}" for kind in ("mgr", "crash"))))
    plan = make_plan(with_packages(made, **{host: HALF}), "20.2.5")
    assert (plan.batches[0].kind, plan.batches[0].hosts) == ("packages", (host,))
    assert not [each for each in plan.batches[1:] if host in each.hosts]


def with_daemons(**changes: Any) -> Cluster:
    """Return the cluster with a daemon changed: ``name`` says which; ``gone`` is one less."""
    found, name = cluster(), changes.pop("name")
    gone = changes.pop("gone", False)
    daemons = [
        replace(each, **changes) if each.name == name else each
        for each in found.daemons
        if not (gone and each.name == name)
    ]
    return replace(found, daemons=tuple(daemons))


def with_host(host: Seen) -> Cluster:
    found = cluster()
    return replace(found, hosts={**found.hosts, "h3": host})


@pytest.mark.parametrize(
    ("made", "target", "says"),
    [
        (with_host(seen(NEW, away="no route")), "20.2.5", "h3: no answer (no route)"),
        (with_host(seen(NEW, resting=True)), "20.2.5", "h3: in maintenance"),
        (with_host(seen(OLD)), "20.2.5", "h3: no repository there has 20.2.5"),
        (with_host(seen("20.2.5+ds-9")), "20.2.5", "the repositories of hosts differ"),
        (with_daemons(name="mgr.h2", gone=True), "20.2.5", "the only one is mgr.h1"),
        (with_daemons(name="mgr.h2", up=False), "20.2.5", "the only one is mgr.h1"),
        (with_daemons(name="osd.3", version="20.2.6"), "20.2.5", "runs already: osd.3 (20.2.6)"),
        (with_daemons(name="osd.3", version="17.2.9"), "20.2.5", "releases ahead of osd.3"),
        (
            replace(cluster(), releases={"require_osd_release": "quincy"}),
            "20.2.5",
            "require_osd_release is quincy",
        ),
        (
            replace(cluster(), pools=(Pool("data", 2, 2, 1),)),
            "20.2.5",
            "pool data (size 2, min_size 2) would not be available",
        ),
        (
            replace(cluster(), pools=(Pool("data", 3, 2, 9),)),
            "20.2.5",
            "where data is cannot be told from the CRUSH rule of pool data",
        ),
    ],
)
def test_what_forbids_it_is_said_with_names(made: Cluster, target: str, says: str) -> None:
    refusals = make_plan(made, target).refusals
    assert any(says in each for each in refusals), refusals


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        (Scope(kinds=frozenset({"mgr"})), ""),
        (Scope(kinds=frozenset({"mgr", "mon"})), ""),
        (Scope(kinds=frozenset({"mgr"}), hosts=frozenset({"h2"})), ""),
        (Scope(kinds=frozenset({"osd"})), "osd daemons are upgraded after those of earlier kinds"),
        (Scope(hosts=frozenset({"h3"})), "mgr.h1"),
        (Scope(services=frozenset({"rgw.web"})), "rgw daemons are upgraded after"),
        (Scope(services=frozenset({"nope"})), "there is no service nope"),
        (Scope(services=frozenset({"mon", "mgr"})), "the services are of several kinds: mgr, mon"),
        (Scope(kinds=frozenset({"prometheus"})), "no kind of daemon is called prometheus"),
        (
            Scope(kinds=frozenset({"mgr"}), services=frozenset({"mgr"})),
            "daemon types and services cannot be given together",
        ),
        (Scope(limit=0), "the limit is 0"),
        (Scope(hosts=frozenset()), "the placement selects no host"),
    ],
)
def test_staggered_orders_that_ceph_refuses(scope: Scope, says: str) -> None:
    refusals = make_plan(cluster(), "20.2.5", scope).refusals
    assert any(says in each for each in refusals) if says else refusals == ()


def test_the_limit_counts_daemons() -> None:
    plan = make_plan(cluster(), "20.2.5", Scope(limit=4))
    assert sum(len(each.daemons) for each in plan.batches) == 4
    assert plan.notes[0] == "the limit leaves 14 daemons for later"


def test_gateways_of_a_large_service_go_in_parts() -> None:
    daemons = [Daemon("rgw", f"g{at:02}", f"h{at}", "20.2.4", "rgw.web") for at in range(12)]
    daemons += [Daemon("mgr", name, "h1", "20.2.5", "mgr") for name in ("a", "b")]
    hosts = {f"h{at}": seen(NEW) for at in range(12)}
    plan = make_plan(Cluster(tuple(daemons), hosts), "20.2.5")
    assert [len(each.daemons) for each in plan.batches] == [3, 3, 3, 3]
    assert math.ceil(12 / 3) == 4
