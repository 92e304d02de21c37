"""Keep services as their specs say: add daemons that are missing, remove those that are too many.

Nothing is remembered here but troubles and their pauses: what is there is read from the hosts'
reports, what is wanted from the specs, and a daemon's id follows from its service and host. So a
manager that ends anywhere is followed by one that comes to the same answer.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import partial
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.at_once import at_once
from adapter.cluster.schedule import CLUSTER_NEEDS, Difference, Place, Running, difference
from adapter.cluster.service_kinds import (
    KINDS,
    Kind,
    daemon_settings,
    host_settings,
    rgw_port,
    secret_keys,
    service_secrets,
    service_settings,
)
from adapter.cluster.specs import Wanted
from adapter.cluster.unused_keys import UnusedKey
from adapter.cluster.views import host_spec, service_of
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.model import HostOutcome
from adapter.errors import InvalidValue, NotKept, ReportAwaited
from adapter.interface import HostSpec, OrchestratorError
from adapter.reconcile.guards import Guards
from adapter.reconcile.key_removal import KeyRemoval
from adapter.reconcile.mon_addresses import address_for, in_networks
from adapter.reconcile.ownership import check_places
from adapter.reconcile.parts import for_each
from adapter.reconcile.service_floor import hold, is_short, remember_size
from adapter.reconcile.service_proofs import Proof, ServiceProofs, not_well

log = logging.getLogger(__name__)

LOOK_AGAIN, LOOK_AT_LAST = 2.0, 60.0


class ServiceKeeper:
    """Compare services with their specs, and submit what closes the difference."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.guards = Guards(core)
        self.keys = KeyRemoval(core)
        self.proofs = ServiceProofs(core)
        self._jobs: Dict[str, str] = {}
        self._silent: Dict[str, FrozenSet[str]] = {}
        self._seen: Tuple[Any, ...] = ()
        self._look_at = 0.0
        # A host's record cannot be used: nothing is added or removed.
        self._held = False
        self._running: Tuple[Tuple[int, ...], Dict[str, List[Running]]] = ((), {})

    def step(self, now: float) -> Optional[float]:
        """Do what can be done now; return the seconds until there can be more, or None."""
        # Keys first: before a daemon of that name can be made anew.
        for_each((self.keys.step, self._follow_proofs, self._keep_all), lambda act: act(now))
        busy = self._jobs or self.proofs.pending()
        return LOOK_AGAIN if busy or self._look_at <= now + LOOK_AGAIN else None

    def _follow_proofs(self, now: float) -> None:
        for proof in self.proofs.step(now):
            self._absorb_proof(proof, now)

    def _keep_all(self, now: float) -> None:
        """Keep each service, if anything has changed or it is time to look again."""
        core = self._core
        with core.lock:
            seen = (*core.state_serials(), tuple(sorted(self._jobs)))
            if seen == self._seen and now < self._look_at:
                return
            self._seen, self._look_at = seen, core.troubles.next_try(now, now + LOOK_AT_LAST)
            core.troubles.keep_services({each.name for each in core.specs.all()})
            wanted = [each for each in core.specs.all() if self._is_mine(each)]
            there = self.running() if wanted else {}
            hosts = self.hosts() if wanted else []
            self._held = bool(core.held())
            core.watch.held_only({each.name for each in wanted})
        free = (
            each
            for each in wanted
            if each.name not in self._jobs and not self.proofs.pending(each.name)
        )
        try:
            for_each(free, lambda each: self._keep(each, there.get(each.name, []), hosts, now))
        except Exception:
            self._seen = ()
            raise

    @staticmethod
    def _is_mine(wanted: Wanted) -> bool:
        managed = not wanted.spec.unmanaged or bool(wanted.deleted)
        return wanted.spec.service_type in KINDS and managed

    def hosts(self) -> List[HostSpec]:
        """Return all hosts with their status. The caller holds the orchestrator's lock."""
        core = self._core
        return [host_spec(host, core.pulse.online(host.hostname)) for host in core.hosts.all()]

    def running(self) -> Dict[str, List[Running]]:
        """Return the daemons that are there by service. The caller holds the lock.

        It is made once for the same reports, and not to be changed.
        """
        core = self._core
        state = (core.reports.serial, len(core.hosts), core.places.serial)
        if self._running[0] != state:
            self._running = (state, self._read_running())
        return self._running[1]

    def _read_running(self) -> Dict[str, List[Running]]:
        found: Dict[str, List[Running]] = {}
        for hostname, row in self._core.places.own():
            kind, identity = str(row["daemon_type"]), str(row["daemon_id"])
            if kind not in KINDS or (row["state"] == "stopped" and not row.get("enabled", True)):
                continue
            state = row["state"]
            daemon = Running(
                hostname,
                identity,
                ok=state != "error" and not row.get("unfinished"),
                runs=state == "running",
            )
            found.setdefault(service_of(kind, identity, hostname), []).append(daemon)
        return found

    def diff(
        self, wanted: Wanted, there: Sequence[Running], hosts: Sequence[HostSpec]
    ) -> Difference:
        """Return what a service lacks and has too much of."""
        if wanted.deleted:
            return Difference(remove=tuple(there))
        usable = in_networks(self._core, wanted.spec, hosts, there)
        return difference(wanted.spec, usable, there, cluster=self._core.cluster)

    def _keep(
        self, wanted: Wanted, there: Sequence[Running], hosts: Sequence[HostSpec], now: float
    ) -> None:
        core = self._core
        kind = KINDS[wanted.spec.service_type]
        diff = self.diff(wanted, there, hosts)
        if self._held:
            # A host that nobody knows is not one that is gone: what is on it may be what is wanted.
            diff = Difference(kept=diff.kept)
        elif wanted.deleted and not diff.remove:
            self._forget_if_kept(wanted, now)
            return
        unable, outside = not_well(core, kind.service_type, diff.kept)
        if not self._held:
            self._follow_troubles(wanted.name, diff, [*unable, *outside])
        remember_size(core, wanted, diff)
        held = hold(core, wanted, diff, there) or is_short(wanted, diff, [*unable, *outside])
        again = [each for each in diff.kept if not each.ok]
        # One manager after the other: it is restarted.
        again += [] if again or diff.add else unable[:1]
        broken = [Place(each.hostname, each.daemon_id) for each in again]
        add = [place for place in (*diff.add, *broken) if self._may(wanted, place.hostname, now)]
        try:
            if add:
                self.deploy(wanted, add[:1] if kind.one_by_one else add, there)
            elif diff.remove and not diff.add and not held:
                self._remove(wanted, kind, diff.remove, now)
        except ReportAwaited as error:
            with core.lock:
                core.events.note(wanted.name, error.message)
            self._look_at = 0.0
        except OrchestratorError as error:
            self._note_failure(wanted.name, "", str(error), now)

    def _follow_troubles(self, service: str, diff: Difference, more: Sequence[Running]) -> None:
        """Drop the troubles that are none any more; tell of hosts that fall silent or are back.

        What a silent host lacks is done as soon as it is back, without a pause.
        """
        core = self._core
        broken = (each for each in diff.kept if not each.runs or not each.ok)
        undone = [*diff.remove, *more, *broken]
        concerned = {each.hostname for each in diff.add} | {each.hostname for each in undone}
        with core.lock:
            offline = core.pulse.offline()
            silent = frozenset((concerned | set(diff.silent)) & offline.keys())
            before = self._silent.get(service, frozenset())
            for hostname in sorted(silent - before):
                reason = offline[hostname].reason
                core.events.fail(service, f"{hostname}: the host is offline: {reason}")
            for hostname in sorted(before - silent - offline.keys()):
                core.events.note(service, f"{hostname}: the host answers again")
            self._silent[service] = silent
            left = concerned - silent
            core.troubles.keep(service, {*left, ""} if left else left)

    def _may(self, wanted: Wanted, hostname: str, now: float) -> bool:
        core = self._core
        with core.lock:
            resting = core.troubles.rests(wanted.name, hostname, now)
            usable = hostname in core.hosts and core.pulse.online(hostname)
            report = core.reports.get(hostname)
        return not resting and usable and report is not None and "daemons" in report.taken

    def deploy(
        self, wanted: Wanted, places: Sequence[Place], there: Sequence[Running] = ()
    ) -> Completion:
        """Start a job that brings these daemons to life; raises ``OrchestratorError``.

        Keys and settings are made first: a daemon that starts finds them.
        """
        core, spec = self._core, wanted.spec
        kind = KINDS[spec.service_type]
        addressed = self._addressed(wanted, places)
        places = [place for place, _ in addressed]
        self._claim(kind, places)
        daemons: Dict[str, List[Dict[str, Any]]] = {}
        settings = list(service_settings(spec))
        entities: Dict[str, str] = {}
        for place, address in addressed:
            port = self._port(spec, place, there, daemons.get(place.hostname, ()))
            settings += daemon_settings(spec, place.daemon_id, port, address)
            entity = kind.entity_of(place.daemon_id)
            name = f"{entity.strip('.')}.keyring"
            entities[name] = entity
            row = {
                "id": place.daemon_id,
                "keyring_file": name,
                "port": port,
                "addr": address,
                **host_settings(spec),
            }
            daemons.setdefault(place.hostname, []).append(row)
        conf, *answers = at_once(
            [
                core.maps.minimal_conf,
                *(partial(core.maps.keyring, each, kind.caps) for each in entities.values()),
                *(partial(core.maps.configure, *each) for each in settings),
                *(partial(core.maps.keep_secret, *each) for each in service_secrets(spec)),
            ]
        )
        secrets: Dict[str, str] = dict(zip(entities, answers))
        names = ", ".join(f"{spec.service_type}.{place.daemon_id}" for place in places)
        parameters = {"daemons": daemons, "cluster": core.cluster, "conf": conf}
        job = self._submit(
            wanted.name, kind.operation, list(daemons), parameters, f"Deploy {names}", secrets
        )
        hosts = list(daemons)
        what = f"deployed {names}"
        proof = Proof(wanted.name, kind.service_type, list(places), job.job_id, what)
        proved = proof if kind.service_type in CLUSTER_NEEDS else None
        job.on_change(lambda job: self._absorb(job, wanted.name, hosts, what, proved))
        return job

    def _addressed(self, wanted: Wanted, places: Sequence[Place]) -> List[Tuple[Place, str]]:
        """Return places with the addresses that their daemons get.

        A host that can have none is told of and left out; if it is the only one this raises.
        """
        found, failed = [], []
        for place in places:
            try:
                found.append((place, address_for(self._core, wanted.spec, place)))
            except InvalidValue as error:
                failed.append((place.hostname, error))
        if not found and failed:
            raise failed[0][1]
        for hostname, reason in failed:
            self._note_failure(wanted.name, hostname, str(reason), time.monotonic())
        return found

    def _claim(self, kind: Kind, places: Sequence[Place]) -> None:
        """Raise if a daemon of one of these names is another host's; else its key is wanted."""
        named = [(each.hostname, f"{kind.service_type}.{each.daemon_id}") for each in places]
        check_places(self._core, named)
        self.keys.keep(daemon for _, daemon in named)

    def _submit(
        self,
        service: str,
        operation: str,
        hostnames: Sequence[str],
        parameters: Mapping[str, Any],
        summary: str,
        secrets: Optional[Mapping[str, str]] = None,
    ) -> Completion:
        core = self._core
        with core.lock:
            hosts = [core.hosts.get(name) for name in hostnames]
            job = core.submit(
                operation, hosts, parameters=parameters, summary=summary, secrets=secrets
            )
            self._jobs[service] = job.job_id
        return job

    @staticmethod
    def _port(
        spec: Any, place: Place, there: Sequence[Running], more: Sequence[Mapping[str, Any]]
    ) -> int:
        if spec.service_type != "rgw":
            return int(getattr(spec, "port", None) or 0)
        here = [
            each
            for each in there
            if each.hostname == place.hostname and each.daemon_id != place.daemon_id
        ]
        return rgw_port(spec, len(here) + len(more))

    def _remove(self, wanted: Wanted, kind: Kind, daemons: Sequence[Running], now: float) -> None:
        """Remove what is too much: one at a time where that matters, as far as it is safe.

        Of a service that goes as a whole nobody is left who could miss one.
        """
        ready = [each for each in daemons if self._may(wanted, each.hostname, now)]
        if not ready:
            return
        chosen, reason = ready, ""
        if not wanted.deleted:
            chosen, reason = self.guards.may_remove(kind, ready)
        if reason:
            self._note_wait(wanted.name, ready[0].hostname, reason, now)
            return
        self.remove(wanted.name, kind, chosen)

    def remove(self, service: str, kind: Kind, daemons: Sequence[Running]) -> Completion:
        """Start a job that removes daemons; raises ``OrchestratorError``.

        Whose they are is asked now: a row of a report is no reason to take one out of the maps.
        """
        core = self._core
        kept: List[UnusedKey] = []
        check_places(core, [(each.hostname, _name(kind, each)) for each in daemons])
        rows: Dict[str, List[Dict[str, str]]] = {}
        for daemon in daemons:
            if kind.service_type == "mon":
                core.maps.remove_mon(daemon.daemon_id)
            else:
                kept += self.keys.begin(daemon.hostname, kind.service_type, [daemon.daemon_id])
            row = {"daemon_type": kind.service_type, "daemon_id": daemon.daemon_id}
            rows.setdefault(daemon.hostname, []).append(row)
        names = ", ".join(_name(kind, daemon) for daemon in daemons)
        parameters = {"daemons": rows, "cluster": core.cluster}
        job = self._submit(service, "remove_daemons", list(rows), parameters, f"Remove {names}")
        hosts = list(rows)
        job.on_change(lambda job: self._absorb(job, service, hosts, f"removed {names}"))
        self.keys.follow(kept, job.job_id)
        return job

    def _forget_if_kept(self, wanted: Wanted, now: float) -> None:
        with self._core.lock:
            resting = self._core.troubles.rests(wanted.name, "", now)
        if resting:
            return
        try:
            self._forget(wanted)
        except NotKept as error:
            self._core.unkept.note(error)
            self._note_failure(wanted.name, "", str(error), now)

    def _forget(self, wanted: Wanted) -> None:
        """Drop a service whose daemons are gone."""
        for section, option, _ in service_settings(wanted.spec):
            try:
                self._core.maps.unconfigure(section, option)
            except OrchestratorError as error:
                log.warning("%s of %s stays: %s", option, section, error)
        for key in secret_keys(wanted.spec):
            try:
                self._core.maps.forget_secret(key)
            except OrchestratorError as error:
                log.warning("the config-key %s stays: %s", key, error)
        with self._core.lock:
            self._core.specs.remove(wanted.name)
            self._core.events.forget(wanted.name)
            self._core.troubles.keep(wanted.name, ())
            self._silent.pop(wanted.name, None)

    def _absorb(
        self,
        job: Completion,
        service: str,
        hosts: Sequence[str],
        what: str,
        proof: Optional[Proof] = None,
    ) -> None:
        """Take over what a job did; its success is still to be seen where there is a ``proof``."""
        if not job.status.final:
            return
        good = [host for host in hosts if job.outcomes.get(host, HostOutcome()).status.good]
        places = [place for place in proof.places if place.hostname in good] if proof else []
        if job.record.request.check:
            places = []
        core, now = self._core, time.monotonic()
        with core.lock:
            if self._jobs.get(service) == job.job_id:
                del self._jobs[service]
        outcomes = job.outcomes
        for hostname in hosts:
            outcome = outcomes.get(hostname, HostOutcome())
            if outcome.status.good and not places:
                with core.lock:
                    core.troubles.over(service, hostname)
            elif not outcome.status.good:
                reason = outcome.message or job.message
                self._note_failure(service, hostname, reason, now, job.job_id)
        with core.lock:
            if proof is not None and places:
                self.proofs.expect(replace(proof, places=places))
            elif not job.is_errored():
                core.events.note(service, what)
        self._look_at = 0.0
        core.wake.set()

    def _absorb_proof(self, proof: Proof, now: float) -> None:
        """Take over what the maps say of what a job did."""
        core = self._core
        for place in proof.places:
            reason = proof.lacking.get(place.daemon_id, "")
            if reason:
                self._note_failure(proof.service, place.hostname, reason, now, proof.job)
                continue
            with core.lock:
                core.troubles.over(proof.service, place.hostname)
        if not proof.lacking:
            with core.lock:
                core.events.note(proof.service, proof.what)
        self._look_at = 0.0

    def _note_failure(
        self, service: str, hostname: str, reason: str, now: float, job: str = ""
    ) -> None:
        with self._core.lock:
            self._core.troubles.failed(service, hostname, reason, now, time.time(), job)
            self._tell(service, hostname, reason)

    def _note_wait(self, service: str, hostname: str, reason: str, now: float) -> None:
        with self._core.lock:
            self._core.troubles.waits(service, hostname, now)
            self._tell(service, hostname, reason)

    def _tell(self, service: str, hostname: str, reason: str) -> None:
        self._core.events.fail(service, f"{hostname}: {reason}" if hostname else reason)
        self._look_at = 0.0

    def forget_pauses(self, service: str) -> None:
        """Try again at once: somebody asked."""
        with self._core.lock:
            self._core.troubles.keep(service, ())
        self._look_at = 0.0


def _name(kind: Kind, daemon: Running) -> str:
    return f"{kind.service_type}.{daemon.daemon_id}"
