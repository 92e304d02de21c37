"""The flag ``noout`` of hosts in maintenance: what has it, and what loses it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import List, Sequence, Tuple

from adapter.cluster.hosts import Host
from adapter.cluster.maintenances import Maintenance
from adapter.cluster.mon import NoMon
from adapter.cluster.noout import NoOut, ids_of, names_now, nodes_of
from adapter.core import Core
from adapter.errors import AdapterError, InvalidValue


class MaintenanceFlags:
    """Set and take away the flag, on a ``Core``. All methods raise ``OrchestratorError``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._noout = NoOut(core.mon or NoMon())

    def wanted(self, one: Maintenance, osds: Sequence[str]) -> Tuple[Maintenance, List[str]]:
        """Return a host's maintenance with what is set from here in the end, and what is not yet.

        ``osds`` are the ids of its OSDs; what somebody else has set is not ours.
        """
        osd_map = self._core.maps.osd_map()
        ids = [int(each) for each in osds if each.isdigit()]
        there, nodes = self._noout.there(), nodes_of(osd_map.osds, ids)
        new = [each for each in nodes if each not in there]
        mine = tuple(dict.fromkeys([*one.nodes, *new]))
        known = {**one.ids, **ids_of(new, osd_map.buckets)}
        wanted = replace(one, nodes=mine, ids=known)
        return wanted, [each for each in mine if each not in there]

    def set(self, nodes: Sequence[str]) -> None:
        """Set it for nodes."""
        self._noout.set(nodes)

    def unset(self, one: Maintenance) -> None:
        """Take it away. A bucket is known by its id: its flag goes with it to another name."""
        osd_map = self._core.maps.osd_map()
        nodes = names_now(one.nodes, one.ids, osd_map.buckets)
        buckets = [each for each in nodes if not each.startswith("osd.")]
        if osd_map.buckets.keys() >= set(buckets):
            self._noout.unset(nodes)
            return
        # A record without the ids: the bucket may be where the host's OSDs are now.
        self._noout.unset([*nodes, *nodes_of(osd_map.osds, self._osds_of(one.hostname))])

    def of_lost(self, hostname: str) -> Tuple[str, ...]:
        """Return what has the flag of a host whose record cannot be used."""
        with self._core.lock:
            if hostname not in self._core.maintenances.problems:
                return ()
        own = nodes_of(self._core.maps.osd_map().osds, self._osds_of(hostname))
        there = self._noout.there()
        return tuple(each for each in own if each in there)

    def _osds_of(self, hostname: str) -> List[int]:
        """Return the OSDs that are a host's own, running or not."""
        places = self._core.places
        with self._core.lock:
            names = {*places.by_unit(hostname).values(), *places.said_on(hostname)}
        return [int(each[4:]) for each in names if re.fullmatch(r"osd\.\d{1,9}", each)]


def check_usable(core: Core, hostname: str) -> None:
    """Raise if the record of a host cannot be used: what it says is not written over.

    Callers hold the orchestrator's lock.
    """
    problem = core.maintenances.problems.get(hostname)
    if problem:
        raise AdapterError(
            f"The record of host {hostname}'s maintenance cannot be used: {problem.rstrip('.')}. "
            "Which flags were set from here is not known.",
            f"`ceph orch host maintenance exit {hostname} --force` takes noout away from all that "
            "is the host's own, and puts back what the host itself has kept.",
        )


def refuse_draining(host: Host) -> None:
    """Raise ``InvalidValue`` for a host that is being drained."""
    if host.is_draining:
        raise InvalidValue(
            "host",
            host.hostname,
            "it is being drained, and what leaves it has to run",
            "Wait until `ceph orch host ls` shows it drained, or end the drain first: `ceph orch "
            f"host drain stop {host.hostname}`.",
        )
