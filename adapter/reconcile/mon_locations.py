"""Have the monitors know where they stand in CRUSH, as the spec of the service ``mon`` says."""

from __future__ import annotations

import logging
from typing import Dict, List, Mapping, Optional, Sequence

from adapter.cluster.locations import mon_location
from adapter.core import Core
from adapter.interface import OrchestratorError, ServiceSpec
from adapter.state_lock import under_lock

log = logging.getLogger(__name__)

# How often the monitors are asked, for somebody may have moved one (seconds).
ASK_INTERVAL = 15.0


class MonLocations:
    """Set the location of monitors that are elsewhere than their spec says."""

    service = "mon"

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ask_at = 0.0
        self._serial = -1

    def step(self, now: float) -> Optional[float]:
        """Do what can be done now; return None: it is looked at again with every round."""
        core = self._core
        with core.lock:
            kept, serial = core.specs.find(self.service), core.specs.serial
            if kept is None or kept.spec.unmanaged:
                return None
            given = getattr(kept.spec, "crush_locations", None)
            if not given or (now < self._ask_at and serial == self._serial):
                return None
            self._ask_at, self._serial = now + ASK_INTERVAL, serial
            wanted = self._wanted(given)
        try:
            for name, words in self._elsewhere(wanted).items():
                core.maps.set_mon_location(name, words)
                with core.lock:
                    core.events.note("mon", f"mon.{name} is at {', '.join(words)}")
        except OrchestratorError as error:
            log.warning("the monitors cannot be told where they are: %s", error)
            with core.lock:
                core.events.fail("mon", f"crush_locations: {error}")
        return None

    def moved(self) -> List[str]:
        """Return which monitors would be told another location; raises ``OrchestratorError``."""
        with self._core.lock:
            kept = self._core.specs.find(self.service)
            given = getattr(kept.spec, "crush_locations", None) if kept is not None else None
            if kept is None or kept.spec.unmanaged or not given:
                return []
            wanted = self._wanted(given)
        elsewhere = self._elsewhere(wanted)
        return [f"mon.{name} at {', '.join(words)}" for name, words in elsewhere.items()]

    def _elsewhere(self, wanted: Mapping[str, List[str]]) -> Dict[str, List[str]]:
        there = self._core.maps.mon_locations()
        return {
            name: words
            for name, words in wanted.items()
            if name in there and there[name] != frozenset(words)
        }

    def _wanted(self, given: Mapping[str, Sequence[str]]) -> Dict[str, List[str]]:
        """Return where the monitors of hosts shall be, by the monitors' names."""
        return {
            str(row["daemon_id"]): mon_location(hostname, given[hostname])
            for hostname, row in self._core.places.own()
            if row["daemon_type"] == "mon" and hostname in given
        }


def location_of(spec: ServiceSpec, hostname: str) -> List[str]:
    """Return the location that a spec gives the monitor of a host (``datacenter=a``), or none."""
    given = getattr(spec, "crush_locations", None) or {}
    return mon_location(hostname, given[hostname]) if hostname in given else []


@under_lock
def check_mon_locations(core: Core, spec: ServiceSpec, hosts: Sequence[str]) -> None:
    """Raise for a location of a host that nobody knows, or that is none.

    ``hosts`` are those that are known besides. Raises ``UnknownName``, ``InvalidValue``.
    """
    given = getattr(spec, "crush_locations", None) if spec.service_type == "mon" else None
    for hostname, location in (given or {}).items():
        if hostname not in hosts:
            core.hosts.get(hostname)
        mon_location(hostname, location)
