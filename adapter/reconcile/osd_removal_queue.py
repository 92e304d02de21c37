"""Write the records of OSDs that leave (``osd_removal.<id>``)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Sequence

from adapter.cluster.osd_removals import Removal
from adapter.core import Core
from adapter.errors import abridged

REASON_LENGTH = 600


class RemovalQueue:
    """Keep what became of removals; a reason is cut to 600 characters. All raise ``NotKept``."""

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
