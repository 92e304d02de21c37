"""Actions that were asked for and never begun, because their manager ended before their turn.

Nobody has to ask again for one that somebody has asked otherwise about since, or that the manager
goes on with by itself.
"""

from __future__ import annotations

from typing import Callable, FrozenSet

from adapter.cluster.going_down import ACTIONS
from adapter.cluster.overtaken import acts_by_itself, leaves_running, overtakes
from adapter.engine.base import Engine
from adapter.engine.model import JobRecord, JobStatus, Request
from adapter.errors import UnknownName

Daemons = Callable[[Request], FrozenSet[str]]


def is_unstarted(record: JobRecord) -> bool:
    """Tell whether a job has ended without having begun."""
    return record.status.final and record.started is None


def is_needless(record: JobRecord, engine: Engine, daemons_of: Daemons) -> bool:
    """Tell whether an action that never began is not missed.

    ``daemons_of`` names what a request starts, stops, restarts, deploys or removes.
    """
    if record.status is not JobStatus.CANCELLED or record.request.operation not in ACTIONS:
        return False
    try:
        older = engine.asked(record.id)
    except UnknownName:
        return False
    if acts_by_itself(older):
        return True
    daemons = daemons_of(older)
    for later in engine.jobs():
        if later.created <= record.created or later.request.check:
            continue
        try:
            newer = engine.asked(later.id)
        except UnknownName:
            continue
        if newer.operation in ACTIONS:
            if overtakes(newer, older):
                return True
        elif daemons and daemons <= daemons_of(newer) and leaves_running(older):
            return True
    return False
