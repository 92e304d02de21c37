"""A keyring's file keeps the keys of others."""

from __future__ import annotations

import pytest

from plugins.module_utils.keyring_file import with_section

A, A2, B = "[a]\n\tkey = 1\n", "[a]\n\tkey = 2\n\tcaps mon = x\n", "[b]\n\tkey = 3\n"


@pytest.mark.parametrize(
    ("old", "result"),
    [
        ("", A2),
        (A, A2),
        (A + B, A2 + B),
        (B + A, B + A2),
        (B, B + A2),
        (B.rstrip("\n"), B + A2),
        (A + B + A, A2 + B),
        ("no keyring at all\n", A2),
    ],
)
def test_a_section_takes_the_place_of_the_old_one(old: str, result: str) -> None:
    assert with_section(old, A2) == result
    assert with_section(result, A2) == result
