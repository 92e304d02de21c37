"""Read the network addresses that this host has."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Set

from .reading import Roots, read_lines

_LEAF = re.compile(r"\|-- (\S+)$")
_LOCAL = "/32 host LOCAL"
_SIX = re.compile(r"[0-9a-f]{32}")


def own_addresses(roots: Roots) -> Set[str]:
    """Return the host's IPv4 and IPv6 addresses as the kernel lists them, without loopback."""
    net, leaf, found = os.path.join(roots.proc, "net"), "", []
    for line in read_lines(os.path.join(net, "fib_trie")):
        match = _LEAF.search(line)
        leaf = match.group(1) if match else leaf
        found += [leaf] if line.strip() == _LOCAL else []
    for line in read_lines(os.path.join(net, "if_inet6")):
        digits = line.partition(" ")[0]
        if _SIX.fullmatch(digits):
            found.append(":".join(digits[index : index + 4] for index in range(0, 32, 4)))
    return {text for text in map(usable_address, found) if text}


def usable_address(text: str) -> str:
    """Return an address in its usual form, and nothing for one that names no single host."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    names_none = address.is_loopback or address.is_unspecified or address.is_link_local
    return "" if names_none else str(address)
