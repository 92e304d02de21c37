"""How long an upgrade takes, by its plan. Pure functions.

Steps follow each other; within one all hosts change their packages at the same time, and all
daemons are restarted at the same time. The figures are those of the lab's hosts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Mapping

from adapter.cluster.upgrade_plan import MDS, MGR, MON, OSD, WITH_PACKAGES, Plan

_HOUR = 3600.0
# Who has lost its monitor looks for another one every three seconds at first, then less often.
# Until it has one, it hears of no OSD that is down: a request to that one would wait as long.
MONITORS_FOUND = 10.0


@dataclass(frozen=True)
class Costs:
    """Seconds that parts of a step take.

    ``job`` is what a job takes besides what it does, ``packages`` the transaction of a host,
    ``restart`` by kind the time until the maps have daemons back; ``other`` is for other kinds.
    ``monitors`` is what is waited between monitors and what comes after them.
    """

    job: float = 5.0
    packages: float = 60.0
    hand_over: float = 10.0
    restart: Mapping[str, float] = field(
        default_factory=lambda: {MGR: 8.0, MON: 10.0, OSD: 20.0, MDS: 8.0}
    )
    other: float = 5.0
    monitors: float = MONITORS_FOUND


def seconds_of(plan: Plan, costs: Costs = Costs()) -> float:
    """Return how many seconds the steps of a plan take, where nothing has to be waited for."""
    kinds = [batch.kind for batch in plan.batches]
    total = costs.monitors if MON in kinds and kinds[-1] not in (MGR, MON) else 0.0
    for batch in plan.batches:
        total += costs.job + costs.restart.get(batch.kind, costs.other)
        if batch.hosts:
            # The job that changes packages restarts managers, and what follows packages.
            alone = batch.kind not in (MGR, *WITH_PACKAGES)
            total += costs.packages + (costs.job if alone else 0.0)
        total += costs.hand_over if batch.hands_over.startswith(f"{MGR}.") else 0.0
    return total


def words_of(seconds: float) -> str:
    """Return e.g. ``about 12 minutes``, nothing for none."""
    if seconds <= 0:
        return ""
    if seconds < 2 * _HOUR:
        minutes = math.ceil(seconds / 60)
        return "about a minute" if minutes == 1 else f"about {minutes} minutes"
    hours = math.ceil(seconds / 360) / 10
    return f"about {hours:g} hours"
