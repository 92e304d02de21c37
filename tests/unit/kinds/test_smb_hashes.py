"""MD4, by which Samba knows a password, and the numbers of users."""

from __future__ import annotations

import pytest

from adapter.kinds._smb_hashes import COUNT, FIRST, md4, nt_hash, number_of, sid_of


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        # RFC 1320, appendix A.5.
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("a", "bde52cb31de33e46245e05fbdbd6fb24"),
        ("abc", "a448017aaf21d8525fc10ae87aa6729d"),
        ("message digest", "d9130a8164549fe818874806e1c7014b"),
        ("abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "043f8582f241db351ce627e153e7f0e4",
        ),
        ("1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_is_that_of_the_rfc(text: str, digest: str) -> None:
    assert md4(text.encode()).hex() == digest


def test_a_hash_is_that_of_windows() -> None:
    assert nt_hash("password") == "8846F7EAEE8FB117AD06BDD830B7586C"
    assert len(nt_hash("pässwörd \U0001f511")) == 32


def test_a_number_is_in_its_range_and_knows_no_case() -> None:
    numbers = {number_of(f"user{each}") for each in range(2000)}

    assert len(numbers) > 1990
    assert all(FIRST <= each < FIRST + COUNT for each in numbers)
    # Samba's number of a user in a SID: twice as much, and a thousand.
    assert 2 * (FIRST + COUNT) + 1000 < 2**32
    assert number_of("Ann") == number_of("ann")


def test_a_sid_has_three_numbers() -> None:
    parts = sid_of("f", "files").split("-")

    assert parts[:4] == ["S", "1", "5", "21"]
    assert all(0 <= int(each) < 2**32 for each in parts[4:])
    assert sid_of("f", "other") != sid_of("f", "files")
