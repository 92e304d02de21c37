"""Which hosts are at a job: one that waits for them would hold up all its other hosts."""

from __future__ import annotations

from typing import Dict, FrozenSet, List, Sequence

from adapter.core import Core


def apart(core: Core, hostnames: Sequence[str]) -> List[List[str]]:
    """Return these hosts in groups that wait for the same jobs; those that wait for none first."""
    busy: Dict[str, FrozenSet[str]] = {}
    for record in core.engine.jobs():
        if record.request.changes and not record.status.final:
            for host in record.request.hosts:
                busy[host] = busy.get(host, frozenset()) | {record.id}
    groups: Dict[FrozenSet[str], List[str]] = {}
    for host in hostnames:
        groups.setdefault(busy.get(host, frozenset()), []).append(host)
    return [groups[jobs] for jobs in sorted(groups, key=lambda jobs: (len(jobs), sorted(jobs)))]


def free_first(core: Core, hostnames: Sequence[str]) -> List[str]:
    """Return the hosts that have to wait for nobody, or where there are none the first to be free.

    The others have their turn when these are done.
    """
    groups = apart(core, hostnames)
    return groups[0] if groups else []
