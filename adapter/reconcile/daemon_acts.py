"""Act on daemons as somebody asked: is it safe, the record of it, the job, the end of the job.

A command and the manager that takes over from the one that was asked go the same way.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import Dict, Iterator, List, Optional, Sequence

from adapter.cluster.daemon_actions import ADD, DaemonAction
from adapter.cluster.schedule import Daemon, DaemonPlacement
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.model import JobStatus
from adapter.errors import AdapterError, InvalidValue, JustTakenOver, NotKept, ReportAwaited
from adapter.interface import OrchestratorError
from adapter.kinds import daemon_type_of
from adapter.reconcile.ended_restarts import end_restart, leave_out
from adapter.reconcile.kept_service import kept_service
from adapter.reconcile.ownership import judge_places, read_places, units_of
from adapter.reconcile.removed_daemons import unit_of
from adapter.reconcile.services import ServiceReconciler
from adapter.state_lock import under_lock

DEPLOYING = ("redeploy", "reconfig")
# A job that is cut with its manager ends as cancelled a moment before that: what was cancelled is
# forgotten only when the manager has lived on for so long (seconds).
LIVED_ON = 5.0


class DaemonActs:
    """Do what is asked of daemons; it is kept in the store until its job has ended."""

    def __init__(self, core: Core, services: ServiceReconciler) -> None:
        self._core, self._services = core, services
        self._guards = services.guards
        self.now = 0.0
        # By daemon the job that is at it, None where one is about to be submitted.
        self._jobs: Dict[str, Optional[Completion]] = {}
        # Daemons to which all is done, and from when on (seconds) that is to be written.
        self._done: Dict[str, float] = {}

    @under_lock
    def at_work(self, daemon: str) -> bool:
        """Tell whether a daemon is acted on, or has been."""
        return daemon in self._jobs or daemon in self._done

    def do(self, asked: DaemonAction, *, again: bool = False) -> str:
        """Submit what is asked for if it is safe; return what else that means, or nothing.

        ``again`` says that it is in the store already, maybe with more daemons. Raises
        ``OrchestratorError`` with what speaks against it, and ``NotKept``.
        """
        names, restart = asked.daemons, asked.action == "restart"
        if asked.action == ADD:
            self._add_again(asked)
            return ""
        if asked.action in DEPLOYING:
            self._check_made_here(names)
            with self._guards.acting:
                if not asked.of_service:
                    self._check_beside(names[0], asked.force)
                return self._deploy(asked, again)
        if asked.action == "start":
            return self._submit(asked, again)
        if asked.force or asked.of_service:
            self._check_hosts(names, asked.force)
            return self._submit(asked, again)
        with self._guards.acting:
            self._check_hosts(names)
            for name in names:
                self.check_stop(name, restart=restart)
            return self._submit(asked, again, self._guards.again(names, restart=restart))

    def add(
        self, wanted: Wanted, places: Sequence[DaemonPlacement], there: Sequence[Daemon]
    ) -> Completion:
        """Submit what deploys daemons that no host has yet; raises ``OrchestratorError``.

        ``there`` are the service's daemons.
        """
        kind, now = daemon_type_of(wanted.spec), time.time()
        asked = [
            DaemonAction(name, ADD, (name,), wanted.name, False, now, place.hostname, place.network)
            for place in places
            for name in [f"{kind}.{place.daemon_id}"]
        ]
        with ExitStack() as kept:
            for each in asked:
                kept.enter_context(self._kept(each, again=False))
            job = self._services.jobs.deploy(wanted, places, there)
        self._follow(job, [each.name for each in asked])
        return job

    def _add_again(self, asked: DaemonAction) -> None:
        """Deploy a daemon that a manager before was asked to add."""
        core, (name,) = self._core, asked.daemons
        with core.lock:
            wanted = kept_service(core, self._services, asked.service)
            there = self._services.running().get(asked.service, [])
        place = DaemonPlacement(asked.host, name.partition(".")[2], asked.network)
        self._services.needs.check(wanted.spec)
        with self._kept(asked, again=True):
            job = self._services.jobs.deploy(wanted, [place], there)
        self._follow(job, [name])

    def _follow(self, job: Completion, names: Sequence[str]) -> None:
        with self._core.lock:
            self._jobs.update(dict.fromkeys(names, job))
        job.on_change(self._absorb)

    def check_stop(self, name: str, *, restart: bool = False) -> None:
        """Raise ``AdapterError`` if a daemon cannot be stopped or restarted now."""
        kind, _, daemon_id = name.partition(".")
        try:
            self._guards.check_stop(kind, daemon_id, restart=restart)
        except OrchestratorError as error:
            raise _refusal(f"{name} cannot be stopped now", error) from error

    def check_host(self, name: str, force: bool) -> None:
        """Ask the monitors whether a daemon is its host's; what they say holds with force too."""
        self._check_hosts([name], force)

    def forget_done(self, now: float) -> None:
        """Take out of the store what is done and could not be taken out before."""
        self.now = now
        with self._core.lock:
            self._forget([daemon for daemon, when in self._done.items() if when <= now])

    def _check_hosts(self, names: Sequence[str], force: bool = False) -> None:
        """Raise where a host has another one's daemon.

        With ``force`` monitors that do not answer are in nobody's way.
        """
        core = self._core
        try:
            read_places(core)
        except OrchestratorError:
            if not force:
                raise
        with core.lock:
            places = [(host, name) for name in names for host in core.places.hosts_of(name)]
        judge_places(core, places)

    def _check_beside(self, name: str, force: bool) -> None:
        """Raise if a daemon that may be restarted cannot be missed beside others that go down."""
        kind, _, daemon_id = name.partition(".")
        with self._core.lock:
            beside = self._core.going_down.of(kind)
        if not force and [each for each in beside if each != daemon_id]:
            self.check_stop(name, restart=True)

    def _check_made_here(self, names: Sequence[str]) -> None:
        """Raise ``InvalidValue`` for a daemon that somebody made by hand, under its own unit."""
        core = self._core
        with core.lock:
            found = [(name, host) for name in names for host in core.places.hosts_of(name)]
        for name, host in found:
            unit, by_hand = unit_of(core, host, name)
            if by_hand:
                raise InvalidValue(
                    "daemon",
                    name,
                    f"it was made by hand and runs as {unit} on host {host}, so it is not deployed "
                    "from here",
                    "Restart it, or remove it (`ceph orch daemon rm`) and apply a service.",
                )

    def _submit(self, asked: DaemonAction, again: bool, before: Optional[Ask] = None) -> str:
        """Submit a job that starts, stops or restarts units."""
        core, names = self._core, asked.daemons
        what = f"the daemons of {asked.service}" if asked.of_service else ", ".join(names)
        with core.lock:
            # The restart of a service ends also where a host is away: it would wait for that host.
            more = self._end_restart(asked) if asked.of_service and not again else ""
            units = units_of(core, names)
            hosts = [core.hosts.get(host) for host in units]
            with self._kept(asked, again):
                if asked.action == "stop" and not asked.of_service and not again:
                    more = leave_out(core, names[0], "it is stopped")
                job = core.submit(
                    "service_action" if asked.of_service else "daemon_action",
                    hosts,
                    parameters={"action": asked.action, "units": units},
                    summary=f"{asked.action.capitalize()} {what}",
                    before=before,
                )
                self._jobs.update(dict.fromkeys(names, job))
        job.on_change(self._absorb)
        return more

    def _end_restart(self, asked: DaemonAction) -> str:
        return end_restart(self._core, asked.service, asked.action)

    def _deploy(self, asked: DaemonAction, again: bool) -> str:
        """Bring daemons to their specs; those that are left to the reconciler are kept by it."""
        core = self._core
        by_service = self._places(asked.daemons)
        jobs: List[Completion] = []
        with self._kept(asked, again):
            ends = asked.of_service and not again
            more = self._end_restart(asked) if ends else ""
            for service, places in by_service.items():
                with core.lock:
                    wanted = kept_service(core, self._services, service)
                self._services.needs.check(wanted.spec)
                job, deployed = self._services.jobs.deploy_again(
                    wanted, places, lambda names: self._may_restart(names, asked.force), asked.force
                )
                if job is not None:
                    jobs.append(job)
                    names = [f"{daemon_type_of(wanted.spec)}.{each.daemon_id}" for each in deployed]
                    with core.lock:
                        self._jobs.update(dict.fromkeys(names, job))
        with core.lock:
            left = [name for name in asked.daemons if self._jobs.get(name) is None]
            self._end(left)
        for job in jobs:
            job.on_change(self._absorb)
        return more

    def _places(self, names: Sequence[str]) -> Dict[str, List[DaemonPlacement]]:
        """Return where daemons are, by their services; raises ``InvalidValue`` for OSDs."""
        core = self._core
        found: Dict[str, List[DaemonPlacement]] = {}
        with core.lock:
            for name in names:
                kind, _, daemon_id = name.partition(".")
                if kind == "osd":
                    raise InvalidValue(
                        "daemon", name, "OSDs are not deployed again", "Use restart."
                    )
                for host in core.places.hosts_of(name):
                    service = core.daemon_services.of(host, kind, daemon_id)
                    found.setdefault(service, []).append(DaemonPlacement(host, daemon_id))
        return found

    def _may_restart(self, names: Sequence[str], force: bool) -> None:
        """Raise where daemons of a service that nobody keeps cannot be restarted by one job."""
        if force:
            return
        if len(names) > 1:
            raise AdapterError(
                f"{', '.join(names)} would be restarted at the same time: their service is "
                "unmanaged, so nobody restarts one after the other.",
                "Use `ceph orch daemon redeploy NAME` for one, then for the next when it is back.",
            )
        kind, _, daemon_id = names[0].partition(".")
        try:
            self._guards.check_stop(kind, daemon_id, restart=True)
        except OrchestratorError as error:
            what = f"{names[0]} must be restarted, which is not possible now"
            raise _refusal(what, error) from error

    @contextmanager
    def _kept(self, asked: DaemonAction, again: bool) -> Iterator[None]:
        """Keep what is asked for; what was to be done before is kept again if that fails."""
        core = self._core
        with core.lock:
            replaced = [] if again else core.daemon_actions.save(asked)
            jobs = {name: self._jobs.get(name) for name in asked.daemons}
            done = {name: self._done.pop(name) for name in asked.daemons if name in self._done}
            self._jobs.update(dict.fromkeys(asked.daemons))
        try:
            yield
        except BaseException:
            with core.lock:
                if not again:
                    core.daemon_actions.put_back(replaced, asked)
                self._done.update(done)
                for name, job in jobs.items():
                    self._jobs.pop(name, None)
                    if job is not None:
                        self._jobs[name] = job
            for job in filter(None, jobs.values()):
                # It may have ended meanwhile.
                self._absorb(job)
            raise

    def _absorb(self, job: Completion) -> None:
        """Take over that a job has ended, well or not: what went wrong is a health warning."""
        if not job.status.final:
            return
        with self._core.lock:
            cut = job.status is JobStatus.CANCELLED and not self._core.overtaken.has(job.job_id)
            names = [name for name, each in self._jobs.items() if each is job]
            if job.status is JobStatus.FAILED and job.record.started is None:
                self._say_refused(job, names)
            self._end(names, LIVED_ON if cut else 0.0)

    def _say_refused(self, job: Completion, names: Sequence[str]) -> None:
        """Let the events of a service say what was acknowledged and refused when its turn came."""
        core = self._core
        for action in core.daemon_actions.all():
            if set(action.daemons) & set(names):
                text = f"{action.action} of {', '.join(names)} is not done: {job.exception}"
                core.events.fail(action.service, text)

    @under_lock
    def _end(self, names: Sequence[str], after: float = 0.0) -> None:
        """Note that all is done to daemons."""
        for name in names:
            self._jobs.pop(name, None)
            self._done[name] = self.now + after
        if not after:
            self._forget(names)

    def _forget(self, names: Sequence[str]) -> None:
        """Take daemons out of the store, now or as soon as that can be done."""
        try:
            self._core.daemon_actions.leave_out(names)
        except NotKept as error:
            self._core.unkept.note(error)
            self._done.update(dict.fromkeys(names, self.now + LIVED_ON))
            return
        for name in names:
            self._done.pop(name, None)


def _refusal(what: str, error: OrchestratorError) -> AdapterError:
    """Return the error that refuses a stop, with the remedy that the reason has, if any."""
    remedy = getattr(error, "remedy", "") or "Wait until the cluster is well, or give --force."
    reason = getattr(error, "message", "") or str(error)
    if isinstance(error, JustTakenOver):
        # To remove a daemon is not forced; this is.
        remedy = f"{remedy.rstrip('.')}, or give --force."
    kind = ReportAwaited if isinstance(error, ReportAwaited) else AdapterError
    return kind(f"{what}: {reason}", remedy)
