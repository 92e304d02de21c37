"""What would be done now by itself: for an administrator who let it rest, or who comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence

from adapter.cluster.bad_records import PAUSE
from adapter.cluster.maintenances import ENTERING
from adapter.cluster.osd_intents import Intent
from adapter.cluster.osd_map import OsdMap
from adapter.cluster.osd_plan_text import describe_plans
from adapter.cluster.osd_removals import Stage
from adapter.cluster.schedule import Daemon
from adapter.cluster.specs import Wanted
from adapter.cluster.views import host_spec
from adapter.core import Core
from adapter.errors import some_of
from adapter.interface import DriveGroupSpec
from adapter.kinds import KINDS, daemon_type_of
from adapter.reconcile.came_back import without_came_back
from adapter.reconcile.mon_locations import MonLocations
from adapter.reconcile.osd_planner import OsdPlanner
from adapter.reconcile.pending_settings import PendingSettings
from adapter.reconcile.services import ServiceReconciler
from adapter.state_lock import under_lock

# So many disks or daemons of a service are named.
NAMED = 10


@dataclass(frozen=True)
class Step:
    """Something that would be done, in words. ``what`` is the service, or the OSD.

    ``unasked`` tells that a daemon that runs would go because a spec does not name it;
    ``asked_for`` that somebody asked for this very act, and it is under way; ``goes_on`` that it is
    the end of one that cannot be taken back, and is not dropped with the rest.
    """

    what: str
    text: str
    unasked: bool = False
    asked_for: bool = False
    goes_on: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.text}"


class Pending:
    """Say what the reconciler would do, on a ``Core``. Nothing is asked of hosts.

    Also what it would do on hosts that are offline now, once they are back. What it would tell the
    monitors is as of the last ``look``.
    """

    def __init__(
        self,
        core: Core,
        services: ServiceReconciler,
        planner: OsdPlanner,
        locations: MonLocations,
        osd_map: Callable[[], Optional[OsdMap]],
    ) -> None:
        self._core, self._services, self._planner = core, services, planner
        self._settings = PendingSettings(core, services.jobs.settings, locations)
        self._osd_map = osd_map

    def look(self) -> None:
        """Ask the monitors what of their configuration would change.

        Raises ``OrchestratorError``. It is called without the lock.
        """
        self._settings.look()

    @under_lock
    def steps(self) -> List[Step]:
        """Return all that would be done, as far as the last reports and maps show it."""
        core = self._core
        found = [step for wanted in core.specs.in_turn() for step in self._of_service(wanted)]
        found += [step for intent in core.intents.all() for step in self._of_intent(intent)]
        for removal in core.removals.all():
            kept = removal.stage is Stage.KEEPING
            text = f"its removal would go on ({removal.stage.value})"
            text = "it would be started again, for its removal was stopped" if kept else text
            found.append(Step(f"osd.{removal.osd_id}", text, asked_for=True, goes_on=kept))
        text = "its drain would go on (dropped, the labels that it has set go too)"
        draining = [each.hostname for each in core.hosts.all() if each.is_draining]
        found += [Step(f"host {name}", text, asked_for=True) for name in draining]
        text = "its daemons would be stopped, for it enters maintenance"
        entering = [each.hostname for each in core.maintenances.all() if each.stage == ENTERING]
        found += [Step(f"host {name}", text, asked_for=True, goes_on=True) for name in entering]
        for action in core.actions.all():
            left = [*action.doing, *action.left]
            text = f"{action.action} would go on: {some_of(left, NAMED)}"
            found.append(Step(action.service, text, asked_for=True))
        for act in core.daemon_actions.all():
            text = f"{act.action} would be done"
            found.append(Step(some_of(act.daemons, NAMED), text, asked_for=True))
        for host, words in sorted(core.tuning.lacks().items()):
            text = f"its kernel settings would be changed: {'; '.join(words)}"
            found.append(Step(f"host {host}", text))
        return [*found, *self._of_removed()]

    def _of_intent(self, intent: Intent) -> List[Step]:
        """Return what is left to do of OSDs that are to be made on a host."""
        disks = f"{sum(len(group.data) for group in intent.groups)} disk(s)"
        begun = [intent.may_be_begun(group) for group in intent.groups]
        ends = all(intent.is_unwanted(group) for group in intent.groups)
        text = f"OSDs of {disks} would be made on {intent.host}"
        if ends:
            text = f"what was begun of {disks} on {intent.host} is completed, the rest is not made"
        elif any(begun):
            text += "; one that was begun is completed in any case"
        return [Step("OSDs that were asked for", text, asked_for=True, goes_on=ends)]

    def _of_removed(self) -> List[Step]:
        """Return what is left to do of daemons whose removal was acknowledged."""
        core, found = self._core, []
        keys = self._services.jobs.keys
        for key in keys.pending():
            if keys.under_way(key):
                text = f"it is being removed from host {key.host}"
                found.append(Step(key.daemon, text, asked_for=True, goes_on=True))
                continue
            report = core.reports.get(key.host)
            known = report is not None and core.liveness.online(key.host)
            if known and not core.places.reports(key.host, key.daemon):
                text = f"its key would be removed: host {key.host} has no such daemon any more"
                found.append(Step(key.daemon, text, asked_for=True, goes_on=True))
            else:
                text = f"its removal from host {key.host} would go on"
                found.append(Step(key.daemon, text, asked_for=True))
        return found

    @under_lock
    def unknown(self) -> List[Step]:
        """Return a step for each host and record of which nobody knows what would change.

        No report of a host has come to this manager: it may run anything; where there is no spec
        nothing would go. A record that cannot be used may say anything.
        """
        text = "it cannot be used (`ceph health detail`), so what it would change is not known"
        records = [key for key in self._core.bad_records.reasons() if key != PAUSE]
        found = [Step(f"record {key}", text, unasked=True) for key in sorted(records)]
        if not self._core.specs.all():
            return found
        text = "it has not reported to this manager, so what would be removed there is not known"
        hosts = self._core.refresh.unheard()
        return found + [Step(f"host {name}", text, unasked=True) for name in hosts]

    def _of_service(self, wanted: Wanted) -> List[Step]:
        spec = wanted.spec
        if isinstance(spec, DriveGroupSpec):
            return [] if spec.unmanaged else self._of_group(spec, wanted)
        if spec.service_type not in KINDS or (spec.unmanaged and not wanted.deleted):
            return []
        there = self._services.running().get(wanted.name, [])
        all_back = [host_spec(host, True) for host in self._core.hosts.all()]
        diff = self._services.diff(wanted, there, all_back)
        diff, _ = without_came_back(self._core, wanted, diff)
        found = []
        if diff.remove:
            names = [f"{daemon_type_of(spec)}.{d.daemon_id} on {d.hostname}" for d in diff.remove]
            placement = spec.placement.pretty_str()
            why = "the service is being removed" if wanted.deleted else f"placement {placement}"
            text = f"{some_of(names, NAMED)} would be removed ({why})"
            found.append(Step(wanted.name, text, unasked=True))
        if diff.add:
            hosts = some_of(sorted({place.hostname for place in diff.add}), NAMED)
            found.append(Step(wanted.name, f"daemons would be deployed on {hosts}"))
        if not wanted.deleted:
            found += self._of_kept(wanted, diff.kept)
        return found

    def _of_kept(self, wanted: Wanted, kept: Sequence[Daemon]) -> List[Step]:
        """Return what would be done for the daemons that a service has, and that stay."""
        kind, texts = daemon_type_of(wanted.spec), []
        broken = [f"{kind}.{each.daemon_id} on {each.hostname}" for each in kept if not each.ok]
        if broken:
            texts.append(f"{some_of(broken, NAMED)} would be deployed again")
        behind = [each.describe(kind) for each in self._services.behind(wanted, kept)]
        if behind:
            texts.append(f"it would {some_of(behind, NAMED)}")
        options = self._settings.of(wanted.name)
        if options:
            texts.append(f"the monitors' configuration would change: {some_of(options, NAMED)}")
        return [Step(wanted.name, text) for text in texts]

    def _of_group(self, spec: DriveGroupSpec, wanted: Wanted) -> List[Step]:
        osd_map = self._osd_map()
        if osd_map is None or self._core.held_osds():
            return []
        plans = self._planner.plan(spec, osd_map, claims=wanted.claims)
        lines = describe_plans([plan for plan in plans if plan.groups])
        away = [plan.host for plan in plans if not self._core.liveness.online(plan.host)]
        found = []
        if lines:
            found.append(Step(wanted.name, f"OSDs would be made of {some_of(lines, NAMED)}"))
        if away:
            text = f"OSDs may be made on {some_of(away, NAMED)} (offline now)"
            found.append(Step(wanted.name, text))
        return found
