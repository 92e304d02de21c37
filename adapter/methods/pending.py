"""What waits while nothing is done by itself: shown, and dropped. ``ceph ansible pending``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List

from adapter.cluster.osd_removals import Stage
from adapter.core import Core
from adapter.errors import AdapterError
from adapter.methods.osds import OsdMethods
from adapter.reconcile import Reconciler

NOTHING = "Nothing is to be done"


class PendingMethods:
    """Show and drop what would be done by itself, on a ``Core``."""

    def __init__(self, core: Core, reconciler: Reconciler, osds: OsdMethods) -> None:
        self.core, self.reconciler, self._osds = core, reconciler, osds

    def rows(self) -> List[Dict[str, Any]]:
        """Return what would be done now: of which service or OSD, what, and whether it was asked.

        Raises ``AdapterError`` as long as a manager that has just begun does not know it yet.
        """
        self._check_known()
        with self.core.lock:
            pending = self.reconciler.pending
            steps = [*pending.steps(), *pending.unknown()]
        return [
            {"what": each.what, "step": each.text, "asked_for": each.asked_for} for each in steps
        ]

    def drop(self) -> str:
        """Leave everything as it is: services become unmanaged, what was asked for is dropped.

        Then it goes on. OSDs that are being removed are given back. Raises ``AdapterError`` where
        it is not known what all hosts would lose, and ``NotKept``; what was dropped before stays
        so.
        """
        core = self.core
        self._check_known()
        with core.lock:
            for unknown in self.reconciler.pending.unknown():
                raise AdapterError(
                    f"Nothing is dropped: {unknown}.",
                    "Try again when it has reported (`ceph health detail` says why it has not), or "
                    "remove the host: `ceph orch host rm`.",
                )
            steps = self.reconciler.pending.steps()
            # One whose removal was stopped already is only started again: that was acknowledged.
            removals = [
                str(each.osd_id) for each in core.removals.all() if each.stage is not Stage.KEEPING
            ]
        if removals:
            self._osds.stop_remove_osds(removals)
        with core.lock:
            for name in dict.fromkeys(each.what for each in steps if not each.asked_for):
                wanted = core.specs.get(name)
                spec = type(wanted.spec).from_json({**wanted.spec.to_json(), "unmanaged": True})
                core.specs.save(replace(wanted, spec=spec, deleted=0.0))
            for intent in core.intents.all():
                core.intents.drop(intent.host, intent.groups)
            for action in core.actions.all():
                core.actions.cancel(action.service)
            for act in core.daemon_actions.all():
                core.daemon_actions.leave_out(act.daemons)
        core.pause(False)
        dropped = [str(each) for each in steps if not each.goes_on]
        going = [
            f"{each.what} is started again: its removal was stopped"
            for each in steps
            if each.goes_on
        ]
        return "\n".join([*(["Dropped:", *dropped] if dropped else []), *going]) or NOTHING

    def _check_known(self) -> None:
        absence = self.reconciler.absence
        if absence is not None and not absence.decided:
            raise AdapterError(
                "This manager has just begun, and waits for the first reports of the hosts.",
                "Try again in some seconds.",
            )
