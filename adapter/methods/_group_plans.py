"""What drive groups do now, each in its turn."""

from __future__ import annotations

import time
from typing import List, Optional, Sequence, Tuple

from adapter.cluster.osd_plan import HostPlan
from adapter.cluster.specs import OsdClaims, same_spec
from adapter.core import Core
from adapter.errors import NotReady
from adapter.interface import DriveGroupSpec, HostSpec
from adapter.reconcile import Reconciler
from adapter.reconcile.osd_claims import FreeDisks
from adapter.reconcile.osd_planner import Taken
from adapter.state_lock import under_lock

# A host that was just added says within seconds which disks it has.
REPORT_WAIT = 4.0

Group = Tuple[DriveGroupSpec, OsdClaims]


class GroupPlans:
    """Plans of drive groups, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        self.core, self.reconciler = core, reconciler

    @under_lock
    def taken_before(self, spec: DriveGroupSpec, earlier: Sequence[Group] = ()) -> Taken:
        """Return the disks that other drive groups take, whose turn is before this one's.

        ``earlier`` are those that stand before it in its file.
        """
        core, osd_map = self.core, self.reconciler.osd_map
        if osd_map is None or core.held_osds():
            return {}
        anew = [each for each in earlier if not self.keeps_its_turn(each[0])]
        replaced = {each.service_name() for each, _ in anew}
        groups: List[Group] = []
        for wanted in core.specs.in_turn():
            group = wanted.spec
            if wanted.name == spec.service_name() and same_spec(group, spec):
                break
            others = wanted.name not in (*replaced, spec.service_name())
            if isinstance(group, DriveGroupSpec) and others:
                groups.append((group, wanted.claims))
        else:
            groups += anew
        groups = [each for each in groups if not each[0].unmanaged]
        hosts = [host.hostname for host in self.reconciler.planner.hosts(spec)]
        return self.reconciler.planner.taken(groups, osd_map, hosts) if groups else {}

    @under_lock
    def keeps_its_turn(self, spec: DriveGroupSpec) -> bool:
        """Tell whether a drive group is there already just so."""
        known = self.core.specs.find(str(spec.service_name()))
        return known is not None and same_spec(known.spec, spec)

    @under_lock
    def claims(self, spec: DriveGroupSpec, taken: Taken) -> OsdClaims:
        """Return which disks a drive group may take, as they are now.

        Raises ``NotReady`` where those that are free now are meant, and a host is not known.
        """
        if spec.data_devices is None or not spec.data_devices.all:
            return OsdClaims()
        held = self.core.held()
        if held:
            raise NotReady(f"Which disks are free is not known on all hosts: {held}.")
        return FreeDisks(self.core, self.reconciler.planner).claims(spec, taken)

    @under_lock
    def plans_now(
        self,
        spec: DriveGroupSpec,
        claims: OsdClaims,
        taken: Taken,
        hosts: Optional[Sequence[HostSpec]] = None,
    ) -> List[HostPlan]:
        """Return the plans of a drive group; raises ``NotReady`` where none can be made."""
        held = self.core.held_osds()
        if held:
            raise NotReady(f"No OSDs are planned: {held}.")
        return self.plans(spec, claims, taken, hosts)

    @under_lock
    def plans(
        self,
        spec: DriveGroupSpec,
        claims: OsdClaims,
        taken: Taken,
        hosts: Optional[Sequence[HostSpec]] = None,
    ) -> List[HostPlan]:
        """Return the plans of a drive group; none while the OSDs are not known."""
        osd_map = self.reconciler.osd_map
        if osd_map is None:
            return []
        planner = self.reconciler.planner
        return planner.plan(spec, osd_map, claims=claims, taken=taken, hosts=hosts, explain=True)

    @under_lock
    def left_out(self, spec: DriveGroupSpec, plans: Sequence[HostPlan]) -> str:
        """Return which hosts might have been meant where nothing is made on any."""
        if not plans or any(plan.groups for plan in plans):
            return ""
        return self.reconciler.planner.left_out(spec)

    def await_reports(self, spec: DriveGroupSpec) -> None:
        """Wait some seconds for the first reports of hosts that were added just now.

        The caller does not hold the lock.
        """
        core, until = self.core, time.monotonic() + REPORT_WAIT
        with core.lock:
            jobs = {
                core.refresh.reporter(host.hostname)
                for host in self.reconciler.planner.hosts(spec)
                if core.reports.get(host.hostname) is None
            }
        for job in sorted(filter(None, jobs)):
            core.engine.completion(job).wait(max(0.0, until - time.monotonic()))
