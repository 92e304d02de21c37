"""Bring about what specs say, as the manager's loop does, until it is done or fails."""

from __future__ import annotations

import time
from typing import Dict, Iterable, List, Sequence

from adapter.cli.session import JobsFailed, Session, failure_lines
from adapter.cluster.osd_intents import KIND, data_paths
from adapter.engine.completion import Completion
from adapter.errors import NotReady, some_of
from adapter.kinds import KINDS, daemon_type_of

PAUSE = 1.0
SHOWN = 8
# So many rounds with nothing to do: OSDs that were made just now are up before.
PATIENCE = 30


class Converge:
    """The rounds of one command."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._reconciler = session.orchestrator.reconciler
        # OSDs leave by commands of their own, which say what becomes of them.
        self._reconciler.remover.is_resting = True
        # So do kernel settings, and what a host refuses of them holds up no service.
        self._reconciler.tuned.is_resting = True

    def look(self) -> None:
        """Read all hosts; one that does not answer is said, and nothing is done on it.

        Raises ``NotReady`` without any host, and where a record cannot be used that the rest
        depends on.
        """
        self._need_records()
        self._session.read_answering("get_inventory")
        self._reconciler.read_maps()

    def _need_records(self) -> None:
        core = self._session.core
        if core.held() or core.bad_records.pause():
            words = core.bad_records.describe()
            named = " ".join(f"{key}: {words[key]}" for key in words)
            raise NotReady(f"Nothing is done while records cannot be used. {named}")

    def check_others(self, services: Sequence[str]) -> None:
        """Raise ``NotReady`` where services that a command does not name would lose a daemon.

        A spec may be older than what somebody has deployed by hand since; and so may OSDs be that
        an earlier command was to make, and whose disks were erased since.
        """
        core, reconciler = self._session.core, self._reconciler.services
        self._check_intents(services)
        found: List[str] = []
        with core.lock:
            there, hosts = reconciler.running(), reconciler.hosts()
            for wanted in core.specs.all():
                if wanted.name in services or wanted.deleted or wanted.spec.unmanaged:
                    continue
                if wanted.spec.service_type in KINDS:
                    diff = reconciler.diff(wanted, there.get(wanted.name, []), hosts)
                    kind = daemon_type_of(wanted.spec)
                    found += [f"{kind}.{each.daemon_id} on {each.hostname}" for each in diff.remove]
        if found:
            raise NotReady(
                f"{some_of(sorted(found), SHOWN)} would be removed by earlier specs, which this "
                "command does not name.",
                "`orch-ansible ls --export` prints the specs: apply those that shall remove it, or "
                "with `unmanaged: true` those that shall leave it.",
            )

    def _check_intents(self, services: Sequence[str]) -> None:
        core = self._session.core
        with core.lock:
            for intent in core.intents.all():
                groups = [
                    group for group in intent.groups if group.options.get("osdspec") not in services
                ]
                if groups:
                    paths = ", ".join(data_paths(groups))
                    raise NotReady(
                        f"An earlier command was to make OSDs of {paths} on {intent.host}, which "
                        "this command does not name.",
                        f"`orch-ansible daemon add osd {intent.host}:{paths.replace(', ', ',')}` "
                        f"makes them; {core.store.removed_by(f'{KIND}.{intent.host}')} drops it.",
                    )

    def round(self) -> List[Completion]:
        """Take one step, and wait for the jobs that it submits."""
        submitted = self._session.engine.submitted
        before = len(submitted)
        services, core = self._reconciler.services, self._session.core
        awaited = services.guards.reports.waiting()
        with core.lock:
            awaited += services.leftovers.reported.waiting()
        asked = core.online_hosts(awaited)
        if asked:
            core.submit("get_inventory", asked)
        self._reconciler.step(time.monotonic())
        jobs = submitted[before:]
        self._session.driver.wait(jobs)
        problems = self._reconciler.problems
        if problems:
            raise JobsFailed([f"{name}: {what}" for name, what in sorted(problems.items())])
        return jobs

    def bring_about(
        self, services: Sequence[str], seconds: float, going: Sequence[str] = ()
    ) -> None:
        """Take rounds until nothing of these services is left to do, nor of daemons that go.

        Raises ``JobsFailed`` when a job fails, with what is left after ``seconds``, and with what
        services wait for that no round brings about.
        """
        end, idle = time.monotonic() + seconds, 0
        while True:
            jobs = self.round()
            idle = 0 if jobs else idle + 1
            failed = [line for job in jobs if job.is_errored() for line in failure_lines(job)]
            if failed:
                raise JobsFailed(failed)
            left = {**self.left(services), **self._going(going)}
            if not left and not jobs:
                return
            waits = self._waits(left)
            if waits and idle >= PATIENCE:
                raise JobsFailed([*waits, "the next run goes on"])
            if time.monotonic() >= end:
                lines = [f"{name}: {what}" for name, what in sorted(left.items())]
                raise JobsFailed([*lines, f"not done within {seconds:g} s; the next run goes on"])
            if not jobs:
                self._session.context.environment.pause(PAUSE)

    def _going(self, daemons: Sequence[str]) -> Dict[str, str]:
        """Return of daemons that are being removed those that are not gone with their keys."""
        with self._session.core.lock:
            pending = {key.daemon for key in self._reconciler.services.jobs.keys.pending()}
        return {name: "is not gone with its key yet" for name in daemons if name in pending}

    def _waits(self, left: Iterable[str]) -> List[str]:
        """Return what services wait for, if nothing else is left to do but what others bring."""
        core = self._session.core
        with core.lock:
            waiting = core.waits.all()
            if core.intents.all() or not set(left) <= waiting.keys():
                return []
        return [
            f"{name} waits: {waiting[name].reason}. {waiting[name].remedy}"
            for name in sorted(set(left))
        ]

    def left(self, services: Sequence[str]) -> Dict[str, str]:
        """Return what is left to do by service, with what stands in its way."""
        core, reconciler = self._session.core, self._reconciler.services
        found: Dict[str, str] = {}
        with core.lock:
            there, hosts = reconciler.running(), reconciler.hosts()
            for wanted in core.specs.all():
                kind = daemon_type_of(wanted.spec)
                if wanted.name not in services or wanted.spec.service_type not in KINDS:
                    continue
                if wanted.spec.unmanaged and not wanted.deleted:
                    continue
                diff = reconciler.diff(wanted, there.get(wanted.name, []), hosts)
                parts = [f"to be added on {place.hostname}" for place in diff.add]
                parts += [f"{kind}.{each.daemon_id} is to be removed" for each in diff.remove]
                parts += [
                    f"{kind}.{each.daemon_id} is not well" for each in diff.kept if not each.ok
                ]
                parts += reconciler.unfinished(wanted, diff.kept)
                if reconciler.jobs.proofs.pending(wanted.name):
                    parts.append("the monitors do not show it yet")
                if wanted.deleted and not parts:
                    parts = ["is to be forgotten"]
                if parts:
                    events = core.events.of(wanted.name)
                    why = f" ({events[-1].message})" if events else ""
                    found[wanted.name] = ", ".join(parts) + why
        return found
