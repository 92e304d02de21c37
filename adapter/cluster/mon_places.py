"""At which of its addresses a host runs a monitor or a gateway. Pure functions."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Union

from adapter.errors import InvalidValue
from adapter.interface.addresses import unwrap_ipv6

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
_VECTOR = re.compile(r"\[?(v[12]):(.+?):(\d+)(?:/0)?\]?")
# Ceph's own; the host's part listens on no other.
_PORTS = {"v2": "3300", "v1": "6789"}


def addresses_of(facts: Mapping[str, Any]) -> Optional[List[Address]]:
    """Return a host's own addresses as it reported them; None where it said nothing of them."""
    interfaces = facts.get("interfaces")
    if not isinstance(interfaces, dict) or not interfaces:
        return None
    found: List[Address] = []
    for item in interfaces.values():
        item = item if isinstance(item, dict) else {}
        more = item.get("addresses")
        texts = [item.get("ipv4_address"), item.get("ipv6_address")]
        for text in [*texts, *(more if isinstance(more, list) else [])]:
            address = _address(str(text or "").partition("/")[0])
            if address is not None and address not in found:
                found.append(address)
    return found


def mon_address(
    hostname: str,
    network: str,
    own: Optional[List[Address]],
    addr: str,
    public: str = "",
    networks: Sequence[str] = (),
) -> str:
    """Return the address at which a host runs a monitor.

    ``network`` is what the placement says of the host, ``networks`` what the spec says of all,
    ``own`` are the host's addresses (None: not known yet), ``addr`` is where the orchestrator
    reaches it, ``public`` the cluster's public networks, which hold where the spec says nothing.
    Raises ``InvalidValue``.
    """
    if network:
        return _address_in("placement", hostname, network, own, addr)
    if networks:
        return _address_in("networks", hostname, ", ".join(networks), own, addr)
    return _address_in("public_network", hostname, public, own, addr) if public else addr


def gateway_address(
    hostname: str,
    network: str,
    own: Optional[List[Address]],
    addr: str,
    networks: Sequence[str] = (),
) -> str:
    """Return the address that a host's gateway listens on; empty where it is all of them.

    The parameters are those of ``mon_address``. Raises ``InvalidValue``.
    """
    if not network and not networks:
        return ""
    return mon_address(hostname, network, own, addr, networks=networks)


def is_outside(networks: Sequence[str], own: Optional[List[Address]]) -> bool:
    """Tell whether it is known that a host has no address in any of these networks."""
    if not networks or own is None:
        return False
    return not _inside(own, [_network("", part, "networks") for part in networks])


def _address_in(
    field: str, hostname: str, wanted: str, own: Optional[List[Address]], addr: str
) -> str:
    """Return a host's address in networks; where it has several that at which it is reached.

    A placement means one host, and names the address where it has several.
    """
    shown = f"{hostname}:{wanted}" if field == "placement" else wanted
    networks = [_network(hostname, part, field) for part in _parts(hostname, wanted)]
    single = [net for net in networks if net.num_addresses == 1]
    if own is None:
        if len(networks) == 1 and single:
            return str(single[0].network_address)
        own = [each for each in [_address(addr)] if each is not None]
        if not _inside(own, networks):
            raise InvalidValue(
                field,
                shown,
                f"the addresses of host '{hostname}' are not known yet",
                "Run `ceph orch device ls --refresh`, then try again.",
            )
    found = _inside(own, networks)
    if field != "placement" and _address(addr) in found:
        return addr
    if len(found) == 1:
        return str(found[0])
    has = ", ".join(map(str, own)) or "none"
    if not found:
        raise InvalidValue(
            field,
            shown,
            f"host '{hostname}' has no address in it (it has {has})",
            "Name a network or address that the host has, HOST:NETWORK.",
        )
    raise InvalidValue(
        field,
        shown,
        f"host '{hostname}' has several addresses in it ({', '.join(map(str, found))})",
        "Name one of them in the placement, HOST:ADDRESS.",
    )


def is_at(network: str, addresses: Iterable[str]) -> bool:
    """Tell whether a monitor that is at these addresses is where its placement wants it."""
    networks = [_network("", part) for part in _parts("", network)]
    known = [each for each in map(_address, addresses) if each is not None]
    return not network or bool(_inside(known, networks))


def _inside(own: Iterable[Address], networks: Iterable[Network]) -> List[Address]:
    nets = list(networks)
    return [each for each in own if any(each in net for net in nets)]


def _parts(hostname: str, text: str) -> List[str]:
    """Return the networks and addresses of a text; of a vector the one address that it has."""
    parts: List[str] = []
    for part in re.split(r"[,\s]+", text.strip()):
        vector = _VECTOR.fullmatch(part)
        if vector is None:
            parts.append(part)
            continue
        version, address, port = vector.groups()
        if port != _PORTS[version]:
            raise InvalidValue(
                "placement",
                f"{hostname}:{text}",
                f"a monitor listens on port {_PORTS[version]} for {version} here",
                "Leave the ports out, HOST:ADDRESS.",
            )
        parts.append(address)
    return list(dict.fromkeys(filter(None, parts)))


def _network(hostname: str, part: str, field: str = "placement") -> Network:
    try:
        return ipaddress.ip_network(unwrap_ipv6(part), strict=False)
    except ValueError:
        raise InvalidValue(
            field,
            f"{hostname}:{part}" if field == "placement" else part,
            "it is neither an address nor a network",
            "Give one, e.g. 10.0.0.0/24.",
        ) from None


def _address(text: str) -> Optional[Address]:
    try:
        return ipaddress.ip_address(unwrap_ipv6(text))
    except ValueError:
        return None
