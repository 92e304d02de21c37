"""Which health checks are raised, and which of them somebody has muted.

Source: `health` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

from typing import Collection, FrozenSet, Tuple

from adapter.cluster.mon import Mon
from adapter.cluster.osd_map import read_json


class HealthMutes:
    """Mute health checks and end that. All methods raise ``OrchestratorError``."""

    def __init__(self, mon: Mon) -> None:
        self._mon = mon

    def there(self) -> Tuple[FrozenSet[str], FrozenSet[str]]:
        """Return the checks that are raised, and those that are muted, raised or not."""
        found = read_json(self._mon.command(prefix="health", format="json"), "health")
        muted = {str(row["code"]) for row in found.get("mutes") or ()}
        return frozenset(found.get("checks") or ()), frozenset(muted)

    def mute(self, codes: Collection[str]) -> None:
        """Mute checks, also when they are raised again with a higher count."""
        for code in sorted(codes):
            self._mon.command(prefix="health mute", code=code, sticky=True)

    def unmute(self, codes: Collection[str]) -> None:
        """Show those of these checks again that are muted."""
        for code in sorted(self.there()[1].intersection(codes)):
            self._mon.command(prefix="health unmute", code=code)
