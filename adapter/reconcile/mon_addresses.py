"""At which address a monitor or gateway is deployed: from its spec, its host's report, the cluster.

Which hosts can have one follows from the same.
"""

from __future__ import annotations

from typing import List, Optional, Sequence

from adapter.cluster.daemon_places import own_rows
from adapter.cluster.mon_places import (
    Address,
    addresses_of,
    gateway_address,
    is_at,
    is_outside,
    mon_address,
)
from adapter.cluster.schedule import Daemon, DaemonPlacement, named
from adapter.core import Core
from adapter.errors import InvalidValue
from adapter.interface import HostSpec, ServiceSpec
from adapter.kinds import kind_of
from adapter.state_lock import under_lock


def address_for(core: Core, spec: ServiceSpec, place: DaemonPlacement) -> str:
    """Return the address for a daemon, empty for all; raises ``OrchestratorError``.

    A monitor that the cluster knows keeps its address: where it is cannot be changed by a start.
    """
    network = place.network or named(spec, place.hostname)[0]
    is_mon = spec.service_type == "mon"
    if not kind_of(spec.service_type).binds(spec):
        return ""
    if not is_mon and not network and not spec.networks:
        return str(getattr(spec, "addrs", None) or "")
    there = core.maps.mon_addresses().get(place.daemon_id, frozenset()) if is_mon else frozenset()
    known = there or network or spec.networks or not is_mon
    public = "" if known else core.maps.public_network()
    with core.lock:
        host = core.hosts.get(place.hostname)
        own = _own(core, place.hostname)
    if there:
        return host.addr if host.addr in there else min(there)
    if not is_mon:
        return gateway_address(place.hostname, network, own, host.addr, spec.networks)
    return mon_address(place.hostname, network, own, host.addr, public, spec.networks)


def in_networks(
    core: Core, spec: ServiceSpec, hosts: Sequence[HostSpec], running: Sequence[Daemon]
) -> List[HostSpec]:
    """Return the hosts without those that are known to have no address in a spec's networks.

    One that is named, or that runs a daemon of the service, stays: nothing is taken from a host
    because its last report lacks an interface.
    """
    if not spec.networks:
        return list(hosts)
    stay = {each.hostname for each in running}
    stay |= {each.hostname for each in spec.placement.hosts or ()}
    with core.lock:
        return [
            host
            for host in hosts
            if host.hostname in stay or not is_outside(spec.networks, _own(core, host.hostname))
        ]


@under_lock
def check_networks(core: Core, spec: ServiceSpec, matching: Sequence[str]) -> None:
    """Raise ``InvalidValue`` for a spec whose hosts have no address in its networks.

    A host that is named must have one; of those that match a label or a pattern at least one. What
    a host has not reported yet is looked at at the deployment.
    """
    placed = {
        each.hostname: each.network
        for each in spec.placement.hosts or ()
        if each.hostname in core.hosts
    }
    for hostname, network in placed.items():
        own, addr = _own(core, hostname), core.hosts.get(hostname).addr
        if own is not None and (network or spec.networks):
            gateway_address(hostname, network, own, addr, spec.networks)
    if placed or not spec.networks or not matching:
        return
    if all(is_outside(spec.networks, _own(core, hostname)) for hostname in matching):
        raise InvalidValue(
            "networks",
            ", ".join(spec.networks),
            f"no host of the placement has an address in it ({', '.join(sorted(matching)[:8])})",
            "Name a network that the hosts have; `ip address` on a host shows them.",
        )


def _own(core: Core, hostname: str) -> Optional[List[Address]]:
    report = core.reports.get(hostname)
    return addresses_of(report.facts) if report is not None else None


@under_lock
def check_mon_places(core: Core, spec: ServiceSpec, matching: Sequence[str] = ()) -> None:
    """Raise ``InvalidValue`` for a host of a placement that cannot have its monitor as it says.

    ``matching`` are all hosts of the placement. What a host has not reported yet is looked at when
    the monitor is deployed.
    """
    if spec.service_type != "mon":
        return
    placed = {each.hostname: (each.network, each.name) for each in spec.placement.hosts or ()}
    for hostname in dict.fromkeys([*placed, *(matching if spec.networks else ())]):
        if hostname not in core.hosts:
            continue
        network, name = placed.get(hostname, ("", ""))
        own = _own(core, hostname)
        if own is not None and network:
            mon_address(hostname, network, own, core.hosts.get(hostname).addr)
        report = core.reports.get(hostname)
        foreign = core.places.foreign_by_host().get(hostname, {})
        here = [
            str(row["daemon_id"])
            for row in own_rows(report.daemons if report is not None else [], foreign)
            if row["daemon_type"] == "mon"
            and (row["state"] != "stopped" or row.get("enabled", True))
        ]
        _check_present(core, hostname, network or ",".join(spec.networks), name, here)


def _check_present(core: Core, hostname: str, network: str, name: str, here: Sequence[str]) -> None:
    """Raise for a monitor that a host has already, with another name or at another address."""
    for daemon_id in here:
        where = core.mon_addresses.get(daemon_id, frozenset())
        if name and daemon_id != name:
            wrong = f"host '{hostname}' has mon.{daemon_id} already"
        elif network and where and not is_at(network, where):
            wrong = f"mon.{daemon_id} of host '{hostname}' is at {', '.join(sorted(where))} already"
        else:
            continue
        raise InvalidValue(
            "placement",
            f"{hostname}{':' + network if network else ''}{'=' + name if name else ''}",
            wrong,
            f"Leave that out, or let it be made anew: `ceph orch set-unmanaged mon`, then `ceph "
            f"orch daemon rm mon.{daemon_id} --force`, then apply this.",
        )
