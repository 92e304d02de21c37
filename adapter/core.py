"""What all methods share: the state of the cluster under one lock, and the collaborators.

Nothing here waits for a host. Jobs and probes report back through ``absorb`` functions, which the
thread that polls the engine (or finishes a probe) calls.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from adapter import operations
from adapter.cluster.bad_records import PAUSE, BadRecords, Unkept
from adapter.cluster.daemon_actions import DaemonActions
from adapter.cluster.daemon_identity import lines as foreign_lines
from adapter.cluster.daemon_places import DaemonPlaces
from adapter.cluster.daemon_services import DaemonServices
from adapter.cluster.deployments import Deployments
from adapter.cluster.events import Events
from adapter.cluster.going_down import ACTIONS, GoingDown
from adapter.cluster.health import Checks, Failure, health_checks
from adapter.cluster.host_conf import HostConf, conf_of, cut_off_lines
from adapter.cluster.hosts import Host, Hosts
from adapter.cluster.liveness import Liveness
from adapter.cluster.maps import Maps, Mon, NoMon
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
from adapter.cluster.unused_keys import MONS, UnusedKeys
from adapter.cluster.watch import Watch
from adapter.engine.access import Ssh
from adapter.engine.base import Engine
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.model import HostOutcome, HostStatus, JobRecord, JobStatus
from adapter.engine.ssh_files import is_python
from adapter.errors import InvalidValue, NotKept, UnreadableRecord
from adapter.kinds import KINDS
from adapter.settings import Settings
from adapter.state_lock import StateLock, under_lock

log = logging.getLogger(__name__)

# Operations that read a whole host report (facts, devices and daemons) in their one call.
REPORTING = ("get_inventory", "add_host")
# States of a daemon that last until somebody changes them.
_SETTLED = ("running", "stopped")
# Operations whose failure the caller is told at once; it is no lasting state of the cluster.
AWAITED = ("blink_device_light",)
# Their failures are those of a service, which last until it is well there.
OF_SERVICES = ("remove_daemons", *(kind.operation for kind in KINDS.values()))


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
        self.bad_records = BadRecords(
            store,
            self.hosts,
            self.owners,
            {
                "spec": self.specs,
                "osd_removal": self.removals,
                "osd_creation": self.intents,
                "service_action": self.actions,
                "daemon_action": self.daemon_actions,
                "unused_key": self.unused_keys,
                MONS: self.removed_mons,
                "deployed": self.deployments,
                "settings": self.set_options,
            },
        )
        self.unkept = Unkept()
        self.overtaken = Overtaken(engine)
        self.going_down = GoingDown(self.places, engine)
        self.events = Events()
        # Where the monitors are, by name, as they said last.
        self.mon_addresses: Dict[str, FrozenSet[str]] = {}
        self.service_failures = ServiceFailures()
        self.watch = Watch()
        self.waits = Waits()
        # Daemons in error, as of what was reported: there can be very many daemons.
        self._broken: Tuple[Tuple[int, int], List[Tuple[str, str]]] = ((-1, -1), [])
        # Set when the cluster's maps are to be read again.
        self.maps_changed = threading.Event()
        self.failures: Dict[Tuple[str, str], Failure] = {}
        # Jobs that a manager before has asked for.
        self._of_before: Set[str] = set()
        # Jobs whose caller could not wait for their end: what goes wrong is told by health.
        self.unawaited: Set[str] = set()
        # Hosts that are removed already, and reached once more to take their record away.
        self.leaving: Dict[str, Host] = {}
        self.reports.load([host.hostname for host in self.hosts.all()])
        with self.lock:
            self.follow_hosts()
        self._attach()

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
        leaving = [host for name, host in self.leaving.items() if name not in self.hosts]
        user = self.settings.ssh_user
        self.ssh.pin([(host.target(user), host.keys) for host in [*known, *leaving]])
        self.failures = {
            key: failure for key, failure in self.failures.items() if failure.host in there
        }

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
        """Tell whether nothing is to be done by itself; also where nobody knows."""
        try:
            record = self.store.get(PAUSE)
        except UnreadableRecord:
            return True
        return record is not None and record.get("paused") is not False

    def pause(self, paused: bool) -> None:
        """Stop doing things by itself, or go on; raises ``NotKept``."""
        self.store.set(PAUSE, {"paused": True} if paused else None)
        self.wake_event.set()

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
        )
        serials = (*(part.serial for part in parts), self.places.serial, self.watch.serial)
        return (*serials, self.places.learned, tuple(sorted(self.liveness.offline())))

    def look_at_maps(self) -> None:
        """Let the cluster's maps be read again soon."""
        self.maps_changed.set()
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
    ) -> Completion:
        """Submit an operation on hosts; what comes back is taken over by itself.

        ``before`` is asked whether it may still begin, if it has to wait for its turn.
        """
        request = operations.get(operation).request(
            [host.target(self.settings.ssh_user) for host in hosts],
            actor=self.actor,
            parameters=parameters,
            summary=summary,
        )
        request = replace(request, secrets=dict(secrets or {}))
        completion = self.engine.submit(request, before)
        with self.lock:
            self.going_down.by(request, completion.job_id)
        if operation in REPORTING:
            with self.lock:
                self.refresh.started(request.hosts, completion.job_id)
        self._listen(completion)
        with self.lock:
            self.overtaken.by(request, completion.job_id)
        self.wake_event.set()
        return completion

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

    def _attach(self) -> None:
        for record in self.engine.jobs():
            if not record.status.final:
                # What it reads may be read already, and long ago: new reports are asked for.
                self._of_before.add(record.id)
                self.going_down.by(record.request, record.id)
                self._listen(self.engine.completion(record.id))

    def _listen(self, completion: Completion) -> None:
        completion.on_host(
            lambda host, outcome: self.absorb_outcome(completion.record, host, outcome)
        )
        completion.on_change(self.absorb_end)

    def absorb_outcome(self, record: JobRecord, hostname: str, outcome: HostOutcome) -> None:
        """Take over what one host of a job answered."""
        operation = record.request.operation
        with self.lock:
            if hostname not in self.hosts or not self._same_host(record, hostname):
                return
            if self.overtaken.has(record.id):
                return
            now = time.monotonic()
            if outcome.status is HostStatus.UNREACHABLE:
                self.liveness.look_now(hostname, now)
            elif outcome.status is not HostStatus.NO_RESULT and self.liveness.seen(hostname, now):
                self.refresh.want([hostname])
            message = outcome.message
            if outcome.status.good:
                message = self._absorb_result(record, hostname, outcome.result, now)
            if message and operation in REPORTING:
                self.refresh.failed(hostname, message, now)
            elif message and record.request.changes:
                # What it did before it failed is only known from a report.
                self.refresh.want([hostname])
            self._note_failure(record, hostname, message)
        self.wake_event.set()

    def _same_host(self, record: JobRecord, hostname: str) -> bool:
        """Tell whether a job asked the host as it is known now, not one of that name before."""
        asked = {target.name: target.addr for target in record.request.targets}
        return asked.get(hostname) == self.hosts.get(hostname).addr

    def _absorb_result(
        self, record: JobRecord, hostname: str, result: Mapping[str, Any], now: float
    ) -> str:
        """Take over a published report; return why it could not be, or nothing."""
        operation = record.request.operation
        try:
            changed = self._absorb_report(record, hostname, result)
        except InvalidValue as error:
            return str(error)
        except OSError as error:
            log.warning("the report of host %s cannot be kept on disk: %s", hostname, error)
            changed = True
        except Exception as error:
            log.exception("the report of host %s cannot be read", hostname)
            return f"its report cannot be read ({type(error).__name__})"
        if changed:
            self.refresh.saw_daemons(hostname, self._settled(hostname), now)
        if changed and operation in REPORTING:
            self.refresh.reported(hostname, now)
            self._learn_python(hostname)
            if operation == "get_inventory":
                self.correct_record(hostname)
        return ""

    def _absorb_report(self, record: JobRecord, hostname: str, result: Mapping[str, Any]) -> bool:
        """Take over a report, but not one that is older than what another job has done since."""
        changes, known = record.request.changes, self.reports.get(hostname) is not None
        if record.id in self._of_before and known:
            self.refresh.want([hostname])
            return False
        if known and not changes and self.refresh.outdated(hostname):
            self.refresh.dropped(hostname)
            return False
        absorbed = self.reports.absorb(hostname, result, time.time())
        if "daemons_error" in result:
            # What a job did is done; only which daemons run now is not known.
            self.refresh.want([hostname])
        if absorbed and changes:
            self.refresh.changed(hostname, record.id)
        return absorbed

    def _settled(self, hostname: str) -> bool:
        report = self.reports.get(hostname)
        return all(row["state"] in _SETTLED for row in (report.daemons if report else ()))

    def record_of(self, host: Host) -> Dict[str, object]:
        """Return what the host's own record shall say."""
        return {
            "hostname": host.hostname,
            "addr": host.addr,
            "labels": sorted(host.labels),
            "cluster": self.cluster,
        }

    def correct_record(self, hostname: str) -> None:
        """Bring a host's own record up to date where the last report shows another.

        It differs when labels or the address changed while the host did not answer, and is not
        there when its first job was cut. A record that does not name our cluster is somebody
        else's and is left alone.
        """
        report, host = self.reports.get(hostname), self.hosts.get(hostname)
        said = report.identity.get("record") if report else None
        wanted = self.record_of(host)
        if not self.cluster or (isinstance(said, dict) and said.get("cluster") != self.cluster):
            return
        if not isinstance(said, dict) or any(said.get(key) != wanted[key] for key in wanted):
            parameters = {"record": wanted}
            summary = "Bring the host's record up to date"
            self.submit("add_host_label", [host], parameters=parameters, summary=summary)

    def _learn_python(self, hostname: str) -> None:
        report, host = self.reports.get(hostname), self.hosts.get(hostname)
        python = str((report.identity if report else {}).get("python") or "")
        if is_python(python) and not host.python:
            try:
                self.hosts.save(replace(host, python=python))
            except NotKept as error:
                # The next report says it again.
                self.unkept.note(error)

    def _note_failure(self, record: JobRecord, hostname: str, message: str) -> None:
        """Keep the last failure of a changing operation on a host until it succeeds there."""
        key = (record.request.operation, hostname)
        if not message:
            self.failures.pop(key, None)
        elif key[0] in AWAITED and record.id not in self.unawaited:
            return
        elif record.request.changes and key[0] not in OF_SERVICES:
            unstarted = record.started is None
            if unstarted and key[0] in ACTIONS and record.id in self._of_before:
                # It is kept until it is done, by whichever manager.
                return
            when = record.created if unstarted else record.finished or time.time()
            summary = record.request.summary if key[0] in ACTIONS else ""
            self.failures[key] = Failure(*key, message, record.id, when, summary)

    def absorb_end(self, completion: Completion) -> None:
        """Account for the hosts that a finished job left without an answer."""
        record = completion.record
        self.wake_event.set()
        if not record.status.final:
            return
        with self.lock:
            self.going_down.ended(record)
        if record.status is not JobStatus.SUCCEEDED:
            for hostname in record.request.hosts:
                status = completion.outcomes.get(hostname, HostOutcome()).status
                if status in (HostStatus.WAITING, HostStatus.NO_RESULT):
                    message = f"{record.status.value}: {record.message}"
                    outcome = HostOutcome(HostStatus.NO_RESULT, message)
                    self.absorb_outcome(record, hostname, outcome)
        if record.request.operation in REPORTING:
            with self.lock:
                for hostname in record.request.hosts:
                    if self.refresh.reporter(hostname) == record.id:
                        message = "it published no report"
                        self.refresh.failed(hostname, message, time.monotonic())

    def forget_failures(self, job_id: str) -> int:
        """Take a job's failures out of the health warnings; return how many there were."""
        with self.lock:
            kept = {key: each for key, each in self.failures.items() if each.job != job_id}
            gone = len(self.failures) - len(kept) + self.service_failures.acknowledge(job_id)
            self.failures = kept
        self.wake_event.set()
        return gone

    def health(self) -> Checks:
        """Return the health checks as they are now."""
        unready = self.ssh.ready()
        with self.lock:
            return health_checks(
                unready=unready if len(self.hosts) else "",
                offline=self.liveness.offline(),
                unreported=self.refresh.errors(),
                failures=self.failures,
                service_failures=self.service_failures.all(),
                watch=self.watch if len(self.hosts) else None,
                waiting=self.waits.lines(time.time()),
                undone=self.daemon_actions.lines(),
                problems=self.bad_records.describe(),
                unkept=self.unkept.reasons(time.monotonic()),
                broken=self._broken_daemons(),
                foreign=foreign_lines(self.places.foreign()),
                cut_off=cut_off_lines(
                    self.host_confs(), frozenset().union(*self.mon_addresses.values())
                ),
            )

    def host_confs(self) -> Dict[str, HostConf]:
        """Return what hosts have as their ceph.conf, as far as they have said."""
        names = [host.hostname for host in self.hosts.all()]
        confs = {name: conf_of(self.reports.get(name)) for name in names}
        return {name: conf for name, conf in confs.items() if conf is not None}

    def _broken_daemons(self) -> List[Tuple[str, str]]:
        """Return the daemons that systemd calls failed, on hosts that answer."""
        state = (self.reports.serial, self.places.serial)
        if self._broken[0] != state:
            rows = [
                (f"{row['daemon_type']}.{row['daemon_id']}", hostname)
                for hostname, row in self.places.own()
                if row["state"] == "error"
            ]
            self._broken = (state, rows)
        return [row for row in self._broken[1] if self.liveness.online(row[1])]

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
