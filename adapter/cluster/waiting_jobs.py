"""Which queued jobs have waited for long, and for which other job. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

from adapter.cluster.health import when
from adapter.engine.model import JobRecord, JobStatus

# After so long (seconds) somebody is told: most jobs have ended by then.
LONG = 120.0


@dataclass(frozen=True)
class Waiting:
    """A queued job; ``by`` changes ``host``, which it has to wait for, or all places are taken."""

    job: JobRecord
    host: str = ""
    by: Optional[JobRecord] = None

    def describe(self) -> str:
        """Return what waits since when, for what, and the remedy."""
        job, by = self.job, self.by
        text = f"{job.request.summary} (job {job.id}) waits since {when(job.created)}"
        if by is None:
            reason = job.message.partition("; ")[2] or "it has not begun yet"
            return (
                f"{text}: {reason}. `ceph ansible job ls` shows what runs, `ceph ansible job "
                "cancel ID` ends one"
            )
        state = "queued" if by.started is None else "running"
        since = when(by.created if by.started is None else by.started)
        return (
            f"{text} for host {self.host}, which job {by.id} changes ({by.request.summary}, "
            f"{state} since {since}). `ceph ansible job log {by.id}` shows what that one is at, "
            f"`ceph ansible job cancel {by.id}` ends it on the host too"
        )


def waiting_long(records: Sequence[JobRecord], now: float) -> List[Waiting]:
    """Return the queued jobs that were asked for more than ``LONG`` seconds before ``now``.

    ``records`` are all jobs, the newest first. A job waits for the latest one before it that
    changes one of its hosts.
    """
    changing: Dict[str, JobRecord] = {}
    found: List[Waiting] = []
    for record in reversed(records):
        request = record.request
        if record.status.final:
            continue
        busy = [host for host in request.hosts if host in changing] if request.changes else []
        if record.status is JobStatus.QUEUED and now - record.created >= LONG:
            found.append(Waiting(record, busy[0], changing[busy[0]]) if busy else Waiting(record))
        if request.changes:
            changing.update(dict.fromkeys(request.hosts, record))
    return found
