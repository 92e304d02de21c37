"""Addresses as they appear in specs: IP addresses, with or without brackets, and networks."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Tuple

_NAME_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", re.ASCII)


def unwrap_ipv6(address: str) -> str:
    """Take the brackets off an IPv6 address."""
    if address.startswith("[") and address.endswith("]"):
        return address[1:-1]
    return address


def wrap_ipv6(address: str) -> str:
    """Put an IPv6 address in brackets; leave anything else as it is."""
    try:
        return f"[{address}]" if ip_address(address).version == 6 else address
    except ValueError:
        return address


def is_ip(address: str) -> bool:
    """Say whether it is an IP address (IPv6 may be in brackets)."""
    try:
        ip_address(unwrap_ipv6(address))
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    """Say whether it is a network (``10.0.0.0/24``) or an IP address."""
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def is_ipv6(address: str) -> bool:
    """Say whether it is an IPv6 address (may be in brackets)."""
    return ":" in address and is_ip(address)


def valid_addr(addr: str) -> Tuple[bool, str]:
    """Say whether it is an IP address or can be a DNS name: ``(yes, kind or reason)``.

    Names are not looked up.
    """
    if is_ip(addr):
        return True, "IPv6" if is_ipv6(addr) else "IPv4"
    if not addr or len(addr) > 253:
        return False, "not an IP address, and not 1 to 253 characters as a name has"
    parts = addr.rstrip(".").split(".")
    if all(part.isdecimal() for part in parts):
        return False, "invalid IP v4 or v6 address format"
    if not all(_NAME_PART.fullmatch(part) for part in parts):
        return False, "not an IP address, and not a name made of a-z, A-Z, 0-9, - and ."
    return True, "name"
