"""Which port each gateway of a host gets: the one that it had, or the first that is free."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Sequence, Set, Tuple

from adapter.cluster.schedule import Daemon, DaemonPlacement, candidates
from adapter.cluster.service_ports import choose, most_on_a_host, span_of
from adapter.cluster.specs import Wanted
from adapter.cluster.views import host_spec
from adapter.core import Core
from adapter.interface import ServiceSpec
from adapter.kinds import daemon_type_of, kind_of
from adapter.reconcile.found_daemons import known_or_found

HostDaemon = Tuple[str, str]


def reserve_ports(
    core: Core, wanted: Wanted, places: Sequence[DaemonPlacement], there: Sequence[Daemon]
) -> Dict[HostDaemon, int]:
    """Choose a port for each daemon that is to be deployed, and keep it with the daemon.

    ``there`` are the service's daemons, as far as the caller knows of more than reports say.
    Returns the ports by host and daemon's id; raises ``NotKept``, ``UnreadableRecord``.
    """
    kind = daemon_type_of(wanted.spec)
    if not kind_of(kind).has_own_port:
        return {}
    found: Dict[HostDaemon, int] = {}
    with core.lock:
        share = share_of_host(core, wanted.spec)
        for hostname in dict.fromkeys(place.hostname for place in places):
            ids = [place.daemon_id for place in places if place.hostname == hostname]
            known, taken, avoid = _seen(core, wanted.name, hostname)
            beside = {each.daemon_id for each in there if each.hostname == hostname}
            span = span_of(wanted.spec, max(share, len({*known, *ids, *beside})))
            for daemon_id in ids:
                record = core.deployments.get(hostname, f"{kind}.{daemon_id}")
                if record is not None and record.ports:
                    known[daemon_id] = record.ports[0]
            chosen = choose(ids, span, known, taken, avoid)
            found.update({(hostname, name): port for name, port in chosen.items()})
            _keep(core, wanted, hostname, chosen)
    return found


def share_of_host(core: Core, spec: ServiceSpec) -> int:
    """Return how many daemons of a service one of its hosts may have; 0 where none has a port."""
    if not kind_of(spec.service_type).has_own_port:
        return 0
    with core.lock:
        hosts = [host_spec(host, core.liveness.online(host.hostname)) for host in core.hosts.all()]
    return most_on_a_host(spec, len(candidates(spec, hosts)))


def _keep(core: Core, wanted: Wanted, hostname: str, ports: Dict[str, int]) -> None:
    records = []
    for daemon_id, port in ports.items():
        known = known_or_found(core, hostname, wanted, daemon_id)
        records.append(replace(known, service=wanted.name, ports=(port,)))
    core.deployments.save(hostname, records)


def _seen(core: Core, service: str, hostname: str) -> Tuple[Dict[str, int], Set[int], Set[int]]:
    """Return the ports of a service's daemons on a host, others' ports, and those of the missing.

    What a daemon was told is what it will listen on; only where nobody knows that counts what it
    listens on.
    """
    report = core.reports.get(hostname)
    rows = report.daemons if report is not None else []
    known: Dict[str, int] = {}
    taken: Set[int] = set()
    reported = set()
    for row in rows:
        kind, daemon_id = str(row["daemon_type"]), str(row["daemon_id"])
        name = f"{kind}.{daemon_id}"
        reported.add(name)
        record = core.deployments.get(hostname, name)
        ports: List[int] = [*(record.ports if record is not None else ())] or [*row["ports"]]
        if core.daemon_services.of(hostname, kind, daemon_id) != service:
            taken.update(ports, row["ports"])
        else:
            known[daemon_id] = ports[0] if ports else 0
    avoid = {
        port
        for host, each in core.deployments.all()
        if host == hostname and each.daemon not in reported
        for port in each.ports
    }
    return known, taken, avoid
