"""Make the OSDs that drive groups want, and those that somebody asked for.

What is to be made on a host is written down first; one job then covers all hosts that have
something to do, so that they work at the same time.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.cluster.backoff import Backoff
from adapter.cluster.osd_intents import Intent
from adapter.cluster.osd_map import OsdMap
from adapter.cluster.osd_owners import NO_SERVICE, PendingOsd
from adapter.cluster.osd_plan import Group, HostPlan
from adapter.cluster.specs import OsdClaims, Wanted
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.gate import Ask, together
from adapter.engine.model import HostOutcome
from adapter.errors import NotKept, NotReady
from adapter.interface import DriveGroupSpec, OrchestratorError
from adapter.reconcile.free_hosts import apart
from adapter.reconcile.osd_claims import FreeDisks
from adapter.reconcile.osd_planner import OsdPlanner
from adapter.reconcile.parts import for_each
from adapter.reconcile.pauses import unless_paused
from adapter.reconcile.unwanted_osds import UnwantedOsds
from adapter.reconcile.waiting_osds import AskedOsds, WaitingOsds, takes_ids
from adapter.state_lock import under_lock

log = logging.getLogger(__name__)


class OsdCreator:
    """Plan, write down, submit, and take over what became of it."""

    def __init__(self, core: Core, planner: OsdPlanner) -> None:
        self._core = core
        self._planner = planner
        self._free = FreeDisks(core, planner)
        self._jobs: Dict[str, str] = {}
        # By host, and by service.
        self._backoffs: Dict[str, Backoff] = {}
        self._unkept: Dict[str, Backoff] = {}
        self._seen: Tuple[Any, ...] = ()
        self._now = 0.0
        self._unwanted = UnwantedOsds(core, planner)
        self._waiting = WaitingOsds(core)

    def step(self, now: float, osd_map: Optional[OsdMap]) -> None:
        """Plan where something has changed, and start what is written down."""
        self._now = now
        for_each((self._plan_if_known, self._start_ready), lambda act: act(now, osd_map))

    def _plan_if_known(self, now: float, osd_map: Optional[OsdMap]) -> None:
        with self._core.lock:
            if self._core.paused or osd_map is None:
                return
            try:
                self._plan(now, osd_map)
            except Exception:
                self._seen = ()
                raise

    def _start_ready(self, now: float, osd_map: Optional[OsdMap]) -> None:
        with self._core.lock:
            self._unwanted.look(now, osd_map)
            self._waiting.drop(list(self._jobs.values()))
            undecided = self._unwanted.drop(self._jobs)
            ready = [] if self._core.paused else self._ready(now)
            ready = [intent for intent in ready if intent.host not in undecided]
            if osd_map is not None and osd_map.missing:
                ready = [intent for intent in ready if not takes_ids(intent)]
        if ready:
            self._submit(ready, now)

    def _plan(self, now: float, osd_map: OsdMap) -> None:
        """Write down what the managed drive groups want and is not there."""
        core = self._core
        if core.held_osds() or core.outdated():
            return
        backing_off = tuple(
            sorted(h for h, backoff in self._backoffs.items() if backoff.until > now)
        )
        waits = bool(osd_map.missing)
        unkept = tuple(sorted(s for s, backoff in self._unkept.items() if backoff.until > now))
        seen = (*core.state_serials(), backing_off, unkept, tuple(_destroyed(osd_map)), waits)
        if seen == self._seen:
            return
        self._seen = seen
        turns = core.specs.in_turn()
        for_each(turns, lambda wanted: self._plan_one(wanted, osd_map, backing_off, now))

    def _plan_one(
        self, wanted: Wanted, osd_map: OsdMap, backing_off: Sequence[str], now: float
    ) -> None:
        """Write down what a service wants, if it is a managed drive group."""
        spec = wanted.spec
        if not isinstance(spec, DriveGroupSpec):
            return
        if spec.unmanaged:
            self._core.service_failures.keep(wanted.name, ())
            return
        if self._unkept.get(wanted.name, Backoff()).until > now:
            return
        try:
            claims = self._claims(wanted)
        except NotKept as error:
            self._core.unkept.note(error)
            self._unkept.setdefault(wanted.name, Backoff()).longer(now)
            return
        plans = self._planner.plan(spec, osd_map, claims=claims)
        self._warn(wanted.name, plans, now)
        for plan in plans:
            if plan.groups and plan.host not in backing_off:
                self._want_if_kept(plan, now)

    def _claims(self, wanted: Wanted) -> OsdClaims:
        """Return which disks a drive group may take, with those of hosts that have said so since.

        They are kept before a disk is written to, or one that comes later would be taken too.
        Raises ``NotKept``.
        """
        claims = self._free.with_heard(wanted.claims)
        if claims is not wanted.claims:
            self._core.specs.save(replace(wanted, claims=claims))
            self._unkept.pop(wanted.name, None)
        return claims

    def _warn(self, service: str, plans: Sequence[HostPlan], now: float) -> None:
        """Warn of hosts that can make nothing of a drive group, once, as long as it is so."""
        refused = {plan.host: "; ".join(plan.refused) for plan in plans if plan.refused}
        failures = self._core.service_failures
        failures.keep(service, refused)
        known = {each.host: each.reason for each in failures.all() if each.service == service}
        for host, reason in refused.items():
            if known.get(host) != reason:
                failures.failed(service, host, reason, now, time.time())
                self._core.events.fail(service, f"{host}: {reason}")

    def _want_if_kept(self, plan: HostPlan, now: float) -> None:
        """Write down what a plan makes; where that fails, plan again after a back-off."""
        try:
            self.want(plan)
        except NotKept as error:
            self._core.unkept.note(error)
            self._backoffs.setdefault(plan.host, Backoff()).longer(now)
            self._seen = ()

    @under_lock
    def want(self, plan: HostPlan) -> None:
        """Write down what a plan makes."""
        self._core.intents.add(plan.host, plan.groups, time.time())
        self._core.wake_event.set()

    def make(self, plan: HostPlan) -> Optional[Completion]:
        """Write down what a plan makes and start at once.

        Returns None where the host is at something else, after which it comes. Raises
        ``OrchestratorError``; then nothing of this plan is written down, or it says that it still
        is.
        """
        core = self._core
        with core.lock:
            self._backoffs.pop(plan.host, None)
            # What nobody wants any more does not come along.
            self._unwanted.drop(self._jobs)
            intent = core.intents.add(plan.host, plan.groups, time.time(), by_hand=True)
            if plan.host in self._jobs:
                core.wake_event.set()
                return None
            self._jobs[plan.host] = ""
        try:
            return self.start([intent])
        except Exception:
            with core.lock:
                self._jobs.pop(plan.host, None)
                self._drop(plan)
            raise

    def _drop(self, plan: HostPlan) -> None:
        """Take back what was written down for a job that could not be started."""
        try:
            self._core.intents.drop(plan.host, plan.groups)
        except NotKept as error:
            raise NotReady(
                f"The OSDs cannot be made now, and the request could not be taken back: {error}",
                "They are made when the monitors answer again.",
            ) from error

    def forget_backoff(self, hosts: Sequence[str]) -> None:
        """Try again at once on these hosts: somebody asked."""
        for host in hosts:
            self._backoffs.pop(host, None)
        self._seen = ()

    def _ready(self, now: float) -> List[Intent]:
        core = self._core
        if core.ssh.ready():
            return []
        return [
            intent
            for intent in core.intents.all()
            if intent.host not in self._jobs
            and intent.host in core.hosts
            and intent.host not in core.intents.problems
            and core.workable(intent.host)
            and self._backoffs.get(intent.host, Backoff()).until <= now
        ]

    def _submit(self, intents: Sequence[Intent], now: float) -> None:
        """Start one job for all hosts that have time; who is at something holds up no other."""
        by_host = {intent.host: intent for intent in intents}
        for hosts in apart(self._core, list(by_host)):
            self._submit_together([by_host[host] for host in hosts], now)

    def _submit_together(self, intents: Sequence[Intent], now: float) -> None:
        core = self._core
        try:
            self.start(intents, unless_paused(core))
        except OrchestratorError as error:
            log.error("OSDs cannot be made: %s", error)
            with core.lock:
                for intent in intents:
                    self._backoffs.setdefault(intent.host, Backoff()).longer(now)

    def start(self, intents: Sequence[Intent], before: Optional[Ask] = None) -> Completion:
        """Start a job that makes what is written down; raises ``OrchestratorError``.

        ``before`` is asked when it had to wait, and whether all of it is still wanted.
        """
        core = self._core
        secrets = {"bootstrap-osd.keyring": core.maps.bootstrap_keyring()}
        conf = core.maps.minimal_conf()
        asked = AskedOsds(core, self._unwanted, intents)
        asked.check_ids()
        with core.lock:
            may_begin = asked.question(before)
            # The monitors may have taken long to answer.
            may_begin("")
            hosts = [core.hosts.get(intent.host) for intent in intents]
            groups = {
                intent.host: [group.to_json() for group in intent.groups] for intent in intents
            }
            disks = sum(len(group.data) for intent in intents for group in intent.groups)
            try:
                for intent in intents:
                    core.intents.begin(intent.host)
                job = core.submit(
                    "create_osds",
                    hosts,
                    parameters={"groups": groups, "cluster": core.cluster, "conf": conf},
                    secrets=secrets,
                    summary=f"Make OSDs of {disks} disk(s) on {', '.join(groups)}",
                    before=together(asked.check_ids, may_begin),
                )
            except OrchestratorError:
                for intent in intents:
                    self._not_begun(intent)
                raise
            self._waiting.note(job.job_id, asked)
            for intent in intents:
                self._jobs[intent.host] = job.job_id
        job.on_change(lambda job: self._absorb(job, list(intents)))
        return job

    @under_lock
    def _not_begun(self, intent: Intent) -> None:
        """Write down that a host was told nothing of what was about to be asked for."""
        try:
            self._core.intents.not_begun(intent)
        except NotKept as error:
            # The host is asked then what it has begun.
            self._core.unkept.note(error)

    def _absorb(self, job: Completion, intents: Sequence[Intent]) -> None:
        if not job.status.final:
            return
        core = self._core
        with core.lock:
            for intent in intents:
                if self._jobs.get(intent.host) != job.job_id:
                    continue
                del self._jobs[intent.host]
                if job.record.never_began:
                    self._take_refused(intent, job)
                    continue
                try:
                    self._take(intent, job.outcomes.get(intent.host, HostOutcome()))
                except NotKept as error:
                    # The host is asked for the same again, and says that it is there.
                    core.unkept.note(error)
                    self._backoffs.setdefault(intent.host, Backoff()).longer(self._now)
        core.look_at_maps()
        core.wake_event.set()

    @under_lock
    def _take_refused(self, intent: Intent, job: Completion) -> None:
        """Take back what a host was not told after all; what is still wanted is asked for again."""
        self._not_begun(intent)
        if job.record.is_overtaken:
            return
        self._backoffs.setdefault(intent.host, Backoff()).longer(self._now)
        for service in sorted({_osdspec(group) for group in intent.groups}):
            self._core.events.fail(f"osd.{service}", f"{intent.host}: {job.message}")

    def _take(self, intent: Intent, outcome: HostOutcome) -> None:
        """Drop what is done or refused; keep what nobody knows the end of.

        What was made counts, whatever became of the rest.
        """
        core = self._core
        for osd_id, service in _owned(intent, outcome.result):
            core.owners.keep_pending(osd_id, PendingOsd(intent.host, service))
        ended = _ended(intent, outcome)
        core.intents.drop(intent.host, ended)
        if outcome.status.good and len(ended) == len(intent.groups):
            self._backoffs.pop(intent.host, None)
        else:
            self._backoffs.setdefault(intent.host, Backoff()).longer(self._now)
        for service in sorted({_osdspec(group) for group in intent.groups}):
            if outcome.status.good or outcome.result.get("osds"):
                core.events.note(f"osd.{service}", f"{intent.host}: {_made(outcome.result)}")
            if not outcome.status.good:
                core.events.fail(f"osd.{service}", f"{intent.host}: {outcome.message}")


def _ended(intent: Intent, outcome: HostOutcome) -> List[Group]:
    """Return the groups of which the host has said what became of them, good or bad.

    One that failed without saying which disks are unfinished may be at work on any of them.
    """
    unfinished = outcome.result.get("unfinished")
    if not isinstance(unfinished, list):
        return list(intent.groups) if outcome.status.good else []
    left = {str(path) for path in unfinished}
    return [group for group in intent.groups if not left & {disk.path for disk in group.data}]


def _osdspec(group: Group) -> str:
    return str(group.options.get("osdspec") or "")


def _owned(intent: Intent, result: Mapping[str, Any]) -> List[Tuple[int, str]]:
    """Return the OSDs that a host has made, each with its service."""
    services = {
        disk.path: f"osd.{group.options['osdspec']}" if group.options.get("osdspec") else NO_SERVICE
        for group in intent.groups
        for disk in group.data
    }
    rows = [row for row in result.get("osds") or () if isinstance(row, dict)]
    return [
        (int(row["osd_id"]), services.get(str(row.get("data")), NO_SERVICE))
        for row in rows
        if str(row.get("osd_id", "")).isdigit()
    ]


def _made(result: Mapping[str, Any]) -> str:
    rows = [row for row in result.get("osds") or () if isinstance(row, dict)]
    parts = [f"osd.{row.get('osd_id')} on {row.get('data')} {row.get('state')}" for row in rows]
    return ", ".join(parts) or "no OSD was made"


def _destroyed(osd_map: OsdMap) -> List[int]:
    return sorted(osd.osd_id for osd in osd_map.osds.values() if osd.destroyed)
