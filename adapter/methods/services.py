"""Services: ``ceph orch apply``, ``ls``, ``rm``, ``set-unmanaged``."""

from __future__ import annotations

import errno
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

from adapter.cluster.drive_group_fields import check_drive_group
from adapter.cluster.host_changes import HostsOfFile
from adapter.cluster.osd_plan import HostPlan
from adapter.cluster.osd_plan_text import describe_plans
from adapter.cluster.schedule import (
    Difference,
    candidates,
    check_ids,
    with_placement,
)
from adapter.cluster.specs import Wanted, same_spec
from adapter.core import Core
from adapter.errors import InvalidValue, NotApplied
from adapter.interface import (
    DriveGroupSpec,
    HostSpec,
    OrchestratorError,
    ServiceSpec,
    SpecValidationError,
    handle_orch_error,
    raise_if_exception,
)
from adapter.kinds import KINDS, check_fields, check_no_container, kind_of
from adapter.methods._announce import gone_with_label, what_goes
from adapter.methods._changes import describe_replaced, describe_restarts
from adapter.methods._ports import check_ports
from adapter.methods.daemons import DaemonMethods
from adapter.methods.hosts import HostMethods
from adapter.methods.previews import PreviewMethods, skipped, title
from adapter.reconcile import Reconciler
from adapter.reconcile.mon_addresses import check_mon_places, check_networks
from adapter.reconcile.mon_locations import check_mon_locations
from adapter.state_lock import under_lock

MANAGED = ("osd", *KINDS)


