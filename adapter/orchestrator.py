"""The orchestrator: every method of the interface that Ansible answers here.

A method validates everything first, then reads from memory or submits an operation of its own
name, and returns at once. ceph-mgr (``adapter.mgr``) and the command (``adapter.cli``) are doors
to this one class.
"""

from __future__ import annotations

import functools
from typing import Any, Callable, Dict, Tuple

from adapter.core import Core
from adapter.health import Health
from adapter.interface import Orchestrator, OrchResult, handle_orch_error
from adapter.methods._group_plans import GroupPlans
from adapter.methods._method import marked
from adapter.methods._spec_checks import SpecChecks
from adapter.methods.actions import ActionMethods
from adapter.methods.adoption import AdoptionMethods
from adapter.methods.apply_kinds import KindMethods
from adapter.methods.daemons import DaemonMethods
from adapter.methods.devices import DeviceMethods
from adapter.methods.draining import DrainMethods
from adapter.methods.host_specs import HostSpecMethods
from adapter.methods.hosts import HostMethods
from adapter.methods.jobs import JobMethods
from adapter.methods.maintenance import MaintenanceMethods
from adapter.methods.monitoring import MonitoringMethods
from adapter.methods.osds import OsdMethods
from adapter.methods.pending import PendingMethods
from adapter.methods.previews import PreviewMethods
from adapter.methods.service_list import ServiceListMethods
from adapter.methods.services import ServiceMethods
from adapter.methods.tuned_profiles import TunedProfileMethods
from adapter.methods.upgrades import UpgradeMethods
from adapter.methods.upgrading import UpgradingMethods
from adapter.outcomes import Outcomes
from adapter.reconcile import Reconciler


class AnsibleOrchestrator(Orchestrator):
    """The orchestrator interface, implemented with Ansible, on the state and engine of a ``Core``.

    What is marked in the classes of ``NOUNS`` is a method here, and its value or error arrives in
    an ``OrchResult``. What is neither there nor below is not in the feature set.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.outcomes, self.health = Outcomes(core), Health(core)
        self.reconciler = reconciler = Reconciler(core)
        checks, groups = SpecChecks(core, reconciler), GroupPlans(core, reconciler)
        self.host_specs = HostSpecMethods(core, reconciler)
        self.maintenance = MaintenanceMethods(core, reconciler)
        self.drains = DrainMethods(core, reconciler)
        self.hosts = HostMethods(core, reconciler, self.drains)
        self.devices = DeviceMethods(core)
        self.daemons = DaemonMethods(core)
        self.actions = ActionMethods(core, reconciler, self.daemons)
        self.osds = OsdMethods(core, reconciler)
        self.services = ServiceMethods(core, reconciler, checks, groups, self.host_specs)
        self.service_list = ServiceListMethods(core, reconciler)
        self.previews = PreviewMethods(core, reconciler, checks, groups, self.host_specs)
        self.kinds = KindMethods(self.services)
        self.monitoring = MonitoringMethods(core, reconciler, self.services)
        self.tuned = TunedProfileMethods(core, reconciler)
        self.upgrades = UpgradeMethods(core)
        self.upgrading = UpgradingMethods(core, reconciler, self.upgrades)
        self.pending = PendingMethods(core, reconciler, self.osds, self.drains)
        self.adoption = AdoptionMethods(core)
        self.jobs = JobMethods(core)

    def available(self) -> Tuple[bool, str, Dict[str, Any]]:
        """Tell from memory whether hosts can be managed, why not, and details.

        Without any host it is available: adding the first is how it starts.
        """
        core = self.core
        problem = core.engine.ready() or core.ssh.ready()
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

    def pause(self) -> None:
        """Do nothing by itself until ``resume``."""
        self.core.pause(True)

    def resume(self) -> None:
        """Go on after ``pause``; raises ``NotReady`` while a directory has hosts and services."""
        self.core.check_holds()
        self.core.pause(False)


# By the attribute that holds it, what has the methods about a noun.
NOUNS = {
    "hosts": HostMethods,
    "host_specs": HostSpecMethods,
    "maintenance": MaintenanceMethods,
    "drains": DrainMethods,
    "devices": DeviceMethods,
    "daemons": DaemonMethods,
    "actions": ActionMethods,
    "osds": OsdMethods,
    "services": ServiceMethods,
    "service_list": ServiceListMethods,
    "previews": PreviewMethods,
    "kinds": KindMethods,
    "monitoring": MonitoringMethods,
    "tuned": TunedProfileMethods,
    "upgrades": UpgradeMethods,
    "upgrading": UpgradingMethods,
}


# What shows something and starts no job that anybody has to wait for.
SHOWN = frozenset(
    {
        "describe_service",
        "get_facts",
        "get_hosts",
        "get_inventory",
        "get_security_config",
        "host_ok_to_stop",
        "list_daemons",
        "plan",
        "preview_osdspecs",
        "remove_osds_status",
        "rescan_host",
        "tuned_profile_ls",
        "upgrade_available",
        "upgrade_ls",
        "upgrade_status",
    }
)

# What is allowed while a directory of ``orch-ansible`` has hosts and services: what keeps nothing
# new. Anything else would be acknowledged by one who does not have them, and be lost.
BESIDE_A_HOLDER = SHOWN | {
    "blink_device_light",
    "remove_host",
    "remove_service",
    "upgrade_check",
}

# What is answered while the engine begins no jobs, also where changes are refused: what shows
# something, and what stops something.
WITHOUT_ENGINE = SHOWN | {
    "stop_drain_host",
    "stop_remove_osds",
    "upgrade_pause",
    "upgrade_stop",
}

# What is refused while an upgrade changes hosts and daemons: both would count on what the other
# takes down. While it is paused these are the tools that put things right.
NOT_WHILE_UPGRADING = frozenset(
    {
        "daemon_action",
        "drain_host",
        "enter_host_maintenance",
        "remove_daemons",
        "remove_host",
        "remove_osds",
        "service_action",
    }
)


def _handed_on(noun: str, function: Callable[..., Any]) -> Callable[..., OrchResult[Any]]:
    """Return the method of the orchestrator that calls a noun's one of the same name."""
    keeps = function.__name__ not in BESIDE_A_HOLDER
    needs_jobs = function.__name__ not in WITHOUT_ENGINE

    @functools.wraps(function)
    def call(self: AnsibleOrchestrator, *args: Any, **kwargs: Any) -> Any:
        if keeps:
            self.core.check_holds()
        if needs_jobs:
            self.core.check_engine()
        if function.__name__ in NOT_WHILE_UPGRADING:
            self.upgrading.check_over(function.__name__)
        return getattr(getattr(self, noun), function.__name__)(*args, **kwargs)

    return handle_orch_error(call)


for _noun, _class in NOUNS.items():
    for _name, _function in marked(_class).items():
        setattr(AnsibleOrchestrator, _name, _handed_on(_noun, _function))
