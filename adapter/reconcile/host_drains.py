"""Go on with hosts that are emptied: what was asked for is queued, and what is left is watched."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from adapter.cluster.drain_watch import Left
from adapter.cluster.drains import Drain
from adapter.cluster.hosts import Host
from adapter.cluster.osd_map import OsdMap
from adapter.cluster.osd_removals import Stage
from adapter.cluster.schedule import NO_SCHEDULE
from adapter.core import Core
from adapter.errors import NotKept
from adapter.interface import OrchestratorEvent
from adapter.kinds import DAEMONS
from adapter.reconcile.osd_planner import OsdPlanner
from adapter.reconcile.osd_removal_records import removal_of
from adapter.state_lock import under_lock

log = logging.getLogger(__name__)

# How often drains are looked at (seconds).
LOOK_AGAIN = 2.0
# So long (seconds) the host's own record may wait for the jobs that take its daemons away.
TOLD_WITHIN = 15.0


class HostDrains:
    """Step the drains of hosts. OSDs and daemons leave by the parts that remove them.

    ``is_managed`` tells whether a manager does this; a command tells hosts of labels itself.
    """

    def __init__(self, core: Core, planner: OsdPlanner, is_managed: Callable[[], bool]) -> None:
        self._core, self._planner, self._is_managed = core, planner, is_managed
        self._looked = -LOOK_AGAIN
        # By host when the drain was asked for of whose labels it was told.
        self._told: Dict[str, float] = {}

    def step(self, now: float, osd_map: Optional[OsdMap]) -> None:
        """Queue what a manager before has not, and look how far drains are."""
        if now - self._looked >= LOOK_AGAIN:
            self._looked = now
            self.look(osd_map)

    def look(self, osd_map: Optional[OsdMap]) -> None:
        """Do it now."""
        core = self._core
        with core.lock:
            draining = [(host, host.drain) for host in core.hosts.all() if host.drain]
            core.drain_watch.keep([host.hostname for host, _ in draining])
            for host, drain in draining:
                if osd_map is None:
                    break
                try:
                    self._step(host, drain, osd_map)
                except NotKept as error:
                    core.unkept.note(error)

    @under_lock
    def _step(self, host: Host, drain: Drain, osd_map: OsdMap) -> None:
        core = self._core
        if not drain.begun:
            self.begin(host, drain, osd_map, {})
            return
        left = self.left(host, osd_map)
        if self._is_managed():
            self._tell_labels(host, drain)
        core.drain_watch.see(host.hostname, drain.asked, left, time.time())
        report = core.reports.get(host.hostname)
        seen = report is not None and report.taken.get("daemons", 0.0) > drain.asked
        if seen and not left.reasons and not drain.done:
            core.hosts.save(replace(host, drain=replace(drain, done=round(time.time(), 3))))
            log.info("host %s is drained", host.hostname)

    @under_lock
    def _tell_labels(self, host: Host, drain: Drain) -> None:
        """Let the host's own record have the labels, behind the jobs that take its daemons.

        Jobs on one host go one after the other, and nobody waits for this one.
        """
        core, name = self._core, host.hostname
        leaving = [n for n, service in self.daemons_of(name).items() if not self.stays(n, service)]
        waits = leaving and time.time() - drain.asked < TOLD_WITHIN
        if waits or self._told.get(name) == drain.asked or not core.liveness.online(name):
            return
        self._told[name] = drain.asked
        report, record = core.reports.get(name), core.record_of(host)
        said = report.identity.get("record") if report is not None else None
        has_it = isinstance(said, dict) and all(said.get(key) == record[key] for key in record)
        if not has_it and not core.ssh.ready():
            core.submit("add_host_label", [host], parameters={"record": record})

    @under_lock
    def begin(self, host: Host, drain: Drain, osd_map: OsdMap, counts: Mapping[int, int]) -> None:
        """Queue the OSDs of a drain that are not in the queue yet, and note that it has begun.

        ``counts`` are placement groups by OSD. Raises ``NotKept`` where one cannot be kept; the
        next call goes on.
        """
        core = self._core
        for osd_id, uuid in drain.osds:
            osd, known = osd_map.osds.get(osd_id), core.removals.get(osd_id)
            queued = known is not None and known.stage is not Stage.KEEPING
            if osd is None or osd.uuid != uuid or queued or str(osd_id) in core.removals.problems:
                continue
            removal = removal_of(
                core,
                self._planner,
                osd,
                osd_map,
                keep_id=False,
                force=False,
                zap=drain.zap and not osd.destroyed,
                no_destroy=False,
                pgs=counts.get(osd_id, -1),
                drain=host.hostname,
            )
            core.removals.save(removal)
        core.hosts.save(replace(host, drain=replace(drain, begun=True)))

    @under_lock
    def left(self, host: Host, osd_map: OsdMap) -> Left:
        """Return what is left on a host."""
        osds, measure = self._osds_left(host.hostname, osd_map)
        daemons = self.daemons_of(host.hostname)
        reasons = [f"{name}: {self._why_left(host, name, daemons[name])}" for name in daemons]
        if NO_SCHEDULE not in host.labels:
            reasons.append(
                f"the label {NO_SCHEDULE} was taken from it; `ceph orch host drain "
                f"{host.hostname}` sets it again, `ceph orch host drain stop {host.hostname}` ends "
                "the drain"
            )
        return Left((*osds, *reasons), (measure, tuple(daemons)))

    def _osds_left(self, hostname: str, osd_map: OsdMap) -> Tuple[List[str], Tuple[Any, ...]]:
        core = self._core
        removals = {
            removal.osd_id: removal
            for removal in core.removals.all()
            if removal.host == hostname and removal.stage is not Stage.KEEPING
        }
        reasons = [f"osd.{osd_id}: {each.drain_status}" for osd_id, each in removals.items()]
        for osd in osd_map.osds.values():
            if osd.osd_id not in removals and core.owners.host_of(osd) == hostname:
                way = f"`ceph orch osd rm {osd.osd_id}` removes it"
                reasons.append(f"osd.{osd.osd_id}: it is not being removed; {way}")
        measure = tuple((each.osd_id, each.stage, each.pgs) for each in removals.values())
        return reasons, (measure, len(reasons))

    @under_lock
    def daemons_of(self, hostname: str) -> Dict[str, str]:
        """Return the daemons of a host but its OSDs, each with its service, as it reported them.

        What is stopped and not started at boot is as good as gone.
        """
        core = self._core
        report = core.reports.get(hostname)
        found = {}
        for row in report.daemons if report is not None else ():
            kind, identity = str(row["daemon_type"]), str(row["daemon_id"])
            rests = row["state"] == "stopped" and not row.get("enabled", True)
            if kind in DAEMONS and not rests:
                found[f"{kind}.{identity}"] = core.daemon_services.of(hostname, kind, identity)
        return found

    @under_lock
    def stays(self, name: str, service: str) -> str:
        """Return why nothing removes a daemon by itself, or nothing."""
        wanted = self._core.specs.find(service)
        if wanted is not None and (wanted.deleted or not wanted.spec.unmanaged):
            return ""
        what = f"its service {service} is unmanaged" if wanted is not None else "it has no spec"
        return f"{what}; `ceph orch daemon rm {name}` removes it"

    def _why_left(self, host: Host, name: str, service: str) -> str:
        core = self._core
        if not core.liveness.online(host.hostname):
            return (
                f"the host is offline; `ceph orch host rm {host.hostname} --offline --force` "
                "forgets it with what it has"
            )
        stays = self.stays(name, service)
        if stays:
            return stays
        if core.watch.held.get(service):
            return str(core.watch.held[service])
        events = [
            each.message
            for each in core.events.of(service)
            if each.level == OrchestratorEvent.ERROR
            and each.message.startswith(f"{host.hostname}:")
        ]
        return events[-1].partition(": ")[2] if events else "to be removed"
