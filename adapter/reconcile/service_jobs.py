"""The jobs that bring a service's daemons to life and take them away, and what came of them."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.deployments import Deployment
from adapter.cluster.parallel import run_parallel
from adapter.cluster.schedule import Daemon, DaemonPlacement, check_place
from adapter.cluster.service_changes import key_mark, with_key, without_options
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask
from adapter.engine.model import HostOutcome
from adapter.errors import InvalidValue, NotKept, UnreadableRecord
from adapter.interface import OrchestratorError, ServiceSpec
from adapter.kinds import KINDS, MANAGERS, QUORUM, Kind, daemon_type_of, kind_of
from adapter.reconcile.daemon_digests import DaemonDigests
from adapter.reconcile.daemon_goals import DaemonGoals, keyring_of
from adapter.reconcile.key_marks import KeyMarks
from adapter.reconcile.key_removal import KeyRemoval
from adapter.reconcile.leaving import Leaving, all_of
from adapter.reconcile.mon_addresses import address_for
from adapter.reconcile.mon_locations import location_of
from adapter.reconcile.outdated_jobs import OutdatedJobs
from adapter.reconcile.ownership import check_places, check_workable
from adapter.reconcile.port_choice import HostDaemon
from adapter.reconcile.removed_daemons import forget_without_keys, stays, unit_of
from adapter.reconcile.service_proofs import Proof, ServiceProofs
from adapter.reconcile.service_settings import ServiceSettings, is_kept


class ServiceJobs:
    """Submit what a service needs, and take over how it ended.

    ``running`` are the jobs by service: one at a time. ``look_at`` is when the services are to be
    looked at next (monotonic seconds); 0 is at once.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.digests = DaemonDigests(core)
        self.settings = ServiceSettings(core, self.digests)
        self._goals = DaemonGoals(core, self.digests, self.settings)
        self.files = self._goals.files
        self.keys = KeyRemoval(core)
        self.key_marks = KeyMarks(core)
        self.proofs = ServiceProofs(core)
        self.outdated = OutdatedJobs(core, self.keys)
        self.running: Dict[str, str] = {}
        self.look_at = 0.0

    def deploy(
        self,
        wanted: Wanted,
        places: Sequence[DaemonPlacement],
        there: Sequence[Daemon] = (),
        *,
        restart: str = "",
        only_files: bool = False,
        before: Optional[Ask] = None,
    ) -> Completion:
        """Start a job that brings these daemons to life; raises ``OrchestratorError``.

        Keys and settings are made first: a daemon that starts finds them. One that runs and got
        something else last is restarted, if it has not been since; so is any where ``restart`` says
        what for. With ``only_files`` they run, and only their files are other ones. ``before`` is
        asked when the job had to wait.
        """
        core, spec = self._core, wanted.spec
        kind = KINDS[spec.service_type]
        for place in places:
            check_place(spec, place)
        addressed = [(place, address_for(core, spec, place)) for place in places]
        if kind.guard == QUORUM:
            core.maps.check_joins(
                [(each.daemon_id, at, location_of(spec, each.hostname)) for each, at in addressed]
            )
        self._claim(kind, places)
        for pool, application in kind.pools:
            core.maps.make_pool(pool, application)
        before_it = core.maps.settings()
        self.settings.bring(wanted, before_it)
        asked, digests, behind = self._goals.compared(wanted, addressed, there, before_it)
        daemons, entities = asked.daemons, asked.entities
        with core.lock:
            unused = self._goals.unused_options(asked.known)
            for hostname, each in asked.known.items():
                core.deployments.save(hostname, each)
        conf, *answers = run_parallel(
            [
                core.maps.minimal_conf,
                *(
                    partial(core.maps.keyring, each, kind.caps_of(spec))
                    for each in entities.values()
                ),
                *(partial(core.maps.configure, *each) for each in asked.own),
                *(partial(core.maps.unconfigure, *each) for each in unused),
                *(
                    partial(core.maps.keep_secret, *each)
                    for each in kind_of(spec.service_type).secrets(spec)
                ),
            ]
        )
        # What they shall have stands in the monitors' configuration from here on.
        now = time.time()
        with core.lock:
            since = {host: round(now + core.reports.ahead(host), 3) for host in daemons}
        for hostname, rows_of_host in daemons.items():
            for row in rows_of_host:
                again = restart or (hostname, row["id"]) in behind
                row["since"] = since[hostname] if again else 0
        secrets: Dict[str, str] = {**dict(zip(entities, answers)), **asked.secrets}
        for place in places:
            entity = kind.entity_of(place.daemon_id)
            if not entity:
                continue
            key = key_mark(secrets[keyring_of(entity)])
            self.key_marks.learn(entity, key)
            here = place.hostname, place.daemon_id
            digests[here] = with_key(digests[here], key)
        names = ", ".join(f"{daemon_type_of(spec)}.{place.daemon_id}" for place in places)
        parameters = {"daemons": daemons, "cluster": core.cluster, "conf": conf}
        if kind.guard == MANAGERS:
            parameters["python"] = core.settings.python
            parameters["modules"] = core.watch.managers.modules
        verb = "Restart" if restart else "Configure" if only_files else "Deploy"
        job = self._submit(
            [wanted.name],
            kind.operation,
            list(daemons),
            parameters,
            f"{verb} {names}",
            secrets,
            before,
        )
        hosts = list(daemons)
        did = "gave new files to" if only_files else "deployed"
        what = f"restarted {names}: {restart}" if restart else f"{did} {names}"
        proof = Proof(wanted.name, kind.daemon_type, list(places), job.job_id, what)
        proved = proof if kind.cluster_needs else None
        # Before the next look at the service, which asks for it.
        job.on_change(lambda job: self._configured(job, kind, digests, asked.files))
        job.on_change(lambda job: self._absorb(job, wanted.name, hosts, what, proved))
        return job

    def deploy_again(
        self,
        wanted: Wanted,
        places: Sequence[DaemonPlacement],
        may: Callable[[Sequence[str]], None],
        force: bool = False,
    ) -> Tuple[Optional[Completion], Sequence[DaemonPlacement]]:
        """Bring daemons that are there to their spec; raises ``OrchestratorError``.

        Return the job, None where there is nothing for it to do, and the daemons that it is at.
        Those of a service that is kept which have to be restarted are left to the reconciler: one
        goes after the other, each when it can be missed. For others, and with ``force``, ``may``
        raises where daemons cannot be restarted now.
        """
        spec = wanted.spec
        addressed = [(place, address_for(self._core, spec, place)) for place in places]
        now = self._core.maps.settings()
        asked, digests, behind = self._goals.compared(wanted, addressed, (), now)
        if behind and is_kept(wanted) and not force:
            # One that does not run is nobody's to restart: it is deployed here.
            left = {which: each for which, each in behind.items() if self._runs_on(spec, which)}
            self._leave_behind(asked.known, digests, left)
            places = [each for each in places if (each.hostname, each.daemon_id) not in left]
        elif behind:
            may(sorted(f"{daemon_type_of(spec)}.{daemon_id}" for _, daemon_id in behind))
        return (self.deploy(wanted, places) if places else None), places

    def _runs_on(self, spec: ServiceSpec, which: HostDaemon) -> bool:
        """Tell whether a daemon runs, and no job is about to stop it."""
        hostname, name = which[0], f"{daemon_type_of(spec)}.{which[1]}"
        with self._core.lock:
            if name in self._core.going_down.stopping():
                return False
            reported = self._core.places.reports(hostname, name)
            return bool(reported and self._core.places.row(hostname, name)["state"] == "running")

    def _leave_behind(
        self,
        known: Mapping[str, Sequence[Deployment]],
        digests: Mapping[HostDaemon, str],
        behind: Mapping[HostDaemon, Sequence[str]],
    ) -> None:
        """Keep of daemons what they lack, for the reconciler; raises ``NotKept``."""
        with self._core.lock:
            for hostname, daemons in known.items():
                lacking = [
                    replace(each, digest=without_options(digests[which], behind[which]))
                    for each in daemons
                    for which in [(hostname, each.daemon_id)]
                    if which in behind
                ]
                if lacking:
                    self._core.deployments.save(hostname, lacking)
        self.look_at = 0.0
        self._core.wake_event.set()

    def _configured(
        self,
        job: Completion,
        kind: Kind,
        digests: Mapping[HostDaemon, str],
        files: Mapping[HostDaemon, str],
    ) -> None:
        """Keep what daemons got, on the hosts that brought them to run."""
        if not job.status.final or job.record.request.check:
            return
        core, when = self._core, time.time()
        for (hostname, daemon_id), digest in digests.items():
            if not job.outcomes.get(hostname, HostOutcome()).status.good:
                continue
            try:
                with core.lock:
                    name = f"{kind.daemon_type}.{daemon_id}"
                    has = files.get((hostname, daemon_id), "")
                    core.deployments.configured(hostname, name, digest, when, has)
            except (NotKept, UnreadableRecord) as error:
                if isinstance(error, NotKept):
                    core.unkept.note(error)

    def with_addresses(
        self, wanted: Wanted, places: Sequence[DaemonPlacement]
    ) -> List[DaemonPlacement]:
        """Return the places whose daemons can have an address and files, and tell of the others."""
        found = []
        for place in places:
            try:
                address_for(self._core, wanted.spec, place)
                self.files.of(wanted, place.hostname, place.daemon_id, [place])
                found.append(place)
            except InvalidValue as error:
                self.note_failure(wanted.name, place.hostname, str(error), time.monotonic())
        return found

    def _claim(self, kind: Kind, places: Sequence[DaemonPlacement]) -> None:
        """Raise if a daemon of one of these names is another host's; else its key is wanted."""
        named = [(each.hostname, f"{kind.daemon_type}.{each.daemon_id}") for each in places]
        check_places(self._core, named)
        self.keys.keep(daemon for _, daemon in named)

    def _submit(
        self,
        services: Sequence[str],
        operation: str,
        hostnames: Sequence[str],
        parameters: Mapping[str, Any],
        summary: str,
        secrets: Optional[Mapping[str, str]] = None,
        before: Optional[Ask] = None,
    ) -> Completion:
        core = self._core
        with core.lock:
            for name in hostnames:
                check_workable(core, name)
            hosts = [core.hosts.get(name) for name in hostnames]
            job = core.submit(
                operation,
                hosts,
                parameters=parameters,
                summary=summary,
                secrets=secrets,
                before=before,
            )
            self.running.update(dict.fromkeys(services, job.job_id))
        return job

    def remove(
        self, service: str, kind: Kind, daemons: Sequence[Daemon], before: Optional[Ask] = None
    ) -> Completion:
        """Start a job that removes daemons of a service; raises ``OrchestratorError``."""
        leaving = Leaving(service, kind, daemons, before)
        self.begin_removal(leaving)
        return self.remove_together([leaving])

    def begin_removal(self, leaving: Leaving) -> None:
        """Keep that daemons are to go; raises ``OrchestratorError``. Their job follows.

        Whose they are is asked now: a row of a report is no reason to take one out of the maps.
        """
        core, kind = self._core, leaving.kind
        check_places(core, [(each.hostname, _name(kind, each)) for each in leaving.daemons])
        for daemon in leaving.daemons:
            _, by_hand = unit_of(core, daemon.hostname, _name(kind, daemon))
            if not by_hand:
                # Also of monitors, which have no key of their own: until it is gone it is to go.
                ids = [daemon.daemon_id]
                leaving.keys.extend(self.keys.begin(daemon.hostname, kind.daemon_type, ids))
            if kind.guard == QUORUM:
                self._take_out(kind, daemon, leaving.before)

    def remove_together(self, leaving: Sequence[Leaving]) -> Completion:
        """Start one job for what was begun to be removed; raises ``OrchestratorError``."""
        rows: Dict[str, List[Dict[str, str]]] = {}
        for each in leaving:
            for hostname, of_host in each.rows(self._core).items():
                rows.setdefault(hostname, []).extend(of_host)
        names = ", ".join(name for each in leaving for name in each.names)
        services = [each.service for each in leaving]
        job = self._submit(
            services,
            "remove_daemons",
            list(rows),
            {"daemons": rows, "cluster": self._core.cluster},
            f"Remove {names}",
            before=all_of([each.before for each in leaving]),
        )
        for each in leaving:
            self._follow_removal(job, each)
        return job

    def _follow_removal(self, job: Completion, leaving: Leaving) -> None:
        """Take over what becomes of a service's daemons that a job removes."""
        core, rows, names = self._core, leaving.rows(self._core), leaving.names
        what = f"removed {', '.join(names)}"
        job.on_change(lambda job: self._absorb(job, leaving.service, list(rows), what, None, names))
        if not leaving.kind.has_own_key:
            job.on_change(lambda job: forget_without_keys(core, job, rows))
        self.keys.follow(leaving.keys, job.job_id)
        with core.lock:
            try:
                core.daemon_actions.leave_out(names)
            except NotKept as error:
                # The next manager drops it too: no host has the daemon then.
                core.unkept.note(error)

    def _take_out(self, kind: Kind, daemon: Daemon, before: Optional[Ask]) -> None:
        """Take a monitor out of the map, if that may be still: a record was written meanwhile."""
        try:
            if before is not None:
                before("")
        except OrchestratorError:
            self.keys.keep([_name(kind, daemon)])
            raise
        self._core.maps.remove_mon(daemon.daemon_id)

    def follow_proofs(self, now: float) -> None:
        """Take over what the maps say of what was deployed."""
        for proof in self.proofs.step(now):
            self._absorb_proof(proof, now)

    def _absorb(
        self,
        job: Completion,
        service: str,
        hosts: Sequence[str],
        what: str,
        proof: Optional[Proof] = None,
        names: Sequence[str] = (),
    ) -> None:
        """Take over what a job did; its success is still to be seen where there is a ``proof``.

        ``names`` are the daemons that it removed.
        """
        if not job.status.final:
            return
        try:
            if not self._core.overtaken.has(job.job_id):
                self._take(job, service, hosts, what, proof, names)
        finally:
            # Only now: before there is a back-off, or a proof that is waited for, the service
            # would be looked at as if nothing had been begun.
            with self._core.lock:
                if self.running.get(service) == job.job_id:
                    del self.running[service]
            self.look_at = 0.0
            self._core.wake_event.set()

    def _take(
        self,
        job: Completion,
        service: str,
        hosts: Sequence[str],
        what: str,
        proof: Optional[Proof],
        names: Sequence[str],
    ) -> None:
        core, now, outcomes = self._core, time.monotonic(), job.outcomes
        good = [host for host in hosts if outcomes.get(host, HostOutcome()).status.good]
        places = [place for place in proof.places if place.hostname in good] if proof else []
        if job.record.request.check:
            places = []
        for hostname in hosts:
            outcome = outcomes.get(hostname, HostOutcome())
            if outcome.status.good and not places:
                with core.lock:
                    core.service_failures.over(service, hostname)
            elif not outcome.status.good:
                reason = outcome.message or job.message
                self.note_failure(service, hostname, reason, now, job.job_id)
        with core.lock:
            if proof is not None and places:
                self.proofs.expect(replace(proof, places=places))
            elif not job.is_errored():
                core.events.note(service, what + stays(outcomes, names))

    def _absorb_proof(self, proof: Proof, now: float) -> None:
        """Take over what the maps say of what a job did."""
        core = self._core
        for place in proof.places:
            reason = proof.lacking.get(place.daemon_id, "")
            if reason:
                self.note_failure(proof.service, place.hostname, reason, now, proof.job)
                continue
            with core.lock:
                core.service_failures.over(proof.service, place.hostname)
        if not proof.lacking:
            with core.lock:
                core.events.note(proof.service, proof.what)
        self.look_at = 0.0

    def note_failure(
        self, service: str, hostname: str, reason: str, now: float, job: str = ""
    ) -> None:
        """Note what went wrong on a host, or with the service where it is empty."""
        with self._core.lock:
            self._core.service_failures.failed(service, hostname, reason, now, time.time(), job)
            self._tell(service, hostname, reason)

    def note_wait(self, service: str, hostname: str, reason: str, now: float) -> None:
        """Note what a service waits for."""
        with self._core.lock:
            self._core.service_failures.waits(service, hostname, now)
            self._tell(service, hostname, reason)

    def _tell(self, service: str, hostname: str, reason: str) -> None:
        self._core.events.fail(service, f"{hostname}: {reason}" if hostname else reason)
        self.look_at = 0.0


def _name(kind: Kind, daemon: Daemon) -> str:
    return f"{kind.daemon_type}.{daemon.daemon_id}"
