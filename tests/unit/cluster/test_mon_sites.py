"""In stretch mode each site keeps a monitor, and none is deployed that could not join."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.cluster.mon_sites import check_joins, check_site
from adapter.errors import AdapterError

# As Ceph 18.2 and later ones write a location; earlier ones as a text.
AT = {
    "a": [{"key": "datacenter", "val": "dc1"}],
    "b": "{datacenter=dc2}",
    "c": "{datacenter=dc3}",
}


def status(*more: Dict[str, Any], stretch: bool = True) -> Dict[str, Any]:
    mons: List[Dict[str, Any]] = [{"name": name, "crush_location": AT[name]} for name in AT]
    monmap = {"stretch_mode": stretch, "tiebreaker_mon": "c", "mons": [*mons, *more]}
    return {"monmap": monmap, "quorum_names": [mon["name"] for mon in (*mons, *more)]}


def test_the_last_one_of_a_site_does_not_go() -> None:
    said = r"^mon\.b is the last monitor of datacenter=dc2, .* Give datacenter=dc2 another monitor"
    with pytest.raises(AdapterError, match=said):
        check_site(status(), "b")


def test_one_of_two_goes() -> None:
    check_site(status({"name": "d", "crush_location": "{datacenter=dc2}"}), "b")


def test_one_whose_only_other_is_down_stays() -> None:
    found = status({"name": "d", "crush_location": "{datacenter=dc2}"})
    found["quorum_names"] = ["a", "b", "c"]
    with pytest.raises(AdapterError, match="is the last monitor of datacenter=dc2"):
        check_site(found, "b")
    check_site(found, "d")


def test_racks_of_a_site_are_none_of_their_own() -> None:
    racks = {"a": "dc1,rack=r1", "b": "dc2,rack=r2", "d": "dc2,rack=r3", "e": "dc1,rack=r1"}
    mons = [{"name": k, "crush_location": f"{{datacenter={v}}}"} for k, v in racks.items()]
    mons.append({"name": "c", "crush_location": "{datacenter=dc3}"})
    found = {"monmap": {"stretch_mode": True, "tiebreaker_mon": "c", "mons": mons}}
    for name in racks:
        check_site({**found, "quorum_names": [*racks, "c"]}, name)


def test_of_the_tiebreaker_the_monitors_say_it_themselves() -> None:
    check_site(status(), "c")


@pytest.mark.parametrize("name", ["a", "b", "x"])
def test_without_stretch_mode_nothing_is_asked(name: str) -> None:
    check_site(status(stretch=False), name)
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
