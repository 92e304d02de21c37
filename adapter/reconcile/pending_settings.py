"""What of the monitors' configuration specs would change: asked of the monitors, and kept."""

from __future__ import annotations

from typing import Dict, List

from adapter.core import Core
from adapter.interface import OrchestratorError
from adapter.reconcile.mon_locations import MonLocations
from adapter.reconcile.service_settings import ServiceSettings, is_kept


class PendingSettings:
    """Compare specs with what the monitors have; nothing is set."""

    def __init__(self, core: Core, settings: ServiceSettings, locations: MonLocations) -> None:
        self._core, self._settings, self._locations = core, settings, locations
        self._lines: Dict[str, List[str]] = {}

    def look(self) -> None:
        """Ask the monitors what differs now; raises ``OrchestratorError``."""
        core = self._core
        with core.lock:
            wanted = [each for each in core.specs.all() if is_kept(each)]
        there = core.maps.settings() if wanted else {}
        found: Dict[str, List[str]] = {}
        for each in wanted:
            try:
                found[each.name] = self._settings.changes(each, there).describe()
            except OrchestratorError as error:
                # What cannot be compared is not brought about either, and may be next time.
                found[each.name] = [str(error)]
        moved = self._locations.moved()
        if moved:
            found.setdefault(self._locations.service, []).extend(moved)
        with core.lock:
            self._lines = found

    def of(self, service: str) -> List[str]:
        """Return what would be changed for a service, as it was seen last."""
        return self._lines.get(service, [])
