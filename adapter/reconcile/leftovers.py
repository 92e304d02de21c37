"""What services have left on hosts beyond what these report: what never came up, or comes late.

A daemon is recorded before the job that deploys it. What that job did before it failed, and what
systemd makes of it later, is on the host: so what is recorded and not wanted is taken away there,
and only then its key, its settings and its record go. A service is there as long as one of its
daemons is recorded.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

from adapter.cluster.deployments import Deployment
from adapter.cluster.schedule import Daemon, DaemonPlacement
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.kinds import KINDS, daemon_type_of, kind_of
from adapter.reconcile.reported_since import ReportedSince
from adapter.reconcile.service_jobs import ServiceJobs
from adapter.state_lock import under_lock

Recorded = Tuple[str, Deployment]


class Leftovers:
    """Tell what is left of services, and what a service that goes waits for."""

    def __init__(self, core: Core, jobs: ServiceJobs) -> None:
        self._core, self._jobs = core, jobs
        self.reported = ReportedSince(core)

    def begin(self, now: float) -> None:
        """Note when this manager looks for the first time (monotonic seconds)."""
        with self._core.lock:
            self.reported.begin(now)

    def of(
        self, wanted: Wanted, there: Sequence[Daemon], add: Sequence[DaemonPlacement]
    ) -> List[Daemon]:
        """Return the recorded daemons of a service that nobody wants and ``there`` has not.

        Of a service that goes these are all; of another one those that no host reports: what
        somebody has stopped by hand stays. Those whose key is being removed are gone already.
        """
        core, found = self._core, []
        if not wanted.deleted and kind_of(wanted.spec.service_type).cluster_needs:
            return []
        with core.lock:
            recorded = self._left(wanted) if wanted.deleted else self._recorded(wanted.name)
            if not recorded:
                return []
            known = {(each.hostname, each.daemon_id) for each in there}
            known |= {(place.hostname, place.daemon_id) for place in add}
            going = {(key.host, key.daemon) for key in core.unused_keys.all()}
            for host, each in recorded:
                if (host, each.daemon_id) in known or (host, each.daemon) in going:
                    continue
                if wanted.deleted or not core.places.reports(host, each.daemon):
                    found.append(Daemon(host, each.daemon_id, ok=False, runs=False))
        return found

    def waits(self, wanted: Wanted, removes: Sequence[Daemon], now: float) -> str:
        """Return what a service that goes waits for before anything more is done, or nothing."""
        core = self._core
        with core.lock:
            job = self._job_of_before(wanted)
            if job:
                return f"the removal waits until job {job} has ended"
            # The job of a manager on another machine may bring one up that no host has reported.
            young = self.reported.is_young(now)
            self.reported.look(wanted, now)
            kind = daemon_type_of(wanted.spec)
            unseen = [
                each.daemon_id
                for each in removes
                if not core.places.reports(each.hostname, f"{kind}.{each.daemon_id}")
            ]
            if young and unseen:
                return (
                    f"the removal waits in case a job of the previous manager still starts "
                    f"{kind}.{unseen[0]}"
                )
            if removes:
                return ""
            unreadable = sorted(host for host in core.deployments.problems if host in core.hosts)
            if unreadable:
                return (
                    "the removal waits until it is known what was deployed on "
                    f"{', '.join(unreadable)} (`ceph health detail`)"
                )
            if self.reported.is_early(wanted, now):
                return (
                    "the removal waits in case a job of the previous manager still starts a daemon "
                    "that no host has reported"
                )
            missing = self.reported.unreported(wanted)
            if missing:
                host = missing[0]
                return (
                    f"the removal waits until host {host} has said which daemons it has; "
                    f"`ceph orch host rm {host} --offline --force` forgets a host that is gone"
                )
            left = self._left(wanted)
            return f"the key and settings of {left[0][1].daemon} are removed next" if left else ""

    @under_lock
    def forget(self, service: str) -> None:
        """Forget what is recorded of a service that is gone."""
        for host, each in self._core.deployments.of_service(service):
            self._core.deployments.forget(host, [each.daemon])

    def _left(self, wanted: Wanted) -> List[Recorded]:
        """Return the daemons of a service that goes, without those that other hosts have now."""
        judge = self._core.places.judge
        rows = self._recorded(wanted.name)
        return [(host, each) for host, each in rows if judge(host, each.daemon) is None]

    def _recorded(self, service: str) -> List[Recorded]:
        """Return the daemons that are recorded for a service, on hosts that there are."""
        hosts, rows = self._core.hosts, self._core.deployments.of_service(service)
        return [row for row in rows if row[0] in hosts or row[0] in hosts.problems]

    def _job_of_before(self, wanted: Wanted) -> str:
        """Return a job that another manager began and that may be at daemons of this kind."""
        mine = set(self._jobs.running.values())
        meant = (KINDS[wanted.spec.service_type].operation, "remove_daemons")
        for record in self._core.engine.jobs():
            if record.status.final or record.id in mine:
                continue
            if record.request.operation in meant:
                return record.id
        return ""
