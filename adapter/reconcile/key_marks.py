"""Look whether the keys of daemons are still those that they were given."""

from __future__ import annotations

import logging
from typing import Dict

from adapter.cluster.service_changes import has_key
from adapter.core import Core
from adapter.interface import OrchestratorError

log = logging.getLogger(__name__)

# How often the keys are read: somebody may give a daemon another one at any time (seconds).
LOOK = 60.0


class KeyMarks:
    """What stands for each key that the monitors have, by its name; never the key itself.

    ``serial`` is another one after each change.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._look_at = 0.0
        self._marks: Dict[str, str] = {}
        self.serial = 0

    def step(self, now: float) -> None:
        """Read the keys when it is time to; where no daemon was given one there is no need to."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK
        with self._core.lock:
            known = any(has_key(each.digest) for _, each in self._core.deployments.all())
        if not known:
            return
        try:
            marks = self._core.maps.key_marks()
        except OrchestratorError as error:
            log.warning("the keys of daemons are not compared: %s", error)
            return
        if marks != self._marks:
            self._marks = marks
            self.serial += 1

    def learn(self, entity: str, found: str) -> None:
        """Take over what stands for a key that was read just now, for a daemon that is given it."""
        self._marks = {**self._marks, entity: found}

    def of(self, entity: str) -> str:
        """Return what stands for a key, nothing where it is not known."""
        return self._marks.get(entity, "")
