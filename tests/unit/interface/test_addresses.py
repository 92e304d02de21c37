"""Addresses in specs."""

from __future__ import annotations

import pytest

from adapter.interface import is_ipv6, unwrap_ipv6, valid_addr, wrap_ipv6


@pytest.mark.parametrize(
    ("address", "valid", "kind"),
    [
        ("10.0.0.1", True, "IPv4"),
        ("fd00::1", True, "IPv6"),
        ("[fd00::1]", True, "IPv6"),
        ("h1", True, "name"),
        ("h1.example.com", True, "name"),
        ("h_1", True, "name"),
        ("1.1.1", False, "address"),
        ("1.1.1.300", False, "address"),
        ("", False, "1 to 253"),
        ("-a", False, "name"),
        ("a b", False, "name"),
        ("a" * 64, False, "name"),
        ("a." * 200, False, "1 to 253"),
        ("[h1]", False, "name"),
        ("ü", False, "name"),
    ],
)
def test_valid_addr(address: str, valid: bool, kind: str) -> None:
    assert valid_addr(address)[0] is valid
    assert kind in valid_addr(address)[1]


def test_brackets() -> None:
    assert wrap_ipv6("fd00::1") == "[fd00::1]"
    assert wrap_ipv6("10.0.0.1") == "10.0.0.1"
    assert wrap_ipv6("h1") == "h1"
    assert unwrap_ipv6("[fd00::1]") == "fd00::1"
    assert unwrap_ipv6("fd00::1") == "fd00::1"
    assert is_ipv6("[fd00::1]")
    assert not is_ipv6("10.0.0.1")
    assert not is_ipv6("a:b")
