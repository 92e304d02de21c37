"""Which hosts run the daemons of a service. Pure functions.

Placements are stable: what runs stays where it may, and a new host changes nothing that is
enough already. New places are drawn by a hash of service and host, so they are spread and the same
whoever asks.
"""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.errors import InvalidValue
from adapter.interface import HostSpec, PlacementSpec, ServiceSpec
from adapter.kinds import kind_of
from adapter.names import NEW_ID, NEW_ID_LENGTH

MAX_ON_A_HOST = 10
NO_SCHEDULE = "_no_schedule"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class DaemonPlacement:
    """One daemon that shall be: its host, its id, and the network or address it shall use."""

    hostname: str
    daemon_id: str
    network: str = ""


@dataclass(frozen=True)
class Daemon:
    """One daemon that is there. ``active`` ones serve now, as the cluster's maps say."""

    hostname: str
    daemon_id: str
    ok: bool = True
    runs: bool = True
    active: bool = False

    @property
    def worth(self) -> Tuple[bool, bool, bool]:
        """Return what sorts daemons: those that would be missed most are the last to go."""
        return self.active, self.ok and self.runs, self.ok


@dataclass(frozen=True)
class Difference:
    """What is missing and what is too much; ``kept`` stays as it is.

    ``offline`` are hosts that have a place for a daemon and do not answer; ``places`` are the hosts
    of all places, one that has several as often.
    """

    add: Tuple[DaemonPlacement, ...] = ()
    remove: Tuple[Daemon, ...] = ()
    kept: Tuple[Daemon, ...] = ()
    size: int = 0
    offline: Tuple[str, ...] = ()
    places: Tuple[str, ...] = ()


def placement_of(spec: ServiceSpec) -> PlacementSpec:
    """Return the placement of a service, or of its kind where it names none."""
    empty = spec.placement.is_empty()
    return kind_of(spec.service_type).default_placement() if empty else spec.placement


def with_placement(spec: ServiceSpec) -> ServiceSpec:
    """Return a spec with the placement that holds for it, where it names none.

    One that is unmanaged and names none has the daemons that are there, and none is missing.
    """
    if spec.service_type == "osd" or spec.unmanaged or not spec.placement.is_empty():
        return spec
    shown = copy.copy(spec)
    shown.placement = placement_of(spec)
    return shown


def daemon_id(cluster: str, spec: ServiceSpec, hostname: str, index: int = 0) -> str:
    """Return the id of a service's daemon on a host; the same each time it is asked for.

    So a daemon that is asked for twice, by two managers even, is one daemon.
    """
    if kind_of(spec.service_type).named_by_host:
        return hostname
    text = f"{cluster}/{spec.service_name()}/{hostname}/{index}"
    digest = hashlib.sha256(text.encode()).digest()
    letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:6])
    parts = [spec.service_id] if spec.service_id else []
    return ".".join([*parts, hostname, letters])


def check_ids(spec: ServiceSpec, hostnames: Sequence[str]) -> None:
    """Raise ``InvalidValue`` for a service whose daemons on these hosts could not be called so."""
    given = names_of(spec)
    for hostname in hostnames:
        name = given.get(hostname, ("", ""))[1]
        check_place(spec, DaemonPlacement(hostname, name or daemon_id("", spec, hostname)))


def check_place(spec: ServiceSpec, place: DaemonPlacement) -> None:
    """Raise ``InvalidValue`` for a daemon that its host would refuse because of its id."""
    length = len(place.daemon_id)
    if length > NEW_ID_LENGTH:
        least = length - len(spec.service_id or "")
        raise InvalidValue(
            "service_id",
            spec.service_id,
            f"the id of its daemon on host {place.hostname} would have {length} characters, and "
            f"{NEW_ID_LENGTH} are allowed",
            f"Use at most {NEW_ID_LENGTH - least} characters.",
        )
    if not NEW_ID.fullmatch(place.daemon_id):
        raise InvalidValue(
            "service_id",
            spec.service_id,
            f"{place.daemon_id} is not a valid daemon id",
            "Use letters, digits, '-', '_' and single inner dots.",
        )


def candidates(spec: ServiceSpec, hosts: Sequence[HostSpec]) -> List[str]:
    """Return the hosts that may run the service, in no particular order."""
    placement = placement_of(spec)
    schedulable = [host for host in hosts if NO_SCHEDULE not in host.labels]
    matching = placement.filter_matching_hostspecs(schedulable)
    return list(dict.fromkeys(matching))


