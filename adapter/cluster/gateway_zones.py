"""What the zone of a service of gateways shall be, and what it is. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

from adapter.cluster.osd_map import read_json
from adapter.errors import NotReady
from adapter.interface import ServiceSpec
from adapter.interface.addresses import wrap_ipv6

# A gateway: the host's name, the address at which it is reached, the ports that it listens on.
Place = Tuple[str, str, Sequence[int]]


@dataclass(frozen=True)
class Zone:
    """What specs say of a zone; what is empty they say nothing of."""

    realm: str
    group: str
    name: str
    hostnames: Tuple[str, ...] = ()
    endpoints: Tuple[str, ...] = ()

    def scope(self) -> List[str]:
        """Return the words by which ``radosgw-admin`` knows the zone's group."""
        group = [f"--rgw-zonegroup={self.group}"] if self.group else []
        return [f"--rgw-realm={self.realm}", *group]


@dataclass(frozen=True)
class ZoneNow:
    """What a zone and its group have."""

    hostnames: Tuple[str, ...] = ()
    endpoints: Tuple[str, ...] = ()


def zone_of(spec: Any, endpoints: Optional[Sequence[str]]) -> Optional[Zone]:
    """Return what a spec says of its zone, None if nothing.

    ``endpoints`` are where its gateways are reached, None if that cannot be said now.
    """
    if not spec.rgw_realm or not spec.rgw_zone:
        return None
    hostnames = tuple(spec.zonegroup_hostnames or ()) if spec.rgw_zonegroup else ()
    given: Sequence[str] = ()
    if spec.zone_endpoints:
        given = [each for each in map(str.strip, spec.zone_endpoints.split(",")) if each]
    elif spec.update_endpoints:
        given = endpoints or ()
    if not hostnames and not given:
        return None
    return Zone(spec.rgw_realm, spec.rgw_zonegroup or "", spec.rgw_zone, hostnames, tuple(given))


def endpoints_of(spec: ServiceSpec, places: Sequence[Place]) -> Optional[List[str]]:
    """Return the URLs of gateways; None while one does not listen: it may only be starting.

    With TLS they have the hosts' names, which certificates are made for.
    """
    tls = bool(getattr(spec, "ssl", False))
    named = _tls_port(spec) if tls else None
    found = []
    for hostname, addr, ports in places:
        chosen = [port for port in ports if named in (None, port)]
        if not chosen:
            return None
        where = hostname if tls else wrap_ipv6(addr)
        found += [f"{'https' if tls else 'http'}://{where}:{port}" for port in sorted(set(chosen))]
    return sorted(found) or None


def _tls_port(spec: ServiceSpec) -> Optional[int]:
    """Return the port that the extra arguments name for TLS, None where all ports have it."""
    for word in getattr(spec, "rgw_frontend_extra_args", None) or ():
        key, _, value = str(word).partition("=")
        if key == "ssl_port" and value.isdecimal():
            return int(value)
    return None


def read_zone(answer: str, name: str) -> ZoneNow:
    """Return what a zone has, from ``radosgw-admin zonegroup get``; raises ``NotReady``."""
    data = read_json(answer, "radosgw-admin zonegroup get")
    zones = data.get("zones") if isinstance(data, dict) else None
    for zone in zones if isinstance(zones, list) else ():
        if isinstance(zone, dict) and zone.get("name") == name:
            return ZoneNow(_texts(data.get("hostnames")), _texts(zone.get("endpoints")))
    raise NotReady(
        f"The zonegroup has no zone {name!r}.",
        "`ceph rgw realm bootstrap` or `radosgw-admin zone create` makes it.",
    )


def _texts(value: Any) -> Tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()
