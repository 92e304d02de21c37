"""Hosts that are to be missed for a while: ``ceph orch host ok-to-stop``."""

from __future__ import annotations

from adapter.core import Core
from adapter.methods._awaited import when_reported
from adapter.methods._method import method
from adapter.reconcile import Reconciler
from adapter.reconcile.host_stops import HostNeeded


class MaintenanceMethods:
    """The methods of the interface about hosts that stop, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler

    @method
    def host_ok_to_stop(self, hostname: str) -> str:
        """Tell that all daemons of a host can be stopped together now, and what each leaves.

        Raises ``HostNeeded`` (EBUSY) with everything that speaks against it and what would have to
        change, ``UnknownName``, and what the monitors answer.
        """
        core = self.core
        with core.lock:
            core.hosts.get(hostname)
        verdict = when_reported(core, lambda: self.reconciler.host_stops.look(hostname))
        if verdict.objections:
            raise HostNeeded(hostname, verdict.objections)
        found = f": {', '.join(verdict.notes)}" if verdict.notes else "; it runs nothing of Ceph"
        return f"It is presumed safe to stop host {hostname}{found}"
