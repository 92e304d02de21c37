"""What a client's watch has seen of placement groups is judged alike by all tests on hosts."""

from __future__ import annotations

import pytest

from tests.lab_tests.inactive_pgs import stood_still


@pytest.mark.parametrize(
    ("state", "longest", "stuck"),
    [
        ("peering", 10.1, False),
        ("peering", 30.1, True),
        ("activating+degraded", 5.0, False),
        # An OSD that was away for a moment, of a group that others serve.
        ("stale+peering", 5.0, False),
        ("stale", 1.0, False),
        ("stale+peering", 31.0, True),
        ("stale+undersized+peered", 0.0, True),
        ("undersized+degraded+peered", 0.0, True),
        ("down", 0.3, True),
        ("down+remapped", 0.3, True),
        ("incomplete", 0.3, True),
    ],
)
def test_what_is_seen_of_a_group(state: str, longest: float, stuck: bool) -> None:
    row = {"states": ["activating", state], "longest": longest}
    assert stood_still({"4.2f": row}, 30.0) == ({"4.2f": row} if stuck else {})
