"""Whether the ports that a spec means are free, before it is kept."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Set

from adapter.cluster.schedule import candidates
from adapter.cluster.service_ports import (
    Holder,
    check_alone,
    check_clash,
    check_last,
    most_on_a_host,
    ports_of,
)
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.interface import HostSpec, ServiceSpec
from adapter.kinds import kind_of
from adapter.reconcile.services import ServiceReconciler
from adapter.state_lock import under_lock

_LISTENS = (
    "listens on it",
    "If that has ended since, `ceph orch device ls --refresh` asks the host anew.",
)


@under_lock
def check_ports(
    core: Core,
    reconciler: ServiceReconciler,
    spec: ServiceSpec,
    hosts: Sequence[HostSpec],
    beside: Sequence[Any] = (),
) -> None:
    """Raise ``InvalidValue`` where another service means one of the same ports, or has it.

    ``hosts`` are all hosts, as they will be. ``beside`` are all specs that are applied together:
    they count as they will be, not as they are kept.
    """
    if not ports_of(spec, 1):
        return
    _check_readable(core, spec)
    there = reconciler.running().get(spec.service_name(), [])
    diff = reconciler.diff(Wanted(spec), there, hosts)
    placed = Counter(diff.places)
    most = most_on_a_host(spec, len(candidates(spec, hosts)), max(placed.values(), default=0))
    check_alone(spec, most)
    mine = _range(spec, hosts, placed)
    check_last(spec, mine)
    specs = specs_beside(core, spec, beside)
    ranges = (_range(each, hosts, Counter()) for each in specs.values())
    check_clash(spec, mine, ranges)
    known = core.specs.find(mine.name)
    if known is not None and known.spec.to_json() == spec.to_json():
        # It is tried again; whether something is in its way its hosts say.
        return
    kept = {name for name, each in specs.items() if not each.unmanaged and ports_of(each, 1)}
    at_work = Holder(mine.name, {host: mine.ports[host] for host in placed if host in mine.ports})
    check_clash(spec, at_work, _listening(core, at_work, {mine.name, *kept}))


@under_lock
def check_more(
    core: Core, reconciler: ServiceReconciler, spec: ServiceSpec, more: Sequence[str]
) -> None:
    """Raise ``InvalidValue`` if hosts have no port for one more daemon of a service each."""
    if not ports_of(spec, 1):
        return
    hosts, name = reconciler.hosts(), spec.service_name()
    there = Counter(each.hostname for each in reconciler.running().get(name, []))
    check_alone(spec, 1 + max((there[host] for host in more), default=0))
    mine = Holder(name, {host: ports_of(spec, there[host] + 1) for host in more})
    check_last(spec, mine)
    specs = specs_beside(core, spec, ())
    check_clash(spec, mine, (_range(each, hosts, Counter()) for each in specs.values()))
    check_clash(spec, mine, _listening(core, mine, {name}))


def _check_readable(core: Core, spec: ServiceSpec) -> None:
    """Raise ``UnreadableRecord`` for a service whose ports nobody knows."""
    for name in core.specs.problems:
        if kind_of(name.partition(".")[0]).has_own_port and name != spec.service_name():
            core.specs.check_readable(name)


def specs_beside(core: Core, spec: ServiceSpec, beside: Sequence[Any]) -> Dict[str, ServiceSpec]:
    """Return the other services by name, as they will be."""
    found = {each.name: each.spec for each in core.specs.all()}
    others = (each for each in beside if not isinstance(each, HostSpec) and each is not spec)
    found.update({str(each.service_name()): each for each in others})
    found.pop(str(spec.service_name()), None)
    return found


def _range(spec: ServiceSpec, hosts: Sequence[HostSpec], placed: Mapping[str, int]) -> Holder:
    """Return the ports that a service may take on each host that can have it."""
    able = candidates(spec, hosts) if ports_of(spec, 1) else []
    return Holder(
        str(spec.service_name()),
        {
            host: ports_of(spec, most_on_a_host(spec, len(able), placed.get(host, 0)))
            for host in able
        },
    )


def _listening(core: Core, mine: Holder, without: Set[str]) -> Iterator[Holder]:
    """Yield what listens on these hosts, but daemons of some services."""
    for hostname in sorted(mine.ports):
        report = core.reports.get(hostname)
        if report is None:
            continue
        told: Set[int] = set()
        for row in report.daemons:
            kind, daemon_id = str(row["daemon_type"]), str(row["daemon_id"])
            record = core.deployments.get(hostname, f"{kind}.{daemon_id}")
            told.update(row["ports"], record.ports if record is not None else ())
            if row["ports"] and core.daemon_services.of(hostname, kind, daemon_id) not in without:
                name = f"{kind}.{daemon_id}"
                yield Holder(name, {hostname: row["ports"]}, *_LISTENS)
        yield Holder("something", {hostname: _of_nobody(report, told)}, *_LISTENS)


def _of_nobody(report: Any, told: Set[int]) -> List[int]:
    """Return the ports on which something listens that is no daemon of Ceph, as far as is known.

    What is older than the daemons' rows may be of a daemon that is gone since.
    """
    if report.taken.get("facts", 0.0) < report.taken.get("daemons", 0.0):
        return []
    found: List[int] = []
    for key in ("tcp_ports_used", "tcp6_ports_used"):
        ports = report.facts.get(key)
        found += ports if isinstance(ports, list) else []
    return [port for port in found if isinstance(port, int) and port not in told]
