"""Have the zones of gateways say what their specs say: endpoints, and the zonegroup's host names.

The manager's module ``rgw`` does it; what is there is read first, and what is as it should be is
left alone.
"""

from __future__ import annotations

import logging
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.backoff import Backoff
from adapter.cluster.gateway_zones import Zone, ZoneNow, endpoints_of, read_zone, zone_of
from adapter.cluster.schedule import Daemon
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.interface import OrchestratorError
from adapter.reconcile.services import ServiceReconciler

log = logging.getLogger(__name__)


class GatewayZones:
    """Compare zones with the specs of their gateways when one of both has changed."""

    def __init__(self, core: Core, services: ServiceReconciler) -> None:
        self._core, self._services = core, services
        self._serials: Tuple[int, ...] = ()
        self._done: Dict[str, Zone] = {}
        self._backoffs: Dict[str, Backoff] = {}
        # What gateways listened on last: one that restarts is no reason to change its zone.
        self._ports: Dict[str, List[int]] = {}

    def step(self, now: float) -> Optional[float]:
        """Do what can be done now; return None: it is looked at again with every round."""
        core = self._core
        with core.lock:
            serials = (core.specs.serial, core.reports.serial)
            if serials == self._serials and not self._backoffs:
                return None
            self._serials = serials
            wanted = self._wanted()
        self._done = {name: zone for name, zone in self._done.items() if name in wanted}
        self._backoffs = {
            name: backoff for name, backoff in self._backoffs.items() if name in wanted
        }
        for name, zone in wanted.items():
            if self._done.get(name) != zone and self._backoffs.get(name, Backoff()).until <= now:
                self._bring_about(name, zone, now)
        return None

    def _wanted(self) -> Dict[str, Zone]:
        """Return what zones shall be by service, as far as it can be said now."""
        found: Dict[str, Zone] = {}
        kept = [each for each in self._core.specs.all() if self._is_concerned(each)]
        running = self._services.running() if kept else {}
        for each in kept:
            zone = zone_of(each.spec, self._endpoints(each, running.get(each.name, ())))
            if zone is not None:
                found[each.name] = zone
        return found

    @staticmethod
    def _is_concerned(wanted: Wanted) -> bool:
        spec = wanted.spec
        return spec.service_type == "rgw" and not spec.unmanaged and not wanted.deleted

    def _endpoints(self, wanted: Wanted, there: Sequence[Daemon]) -> Optional[List[str]]:
        """Return where a service's gateways are reached, None while one of them is still to come.

        One that is broken and was never seen to listen is left out.
        """
        core = self._core
        places: List[Tuple[str, str, Sequence[int]]] = []
        for daemon in there:
            report = core.reports.get(daemon.hostname)
            rows: Sequence[Mapping[str, object]] = report.daemons if report is not None else ()
            ports = [
                port
                for row in rows
                if (row["daemon_type"], row["daemon_id"]) == ("rgw", daemon.daemon_id)
                for port in _numbers(row.get("ports"))
            ]
            if ports:
                self._ports[daemon.daemon_id] = ports
            ports = self._ports.get(daemon.daemon_id, [])
            if ports or daemon.ok:
                places.append((daemon.hostname, core.hosts.get(daemon.hostname).addr, ports))
        return endpoints_of(wanted.spec, places)

    def _bring_about(self, name: str, zone: Zone, now: float) -> None:
        core = self._core
        try:
            there = read_zone(core.maps.gateway_admin("zonegroup", "get", *zone.scope()), zone.name)
            done = self._change(zone, there)
        except OrchestratorError as error:
            self._backoffs.setdefault(name, Backoff()).longer(now)
            log.warning("the zone of %s stays as it is: %s", name, error)
            with core.lock:
                core.events.fail(name, f"zone {zone.name}: {error}")
            return
        self._done[name] = zone
        self._backoffs.pop(name, None)
        if done:
            with core.lock:
                core.events.note(name, f"zone {zone.name} has {' and '.join(done)}")

    def _change(self, zone: Zone, there: ZoneNow) -> List[str]:
        """Change what is not as it should be; return it in words."""
        maps, done = self._core.maps, []
        if zone.hostnames and set(zone.hostnames) != set(there.hostnames):
            maps.set_zonegroup_hostnames(zone.realm, zone.group, zone.name, zone.hostnames)
            done.append(f"the host names {', '.join(zone.hostnames)}")
        if zone.endpoints and set(zone.endpoints) != set(there.endpoints):
            words = (f"--rgw-zone={zone.name}", f"--endpoints={','.join(zone.endpoints)}")
            maps.gateway_admin("zone", "modify", *zone.scope(), *words)
            maps.gateway_admin("period", "update", *zone.scope(), "--commit")
            done.append(f"the endpoints {', '.join(zone.endpoints)}")
        return done


def _numbers(ports: object) -> List[int]:
    return [port for port in ports if isinstance(port, int)] if isinstance(ports, list) else []
