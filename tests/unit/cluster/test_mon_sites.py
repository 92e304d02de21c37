"""In stretch mode each site keeps a monitor, and none is deployed that could not join."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest

from adapter.cluster.mon_sites import Sites, check_joins, check_site, read_sites
from adapter.errors import AdapterError

# As Ceph 18.2 and later ones write a location; earlier ones as a text.
AT = {
    "a": [{"key": "datacenter", "val": "dc1"}],
    "b": "{datacenter=dc2}",
    "c": "{datacenter=dc3}",
}


SITES = Sites("datacenter", frozenset({"dc1", "dc2"}))


def status(*more: Dict[str, Any], stretch: bool = True) -> Dict[str, Any]:
    mons: List[Dict[str, Any]] = [{"name": name, "crush_location": AT[name]} for name in AT]
    monmap = {"stretch_mode": stretch, "tiebreaker_mon": "c", "mons": [*mons, *more]}
    return {"monmap": monmap, "quorum_names": [mon["name"] for mon in (*mons, *more)]}


def test_the_last_one_of_a_site_does_not_go() -> None:
    said = r"^mon\.b is the last monitor of datacenter=dc2, .* Give datacenter=dc2 another monitor"
    with pytest.raises(AdapterError, match=said):
        check_site(status(), SITES, "b")


def test_one_of_two_goes() -> None:
    check_site(status({"name": "d", "crush_location": "{datacenter=dc2}"}), SITES, "b")


def test_one_whose_only_other_is_down_stays() -> None:
    found = status({"name": "d", "crush_location": "{datacenter=dc2}"})
    found["quorum_names"] = ["a", "b", "c"]
    with pytest.raises(AdapterError, match="is the last monitor of datacenter=dc2"):
        check_site(found, SITES, "b")
    check_site(found, SITES, "d")


def test_racks_of_a_site_are_none_of_their_own() -> None:
    racks = {"a": "dc1,rack=r1", "b": "dc2,rack=r2", "d": "dc2,rack=r3", "e": "dc1,rack=r1"}
    mons = [{"name": k, "crush_location": f"{{datacenter={v}}}"} for k, v in racks.items()]
    mons.append({"name": "c", "crush_location": "{datacenter=dc3}"})
    found = {"monmap": {"stretch_mode": True, "tiebreaker_mon": "c", "mons": mons}}
    for name in racks:
        check_site({**found, "quorum_names": [*racks, "c"]}, SITES, name)


def test_of_the_tiebreaker_the_monitors_say_it_themselves() -> None:
    check_site(status(), SITES, "c")


@pytest.mark.parametrize("name", ["a", "b", "x"])
def test_without_stretch_mode_nothing_is_asked(name: str) -> None:
    check_site(status(stretch=False), SITES, name)
    check_joins(status(stretch=False), [("x", "192.0.2.4", [])])
    check_joins({}, [("x", "192.0.2.4", [])])


def test_a_new_one_without_a_place_in_the_map_is_not_deployed() -> None:
    check_joins(status(), [("b", "192.0.2.2", [])])
    with pytest.raises(AdapterError) as raised:
        check_joins(status(), [("d", "192.0.2.4", ["datacenter=dc2"])])
    assert "do not let mon.d join before they know its location" in str(raised.value)
    assert "`ceph mon add d 192.0.2.4 datacenter=dc2` tells them" in str(raised.value)
    with pytest.raises(AdapterError, match="BUCKETTYPE=NAME"):
        check_joins(status(), [("d", "192.0.2.4", [])])


def test_a_third_site_hides_nothing() -> None:
    """As while another tiebreaker is being made, or for good."""
    found = status({"name": "x", "crush_location": "{datacenter=dc4}"})
    with pytest.raises(AdapterError, match=r"mon\.b is the last monitor of datacenter=dc2"):
        check_site(found, SITES, "b")
    check_site(found, SITES, "x")


def test_a_monitor_without_a_place_in_the_map_hides_nothing() -> None:
    with pytest.raises(AdapterError, match=r"mon\.b is the last monitor of datacenter=dc2"):
        check_site(status({"name": "x"}), SITES, "b")


def test_none_goes_where_the_sites_are_not_known() -> None:
    with pytest.raises(AdapterError, match=r"Which site mon\.b is at is not known"):
        check_site(status(), Sites(), "b")


def test_the_sites_are_the_buckets_of_the_type_that_stretch_mode_names() -> None:
    nodes = [
        {"id": -1, "name": "default", "type": "root", "type_id": 11, "children": [-2, -3]},
        {"id": -2, "name": "dc1", "type": "datacenter", "type_id": 8, "children": [-5]},
        {"id": -3, "name": "dc2", "type": "datacenter", "type_id": 8, "children": [-6]},
        {"id": -4, "name": "dc3", "type": "datacenter", "type_id": 8, "children": [-7]},
        {"id": -5, "name": "h1", "type": "host", "type_id": 1, "children": [0]},
        {"id": -6, "name": "h2", "type": "host", "type_id": 1, "children": [1]},
        {"id": -7, "name": "h3", "type": "host", "type_id": 1, "children": []},
    ]
    tree = json.dumps({"nodes": nodes})
    assert read_sites('{"stretch_mode": {"stretch_mode_bucket": 8}}', tree) == SITES
    assert read_sites('{"stretch_mode": {"stretch_mode_bucket": 0}}', tree) == Sites()
    assert read_sites("{}", tree) == Sites()


def test_a_site_whose_osds_are_all_gone_for_the_moment_is_one() -> None:
    """As while its hardware is replaced: which of the empty ones it is nobody knows."""
    nodes = [
        {"id": -2, "name": "dc1", "type": "datacenter", "type_id": 8, "children": [-5]},
        {"id": -3, "name": "dc2", "type": "datacenter", "type_id": 8, "children": [-6]},
        {"id": -5, "name": "h1", "type": "host", "type_id": 1, "children": [0]},
        {"id": -6, "name": "h2", "type": "host", "type_id": 1, "children": []},
    ]
    sites = read_sites('{"stretch_mode": {"stretch_mode_bucket": 8}}', json.dumps({"nodes": nodes}))
    assert sites == SITES
    with pytest.raises(AdapterError, match=r"mon\.b is the last monitor of datacenter=dc2"):
        check_site(status(), sites, "b")
