"""Where a monitor is deployed, from its placement, its host's report and the cluster's settings."""

from __future__ import annotations

from typing import Sequence

from adapter.cluster.daemon_places import own_rows
from adapter.cluster.mon_places import addresses_of, is_at, mon_address
from adapter.cluster.schedule import Place, named
from adapter.core import Core
from adapter.errors import InvalidValue
from adapter.interface import ServiceSpec


def address_for(core: Core, spec: ServiceSpec, place: Place) -> str:
    """Return the address for a monitor; raises ``OrchestratorError``.

    One that the cluster knows keeps its address: where it is cannot be changed by a start.
    """
    there = core.maps.mon_addresses().get(place.daemon_id, frozenset())
    network = place.network or named(spec, place.hostname)[0]
    public = "" if there or network else core.maps.public_network()
    with core.lock:
        host = core.hosts.get(place.hostname)
        report = core.reports.get(place.hostname)
    if there:
        return host.addr if host.addr in there else min(there)
    own = addresses_of(report.facts) if report is not None else None
    return mon_address(place.hostname, network, own, host.addr, public)


def check_mon_places(core: Core, spec: ServiceSpec) -> None:
    """Raise ``InvalidValue`` for a host of a placement that cannot have its monitor as it says.

    What a host has not reported yet is looked at when the monitor is deployed. The caller holds the
    orchestrator's lock.
    """
    if spec.service_type != "mon":
        return
    for each in spec.placement.hosts or ():
        report = core.reports.get(each.hostname)
        own = addresses_of(report.facts) if report is not None else None
        if own is not None and each.network:
            mon_address(each.hostname, each.network, own, core.hosts.get(each.hostname).addr)
        foreign = core.places.foreign_by_host().get(each.hostname, {})
        here = [
            str(row["daemon_id"])
            for row in own_rows(report.daemons if report is not None else [], foreign)
            if row["daemon_type"] == "mon"
            and (row["state"] != "stopped" or row.get("enabled", True))
        ]
        _check_present(core, each.hostname, each.network, each.name, here)


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
