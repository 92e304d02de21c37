"""The orchestrator: every method of the interface that Ansible answers here.

A method validates everything first, then reads from memory or submits an operation of its own
name, and returns at once. ceph-mgr (``adapter.mgr``) and the command (``adapter.cli``) are doors
to this one class.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

from adapter.core import Core
from adapter.health import Health
from adapter.interface import Orchestrator
from adapter.methods.actions import ActionMethods
from adapter.methods.apply_kinds import KindMethods
from adapter.methods.osds import OsdMethods
from adapter.methods.service_list import ServiceListMethods
from adapter.methods.services import ServiceMethods
from adapter.outcomes import Outcomes
from adapter.reconcile import Reconciler


class AnsibleOrchestrator(
    ServiceMethods, ServiceListMethods, KindMethods, ActionMethods, OsdMethods, Orchestrator
):
    """The orchestrator interface, implemented with Ansible, on the state and engine of a ``Core``.

    What is not defined here or in the method classes is not in the feature set.
    """

    def __init__(self, core: Core) -> None:
        self.outcomes, self.health = Outcomes(core), Health(core)
        reconciler = Reconciler(core)
        ServiceMethods.__init__(self, core, reconciler)
        OsdMethods.__init__(self, core, reconciler)
        ServiceListMethods.__init__(self)

    def available(self) -> Tuple[bool, str, Dict[str, Any]]:
        """Tell from memory whether hosts can be managed, why not, and details.

        Without any host it is available: adding the first is how it starts.
        """
        core = self.core
        problem = core.ssh.ready()
        if problem:
            return False, problem, {}
        with core.lock:
            hosts, offline = len(core.hosts), core.liveness.offline()
            details = {"hosts": hosts, "offline": len(offline), "paused": core.paused}
            if hosts and len(offline) == hosts:
                name, state = next(iter(sorted(offline.items())))
                return False, f"no host answers; {name}: {state.reason}", details
        return True, "", details

    def cancel_completions(self) -> None:
        """Cancel every job that is queued or running."""
        for record in self.core.engine.jobs():
            if not record.status.final:
                self.core.engine.cancel(record.id)
        self.core.wake_event.set()
