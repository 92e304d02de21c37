"""What applying specs would do: ``ceph orch apply --dry-run``. Nothing is changed."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from adapter.cluster.host_changes import HostsOfFile
from adapter.cluster.osd_plan import HostPlan
from adapter.cluster.osd_plan_text import describe_plans, preview_row
from adapter.cluster.specs import OsdClaims, Wanted
from adapter.core import Core
from adapter.errors import NotReady
from adapter.interface import DriveGroupSpec, HostSpec, OrchestratorError, ServiceSpec
from adapter.kinds import daemon_type_of
from adapter.methods._changes import predicted, with_warning
from adapter.methods._group_plans import Group, GroupPlans
from adapter.methods._method import method
from adapter.methods._new_hosts import without_known
from adapter.methods._spec_checks import SpecChecks, skipped, title
from adapter.methods.host_specs import HostSpecMethods
from adapter.reconcile import Reconciler
from adapter.reconcile.conf_hold import hold_reason
from adapter.reconcile.ownership import read_places

NEW_HOST = "the host is added by this file; which disks it has is seen then"


class PreviewMethods:
    """The methods of the interface that say what would be done."""

    def __init__(
        self,
        core: Core,
        reconciler: Reconciler,
        checks: SpecChecks,
        groups: GroupPlans,
        host_specs: HostSpecMethods,
    ) -> None:
        self.core, self.reconciler = core, reconciler
        self._checks, self._groups, self._host_specs = checks, groups, host_specs

    @method
    def plan(self, spec: Sequence[Any]) -> List[Dict[str, Any]]:
        """Return what applying these specs would do, complete at the first call."""
        return [each for row in self.preview(spec) for each in with_warning(row)]

    def preview(self, specs: Sequence[Any], *, no_overwrite: bool = False) -> List[Dict[str, Any]]:
        """Return a row for each spec: what it does, or why it cannot be applied.

        Each as it is after those before it, and with ``no_overwrite`` as `apply` takes that.
        """
        specs = self._checks.chosen(specs)
        hosts = self._checks.hosts_of(specs)
        groups: List[Group] = []
        rows: List[Dict[str, Any]] = []
        for spec, problem in zip(specs, self._checks.problems(specs, no_overwrite)):
            try:
                row = self._preview(spec, hosts, groups, no_overwrite) if problem is None else {}
            except OrchestratorError as error:
                row, problem = {}, error
            if problem is not None:
                row = {"error": str(problem) if len(specs) == 1 else f"{title(spec)}: {problem}"}
            rows.append(row)
            if isinstance(spec, HostSpec):
                hosts.take(spec)
        return rows

    def _preview(
        self, spec: Any, hosts: HostsOfFile, groups: List[Group], no_overwrite: bool
    ) -> Dict[str, Any]:
        """Return what one spec does. ``groups`` are the drive groups before it; it is added."""
        if no_overwrite and self._checks.is_there(spec):
            return _told(skipped(spec))
        if isinstance(spec, HostSpec):
            return _told(self._host_specs.preview_host(spec))
        if spec.service_type != "osd":
            return self._preview_service(spec, hosts)
        return self._preview_osds(spec, hosts, groups)

    def _preview_osds(
        self, spec: DriveGroupSpec, hosts: HostsOfFile, groups: List[Group]
    ) -> Dict[str, Any]:
        if spec.unmanaged:
            return _told(f"{spec.service_name()}: would be kept; unmanaged, nothing is made")
        self._groups.await_reports(spec)
        self.reconciler.read_maps()
        with self.core.lock:
            taken = self._groups.taken_before(spec, groups)
            claims = self._groups.claims(spec, taken)
            plans = self._groups.plans_now(spec, claims, taken, hosts.all())
            left_out = self._groups.left_out(spec, plans)
        groups.append((spec, claims))
        there = spec.placement.filter_matching_hostspecs(hosts.all())
        new = [HostPlan(name, notes=(NEW_HOST,)) for name in hosts.new if name in there]
        planned = [*plans, *new]
        rows = {plan.host: [preview_row(spec.service_id or "", plan)] for plan in planned}
        if not rows:
            why = "no managed host is in its placement" if hosts.all() else "no host is managed"
            return _told(f"{spec.service_name()}: nothing would be made: {why}")
        if left_out and not new:
            rows[plans[-1].host][0]["notes"].append(left_out)
        return {"service_name": spec.service_name(), "service_type": "osd", "data": rows}

    def _preview_service(self, spec: ServiceSpec, hosts: HostsOfFile) -> Dict[str, Any]:
        """Return on which hosts daemons would be added, and which would be removed."""
        reconciler = self.reconciler.services
        lack = reconciler.needs.lack(spec)
        with self.core.lock:
            held = self.core.held()
            if held:
                raise NotReady(f"Where daemons would be added or removed is not known: {held}.")
            there = reconciler.running().get(spec.service_name(), [])
            diff = reconciler.diff(Wanted(spec), there, hosts.all())
            before = self.core.specs.find(spec.service_name())
            stays = hold_reason(self.core, Wanted(spec), diff)
        if spec.unmanaged:
            return _told(f"{spec.service_name()}: would be left as it is: it is unmanaged")
        kept = ""
        if hosts.new and diff.add:
            read_places(self.core)
            with self.core.lock:
                diff, kept = without_known(self.core, spec, diff, hosts.new)
        return {
            "service_name": spec.service_name(),
            "service_type": spec.service_type,
            "add": [place.hostname for place in diff.add],
            "remove": [f"{daemon_type_of(spec)}.{each.daemon_id}" for each in diff.remove],
            "change": predicted(self.core, self.reconciler, spec, diff, before).lines(),
            **({"waits": lack.reason} if lack is not None and diff.add else {}),
            **({"stays": stays} if stays else {}),
            **({"kept": kept} if kept else {}),
        }

    @method
    def preview_osdspecs(
        self,
        osdspec_name: Optional[str] = "osd",
        osdspecs: Optional[List[DriveGroupSpec]] = None,
    ) -> str:
        """Return, a line a disk, what drive groups would make: those given, or those kept."""
        with self.core.lock:
            kept = [w.spec for w in self.core.specs.all() if isinstance(w.spec, DriveGroupSpec)]
        if osdspecs is None:
            osdspecs = [spec for spec in kept if osdspec_name in (None, "osd", spec.service_name())]
        for problem in filter(None, self._checks.problems(osdspecs)):
            raise problem
        groups: List[Group] = []
        lines = [
            f"{spec.service_name()}: {line}"
            for spec in osdspecs
            for line in self._lines(spec, groups)
        ]
        return "\n".join(lines) or "nothing would be made"

    def _lines(self, spec: DriveGroupSpec, groups: List[Group]) -> List[str]:
        with self.core.lock:
            wanted = self.core.specs.find(spec.service_name())
            claims = wanted.claims if wanted else OsdClaims()
            taken = self._groups.taken_before(spec, groups)
            groups.append((spec, claims))
            return describe_plans(self._groups.plans_now(spec, claims, taken))


def _told(text: str) -> Dict[str, Any]:
    """Return a row of words; ``ceph orch`` prints the warnings one behind the other."""
    return {"note": text, "warning": f"{text}\n"}