def difference(
    spec: ServiceSpec,
    hosts: Sequence[HostSpec],
    running: Sequence[Daemon],
    *,
    cluster: str = "",
) -> Difference:
    """Return what has to be added and removed to bring a service to its spec.

    ``hosts`` are all hosts, with ``Offline`` or ``maintenance`` as their status: daemons on those
    are neither added nor removed, and count as there.
    """
    offline = {host.hostname for host in hosts if host.status}
    slots = _slots(spec, hosts, running, offline)
    left: Dict[str, List[Daemon]] = {}
    for daemon in running:
        left.setdefault(daemon.hostname, []).append(daemon)
    used = {daemon.daemon_id for daemon in running}
    add: List[DaemonPlacement] = []
    kept: List[Daemon] = []
    names = names_of(spec)
    for hostname, index in slots:
        network, name = names.get(hostname, ("", ""))
        found = _take(left.get(hostname, []), "" if hostname in offline else name)
        if found is not None:
            kept.append(found)
        elif hostname not in offline:
            identity = name or free_id(cluster, spec, hostname, index, used)
            used.add(identity)
            add.append(DaemonPlacement(hostname, identity, network))
    rest = [daemon for here in left.values() for daemon in here]
    remove = [daemon for daemon in rest if daemon.hostname not in offline]
    kept += [daemon for daemon in rest if daemon.hostname in offline]
    remove.sort(key=lambda daemon: (daemon.worth, daemon.daemon_id))
    waiting = tuple(dict.fromkeys(hostname for hostname, _ in slots if hostname in offline))
    places = tuple(hostname for hostname, _ in slots)
    return Difference(tuple(add), tuple(remove), tuple(kept), len(slots), waiting, places)


def _slots(
    spec: ServiceSpec,
    hosts: Sequence[HostSpec],
    running: Sequence[Daemon],
    offline: Collection[str],
) -> List[Tuple[str, int]]:
    """Return the places: a host and a number from 0 for each daemon on it."""
    placement, found = placement_of(spec), candidates(spec, hosts)
    per_host = placement.count_per_host or 1
    there: Dict[str, int] = {}
    best: Dict[str, Tuple[bool, bool, bool]] = {}
    for daemon in running:
        there[daemon.hostname] = there.get(daemon.hostname, 0) + 1
        best[daemon.hostname] = max(daemon.worth, best.get(daemon.hostname, daemon.worth))
    found.sort(key=lambda name: _draw(spec, name))
    # Stable: hosts that run it first, those with the best ones before; hosts that do not answer get
    # nothing new.
    found.sort(key=lambda name: best.get(name, ()), reverse=True)
    found.sort(key=lambda name: (name not in there, name in offline))
    if placement.count is None:
        return [(name, index) for name in found for index in range(per_host)]
    many = kind_of(spec.service_type).many_on_a_host
    rounds = per_host if placement.count_per_host else (MAX_ON_A_HOST if many else 1)
    answering = [name for name in found if name not in offline or name in there]
    slots = [(name, index) for index in range(rounds) for name in answering]
    slots.sort(key=lambda slot: slot[1] >= max(1, there.get(slot[0], 0)))
    return slots[: placement.count]


def free_id(
    cluster: str, spec: ServiceSpec, hostname: str, index: int, used: Collection[str]
) -> str:
    """Return the first id from a number on that no daemon of the service has."""
    if kind_of(spec.service_type).named_by_host:
        return hostname
    while daemon_id(cluster, spec, hostname, index) in used:
        index += 1
    return daemon_id(cluster, spec, hostname, index)


def _draw(spec: ServiceSpec, hostname: str) -> str:
    return hashlib.sha256(f"{spec.service_name()}/{hostname}".encode()).hexdigest()


def _take(here: List[Daemon], name: str = "") -> Optional[Daemon]:
    """Take one of the daemons on a host, the one that would be missed most.

    Where a placement names it, no other one will do.
    """
    fitting = [daemon for daemon in here if not name or daemon.daemon_id == name]
    if not fitting:
        return None
    best = max(fitting, key=lambda daemon: (daemon.worth, daemon.daemon_id))
    here.remove(best)
    return best


def names_of(spec: ServiceSpec) -> Dict[str, Tuple[str, str]]:
    """Return the network and the name that a placement gives each of its hosts."""
    found: Dict[str, Tuple[str, str]] = {}
    for host in spec.placement.hosts or ():
        found.setdefault(host.hostname, (host.network or "", host.name or ""))
    return found


def named(spec: ServiceSpec, hostname: str) -> Tuple[str, str]:
    """Return the network and the name that a placement gives a host."""
    return names_of(spec).get(hostname, ("", ""))


def counted(places: Sequence[str], running: Mapping[str, int]) -> int:
    """Return how many daemons of a service count as running, of those that run by host.

    What runs elsewhere does not make up for a place that has none; it is too much where no place
    lacks any.
    """
    placed = sum(min(running.get(name, 0), wanted) for name, wanted in Counter(places).items())
    return placed if placed < len(places) else sum(running.values())
