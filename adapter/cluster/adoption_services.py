"""A service as its daemons run, written as a spec that means just them. Pure functions."""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.told_daemons import ToldDaemon
from adapter.interface import REQUIRES_SERVICE_ID, ServiceSpec, SpecValidationError
from adapter.kinds import kind_of

_WELL = ("running", "stopped")
_FRONTEND = "frontend_config#"


@dataclass(frozen=True)
class Member:
    """A daemon of a service: its host with its address, its row of the report, what it told."""

    host: str
    addr: str
    row: Mapping[str, Any]
    told: Optional[ToldDaemon] = None

    @property
    def daemon_id(self) -> str:
        """Return its id."""
        return str(self.row["daemon_id"])

    @property
    def name(self) -> str:
        """Return its name."""
        return f"{self.row['daemon_type']}.{self.daemon_id}"


@dataclass
class Draft:
    """A spec as far as it goes: ``refused`` says why there is none, ``held`` why not managed."""

    name: str
    spec: Dict[str, Any] = field(default_factory=dict)
    refused: str = ""
    held: str = ""


def draft_of(name: str, members: Sequence[Member], cluster: str) -> Draft:
    """Return the spec of a service that has just these daemons."""
    kind, _, service_id = name.partition(".")
    draft = Draft(name)
    for member in members:
        draft.refused = draft.refused or _refusal(member, cluster)
    if not draft.refused and (kind in REQUIRES_SERVICE_ID) != bool(service_id):
        draft.refused = "no service can have this name"
    draft.spec = {"service_type": kind}
    if service_id:
        draft.spec["service_id"] = service_id
    if not draft.refused:
        _place(draft, kind, members)
    if not draft.refused and kind_of(kind).has_own_port:
        _give_port(draft, members)
    ill = [f"{each.name} ({each.row['state']})" for each in members if not _is_well(each)]
    if ill and not draft.refused:
        draft.held = f"deploy {', '.join(ill)} again"
    return draft


def _is_well(member: Member) -> bool:
    return member.row["state"] in _WELL and not member.row.get("unfinished")


def _refusal(member: Member, cluster: str) -> str:
    """Return why no spec can mean a daemon, or nothing."""
    row = member.row
    if row.get("fsid") and cluster and row["fsid"] != cluster:
        return f"{member.name} is of another cluster ({row['fsid']})"
    if row.get("by_hand"):
        ours = kind_of(str(row["daemon_type"])).unit_of(member.daemon_id)
        return f"{member.name} has the unit {row['unit']}, and that of a service is {ours}"
    return ""


def _place(draft: Draft, kind: str, members: Sequence[Member]) -> None:
    """Say where the daemons are, and what those are called that may have names of their own."""
    knows = kind_of(kind)
    count = Counter(member.host for member in members)
    most = max(count.values())
    if most > 1 and (knows.named_by_host or knows.named_freely):
        draft.refused = f"{_first(count)} has several of them, and a placement names one a host"
        return
    if len(set(count.values())) > 1:
        draft.refused = "its hosts have different numbers of them, and a placement gives each alike"
        return
    if most > 1 and not knows.many_on_a_host:
        draft.refused = f"{_first(count)} has several of them"
        return
    places = []
    for member in sorted(members, key=lambda each: each.host):
        place = member.host
        address = _own_address(member, kind)
        place += f":{address}" if address else ""
        if knows.named_freely and not (knows.named_by_host and member.daemon_id == member.host):
            place += f"={member.daemon_id}"
        places.append(place)
    draft.spec["placement"] = {"hosts": list(dict.fromkeys(places))}
    if most > 1:
        draft.spec["placement"]["count_per_host"] = most


def _first(count: Mapping[str, int]) -> str:
    return max(count, key=lambda host: count[host])


def _own_address(member: Member, kind: str) -> str:
    """Return the address of a daemon that the maps have at another one than its host's."""
    knows = kind_of(kind)
    if not knows.addressed or not knows.in_maps or member.told is None:
        return ""
    if not member.told.addresses:
        return ""
    return "" if member.addr in member.told.addresses else member.told.addresses[0]


@dataclass(frozen=True)
class _Frontend:
    """What a gateway listens on, as it told."""

    port: int
    address: str
    tls: bool
    more: Tuple[str, ...]
    words: Tuple[str, ...]


