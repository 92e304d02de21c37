"""A keyring's file keeps the keys of others."""

from __future__ import annotations

import pytest

from plugins.module_utils.cluster.keyring_file import key_of, with_section

KEY = "AQBfakefakefakefakefakefakefakefakefake=="

A, A2, B = "[a]\n\tkey = 1\n", "[a]\n\tkey = 2\n\tcaps mon = x\n", "[b]\n\tkey = 3\n"
B_NOTED = "[b] # other\n\tkey = 3\n"
NOTES = "# of the site\n\n; do not touch\n"


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
        (A + B_NOTED, A2 + B_NOTED),
        (B_NOTED + A, B_NOTED + A2),
        ("[a] ; mine\n\tkey = 1\n" + B, A2 + B),
        (NOTES + A + B, NOTES + A2 + B),
        (NOTES + B, NOTES + B + A2),
        (NOTES, NOTES + A2),
        (NOTES.rstrip("\n"), NOTES + A2),
        (NOTES + "no keyring at all\n" + B, NOTES + B + A2),
    ],
)
def test_a_section_takes_the_place_of_the_old_one(old: str, result: str) -> None:
    assert with_section(old, A2) == result
    assert with_section(result, A2) == result


def test_a_key_is_found_under_a_heading_with_a_comment_and_is_nobody_elses() -> None:
    lines = f"[client.a]\n[client.b] # other\n\tkey = {KEY}\n".splitlines()
    assert key_of(lines, "client.b") == KEY
    assert key_of(lines, "client.a") == ""
