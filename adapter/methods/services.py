"""Services: ``ceph orch apply``."""

from __future__ import annotations

import errno
import time
from typing import Any, List, Optional, Sequence, Tuple

from adapter.cluster.osd_plan import HostPlan
from adapter.cluster.osd_plan_text import describe_made, describe_notes
from adapter.cluster.schedule import Difference, with_placement
from adapter.cluster.specs import Wanted, same_spec
from adapter.core import Core
from adapter.errors import NotApplied
from adapter.interface import DriveGroupSpec, HostSpec, OrchestratorError, ServiceSpec
from adapter.kinds import kind_of
from adapter.methods._announce import what_goes
from adapter.methods._changes import describe_replaced, describe_restarts
from adapter.methods._group_plans import GroupPlans
from adapter.methods._method import method
from adapter.methods._spec_checks import SpecChecks, skipped, title
from adapter.methods.host_specs import HostSpecMethods
from adapter.reconcile import Reconciler
from adapter.state_lock import under_lock


class ServiceMethods:
    """The service methods of the interface, on a ``Core``."""

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
    def apply(
        self, specs: Sequence[Any], no_overwrite: bool = False, continue_on_error: bool = False
    ) -> List[str]:
        """Add hosts and keep services, in order; return a text for each spec.

        All specs are checked before the first is applied, each as it is after those before it.
        ``no_overwrite`` leaves alone what is there. ``continue_on_error`` applies the others of one
        that fails, and fails then. Where a spec has ``preview_only`` nothing is changed at all.
        """
        specs = self._checks.chosen(specs)
        problems = self._checks.problems(specs, no_overwrite)
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

    def _apply(self, spec: Any, no_overwrite: bool) -> str:
        if no_overwrite and self._checks.is_there(spec):
            return skipped(spec)
        if isinstance(spec, HostSpec):
            return self._host_specs.add_host(spec)
        if spec.service_type == "osd":
            return self._keep_osds(spec)
        return self._keep_service(spec)

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
            core.specs.save(Wanted(spec, created, had=had, applied=self._applied(spec, known)))
            if known is None:
                core.events.note(name, "the service was created")
            elif restarts:
                core.events.note(name, f"the spec has changed.{restarts}")
            self.reconciler.services.forget_backoff(name)
            held = "" if spec.unmanaged else core.held()
            goes = what_goes(core, self.reconciler.services, core.specs.get(name))
        core.wake_event.set()
        said = [f"Scheduled {name} update...{restarts}", replaced, held, goes]
        said += [core.paused_note()]
        said += [f"It waits: {lack.reason}."] if lack is not None and not spec.unmanaged else []
        return " ".join(filter(None, said))

    @under_lock
    def _applied(self, spec: ServiceSpec, known: Optional[Wanted]) -> float:
        """Return when a service was applied last: the same again matters where hosts are newer."""
        same = known is not None and not known.deleted and same_spec(known.spec, spec)
        newest = max((host.added for host in self.core.hosts.all()), default=0.0)
        if known is not None and same and newest <= known.asked:
            return known.applied
        return round(time.time(), 3)

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
        self._groups.await_reports(spec)
        self.reconciler.read_maps()
        with core.lock:
            known = core.specs.find(name)
            # The same again keeps its turn among the drive groups.
            same = known is not None and self._groups.keeps_its_turn(spec)
            created = known.created if known is not None and same else time.time()
            taken = self._groups.taken_before(spec)
            claims = self._groups.claims(spec, taken)
            core.specs.save(Wanted(spec, created, claims=claims))
            core.events.note(name, "the drive group was applied")
            hosts = [host.hostname for host in planner.hosts(spec)]
            self.reconciler.creator.forget_backoff(hosts)
            held = "" if spec.unmanaged else core.held_osds()
            plans = [] if spec.unmanaged or held else self._groups.plans(spec, claims, taken)
            left_out = self._groups.left_out(spec, plans)
        core.wake_event.set()
        if held:
            return f"Scheduled {name} update: no disk is written to now; {held}"
        if spec.unmanaged:
            return f"Scheduled {name} update: unmanaged, nothing is made"
        return _scheduled(name, plans, left_out, core.paused_note())

    @method
    def apply_drivegroups(self, specs: List[DriveGroupSpec]) -> List[str]:
        """Keep drive groups: make their OSDs, now and when a disk that they name appears."""
        return self.apply(specs)


def _not_applied(
    wrong: Sequence[Tuple[Any, Exception]], done: Sequence[str], *, alone: bool
) -> Exception:
    """Return the error for specs that were not applied; of one alone it is its own."""
    first = wrong[0][1]
    if alone:
        return first
    refused = [f"{title(spec)}: {error}" for spec, error in wrong]
    return NotApplied(refused, done, abs(getattr(first, "errno", 0) or errno.EINVAL))


def _scheduled(name: str, plans: Sequence[HostPlan], left_out: str, paused: str) -> str:
    """Return which disks become OSDs, and apart from them what is left as it is."""
    made = describe_made(plans)
    left = [*describe_notes(plans), *filter(None, [left_out])]
    if not made:
        lines = [f"Scheduled {name} update: no disk is to be written now", *_indented(left)]
    else:
        lines = [f"Scheduled {name} update: OSDs are made of", *_indented(made)]
        lines += ["Left as it is:", *_indented(left)] if left else []
    return "\n".join([*lines, *filter(None, [paused])])


def _indented(lines: Sequence[str]) -> List[str]:
    """Return lines that stand below another one."""
    return [f"  {line}" for line in lines]
