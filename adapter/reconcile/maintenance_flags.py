"""The flag ``noout`` of hosts in maintenance: what has it, and what loses it."""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

from adapter.cluster.maintenances import Maintenance
from adapter.cluster.maps import NoMon
from adapter.cluster.noout import NoOut, nodes_of
from adapter.core import Core
from adapter.errors import AdapterError


class MaintenanceFlags:
    """Set and take away the flag, on a ``Core``. All methods raise ``OrchestratorError``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._noout = NoOut(core.mon or NoMon())

    def lacking(self, osds: Sequence[str]) -> List[str]:
        """Return what the flag is to be set for, of these ids of a host's OSDs."""
        ids = [int(each) for each in osds if each.isdigit()]
        there = self._noout.there()
        return [each for each in nodes_of(self._core.maps.osd_map().osds, ids) if each not in there]

    def set(self, nodes: Sequence[str]) -> None:
        """Set it where it is not set."""
        there = self._noout.there()
        self._noout.set([each for each in nodes if each not in there])

    def unset(self, one: Maintenance) -> None:
        """Take it away; that of a bucket that was renamed meanwhile has gone to its new name."""
        there, osds = self._noout.there(), self._core.maps.osd_map().osds
        buckets = {osd.host for osd in osds.values()}
        lost = [each for each in one.nodes if each not in there and each not in buckets]
        renamed = any(not each.startswith("osd.") for each in lost)
        self._noout.unset([*one.nodes, *(self._own(one.hostname) if renamed else ())])

    def of_lost(self, hostname: str) -> Tuple[str, ...]:
        """Return what has the flag of a host whose record cannot be used."""
        with self._core.lock:
            if hostname not in self._core.maintenances.problems:
                return ()
        return self._own(hostname)

    def _own(self, hostname: str) -> Tuple[str, ...]:
        """Return what is a host's own and has the flag."""
        core = self._core
        with core.lock:
            names = {*core.places.by_unit(hostname).values(), *core.places.said_on(hostname)}
        ids = [int(each[4:]) for each in names if re.fullmatch(r"osd\.\d{1,9}", each)]
        there = self._noout.there()
        return tuple(each for each in nodes_of(core.maps.osd_map().osds, ids) if each in there)


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
