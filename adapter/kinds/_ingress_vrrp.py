"""Which interfaces of hosts virtual addresses go to, and who takes an address first."""

from __future__ import annotations

import re
from ipaddress import IPv4Interface, IPv4Network, ip_interface, ip_network
from typing import Any, Collection, Dict, List, Mapping, NamedTuple, Sequence, Tuple, Union

from adapter.errors import InvalidValue
from adapter.kinds._ingress_files import HIGHEST, LOWEST, VrrpInstance
from adapter.kinds._ingress_settings import router_ids, virtual_ips

# What keepalived takes for one, and Linux gives.
_INTERFACE = re.compile(r"[A-Za-z0-9_.:-]{1,15}")
# The IPv4 addresses of a host's interfaces by name.
Interfaces = Mapping[str, Sequence[IPv4Interface]]


class Place(NamedTuple):
    """An interface of a host, and the host's own address there."""

    interface: str
    own: str


def interfaces_of(reported: Mapping[str, Any]) -> Interfaces:
    """Return the interfaces that a host reported, each with its addresses."""
    found: Dict[str, List[IPv4Interface]] = {}
    for name, item in reported.items():
        item = item if isinstance(item, dict) else {}
        more = item.get("addresses")
        texts = [item.get("ipv4_address"), *(more if isinstance(more, list) else [])]
        addresses = [each for each in map(_address, texts) if each is not None]
        if addresses and _INTERFACE.fullmatch(str(name)):
            found[str(name)] = list(dict.fromkeys(addresses))
    return found


def _address(text: Any) -> Union[IPv4Interface, None]:
    try:
        address = ip_interface(str(text))
    except ValueError:
        return None
    return address if isinstance(address, IPv4Interface) else None


def places_of(
    spec: Any, hostname: str, interfaces: Interfaces, virtual: Collection[str]
) -> List[Tuple[Place, Place]]:
    """Return for each address of a service where a host gets it, and where it hears the others.

    ``virtual`` are all virtual addresses that there are: none of them is the host's own. Raises
    ``InvalidValue`` where the host has no such interface.
    """
    found = []
    for text in virtual_ips(spec):
        field = "virtual_ip" if spec.virtual_ip else "virtual_ips_list"
        networks = [ip_interface(text).network]
        if spec.virtual_interface_networks:
            field = "virtual_interface_networks"
            networks = [ip_network(each) for each in spec.virtual_interface_networks]
        place = _place_in(field, hostname, interfaces, networks, virtual)
        hears = place
        if spec.vrrp_interface_network:
            only = [ip_network(spec.vrrp_interface_network)]
            hears = _place_in("vrrp_interface_network", hostname, interfaces, only, virtual)
        found.append((place, hears))
    return found


def _place_in(
    field: str,
    hostname: str,
    interfaces: Interfaces,
    networks: Sequence[Any],
    virtual: Collection[str],
) -> Place:
    own = {
        name: [each for each in addresses if str(each.ip) not in virtual]
        for name, addresses in interfaces.items()
    }
    for name, addresses in own.items():
        for address in addresses:
            if any(_is_in(address, network) for network in networks):
                return Place(name, str(address.ip))
    has = ", ".join(f"{each} on {name}" for name, there in own.items() for each in there)
    raise InvalidValue(
        field,
        ", ".join(map(str, networks)),
        f"host '{hostname}' has no address in it (it has {has or 'none that is known'})",
        "Give an address of a network that the hosts have, or name one of theirs in "
        "virtual_interface_networks.",
    )


def _is_in(address: IPv4Interface, network: IPv4Network) -> bool:
    return address.ip in network


def vrrp_instances_of(
    spec: Any, hostname: str, places: Mapping[str, Sequence[Tuple[Place, Place]]]
) -> List[VrrpInstance]:
    """Return the VRRP instance of a host for each address of a service.

    ``places`` are those of all hosts of the service, by host. Each address has another host first,
    so that several are spread over the hosts.
    """
    found, hosts = [], sorted(places)
    for index, (address, router_id) in enumerate(zip(virtual_ips(spec), router_ids(spec))):
        place, hears = places[hostname][index]
        position = (hosts.index(hostname) - index) % len(hosts)
        found.append(
            VrrpInstance(
                address=address,
                interface=place.interface,
                vrrp_interface=hears.interface,
                own=hears.own,
                peers=tuple(places[host][index][1].own for host in hosts if host != hostname),
                priority=max(LOWEST, HIGHEST - position),
                router_id=router_id,
            )
        )
    return found