class ServiceMethods(HostMethods, DaemonMethods, PreviewMethods):
    """The service methods of the interface, on a ``Core``."""

    reconciler: Reconciler

    def __init__(self, core: Core, reconciler: Reconciler) -> None:
        HostMethods.__init__(self, core)
        DaemonMethods.__init__(self, core)
        self.reconciler = reconciler

    def _gone_with_label(self, label: str) -> Dict[str, str]:
        return gone_with_label(self.core, self.reconciler.services, label)

    @handle_orch_error
    def apply(
        self, specs: Sequence[Any], no_overwrite: bool = False, continue_on_error: bool = False
    ) -> List[str]:
        """Add hosts and keep services, in order; return a text for each spec.

        All specs are checked before the first is applied, each as it is after those before it.
        ``no_overwrite`` leaves alone what is there. ``continue_on_error`` applies the others of one
        that fails, and fails then. Where a spec has ``preview_only`` nothing is changed at all.
        """
        problems = self._problems(specs, no_overwrite)
        wrong = [(spec, each) for spec, each in zip(specs, problems) if each is not None]
        if wrong and not continue_on_error:
            raise _not_applied(wrong, [], alone=len(specs) == 1)
        if any(getattr(spec, "preview_only", False) for spec in specs):
            return [f"{title(spec)}: a preview changes nothing" for spec in specs]
        done: List[str] = []
        for spec in (each for each, problem in zip(specs, problems) if problem is None):
            try:
                done.append(self._apply(spec, no_overwrite))
            except OrchestratorError as error:
                wrong.append((spec, error))
                if not continue_on_error:
                    break
        if wrong:
            raise _not_applied(wrong, done, alone=len(specs) == 1)
        return done

    def _problems(
        self, specs: Sequence[Any], no_overwrite: bool = False
    ) -> List[Optional[Exception]]:
        """Return for each spec why it cannot be applied, or None."""
        hosts, found = self._hosts_of(specs), []
        names: List[str] = []
        for spec in specs:
            problem: Optional[Exception] = None
            try:
                if not (no_overwrite and self._is_there(spec)):
                    self._check(spec, hosts, specs)
                if title(spec) in names:
                    raise InvalidValue("specs", title(spec), "it is there twice", "Leave one out.")
            except (OrchestratorError, SpecValidationError) as error:
                problem = error
            found.append(problem)
            names.append(title(spec))
            if isinstance(spec, HostSpec):
                hosts.take(spec)
        return found

    def _hosts_of(self, specs: Sequence[Any]) -> HostsOfFile:
        """Return the hosts as they are before the first of these specs."""
        with self.core.lock:
            later = [spec.hostname for spec in specs if isinstance(spec, HostSpec)]
            return HostsOfFile(self.reconciler.services.hosts(), self.core.hosts.all(), later)

    def _check(self, spec: Any, hosts: HostsOfFile, beside: Sequence[Any] = ()) -> None:
        """Raise for a spec that cannot be applied where these hosts are.

        ``beside`` are all specs that are applied together.
        """
        if isinstance(spec, HostSpec):
            self._check_host_spec(spec, hosts)
            return
        if spec.service_type not in MANAGED:
            raise InvalidValue(
                "service_type",
                spec.service_type,
                "this backend does not deploy it",
                f"It deploys: {', '.join(MANAGED)}; other daemons are shown as they are.",
            )
        check_no_container(spec)
        spec.validate()
        if spec.service_type != "osd":
            check_fields(spec)
            self.core.options.check(spec)
        elif not spec.service_id:
            raise InvalidValue("service_id", spec.service_id, "a drive group needs a name")
        else:
            check_drive_group(spec)
        with self.core.lock:
            self._check_placement(spec, hosts, beside)

    def _check_placement(
        self, spec: ServiceSpec, of_file: HostsOfFile, beside: Sequence[Any]
    ) -> None:
        for named in spec.placement.hosts or ():
            if named.hostname in of_file.later and named.hostname not in of_file:
                raise InvalidValue(
                    "placement",
                    named.hostname,
                    "this host is added further below",
                    "Put hosts before the services that are on them.",
                )
            if named.hostname not in of_file:
                self.core.hosts.get(named.hostname)
        hosts = of_file.all()
        matching = candidates(spec, hosts)
        if hosts and not matching:
            raise InvalidValue(
                "placement",
                spec.placement.pretty_str(),
                "it matches no host",
                f"Hosts: {', '.join(host.hostname for host in hosts)}.",
            )
        check_ports(self.core, self.reconciler.services, spec, hosts, beside)
        if spec.service_type in KINDS:
            check_ids(spec, matching)
            self._refuse_others_names(spec)
            check_networks(self.core, spec, matching)
        check_mon_places(self.core, spec, matching)
        check_mon_locations(self.core, spec, [host.hostname for host in hosts])

    def _refuse_others_names(self, spec: ServiceSpec) -> None:
        """Raise for a daemon that shall have the name of one on another host."""
        for each in spec.placement.hosts or ():
            name = f"{spec.service_type}.{each.name}"
            there = self.core.places.hosts_of(name) if each.name else []
            if there and each.hostname not in there:
                raise InvalidValue(
                    "placement",
                    str(each),
                    f"{name} is on host {there[0]}",
                    f"Choose another name, or remove that one first: `ceph orch daemon rm {name}`.",
                )

    def _apply(self, spec: Any, no_overwrite: bool) -> str:
        if no_overwrite and self._is_there(spec):
            return skipped(spec)
        if isinstance(spec, HostSpec):
            return str(raise_if_exception(self.add_host(spec)))
        if spec.service_type == "osd":
            return self._keep_osds(spec)
        return self._keep_service(spec)

    def _is_there(self, spec: Any) -> bool:
        """Tell whether a host is there, or a service is kept, also where nobody can say how."""
        core = self.core
        if isinstance(spec, HostSpec):
            return spec.hostname in core.hosts
        with core.lock:
            name = spec.service_name()
            known = core.specs.find(name)
            return name in core.specs.problems if known is None else not known.deleted

    def _keep_service(self, spec: ServiceSpec) -> str:
        """Keep a service; the loop brings it about."""
        core, name = self.core, spec.service_name()
        lack = self.reconciler.services.needs.lack(spec)
        with core.lock:
            known = core.specs.find(name)
            if known is not None and same_spec(with_placement(known.spec), spec):
                # As it was listed: a placement that it leaves to its kind stays so.
                spec = known.spec
            diff = self._difference(spec)
        restarts = self._before_change(spec, known, diff)
        replaced = describe_replaced(core, self.reconciler, spec)
        with core.lock:
            created = known.created if known is not None else time.time()
            # Of what a cluster needs it is kept how many somebody wants.
            had = diff.size if kind_of(spec.service_type).cluster_needs else 0
            core.specs.save(Wanted(spec, created, had=had))
            if known is None:
                core.events.note(name, "the service was created")
            elif restarts:
                core.events.note(name, f"the spec has changed.{restarts}")
            self.reconciler.services.forget_backoff(name)
            held = "" if spec.unmanaged else core.held()
            goes = what_goes(core, self.reconciler.services, core.specs.get(name))
        core.wake_event.set()
        said = [f"Scheduled {name} update...{restarts}", replaced, held, goes]
        said += [f"It waits: {lack.reason}."] if lack is not None and not spec.unmanaged else []
        return " ".join(filter(None, said))

    def _before_change(self, spec: ServiceSpec, known: Optional[Wanted], diff: Difference) -> str:
        """Note what daemons have of the spec that goes; return the restarts that follow."""
        if known is None or known.deleted or known.spec.unmanaged:
            return ""
        changes = self.reconciler.services.changes
        restarts = describe_restarts(self.reconciler, spec, diff, known)
        changes.take_over(known, Wanted(spec), diff.kept)
        return restarts

    @under_lock
    def _difference(self, spec: ServiceSpec) -> Difference:
        """Return what a spec lacks and has too much of."""
        reconciler = self.reconciler.services
        there = reconciler.running().get(spec.service_name(), [])
        return reconciler.diff(Wanted(spec), there, reconciler.hosts())

    def _keep_osds(self, spec: DriveGroupSpec) -> str:
        """Keep a drive group and say what it does now."""
        core, planner = self.core, self.reconciler.planner
        name = spec.service_name()
        self._await_reports(spec)
        self.reconciler.read_maps()
        with core.lock:
            known = core.specs.find(name)
            # The same again keeps its turn among the drive groups.
            same = known is not None and self._keeps_its_turn(spec)
            created = known.created if known is not None and same else time.time()
            taken = self._taken_before(spec)
            claims = self._claims(spec, taken)
            core.specs.save(Wanted(spec, created, claims=claims))
            core.events.note(name, "the drive group was applied")
            hosts = [host.hostname for host in planner.hosts(spec)]
            self.reconciler.creator.forget_backoff(hosts)
            held = "" if spec.unmanaged else core.held_osds()
            plans = [] if spec.unmanaged or held else self._plans(spec, claims, taken)
            left_out = self._left_out(spec, plans)
        core.wake_event.set()
        if held:
            return f"Scheduled {name} update: no disk is written to now; {held}"
        return _scheduled(name, [*describe_plans(plans), *filter(None, [left_out])], plans, spec)

    @handle_orch_error
    def apply_drivegroups(self, specs: List[DriveGroupSpec]) -> List[str]:
        """Keep drive groups: make their OSDs, now and when a disk that they name appears."""
        texts: List[str] = raise_if_exception(self.apply(specs))
        return texts


def _not_applied(
    wrong: Sequence[Tuple[Any, Exception]], done: Sequence[str], *, alone: bool
) -> Exception:
    """Return the error for specs that were not applied; of one alone it is its own."""
    first = wrong[0][1]
    if alone:
        return first
    refused = [f"{title(spec)}: {error}" for spec, error in wrong]
    return NotApplied(refused, done, abs(getattr(first, "errno", 0) or errno.EINVAL))


def _scheduled(
    name: str, lines: Sequence[str], plans: Sequence[HostPlan], spec: DriveGroupSpec
) -> str:
    if spec.unmanaged:
        return f"Scheduled {name} update: unmanaged, nothing is made"
    if not any(plan.groups for plan in plans):
        return "\n  ".join([f"Scheduled {name} update: no disk is to be written now", *lines])
    return "\n  ".join([f"Scheduled {name} update: OSDs are made of", *lines])
