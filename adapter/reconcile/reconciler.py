"""One round of everything that happens by itself."""

from __future__ import annotations

import logging
import time
from typing import Dict, Optional, Tuple

from adapter.cluster.osd_map import OsdMap, OsdMetadata
from adapter.cluster.watch import units_of_report
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import NotKept
from adapter.interface import OrchestratorError
from adapter.reconcile.absence import Absence
from adapter.reconcile.daemon_acts import DaemonActs
from adapter.reconcile.dashboard_urls import DashboardUrls
from adapter.reconcile.gateway_zones import GatewayZones
from adapter.reconcile.host_admins import HostAdmins
from adapter.reconcile.host_confs import HostConfs
from adapter.reconcile.host_drains import HostDrains
from adapter.reconcile.host_maintenance import HostMaintenance
from adapter.reconcile.host_stops import HostStops
from adapter.reconcile.late_jobs import LateJobs
from adapter.reconcile.left_jobs import LeftJobs
from adapter.reconcile.mon_locations import MonLocations
from adapter.reconcile.osd_creation import OsdCreator
from adapter.reconcile.osd_planner import OsdPlanner
from adapter.reconcile.osd_removal import OsdRemover
from adapter.reconcile.ownership import read_places
from adapter.reconcile.parts import Parts
from adapter.reconcile.pending import Pending
from adapter.reconcile.service_restarts import ServiceRestarts
from adapter.reconcile.services import ServiceReconciler
from adapter.reconcile.stray_daemons import StrayDaemons
from adapter.reconcile.successors import with_backends
from adapter.reconcile.tuned_hosts import TunedHosts
from adapter.reconcile.undone_acts import UndoneActs
from adapter.reconcile.upgrades import Upgrading

log = logging.getLogger(__name__)

# How often the maps are read when nothing points at a change; what goes on reads them itself.
MAP_INTERVAL = 15.0
# After a change they are read often for a while: OSDs take some seconds to be up.
EAGER_INTERVAL, EAGER_FOR = 1.5, 30.0
# While a service waits for what they show.
WAITING_INTERVAL = 5.0
# While the engine begins no jobs: all that is done by itself needs some.
AWAY_INTERVAL = 2.0


