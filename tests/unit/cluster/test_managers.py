"""Which managers could manage hosts, as the manager map tells it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest

from adapter.cluster.managers import MODULE, read_managers


def modules(can_run: Optional[bool]) -> List[Dict[str, Any]]:
    """Return the modules of a manager; None: it has not got ours."""
    if can_run is None:
        return []
    return [{"name": MODULE, "can_run": can_run, "error_string": "" if can_run else "no sub"}]


@pytest.mark.parametrize(
    ("active", "standby", "well"),
    [
        (True, True, True),
        (True, False, False),
        (True, None, False),
        (False, True, True),
        # None of them can: Debian 13's Ceph. Seen to fail: it was deployed again for ever.
        (False, False, True),
        (False, None, False),
        (None, True, True),
        (None, False, False),
        (None, None, False),
    ],
)
def test_a_standby_is_as_well_as_one_that_takes_over_has_to_be(
    active: Optional[bool], standby: Optional[bool], well: bool
) -> None:
    found = read_managers(
        {
            "active_name": "h1",
            "available_modules": modules(active),
            "standbys": [{"name": "h2", "available_modules": modules(standby)}],
        }
    )
    assert (found.unable(["h2"]) == {}) is well
    assert bool(found.unable(["h1"])) is (active is not True)
