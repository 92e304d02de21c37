"""The daemons that the cluster knows, with what each said of its host. Pure functions.

Sources: the answers of `mon dump`, `mon metadata`, `mgr metadata`, `osd metadata`, `mds metadata`
and the service map of Ceph 16.2, 18.2 and 20.2. Daemons are not trusted: what is no text is none.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any, Collection, Dict, Iterator, List, Mapping, Sequence, Tuple

from adapter.cluster.daemon_identity import read_mon_addresses, without_kind
from adapter.cluster.osd_map import read_json
from adapter.cluster.report_rows import text
from adapter.kinds import KINDS

_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):[0-9]{1,5}/[0-9]+")
# The kinds that tell the monitors of themselves, and where: at which address clients reach them.
FIELDS = {"mon": "addrs", "mgr": "addr", "osd": "front_addr", "mds": "addr"}
# Whose address is taken for the host's own, the best first.
_TRUSTED = ("mon", "osd", "mds", "mgr")


@dataclass(frozen=True)
class ToldDaemon:
    """A daemon as it told the cluster of itself; ``hostname`` is empty where it told nothing."""

    kind: str
    daemon_id: str
    hostname: str = ""
    addresses: Tuple[str, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the daemon's name (``mon.h1``)."""
        return f"{self.kind}.{self.daemon_id}"


def read_daemons(
    metadata: Mapping[str, str], mon_dump: str, service_map: Mapping[str, Any]
) -> List[ToldDaemon]:
    """Return all daemons; ``metadata`` are the answers by kind. Raises ``NotReady``."""
    addresses = read_mon_addresses(mon_dump)
    found: Dict[str, ToldDaemon] = {}
    for kind, answer in metadata.items():
        for row in read_json(answer, f"{kind} metadata") or ():
            if isinstance(row, dict):
                daemon = _of_row(kind, row, addresses)
                found[daemon.name] = daemon
    for name in addresses:
        # A monitor that does not run tells nothing, and is in the map all the same.
        kind, _, daemon_id = name.partition(".")
        lost = ToldDaemon(kind, daemon_id, "", _usable(addresses[name]))
        found.setdefault(name, lost)
    for daemon in _of_service_map(service_map):
        found[daemon.name] = daemon
    return [found[name] for name in sorted(found)]


def _of_row(kind: str, row: Mapping[str, Any], mons: Mapping[str, Any]) -> ToldDaemon:
    identity = row.get("id") if kind == "osd" else row.get("name")
    daemon_id = text(str(identity) if isinstance(identity, int) else identity, 255)
    said = _usable(_addresses(row.get(FIELDS[kind])))
    mine = _usable(mons.get(f"{kind}.{daemon_id}", ()))
    return ToldDaemon(kind, daemon_id, text(row.get("hostname"), 255), mine or said, row)


def _of_service_map(service_map: Mapping[str, Any]) -> Iterator[ToldDaemon]:
    services = _mapping(service_map.get("services"))
    for kind in (name for name, each in KINDS.items() if each.in_service_map):
        for name, each in _mapping(_mapping(services.get(kind)).get("daemons")).items():
            if not isinstance(each, dict):
                continue
            said = _mapping(each.get("metadata"))
            daemon_id = without_kind(kind, text(said.get("id"), 255) or text(name, 255))
            hostname = text(said.get("hostname"), 255)
            yield ToldDaemon(kind, daemon_id, hostname, _usable(_addresses(each.get("addr"))), said)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _addresses(value: Any) -> List[str]:
    """Return the addresses in what a daemon says: ``[v2:10.0.0.1:3300/0,v1:...]``."""
    return [first or second for first, second in _ADDRESS.findall(text(value))]


def _usable(addresses: Collection[str]) -> Tuple[str, ...]:
    """Return the addresses that other hosts reach, each once."""
    found: Dict[str, None] = {}
    for each in sorted(addresses) if isinstance(addresses, frozenset) else addresses:
        try:
            address = ipaddress.ip_address(each)
        except ValueError:
            continue
        if not (address.is_loopback or address.is_unspecified or address.is_multicast):
            found[str(address)] = None
    return tuple(found)


def address_of(daemons: Sequence[ToldDaemon]) -> str:
    """Return the address of the host of these daemons, empty where none of them tells one."""
    for kind in (*_TRUSTED, *KINDS):
        for daemon in daemons:
            if daemon.kind == kind and daemon.addresses:
                return daemon.addresses[0]
    return ""
