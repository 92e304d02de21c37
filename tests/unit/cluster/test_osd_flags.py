"""Flags that keep data where it is are read from the map and named with what unsets them."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from adapter.cluster.osd_map import holding_flags, read_osd_map

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
