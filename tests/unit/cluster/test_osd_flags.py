"""Flags that keep data where it is are read from the map and named with what unsets them."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from adapter.cluster.osd_map import holding_flags, read_osd_map
from adapter.cluster.pg_states import is_served, is_whole

USUAL = "sortbitwise,recovery_deletes,purged_snapdirs,pglog_hardlimit"


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        ({"flags": f"nobackfill,{USUAL}"}, {"nobackfill", *USUAL.split(",")}),
        ({"flags": "x", "flags_set": ["nobackfill", "norecover"]}, {"nobackfill", "norecover"}),
        ({"flags": ""}, set()),
        ({"flags": None, "flags_set": None}, set()),
        ({}, set()),
    ],
)
def test_flags_of_the_map(said: Dict[str, Any], flags: set[str]) -> None:
    dump = json.dumps({"epoch": 7, "osds": [], "pools": [], **said})
    assert read_osd_map(dump, '{"nodes": []}').flags == flags


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (USUAL.split(","), ""),
        ([], ""),
        (["norecover"], "the flag norecover is set (`ceph osd unset norecover`)"),
        (
            ["norecover", "sortbitwise", "nobackfill"],
            "the flags nobackfill, norecover are set (`ceph osd unset nobackfill`, "
            "`ceph osd unset norecover`)",
        ),
        (["pauserd", "pausewr"], "the flag pause is set (`ceph osd unset pause`)"),
        (
            ["noout", "norebalance"],
            "the flags norebalance, noout are set (`ceph osd unset norebalance`, "
            "`ceph osd unset noout`)",
        ),
    ],
)
def test_what_keeps_data_from_moving_is_named(flags: List[str], words: str) -> None:
    assert holding_flags(flags) == words


NODES = [
    {"id": -1, "name": "default", "type": "root", "children": [-2]},
    {"id": -2, "name": "r1", "type": "rack", "children": [-3, -4]},
    {"id": -3, "name": "h1", "type": "host", "children": [0, 1]},
    {"id": -4, "name": "h2", "type": "host", "children": [2]},
    {"id": 0, "name": "osd.0", "type": "osd", "device_class": "ssd"},
    {"id": 1, "name": "osd.1", "type": "osd", "device_class": "hdd"},
    {"id": 2, "name": "osd.2", "type": "osd", "device_class": "ssd"},
]


@pytest.mark.parametrize(
    ("said", "states", "held"),
    [
        ({"flags": "nodown,sortbitwise"}, {}, {0, 1, 2}),
        ({"flags": "noout"}, {}, set()),
        ({}, {1: ["exists", "nodown", "up"]}, {1}),
        ({"crush_node_flags": {"h1": ["nodown"]}}, {}, {0, 1}),
        ({"crush_node_flags": {"r1": ["nodown", "noout"], "h1": ["noin"]}}, {}, {0, 1, 2}),
        ({"device_class_flags": {"ssd": ["nodown"], "hdd": ["noin"]}}, {}, {0, 2}),
        ({"crush_node_flags": None, "device_class_flags": []}, {}, set()),
    ],
)
def test_whom_the_map_cannot_show_down(
    said: Dict[str, Any], states: Dict[int, List[str]], held: set[int]
) -> None:
    osds = [{"osd": n, "up": 1, "state": states.get(n, ["exists", "up"])} for n in range(3)]
    dump = json.dumps({"epoch": 7, "osds": osds, "pools": [], **said})
    found = read_osd_map(dump, json.dumps({"nodes": NODES})).osds
    assert {number for number, osd in found.items() if osd.nodown} == held


@pytest.mark.parametrize(
    ("state", "whole", "served"),
    [
        ("active+clean", True, True),
        ("active+clean+scrubbing+deep", True, True),
        ("active+clean+snaptrim_wait", True, True),
        ("stale+active+clean", False, False),
        ("active+clean+inconsistent", False, True),
        ("active+clean+remapped", False, True),
        ("active+undersized+degraded", False, True),
        ("down", False, False),
        ("unknown", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_states_of_placement_groups(state: object, whole: bool, served: bool) -> None:
    assert (is_whole(state), is_served(state)) == (whole, served)
