"""Which port a daemon gets, and how many daemons a host may have."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Set

import pytest

from adapter.cluster.service_ports import choose, most_on_a_host
from adapter.interface import PlacementSpec, RGWSpec, ServiceSpec


@pytest.mark.parametrize(
    ("wanted", "known", "taken", "avoid", "found"),
    [
        (["a"], {}, set(), set(), {"a": 80}),
        # Who has a port keeps it, whoever is asked for first.
        (["b", "a"], {"a": 80, "b": 82}, set(), set(), {"a": 80, "b": 82}),
        (["c", "b"], {"b": 80, "c": 0}, set(), set(), {"b": 80, "c": 81}),
        # One that is outside the range gets one of it.
        (["a"], {"a": 7000, "b": 80}, set(), set(), {"a": 81}),
        # Of two that were given the same one the first keeps it.
        (["a", "b"], {"a": 80, "b": 80}, set(), set(), {"a": 80, "b": 81}),
        (["a"], {"a": 80}, {80}, set(), {"a": 81}),
        (["a"], {}, {80}, {81}, {"a": 82}),
        (["a"], {}, {80}, {81, 82}, {"a": 81}),
        # Nothing is free: the host says who has it.
        (["a"], {"b": 80}, {81, 82}, set(), {"a": 81}),
        (["a"], {"b": 80, "c": 81, "d": 82}, set(), set(), {"a": 80}),
    ],
)
def test_a_port_is_kept_or_the_first_free(
    wanted: List[str],
    known: Dict[str, int],
    taken: Set[int],
    avoid: Set[int],
    found: Dict[str, int],
) -> None:
    assert choose(wanted, range(80, 83), known, taken, avoid) == found


@pytest.mark.parametrize(
    ("placement", "hosts", "there", "most"),
    [
        (None, 3, 0, 1),
        (None, 1, 0, 2),
        ({"count": 5}, 2, 0, 3),
        ({"count": 5}, 2, 4, 4),
        ({"count": 100}, 2, 0, 10),
        ({"host_pattern": "*"}, 2, 0, 1),
        ({"count_per_host": 3, "host_pattern": "*"}, 2, 0, 3),
    ],
)
def test_how_many_a_host_may_have(
    placement: Optional[Dict[str, Any]], hosts: int, there: int, most: int
) -> None:
    spec = RGWSpec(service_id="a", placement=PlacementSpec(**(placement or {})))
    assert most_on_a_host(spec, hosts, there) == most
    mon = ServiceSpec("mon", placement=PlacementSpec(count=5))
    assert most_on_a_host(mon, 2) == 1