def _give_port(draft: Draft, members: Sequence[Member]) -> None:
    """Say what gateways listen on: a gateway tells it while it runs."""
    found: List[Tuple[Member, _Frontend]] = []
    for member in members:
        frontend = _frontend(member.told)
        if frontend is None:
            draft.refused = (
                f"{member.name} does not say what it listens on in one frontend: it does not run, "
                "or has others"
            )
            return
        found.append((member, frontend))
    one = found[0][1]
    if any((each.tls, each.more) != (one.tls, one.more) for _, each in found):
        draft.refused = "its daemons have other frontends on other hosts"
        return
    lowest = {
        host: min(each.port for member, each in found if member.host == host)
        for host in {member.host for member, _ in found}
    }
    if len(set(lowest.values())) > 1:
        draft.refused = "its daemons have other ports on other hosts"
        return
    draft.spec["placement"]["hosts"] = _with_addresses(found)
    draft.spec["spec"] = _frontend_fields(one, next(iter(lowest.values())))
    draft.spec["spec"].update(_zone(members))
    _compare(draft, found)


def _with_addresses(found: Sequence[Tuple[Member, _Frontend]]) -> List[str]:
    places: Dict[str, None] = {}
    for member, each in sorted(found, key=lambda pair: pair[0].host):
        places[f"{member.host}:{each.address}" if each.address else member.host] = None
    return list(places)


def _frontend_fields(one: _Frontend, port: int) -> Dict[str, Any]:
    fields: Dict[str, Any] = {"rgw_frontend_port": port}
    if one.tls:
        fields["ssl"] = True
    if one.more:
        fields["rgw_frontend_extra_args"] = list(one.more)
    return fields


def _zone(members: Sequence[Member]) -> Dict[str, str]:
    said = members[0].told.said if members[0].told is not None else {}
    if not said.get("realm_name"):
        return {}
    return {
        field: str(said[key])
        for field, key in (
            ("rgw_realm", "realm_name"),
            ("rgw_zonegroup", "zonegroup_name"),
            ("rgw_zone", "zone_name"),
        )
        if said.get(key)
    }


def _compare(draft: Draft, found: Sequence[Tuple[Member, _Frontend]]) -> None:
    """Hold the service where a gateway that is deployed again would listen on something else."""
    try:
        spec = ServiceSpec.from_json(dict(draft.spec))
    except SpecValidationError as error:
        draft.refused = str(error)
        return
    kind = kind_of(spec.service_type)
    for member, each in found:
        ((_, _, wanted),) = kind.daemon_settings(spec, member.daemon_id, each.port, each.address)
        if set(wanted.split()) != set(each.words):
            draft.held = (
                f"let {member.name} listen as `{wanted}`, not as `{' '.join(each.words)}`, when it "
                "is deployed again"
            )
            return


def _frontend(told: Optional[ToldDaemon]) -> Optional[_Frontend]:
    """Read the one frontend of a gateway; None where it has none, or others."""
    said = told.said if told is not None else {}
    configs = [str(each) for key, each in said.items() if str(key).startswith(_FRONTEND)]
    if len(configs) != 1:
        return None
    words = configs[0].split()
    if not words or words[0] != "beast":
        return None
    where: List[Tuple[int, str, bool]] = []
    more: List[str] = []
    for word in words[1:]:
        name, _, value = word.partition("=")
        if name in ("port", "ssl_port", "endpoint", "ssl_endpoint"):
            address, port = _address_and_port(value)
            if not port:
                return None
            where.append((port, address, name.startswith("ssl_")))
        else:
            more.append(word)
    if len(where) != 1:
        return None
    port, address, tls = where[0]
    return _Frontend(port, address, tls, tuple(more), tuple(words))


def _address_and_port(value: str) -> Tuple[str, int]:
    """Return address and port of ``8080``, ``10.0.0.1:8080`` or ``[fd00::1]:8080``."""
    address, _, port = value.rpartition(":")
    number = int(port) if port.isdigit() and len(port) < 6 else 0
    address = address.strip("[]")
    if not address:
        return "", number
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "", 0
    return ("", number) if parsed.is_unspecified else (str(parsed), number)
