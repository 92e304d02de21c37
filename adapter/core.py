"""What all methods share: the state of the cluster under one lock, and the collaborators.

Nothing here waits for a host.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    FrozenSet,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from adapter import operations
from adapter.cluster.alert_rules import AlertRules
from adapter.cluster.bad_records import HOLDER, PAUSE, BadRecords, Unkept
from adapter.cluster.daemon_actions import DaemonActions
from adapter.cluster.daemon_places import DaemonPlaces
from adapter.cluster.daemon_services import DaemonServices
from adapter.cluster.deployments import Deployments
from adapter.cluster.drain_watch import DrainWatch
from adapter.cluster.events import Events
from adapter.cluster.going_down import GoingDown
from adapter.cluster.hand_overs import HandOvers
from adapter.cluster.health import Failure, when
from adapter.cluster.hosts import Host, Hosts
from adapter.cluster.liveness import Liveness
from adapter.cluster.maintenances import Maintenances
from adapter.cluster.maps import Maps
from adapter.cluster.mon import Mon, NoMon
from adapter.cluster.option_table import OptionTable
from adapter.cluster.osd_intents import Intents
from adapter.cluster.osd_owners import OsdOwners
from adapter.cluster.osd_removals import Removals
from adapter.cluster.overtaken import Overtaken
from adapter.cluster.refresh import Refresh
from adapter.cluster.reports import Reports
from adapter.cluster.service_actions import ServiceActions
from adapter.cluster.service_failures import ServiceFailures
from adapter.cluster.service_waits import Waits
from adapter.cluster.set_options import SetOptions
from adapter.cluster.shared_event import SharedEvent
from adapter.cluster.specs import Specs
from adapter.cluster.store import Store
from adapter.cluster.strays import Strays
from adapter.cluster.tuned_profiles import TunedProfiles
from adapter.cluster.tuning import Tuning
from adapter.cluster.turns import Turns
from adapter.cluster.unused_keys import MONS, UnusedKeys
from adapter.cluster.upgrades import Upgrades
from adapter.cluster.watch import Watch
from adapter.engine.access import Ssh
from adapter.engine.base import Engine
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.model import Target
from adapter.errors import EngineAway, NotReady, UnreadableRecord
from adapter.settings import Settings
from adapter.state_lock import StateLock, under_lock

# Operations that read a whole host report (facts, devices, daemons and packages) in their one call.
REPORTING = ("get_inventory", "add_host")


class Core:
    """State and collaborators of one orchestrator.

    ``store`` keeps hosts, ``engine`` runs operations, ``ssh`` probes hosts and keeps the files
    that ssh reads. ``cluster`` is the fsid, or empty; ``actor`` who is said to have asked.
    ``wake_event`` is set whenever the loop has something to do. ``answer_wait`` is how many seconds
    a command waits for what a host refuses at once, before it names the job that goes on.
    """

    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        ssh: Ssh,
        settings: Settings,
        actor: str,
        cluster: str = "",
        mon: Optional[Mon] = None,
        reports_directory: Optional[Path] = None,
        answer_wait: float = 6.0,
    ) -> None:
        self.lock = StateLock()
        self.wake_event = SharedEvent()
        self.store, self.engine, self.ssh, self.mon = store, engine, ssh, mon
        self.settings, self.actor, self.cluster = settings, actor, cluster
        self.answer_wait = answer_wait
        self.hosts = Hosts(store)
        self.reports = Reports(reports_directory)
        self.places = DaemonPlaces(self.hosts, self.reports)
        self.liveness = Liveness(settings.probe_interval)
        self.refresh = Refresh(settings.report_interval)
        self.maps = Maps(mon or NoMon())
        self.options = OptionTable(self.maps)
        self.specs = Specs(store)
        self.intents = Intents(store)
        self.removals = Removals(store)
        self.maintenances = Maintenances(store)
        self.upgrades = Upgrades(store)
        self.owners = OsdOwners(store)
        self.actions = ServiceActions(store)
        self.daemon_actions = DaemonActions(store)
        self.unused_keys = UnusedKeys(store)
        self.removed_mons = UnusedKeys(store, MONS)
        self.deployments = Deployments(store)
        self.daemon_services = DaemonServices(
            cluster, self.specs, self.deployments, self.places, self.owners
        )
        self.set_options = SetOptions(store)
        self.tuned = TunedProfiles(store)
        self.alert_rules = AlertRules(store)
        self.tuning = Tuning(self.tuned, self.hosts, self.reports, self.liveness)
        self.bad_records = BadRecords(
            store,
            self.hosts,
            self.owners,
            {
                "spec": self.specs,
                "osd_removal": self.removals,
                "osd_creation": self.intents,
                "maintenance": self.maintenances,
                "upgrade": self.upgrades,
                "service_action": self.actions,
                "daemon_action": self.daemon_actions,
                "unused_key": self.unused_keys,
                MONS: self.removed_mons,
                "deployed": self.deployments,
                "settings": self.set_options,
                "tuned_profile": self.tuned,
                "alert_rules": self.alert_rules,
            },
        )
        self.unkept = Unkept()
        self.overtaken = Overtaken(engine)
        self.going_down = GoingDown(self.places, engine)
        self.hand_overs = HandOvers(store, self.going_down, self.lock, engine)
        self.events = Events()
        # Where the monitors are, by name, as they said last.
        self.mon_addresses: Dict[str, FrozenSet[str]] = {}
        self.service_failures = ServiceFailures()
        self.watch = Watch()
        self.strays = Strays()
        # While it is paused: what would be done otherwise; None as long as nobody has looked.
        self.waiting_steps: Optional[List[str]] = None
        self.waits = Waits()
        self.drain_watch = DrainWatch()
        # Set when the cluster's maps are to be read again.
        self.maps_changed = threading.Event()
        self._job_listeners: List[Callable[[Completion], None]] = []
        self.failures: Dict[Tuple[str, str], Failure] = {}
        # Which managers ran jobs, and what they left; only managers know it.
        self.turns: Optional[Turns] = None
        # Jobs whose caller could not wait for their end: what goes wrong is told by health.
        self.unawaited: Set[str] = set()
        # Hosts that are removed already, and reached once more to take their record away.
        self.leaving: Dict[str, Host] = {}
        # Hosts that nobody manages and that are being read.
        self.visited: Dict[str, Host] = {}
        self.reports.load([host.hostname for host in self.hosts.all()])
        with self.lock:
            self.follow_hosts()
        self.going_down.read_jobs()

    def configure(self, settings: Settings) -> None:
        """Take over changed settings; they hold from the next job and probe on."""
        with self.lock:
            self.settings = settings
            self.liveness.interval = settings.probe_interval
            self.refresh.interval = settings.report_interval
            self.follow_hosts()
        self.wake_event.set()

    @under_lock
    def follow_hosts(self) -> None:
        """Make everything that goes by host know exactly the hosts that there are now."""
        known = self.hosts.all()
        hostnames = [host.hostname for host in known]
        there = {*hostnames, *self.hosts.problems}
        self.liveness.track([host.hostname for host in known if host.connection == "ssh"])
        self.refresh.track(hostnames)
        passing = {**self.visited, **self.leaving}
        more = [host for name, host in passing.items() if name not in self.hosts]
        user = self.settings.ssh_user
        self.ssh.pin([(host.target(user), host.keys) for host in [*known, *more]])
        self.failures = {
            key: failure for key, failure in self.failures.items() if failure.host in there
        }

    @under_lock
    def osds_are_up(self, up: Collection[int]) -> None:
        """Forget failures of OSDs that did not start, where the map has them up now."""
        self.failures = {
            key: failure
            for key, failure in self.failures.items()
            if not failure.unstarted or failure.unstarted - set(up)
        }

    @under_lock
    def forget_failures(self, job_id: str) -> int:
        """Take a job's failures out of the health warnings; return how many there were."""
        kept = {key: each for key, each in self.failures.items() if each.job != job_id}
        gone = len(self.failures) - len(kept) + self.service_failures.acknowledge(job_id)
        self.failures = kept
        return gone

    def reload(self) -> None:
        """Take over what another program changed in the store."""
        running = {job.request.operation for job in self.engine.jobs() if not job.status.final}
        with self.lock:
            self.bad_records.read_again(running)
            if self.hosts.reload():
                self.follow_hosts()
                self.wake_event.set()

    @property
    def paused(self) -> bool:
        """Tell whether nothing is to be done by itself; also where nobody knows.

        So it is as long as a directory has hosts and services.
        """
        if self.is_elsewhere:
            return True
        try:
            record = self.store.get(PAUSE)
        except UnreadableRecord:
            return True
        return record is not None and record.get("paused") is not False

    def pause(self, paused: bool, why: str = "") -> None:
        """Stop doing things by itself, or go on; raises ``NotKept``.

        ``why`` says who stops it and what for, where no administrator does.
        """
        record = {"paused": True, "since": round(time.time()), "why": why}
        self.store.set(PAUSE, record if paused else None)
        self.waiting_steps = None
        self.wake_event.set()

    @property
    def is_elsewhere(self) -> bool:
        """Tell whether a directory has hosts and services instead; also where nobody knows."""
        try:
            return self.store.get(HOLDER) is not None
        except UnreadableRecord:
            return True

    def check_holds(self) -> None:
        """Raise ``NotReady`` where a directory of ``orch-ansible`` has hosts and services instead.

        What were added here could not be given back to one holder. Raises ``UnreadableRecord``.
        """
        holder = self.store.get(HOLDER)
        if holder is not None:
            raise NotReady(
                "Hosts and services of this cluster are held by "
                f"{holder.get('directory')} on {holder.get('machine')}.",
                "With the module disabled, `orch-ansible mgr hand-back` there gives them back; if "
                f"the directory is lost, {self.store.removed_by(HOLDER)} lets a manager have them.",
            )

    def check_engine(self) -> None:
        """Raise ``EngineAway`` where no jobs begin for now, and what is asked for is refused."""
        away = self.engine.away()
        if away is not None and not away.queues:
            raise EngineAway(away.reason)

    def paused_note(self) -> str:
        """Return what is said of something that the loop does later, nothing while it goes on."""
        return "It is paused: this is done after `ceph orch resume`." if self.paused else ""

    def pause_lines(self) -> List[str]:
        """Return for `ceph health detail` why nothing is done by itself, and what would be."""
        if not self.paused or self.bad_records.pause():
            # A record that cannot be used is a warning of its own.
            return []
        lines = self.waiting_steps or []
        try:
            self.check_holds()
        except (NotReady, UnreadableRecord) as error:
            return [f"paused: {error}", *lines]
        record = self.store.get(PAUSE) or {}
        since, why = record.get("since"), str(record.get("why") or "ceph orch pause")
        text = f"paused since {when(float(since))}" if isinstance(since, (int, float)) else "paused"
        waits = "; nothing waits for that" if self.waiting_steps == [] else ""
        return [f"{text} ({why}): `ceph orch resume` goes on{waits}", *lines]

    def held(self) -> str:
        """Return what holds decisions that depend on which hosts there are, or nothing.

        A host whose record cannot be used is there, and nobody knows what it is like.
        """
        return self.bad_records.of_hosts()

    def held_osds(self) -> str:
        """Return what holds the plans of drive groups, or nothing."""
        return self.bad_records.of_osds()

    @under_lock
    def outdated(self) -> List[str]:
        """Return the hosts of which only the report of a manager before is known so far.

        Much may have changed since, and the answer is on its way.
        """
        return [
            name
            for name in self.refresh.unread()
            if self.liveness.online(name) and self.reports.get(name) is not None
        ]

    def state_serials(self) -> Tuple[Any, ...]:
        """Return what changes when there may be something new to be made."""
        parts = (
            self.hosts,
            self.reports,
            self.specs,
            self.intents,
            self.owners,
            self.deployments,
            self.alert_rules,
        )
        serials = (*(part.serial for part in parts), self.places.serial, self.watch.serial)
        return (*serials, self.places.learned, tuple(sorted(self.liveness.offline())))

    def look_at_maps(self) -> None:
        """Let the cluster's maps be read again soon."""
        self.maps_changed.set()
        self.wake_event.set()

    def follow_jobs(self, listener: Callable[[Completion], None]) -> None:
        """Call a listener with each job that is submitted from now on, as soon as it is."""
        self._job_listeners.append(listener)

    def take_over(self, completion: Completion) -> None:
        """Have the listeners follow a job that this process has not submitted."""
        for listener in self._job_listeners:
            listener(completion)
        self.wake_event.set()

    def submit(
        self,
        operation: str,
        hosts: Sequence[Host],
        *,
        parameters: Optional[Mapping[str, Any]] = None,
        summary: str = "",
        secrets: Optional[Mapping[str, str]] = None,
        before: Optional[Ask] = None,
        check: bool = False,
    ) -> Completion:
        """Submit an operation on hosts; ``Outcomes`` takes over what comes back.

        ``before`` is asked whether it may still begin, if it has to wait for its turn. With
        ``check`` hosts only say what they would do, or what speaks against it.
        """
        request = operations.get(operation).request(
            [self.target(host) for host in hosts],
            actor=self.actor,
            parameters=parameters,
            summary=summary,
            check=check,
        )
        request = replace(request, secrets=dict(secrets or {}))
        with self.hand_overs.submitting(request):
            completion = self.engine.submit(request, before)
            with self.lock:
                self.going_down.by(request, completion.job_id)
        if operation in REPORTING:
            with self.lock:
                self.refresh.started(request.hosts, completion.job_id)
        for listener in self._job_listeners:
            listener(completion)
        with self.lock:
            self.overtaken.by(request, completion.job_id)
        self.wake_event.set()
        return completion

    def target(self, host: Host) -> Target:
        """Return how a host is reached by the settings that hold now."""
        return host.target(self.settings.ssh_user, invoker=self.settings.sudo_invoker)

    def release(self, host: Host) -> Completion:
        """Take our record from a host that is removed already; its keys are pinned until then."""
        with self.lock:
            self.leaving[host.hostname] = host
            self.follow_hosts()
        completion = self.submit("remove_host", [host], parameters={"cluster": self.cluster})
        completion.on_change(lambda job: self._released(job, host))
        return completion

    def _released(self, completion: Completion, host: Host) -> None:
        if completion.record.status.final:
            with self.lock:
                self.leaving.pop(host.hostname, None)
                self.follow_hosts()

    def visit(self, visited: Sequence[Host], hosts: Sequence[Host]) -> Completion:
        """Read which daemons hosts run; ``visited`` of them are not managed, and are forgotten.

        Their keys are pinned until the job has ended.
        """
        with self.lock:
            self.visited = {host.hostname: host for host in visited}
            self.follow_hosts()
        completion = self.submit("list_daemons", hosts, summary="Look at hosts for adoption")
        completion.on_change(lambda job: self._left(job, visited))
        return completion

    def _left(self, completion: Completion, visited: Sequence[Host]) -> None:
        if not completion.record.status.final:
            return
        user = self.settings.ssh_user
        for host in visited:
            if host.hostname not in self.hosts:
                self.ssh.close(host.target(user), gently=True)
        with self.lock:
            for host in visited:
                self.visited.pop(host.hostname, None)
            self.follow_hosts()

    def record_of(self, host: Host) -> Dict[str, object]:
        """Return what the host's own record shall say."""
        return {
            "hostname": host.hostname,
            "addr": host.addr,
            "labels": sorted(host.labels),
            "cluster": self.cluster,
        }

    @under_lock
    def workable(self, hostname: str) -> bool:
        """Tell whether something may be done to daemons of a host: not while it is in maintenance.

        It answers, and is managed.
        """
        if hostname not in self.hosts or self.is_held(hostname):
            return False
        return self.liveness.online(hostname)

    @under_lock
    def is_held(self, hostname: str) -> bool:
        """Tell whether units of a host are, or may be, stopped and masked for its maintenance.

        Its record says so, or one that cannot be used may say so, or the host itself.
        """
        report = self.reports.get(hostname)
        said = report.identity.get("maintenance") if report is not None else None
        known = hostname in self.maintenances or hostname in self.maintenances.problems
        status = self.hosts.get(hostname).status if hostname in self.hosts else ""
        return known or said is not None or bool(status)

    def online_hosts(self, hostnames: Optional[Sequence[str]] = None) -> List[Host]:
        """Return the hosts that answer, of those named or of all."""
        wanted = None if hostnames is None else set(hostnames)
        with self.lock:
            return [
                host
                for host in self.hosts.all()
                if self.liveness.online(host.hostname)
                and (wanted is None or host.hostname in wanted)
            ]
