"""What hosts have said of their daemons since a service was removed, and since this manager began.

A report that a manager kept, or took before, says nothing of what another one has deployed since;
and a job of the manager before may go on for a while by itself.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, List, Optional, Tuple

from adapter.cluster.hosts import Host
from adapter.cluster.schedule import candidates
from adapter.cluster.specs import Wanted
from adapter.cluster.views import host_spec
from adapter.core import Core
from adapter.kinds import daemon_type_of
from adapter.reconcile.parts import OTHERS_JOBS_END
from adapter.state_lock import under_lock


class ReportedSince:
    """Tell which hosts have still to report before a service is forgotten."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._began: Optional[float] = None
        # What was being removed already when this manager began.
        with core.lock:
            self._found: FrozenSet[Tuple[str, float]] = frozenset(
                (each.name, each.deleted) for each in core.specs.all() if each.deleted
            )
        # By service and the time of its removal: the serial of the last report that was no answer.
        self._asked: Dict[Tuple[str, float], int] = {}

    @under_lock
    def begin(self, now: float) -> None:
        """Note when this manager looks for the first time (monotonic seconds)."""
        if self._began is None:
            self._began = now

    @under_lock
    def is_young(self, now: float) -> bool:
        """Tell whether a job of the manager before may still bring up what no host reports."""
        return now < (self._began if self._began is not None else now) + OTHERS_JOBS_END

    @under_lock
    def is_early(self, wanted: Wanted, now: float) -> bool:
        """Tell whether no report counts yet for a service whose removal another one was asked for.

        What this manager was asked to remove is in its records, as far as it is not reported.
        """
        return self.is_young(now) and (wanted.name, wanted.deleted) in self._found

    @under_lock
    def look(self, wanted: Wanted, now: float) -> None:
        """Note from when on reports count for a service that goes."""
        key = (wanted.name, wanted.deleted)
        if key not in self._asked and not self.is_early(wanted, now):
            self._asked = {
                each: serial for each, serial in self._asked.items() if each[0] != key[0]
            }
            self._asked[key] = self._core.reports.serial

    @under_lock
    def unreported(self, wanted: Wanted) -> List[str]:
        """Return the hosts that may have a daemon of a service and have not said so since.

        Those that answer are asked.
        """
        core, since = self._core, self._asked.get((wanted.name, wanted.deleted), -1)
        found = []
        for host in core.hosts.all():
            report = core.reports.get(host.hostname)
            if report is not None and report.serial > since and "daemons" in report.taken:
                continue
            if self._may_have(wanted, host):
                found.append(host.hostname)
        core.refresh.want([host for host in found if not core.refresh.pending(host)])
        return found

    @under_lock
    def waiting(self) -> List[str]:
        """Return the hosts that were asked and have not answered."""
        known = {name for name, _ in self._asked}
        wanted = [each for each in self._core.specs.all() if each.deleted and each.name in known]
        return sorted({host for each in wanted for host in self.unreported(each)})

    def _may_have(self, wanted: Wanted, host: Host) -> bool:
        """Tell whether a host may have a daemon that is in no record."""
        report = self._core.reports.get(host.hostname)
        if report is None or "daemons" not in report.taken:
            return True
        kind = daemon_type_of(wanted.spec)
        reported = any(row["daemon_type"] == kind for row in report.daemons)
        return reported or bool(candidates(wanted.spec, [host_spec(host, True)]))
