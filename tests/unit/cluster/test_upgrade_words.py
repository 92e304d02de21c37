"""A plan as data, and what is set in the cluster while it is carried out."""

from __future__ import annotations

from dataclasses import replace

from adapter.cluster.fs_map import FileSystemState
from adapter.cluster.upgrade_plan import Batch, Cluster, Daemon, Plan
from adapter.cluster.upgrade_words import OLD_KEYS, plan_data, settings_of

OSDS = tuple(Daemon("osd", str(osd), "h1", "18.2.7") for osd in (0, 1))
CLUSTER = Cluster(OSDS, {}, releases={"min_mon_release": "reef", "require_osd_release": "reef"})
PLAN = Plan(
    "20.2.5",
    (Batch("mgr", ("mgr.a",), ("h1",), "mgr.a"), Batch("osd", ("osd.0", "osd.1"))),
    ("h2: no answer",),
    ("a note",),
)


def test_a_plan_has_its_steps_and_what_forbids_it() -> None:
    found = plan_data(PLAN, ["noout"])
    assert found.pop("seconds") > 0
    assert found == {
        "target": "20.2.5",
        "steps": [
            {
                "kind": "mgr",
                "daemons": ["mgr.a"],
                "packages_first": ["h1"],
                "hands_over": "mgr.a",
            },
            {
                "kind": "osd",
                "daemons": ["osd.0", "osd.1"],
                "packages_first": [],
                "hands_over": "",
            },
        ],
        "settings": ["noout"],
        "refusals": ["h2: no answer"],
        "notes": ["a note"],
    }


def test_what_is_set_meanwhile_is_said_with_names() -> None:
    systems = [FileSystemState("keep", 2, True), FileSystemState("one", 1, False)]
    lines = settings_of(PLAN, CLUSTER, systems)
    assert lines[0].startswith("noout for the OSDs")
    assert lines[1].startswith("muted until the end")
    assert all(code in lines[1] for code in OLD_KEYS)
    assert lines[2:] == ["at the end require_osd_release is tentacle"]
    plan = replace(PLAN, batches=(Batch("mds", ("mds.a",)),))
    lines = settings_of(plan, replace(CLUSTER, releases={}), systems)
    assert [line.partition(" has ")[2][:9] for line in lines] == ["max_mds 1", "no standb"]
    assert "one" not in " ".join(line.split()[2] for line in lines)


def test_nothing_is_required_of_osds_that_the_plan_leaves_as_they_are() -> None:
    plan = replace(PLAN, batches=(Batch("osd", ("osd.0",)),))
    assert not any("require" in line for line in settings_of(plan, CLUSTER, []))
    later = replace(CLUSTER, releases={"min_mon_release": "tentacle"})
    assert settings_of(replace(PLAN, batches=PLAN.batches[:1]), later, []) == []
