"""Give a lab its bridge and addresses, and cut hosts off from it."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from pathlib import Path
from typing import Any

from ceph_lab import model
from ceph_lab.errors import LabError
from ceph_lab.model import Lab
from ceph_lab.run import run

BRIDGE_NAME_LIMIT = 15
# Marks a bridge as a lab's own, in the kernel's memory and so safe from lost files.
ALIAS = "ceph-orch-lab {name}"
# The second byte of derived subnets; low ones are what sites use themselves.
FIRST_BYTE, BYTES = 64, 128


def bridge_name(lab_name: str) -> str:
    """Return the bridge's name of a lab, never longer than the kernel allows."""
    name = f"lab-{lab_name}"
    return name if len(name) <= BRIDGE_NAME_LIMIT else f"lab-{_hash(lab_name):08x}"


def choose_subnet(lab_name: str, wanted: str | None) -> str:
    """Return the subnet of a new lab: the wanted one, else one made from its name.

    Raises LabError when the wanted one is not a usable IPv4 subnet or is in
    use. The caller holds the network lock and saves the lab before freeing it.
    """
    taken = _taken_networks(lab_name)
    if wanted is not None:
        network = _parse(wanted)
        clash = [f"{user} ({other})" for other, user in taken if network.overlaps(other)]
        if clash:
            raise LabError(f"subnet {network} is in use by {', '.join(clash)}; choose another")
        return str(network)
    for offset in range(BYTES):
        byte = FIRST_BYTE + (_hash(lab_name) + offset) % BYTES
        network = ipaddress.IPv4Network(f"10.{byte}.0.0/24")
        if not any(network.overlaps(other) for other, _ in taken):
            return str(network)
    raise LabError("no free subnet for this lab; name one with --subnet")


def check_bridge(name: str, lab_name: str) -> None:
    """Raise LabError when a bridge's name cannot be used by a new lab."""
    if not 0 < len(name) <= BRIDGE_NAME_LIMIT or "/" in name or " " in name:
        raise LabError(f"bridge name {name!r} is not usable: 1 to {BRIDGE_NAME_LIMIT} characters")
    for other in _other_labs(lab_name):
        if other.bridge == name:
            raise LabError(f"bridge {name} belongs to lab {other.name}; choose another (--bridge)")
    if exists(name):
        raise LabError(f"a network device {name} exists already; choose another (--bridge)")


def exists(bridge: str) -> bool:
    """Tell whether a network device of this name exists."""
    return Path("/sys/class/net", bridge).exists()


def create_bridge(lab: Lab) -> None:
    """Make the lab's bridge with the machine's address on it."""
    prefix = lab.network.prefixlen
    run(["ip", "link", "add", lab.bridge, "type", "bridge"])
    run(["ip", "link", "set", lab.bridge, "alias", ALIAS.format(name=lab.name)])
    # Only hosts speak here; nothing on the machine shall try IPv6 on it.
    Path("/proc/sys/net/ipv6/conf", lab.bridge, "disable_ipv6").write_text("1", encoding="ascii")
    run(["ip", "addr", "add", f"{lab.gateway}/{prefix}", "dev", lab.bridge])
    run(["ip", "link", "set", lab.bridge, "up"])


def bridges_of(lab_name: str) -> list[str]:
    """Return the bridges that carry a lab's mark."""
    alias = ALIAS.format(name=lab_name)
    marks = Path("/sys/class/net").glob("*/ifalias")
    return [path.parent.name for path in marks if path.read_text().strip() == alias]


def remove_bridge(bridge: str) -> None:
    """Remove a bridge; one that is gone is fine."""
    if exists(bridge):
        run(["ip", "link", "delete", bridge, "type", "bridge"])


def set_link(leader: int, up: bool) -> None:
    """Connect or cut a running host's network; `leader` is the pid of its systemd.

    The cable is pulled at the bridge: the host sees a carrier that is gone.
    """
    run(["ip", "link", "set", _bridge_port(leader), "up" if up else "down"])


def link_is_up(leader: int) -> bool:
    """Tell whether a running host is connected."""
    port = _bridge_port(leader)
    return "UP" in _json(["ip", "-j", "link", "show", "dev", port])[0]["flags"]


def _bridge_port(leader: int) -> str:
    """Return the machine's end of a host's veth pair."""
    inside = ["nsenter", "-t", str(leader), "-n", "ip", "-j", "link", "show", "dev", "host0"]
    index = _json(inside)[0]["link_index"]
    for link in _json(["ip", "-j", "link", "show"]):
        if link["ifindex"] == index:
            return str(link["ifname"])
    raise LabError(f"the host of process {leader} has no network device on this machine")


def _taken_networks(lab_name: str) -> list[tuple[ipaddress.IPv4Network, str]]:
    taken = [(other.network, f"lab {other.name}") for other in _other_labs(lab_name)]
    for link in _json(["ip", "-j", "-4", "addr", "show"]):
        for address in link["addr_info"]:
            # In container network namespaces an entry can lack its address.
            if "local" in address:
                text = f"{address['local']}/{address['prefixlen']}"
                taken.append((ipaddress.IPv4Network(text, strict=False), link["ifname"]))
    for route in _json(["ip", "-j", "-4", "route", "show"]):
        if route["dst"] != "default":
            network = ipaddress.IPv4Network(route["dst"], strict=False)
            taken.append((network, f"route over {route.get('dev', '?')}"))
    return taken


def _other_labs(lab_name: str) -> list[Lab]:
    labs = [model.load(name) for name in model.known_labs() if name != lab_name]
    return [lab for lab in labs if lab is not None]


def _parse(text: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise LabError(f"subnet {text!r} is not usable: {error}; example: 10.77.0.0/24") from error
    if not 16 <= network.prefixlen <= 24:
        raise LabError(f"subnet {text!r} is not usable: its prefix must be /16 to /24")
    return network


def _json(argv: list[str]) -> Any:
    return json.loads(run(argv) or "[]")


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
