"""What an operation asks the engine for."""

from __future__ import annotations

import pytest

from adapter import operations
from adapter.engine.model import Target
from adapter.errors import UnknownName


def targets(count: int) -> list[Target]:
    return [
        Target(f"h{number}", f"10.0.{number // 250}.{number % 250 + 1}") for number in range(count)
    ]


@pytest.mark.parametrize(("count", "more"), [(1, 0), (50, 0), (51, 0.3), (1000, 285)])
def test_hosts_that_have_their_turn_later_get_their_time(count: int, more: float) -> None:
    declared = operations.get("get_inventory")

    request = declared.request(targets(count), actor="test")

    assert request.timeout == pytest.approx(declared.timeout + more)


def test_a_check_takes_no_lease() -> None:
    declared = operations.get("create_osds")

    parameters = {"groups": {}, "cluster": "f51d"}

    assert declared.request(targets(1), actor="test", parameters=parameters).changes
    request = declared.request(targets(1), actor="test", parameters=parameters, check=True)
    assert not request.changes
    assert request.check
    assert request.diff


def test_an_unknown_operation_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match=r"make_coffee.*get_inventory"):
        operations.get("make_coffee")
