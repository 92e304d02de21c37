"""Find what runs for the cluster on hosts that are not managed, or unknown to its host."""

from __future__ import annotations

import time
from typing import Any, FrozenSet, List, Optional, Tuple

from adapter.cluster.strays import Stray
from adapter.core import Core
from adapter.state_lock import under_lock


class StrayDaemons:
    """Compare the cluster's maps with what the hosts report, on a ``Core``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # As of which state they were found.
        self._found: Tuple[Tuple[Any, ...], List[Stray]] = ((), [])

    def step(self, now: float) -> None:
        """Look again, where anything has changed; ``now`` is in monotonic seconds."""
        core = self._core
        with core.lock:
            state = (core.hosts.serial, core.reports.serial, core.watch.serial, core.places.learned)
            if self._found[0] != state:
                self._found = (state, self._find() if self._can_tell() else [])
            found = self._found[1]
            reports = ((each.host, core.reports.get(each.host)) for each in found)
            taken = {host: report.taken.get("daemons", 0.0) for host, report in reports if report}
            core.refresh.want(core.strays.see(found, taken, now, time.time()))

    @under_lock
    def _can_tell(self) -> bool:
        """Tell whether a name that no managed host has is nobody's.

        A host that has never reported, or whose record cannot be used, may have any name.
        """
        core = self._core
        reports = [core.reports.get(host.hostname) for host in core.hosts.all()]
        known = all(report is not None and "daemons" in report.taken for report in reports)
        return bool(reports) and known and not core.hosts.problems

    @under_lock
    def _find(self) -> List[Stray]:
        core = self._core
        found = []
        for daemon, names in core.places.said().items():
            kind, _, identity = daemon.partition(".")
            if core.watch.is_at_work(kind, identity) and not core.places.hosts_of(daemon):
                stray = self._stray(daemon, names)
                found += [stray] if stray is not None else []
        return found

    def _stray(self, daemon: str, names: FrozenSet[str]) -> Optional[Stray]:
        """Return a daemon that no host reports as its own; None where that is told otherwise."""
        places = self._core.places
        hosts = places.meant_by_cluster(daemon)
        if not hosts:
            return Stray(min(names), daemon, False)
        # Another host's unit of that name, or more than one host, is a warning of its own.
        (host, *more) = sorted(hosts)
        return None if more or places.reports(host, daemon) else Stray(host, daemon, True)
