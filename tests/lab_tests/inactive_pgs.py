"""Which placement groups stood still, of those that a client's watch has seen not to be active.

A watch asks the manager, which knows of a group what its primary said last, some seconds ago, and
adds ``stale`` by itself once that OSD is down. An OSD that starts says ``peering`` by the last map
that it had, in which it was still up: where it was away for less than the five seconds in which the
others speak, its groups are ``stale+peering`` for a moment, while the others serve them. Seen with
Ceph 20.2.4 and its own commands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# States of a group that takes no writes and does not get over it by itself, as its primary says.
STUCK = ("down", "incomplete", "peered")


def stood_still(inactive: Mapping[str, Mapping[str, Any]], seconds: float) -> dict[str, Any]:
    """Return the groups that were not active for longer than peering may take, or stuck.

    ``inactive`` has by group the ``states`` that were seen and the ``longest`` time of them
    (seconds). Whether others have taken over one that is stale only time tells.
    """
    return {
        pgid: row
        for pgid, row in inactive.items()
        if row["longest"] > seconds
        or any(word in state.split("+") for state in row["states"] for word in STUCK)
    }
