"""Whose turn it is: jobs that change the same host go one after the other, oldest first."""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

from adapter.engine.running import Running


def schedule(jobs: Sequence[Running], most: int) -> List[Tuple[Running, str]]:
    """Return the queued ones of these jobs, each with what it waits for; empty if it may start.

    ``jobs`` are all that are queued or running, oldest first; ``most`` may run at a time, one of
    them only reading. A job waits for an older one that is to change one of its hosts, whether
    that one runs yet or not: nobody is overtaken for ever.
    """
    running = [job for job in jobs if not job.is_queued]
    count, writers = len(running), sum(job.record.request.changes for job in running)
    changing: Dict[str, str] = {}
    for job in running:
        _take(job, changing)
    found = []
    for job in jobs:
        if not job.is_queued:
            continue
        request, reason = job.record.request, ""
        busy = [host for host in request.hosts if host in changing] if request.changes else []
        if busy:
            reason = f"it waits for job {changing[busy[0]]}, which changes host '{busy[0]}'"
        elif count >= most or (request.changes and writers >= max(1, most - 1)):
            reason = f"it waits until one of {count} running jobs has ended"
        elif job.lock is not None:
            count += 1
            writers += request.changes
        _take(job, changing)
        found.append((job, reason))
    return found


def _take(job: Running, changing: Dict[str, str]) -> None:
    """Note the hosts that a job changes; who comes later waits for the latest of them."""
    if job.record.request.changes:
        changing.update(dict.fromkeys(job.record.request.hosts, job.job.id))
