"""The ports of services: what a spec takes on a host, and which port each daemon gets.

Pure functions. A daemon keeps the port that it was given once, wherever that is in its service's
range: others may be told of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import AbstractSet, Collection, Dict, Iterable, List, Mapping, Sequence, Tuple

from adapter.cluster.schedule import MAX_ON_A_HOST, placement_of
from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec
from adapter.kinds import kind_of

LAST_PORT = 65535


@dataclass(frozen=True)
class Holder:
    """Who has ports on hosts; ``how`` is what it does with them, ``remedy`` what else may help."""

    name: str
    ports: Mapping[str, Collection[int]]
    how: str = "has it"
    remedy: str = ""


def span_of(spec: ServiceSpec, count: int) -> Tuple[int, ...]:
    """Return the ports that are given out to so many daemons of a host, where each has its own."""
    first = kind_of(spec.service_type).first_port(spec)
    return tuple(range(first, first + count))


def ports_of(spec: ServiceSpec, count: int) -> Tuple[int, ...]:
    """Return the ports that so many daemons of a service take together on a host."""
    return kind_of(spec.service_type).ports(spec, count)


def check_alone(spec: ServiceSpec, count: int) -> None:
    """Raise ``InvalidValue`` where so many daemons of a host would mean the same port."""
    more = kind_of(spec.service_type).more_ports(spec)
    if more and count > 1:
        raise InvalidValue(
            "rgw_frontend_extra_args",
            " ".join(getattr(spec, "rgw_frontend_extra_args", None) or ()),
            f"{count} daemons of {spec.service_name()} on a host would all use {_listed(more)}",
            "Place one gateway per host, or let `rgw_frontend_port` alone say where they listen.",
        )


def most_on_a_host(spec: ServiceSpec, hosts: int, there: int = 0) -> int:
    """Return how many daemons of a service one of so many hosts may have.

    ``there`` is how many it has, or is to have as things are.
    """
    placement, many = placement_of(spec), kind_of(spec.service_type).many_on_a_host
    share = placement.count_per_host or 1
    if placement.count and not placement.count_per_host and many:
        share = min(MAX_ON_A_HOST, ceil(placement.count / max(1, hosts)))
    return max(share, there)


def check_clash(spec: ServiceSpec, mine: Holder, others: Iterable[Holder]) -> None:
    """Raise ``InvalidValue`` with both names, host and port where two mean the same one."""
    field, found = kind_of(spec.service_type).port_field, list(others)
    for other in found:
        for hostname in sorted(mine.ports.keys() & other.ports.keys()):
            both = {*mine.ports[hostname]} & {*other.ports[hostname]}
            if both:
                raise InvalidValue(
                    field,
                    min(both),
                    f"{other.name} {other.how} on host '{hostname}', where {mine.name} would use "
                    f"{_listed(mine.ports[hostname])}",
                    f"Give another port{_free(spec, mine, found)} {other.remedy}".strip(),
                )


def _free(spec: ServiceSpec, mine: Holder, others: Sequence[Holder]) -> str:
    """Return which port is free, as the rest of a sentence; that is known where it is one alone."""
    end = " or other hosts."
    if any(len(ports) != 1 for ports in mine.ports.values()):
        return end
    taken = {
        port
        for holder in (mine, *others)
        for host in mine.ports
        for port in holder.ports.get(host, ())
    }
    first = max(port for ports in mine.ports.values() for port in ports) + 1
    for port in range(first, LAST_PORT + 1):
        beside, how = kind_of(spec.service_type).asked_with(spec, port)
        if not taken & {*beside}:
            return f", such as {port},{end} {how}".rstrip()
    return end


def check_last(spec: ServiceSpec, mine: Holder) -> None:
    """Raise ``InvalidValue`` for ports that there are not."""
    for hostname, ports in mine.ports.items():
        if max(ports) > LAST_PORT:
            raise InvalidValue(
                kind_of(spec.service_type).port_field,
                min(ports),
                f"{mine.name} would use {_listed(ports)} on host '{hostname}', and the last port "
                f"is {LAST_PORT}",
                "Give a smaller one.",
            )


def _listed(ports: Collection[int]) -> str:
    """Return ports as people write them: ``8000``, ``8000 to 8002``, ``3300, 6789``."""
    first, last = min(ports), max(ports)
    if first != last and last - first + 1 == len(ports):
        return f"{first} to {last}"
    return ", ".join(map(str, sorted(ports)))


def choose(
    wanted: Sequence[str],
    span: Sequence[int],
    known: Mapping[str, int],
    taken: AbstractSet[int],
    avoid: AbstractSet[int] = frozenset(),
) -> Dict[str, int]:
    """Return a port of ``span`` for each of the wanted daemons of a host.

    ``known`` are the ports of the service's daemons there, by daemon; who has one in the span keeps
    it. ``taken`` are others', and ``avoid`` those of daemons that may be gone: they are given out
    last. Where nothing is free the host is left to say who has it.
    """
    chosen: Dict[str, int] = {}
    for daemon in wanted:
        port = known.get(daemon, 0)
        if port in span and port not in taken and port not in chosen.values():
            chosen[daemon] = port
    used = {port for daemon, port in known.items() if daemon not in wanted}
    for daemon in wanted:
        if daemon not in chosen:
            chosen[daemon] = _first_free(span, used | {*chosen.values()}, taken, avoid)
    return chosen


def _first_free(
    span: Sequence[int], used: AbstractSet[int], taken: AbstractSet[int], avoid: AbstractSet[int]
) -> int:
    free: List[int] = []
    for without in (used | taken | avoid, used | taken, used):
        free = free or [port for port in span if port not in without]
    return (free or list(span))[0]