class Reconciler:
    """The parts that work on their own, and the cluster's maps as they were read last."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.planner = OsdPlanner(core)
        self.creator = OsdCreator(core, self.planner)
        self.remover = OsdRemover(core)
        self.drains = HostDrains(core, self.planner, lambda: self.absence is not None)
        self.services = ServiceReconciler(core)
        self.host_stops = HostStops(core, self.services.guards, lambda: self.absence is not None)
        self.maintenance = HostMaintenance(
            core, self.services.guards, self.host_stops, lambda: self.absence is not None
        )
        self.upgrading = Upgrading(core, self.services.guards, lambda: self.absence is not None)
        self.restarts = ServiceRestarts(core, self.services.guards)
        self.acts = DaemonActs(core, self.services)
        self.undone = UndoneActs(core, self.acts)
        self.confs = HostConfs(core)
        self.admins = HostAdmins(core)
        self.tuned = TunedHosts(core)
        self.mon_locations = MonLocations(core)
        self.zones = GatewayZones(core, self.services)
        self.dashboard_urls = DashboardUrls(core, self.services.jobs.files)
        self.pending = Pending(
            core, self.services, self.planner, self.mon_locations, lambda: self.osd_map
        )
        self.strays = StrayDaemons(core)
        self.late_jobs = LateJobs(core)
        # Of a manager; who runs a command is there by that.
        self.absence: Optional[Absence] = None
        self.left_jobs: Optional[LeftJobs] = None
        # As of which state what waits was found.
        self._waiting_for: Tuple[object, ...] = ()
        self._parts = Parts()
        self.osd_map: Optional[OsdMap] = None
        self._read = -MAP_INTERVAL
        # When it was read where daemons are, and as of which reports.
        self._places_read, self._reports_then = -MAP_INTERVAL, -1
        self._eager_until = 0.0
        core.maps_changed.set()

    @property
    def problems(self) -> Dict[str, str]:
        """Return by part of the round what went wrong unexpectedly when it was taken last."""
        return self._parts.problems

    def step(self, now: float) -> Optional[float]:
        """Do what can be done now; return the seconds until there can be more, or None.

        What goes wrong unexpectedly in one part is told by ``problems`` and stops no other one.
        """
        core, run = self._core, self._parts.run
        if not core.cluster or core.mon is None:
            return None
        if core.maps_changed.is_set():
            core.maps_changed.clear()
            self._eager_until = now + EAGER_FOR
            self._read = -MAP_INTERVAL
        eager = now < self._eager_until
        with core.lock:
            waiting = bool(core.waits.all())
        interval = WAITING_INTERVAL if waiting else MAP_INTERVAL
        if now - self._read >= (EAGER_INTERVAL if eager else interval):
            self._read = now
            run("reading the cluster's maps", lambda: self.read_maps(now), now)
            run("reading where daemons are", lambda: self._read_places(now), now)
            run("looking for strays", lambda: self.strays.step(now), now)
        run("looking which jobs wait", self.late_jobs.step, now)
        left_jobs = self.left_jobs
        if left_jobs is not None:
            run("looking what managers before have left", lambda: left_jobs.step(now), now)
        look = "looking since when nobody managed the hosts"
        pause = run(look, lambda: self._pause_after_absence(now), now)
        if pause is not None:
            return pause
        if core.engine.away() is not None:
            return AWAY_INTERVAL
        # Somebody waits for it: a pause is for what is done by itself.
        see_off = run("hosts in maintenance", lambda: self.maintenance.step(now), now)
        if core.paused:
            run("looking what waits", self._note_waiting, now)
            return see_off
        self._waiting_for = ()
        pauses = [
            see_off,
            run("upgrading", lambda: self.upgrading.step(now), now),
            run("making OSDs", lambda: self.creator.step(now, self.osd_map), now),
            run("draining hosts", lambda: self.drains.step(now, self.osd_map), now),
            run("removing OSDs", lambda: self.remover.step(now), now),
            run("restarting services", lambda: self.restarts.step(now), now),
            run("acting on daemons", lambda: self.undone.step(now, self.osd_map), now),
            run("keeping services", lambda: self.services.step(now), now),
            run("keeping ceph.conf", lambda: self.confs.step(now), now),
            run("keeping the keyring of administrators", lambda: self.admins.step(now), now),
            run("keeping tuned profiles", lambda: self.tuned.step(now), now),
            run("placing monitors in CRUSH", lambda: self.mon_locations.step(now), now),
            run("keeping zones of gateways", lambda: self.zones.step(now), now),
            run("telling the dashboard", lambda: self.dashboard_urls.step(now), now),
        ]
        if eager:
            pauses.append(EAGER_INTERVAL)
        return min((pause for pause in pauses if pause is not None), default=None)

    def tune(self) -> Optional[Completion]:
        """Begin at once to bring hosts to their tuned profiles, unless nothing is done now."""
        waits = self.absence is not None and not self.absence.decided
        return None if waits or self._core.paused else self.tuned.begin()

    def _pause_after_absence(self, now: float) -> Optional[float]:
        """Return the seconds until the next look while nothing is done by itself yet, or None."""
        waits = self.absence is not None and self.absence.holds(now)
        return EAGER_INTERVAL if waits else None

    def _note_waiting(self) -> None:
        """Note what would be done if it were not paused, where anything has changed."""
        core = self._core
        with core.lock:
            seen = (*core.state_serials(), id(self.osd_map))
        if seen == self._waiting_for:
            return
        self.pending.look()
        with core.lock:
            if core.paused:
                steps = [*self.pending.steps(), *self.pending.unknown()]
                core.waiting_steps = [str(step) for step in steps]
                self._waiting_for = seen

    def _read_places(self, now: float) -> None:
        """Read where the cluster has its daemons, often only while hosts report news."""
        core = self._core
        with core.lock:
            reports = core.reports.serial
        if reports == self._reports_then and now - self._places_read < MAP_INTERVAL:
            return
        try:
            read_places(core)
        except OrchestratorError as error:
            log.warning("the monitors do not say where daemons are: %s", error)
            return
        self._places_read, self._reports_then = now, reports

    def read_maps(self, now: Optional[float] = None) -> None:
        """Read the OSD map, and what OSDs say of themselves; an error leaves what was known.

        The quorum and the manager map are held against what runs. ``now`` is the loop's time.
        """
        core = self._core
        now = time.monotonic() if now is None else now
        try:
            osd_map = core.maps.osd_map()
            metadata: Dict[int, OsdMetadata] = core.maps.metadata() if osd_map.osds else {}
            quorum, mons = core.maps.quorum()
            managers = with_backends(core, core.maps.manager_map())
            fs_map = core.maps.fs_map()
        except OrchestratorError as error:
            log.warning("the cluster's maps cannot be read: %s", error)
            return
        with core.lock:
            self.osd_map = osd_map
            self.services.needs.see(osd_map, fs_map.names)
            core.watch.see_file_systems(fs_map)
            core.watch.see_osds({each.osd_id: each.up for each in osd_map.osds.values()})
            core.osds_are_up([osd.osd_id for osd in osd_map.osds.values() if osd.up])
            core.owners.learn(metadata, core.places.host_of)
            try:
                core.owners.follow(osd_map)
            except NotKept as error:
                # What is not forgotten yet is looked at again with the next map.
                core.unkept.note(error)
            # What a job stops is out of the maps before it has ended, and its host tells then.
            going = core.going_down.at_work_on()
            units = [
                unit
                for host in core.hosts.all()
                for report in [core.reports.get(host.hostname)]
                if report is not None and core.workable(host.hostname)
                for unit in units_of_report(host.hostname, report.daemons)
                if f"{unit.kind}.{unit.daemon_id}" not in going
            ]
            when = time.time()
            core.refresh.want(core.watch.see(quorum, managers, units, now, when, mons))
