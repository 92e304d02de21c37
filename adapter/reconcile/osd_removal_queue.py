"""Write the records of OSDs that leave (``osd_removal.<id>``)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Sequence

from adapter.cluster.osd_removals import Removal
from adapter.core import Core
from adapter.errors import NotKept, abridged
from adapter.interface import OrchestratorError
from adapter.reconcile.parts import for_each

REASON_LENGTH = 600


class RemovalQueue:
    """Keep what became of removals; a reason is cut to 600 characters.

    What keeps something raises ``NotKept``.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def save(self, removal: Removal, **changes: Any) -> Removal:
        """Keep a removal with these changes and return it."""
        if "reason" in changes:
            changes["reason"] = abridged(" ".join(str(changes["reason"]).split()), REASON_LENGTH)
        changed = replace(removal, **changes)
        with self._core.lock:
            self._core.removals.save(changed)
        return changed

    def wait_all(self, removals: Sequence[Removal], reason: str) -> None:
        """Say what these wait for, of those that are still where they were."""
        for removal in removals:
            with self._core.lock:
                current = self._core.removals.get(removal.osd_id)
            if current is not None and current.stage is removal.stage:
                self.save(current, reason=reason)

    def each(self, removals: Sequence[Removal], act: Callable[[Removal], None]) -> None:
        """Act on each; what goes wrong with one is its own reason to wait."""

        def guarded(removal: Removal) -> None:
            try:
                act(removal)
            except NotKept as error:
                self._core.unkept.note(error)
            except OrchestratorError as error:
                self.wait_all([removal], str(error))

        for_each(removals, guarded)

    def reachable(self, removal: Removal) -> bool:
        """Tell whether the host of an OSD is managed, answers, and is not in maintenance."""
        core = self._core
        with core.lock:
            known = core.workable(removal.host)
        return known and not core.ssh.ready()
