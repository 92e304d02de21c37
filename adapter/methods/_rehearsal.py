"""The orchestrator as it would be with more hosts and what they reported: in memory, for a look.

It plans as the real one does, over a copy of what is kept, and reaches no host.
"""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Sequence

from adapter.cluster.hosts import Host
from adapter.cluster.schedule import Daemon
from adapter.cluster.specs import Wanted
from adapter.cluster.store import copy_of
from adapter.core import Core
from adapter.engine.access import MemoryAccess
from adapter.engine.memory import MemoryEngine
from adapter.kinds import daemon_type_of
from adapter.methods._group_plans import GroupPlans
from adapter.methods._spec_checks import SpecChecks
from adapter.methods.host_specs import HostSpecMethods
from adapter.methods.previews import PreviewMethods
from adapter.reconcile import Reconciler
from adapter.reconcile.ownership import read_places
from adapter.reconcile.service_proofs import not_well


class Rehearsal:
    """A second ``Core`` with hosts and reports of its own; ``core`` is it."""

    def __init__(
        self, real: Core, hosts: Sequence[Host], reports: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.core = core = Core(
            store=copy_of(real.store),
            engine=MemoryEngine(lambda request: {}),
            ssh=MemoryAccess(),
            settings=real.settings,
            actor=real.actor,
            cluster=real.cluster,
            mon=real.mon,
            answer_wait=0.0,
        )
        with core.lock:
            for host in hosts:
                core.hosts.save(host)
            core.follow_hosts()
            for hostname, result in reports.items():
                core.reports.absorb(hostname, result, time.time())
        self.reconciler = Reconciler(core)
        read_places(core)
        self.reconciler.read_maps()
        checks = SpecChecks(core, self.reconciler)
        groups = GroupPlans(core, self.reconciler)
        host_specs = HostSpecMethods(core, self.reconciler)
        self._previews = PreviewMethods(core, self.reconciler, checks, groups, host_specs)

    def running(self) -> Dict[str, List[Daemon]]:
        """Return the daemons by the service that each belongs to, or would."""
        with self.core.lock:
            return {name: list(each) for name, each in self.reconciler.services.running().items()}

    def changes(self, specs: Sequence[Any]) -> List[str]:
        """Return for each spec, as managed, what it would change; nothing where that is nothing.

        Raises ``OrchestratorError`` where the cluster cannot be asked.
        """
        rows = self._previews.preview(specs)
        return [self._change(spec, row) for spec, row in zip(specs, rows)]

    def problems(self, specs: Sequence[Any]) -> List[str]:
        """Return for each spec why it cannot be applied, or nothing."""
        return [str(row.get("error") or "") for row in self._previews.preview(specs)]

    def _change(self, spec: Any, row: Mapping[str, Any]) -> str:
        if row.get("error"):
            return ""
        kind = daemon_type_of(spec)
        parts = [f"add {kind} on {host}" for host in row.get("add") or ()]
        parts += [f"remove {name}" for name in row.get("remove") or ()]
        parts += [str(each) for each in row.get("change") or ()]
        parts += [str(row[key]) for key in ("waits", "stays") if row.get(key)]
        return "; ".join([*parts, *self._unwell(spec)])

    def _unwell(self, spec: Any) -> List[str]:
        """Return the daemons that a managed service would deploy again."""
        with self.core.lock:
            services = self.reconciler.services
            there = services.running().get(spec.service_name(), [])
            kept = services.diff(Wanted(spec), there, services.hosts()).kept
            lacks = self.core.watch.managers.lacks
        unable, outside = not_well(self.core, spec.service_type, kept)
        found = [
            f"install the backend for mgr.{each.daemon_id} and restart it "
            f"({lacks.get(each.daemon_id, 'it has none')})"
            for each in sorted(unable, key=lambda each: each.daemon_id)
        ]
        named = (f"{daemon_type_of(spec)}.{each.daemon_id}" for each in outside)
        return [*found, *(f"deploy {name} again: it is not in the cluster's map" for name in named)]
