"""What waits while nothing is done by itself: shown, and dropped. ``ceph ansible pending``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Sequence

from adapter.cluster.osd_removals import Stage
from adapter.core import Core
from adapter.errors import AdapterError
from adapter.methods.draining import DrainMethods
from adapter.methods.osds import OsdMethods
from adapter.reconcile import Reconciler
from adapter.state_lock import under_lock

NOTHING = "Nothing is to be done"


class PendingMethods:
    """Show and drop what would be done by itself, on a ``Core``."""

    def __init__(
        self, core: Core, reconciler: Reconciler, osds: OsdMethods, drains: DrainMethods
    ) -> None:
        self.core, self.reconciler = core, reconciler
        self._osds, self._drains = osds, drains

    def rows(self) -> List[Dict[str, Any]]:
        """Return what would be done now: of which service or OSD, what, and whether it was asked.

        Raises ``AdapterError`` as long as a manager that has just begun does not know it yet, and
        ``OrchestratorError`` where the monitors do not say what of theirs would change.
        """
        self._check_known()
        self.reconciler.pending.look()
        with self.core.lock:
            pending = self.reconciler.pending
            steps = [*pending.steps(), *pending.unknown()]
        return [
            {"what": each.what, "step": each.text, "asked_for": each.asked_for} for each in steps
        ]

    def drop(self) -> str:
        """Leave everything as it is: services become unmanaged, what was asked for is dropped.

        Then it goes on. OSDs that are being removed are given back, drains of hosts end. Raises
        ``AdapterError`` where it is not known what all hosts would lose, ``OrchestratorError``
        where the monitors do not say what of theirs would change, and ``NotKept``; what was dropped
        before stays so.
        """
        core = self.core
        self._check_known()
        self.reconciler.pending.look()
        with core.lock:
            for unknown in self.reconciler.pending.unknown():
                raise AdapterError(
                    f"Nothing is dropped: {unknown}.",
                    "`ceph health detail` says why, and what mends it; try again then. A host can "
                    "be removed instead: `ceph orch host rm`.",
                )
            steps = self.reconciler.pending.steps()
            draining = [each.hostname for each in core.hosts.all() if each.is_draining]
        # Before services are looked at: theirs stay on these hosts then.
        for hostname in draining:
            self._drains.stop_drain_host(hostname)
        with core.lock:
            # One whose removal was stopped already is only started again: that was acknowledged.
            removals = [
                str(each.osd_id) for each in core.removals.all() if each.stage is not Stage.KEEPING
            ]
        if removals:
            self._osds.stop_remove_osds(removals)
        ends = {each.what for each in steps if each.goes_on}
        keys = self.reconciler.services.jobs.keys
        with core.lock:
            undone = [each.daemon for each in keys.pending() if each.daemon not in ends]
        keys.keep(undone)
        with core.lock:
            groups = [
                f"osd.{group.options.get('osdspec')}"
                for intent in core.intents.all()
                for group in intent.groups
            ]
            for intent in core.intents.all():
                core.intents.give_up(intent.host)
            for action in core.actions.all():
                core.actions.cancel(action.service)
            for act in core.daemon_actions.all():
                core.daemon_actions.leave_out(act.daemons)
            changing = self.reconciler.pending.steps() if draining else steps
            self._leave_services([*(e.what for e in changing if not e.asked_for), *groups])
        core.pause(False)
        dropped = [str(each) for each in steps if not each.goes_on]
        going = [str(each) for each in steps if each.goes_on]
        parts = [*(["Dropped:", *dropped] if dropped else [])]
        parts += ["Done all the same:", *going] if going else []
        return "\n".join(parts) or NOTHING

    @under_lock
    def _leave_services(self, changing: Sequence[str]) -> None:
        """Make the services unmanaged that would change, also those that would only now.

        What was asked for hid what they would do: a disk of which an OSD was to be made, a daemon
        that was to go.
        """
        core = self.core
        while changing:
            for wanted in filter(None, map(core.specs.find, dict.fromkeys(changing))):
                if wanted.deleted or not wanted.spec.unmanaged:
                    spec = type(wanted.spec).from_json({**wanted.spec.to_json(), "unmanaged": True})
                    core.specs.save(replace(wanted, spec=spec, deleted=0.0))
            changing = [each.what for each in self.reconciler.pending.steps() if not each.asked_for]

    def _check_known(self) -> None:
        absence = self.reconciler.absence
        if absence is not None and not absence.decided:
            raise AdapterError(
                "This manager has just begun, and waits for the first reports of the hosts.",
                "Try again in some seconds.",
            )
