"""The orchestrator as one command uses it: built, moved on, waited for, closed."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Dict, List, Optional, Sequence, Type

from adapter.cli import config
from adapter.cli.cluster import Cluster, keep_cluster
from adapter.cli.context import Context
from adapter.cli.driver import Driver
from adapter.cli.engine import LocalAccess, WatchedEngine
from adapter.cli.mgr_holder import Holder, check_free, check_here, check_settled
from adapter.cli.monitors import DryMon
from adapter.cli.output import own_words
from adapter.cluster.hosts import KIND, Host, Hosts
from adapter.cluster.store import MemoryStore, Store, YamlStore, copy_of
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.ssh import ProbeResult
from adapter.errors import NotReady
from adapter.interface import OrchestratorError, OrchResult, raise_if_exception
from adapter.orchestrator import AnsibleOrchestrator

PROBE_THREADS = 16


class JobsFailed(Exception):
    """Jobs did not succeed; ``lines`` say which hosts and why, the last one names the job."""

    def __init__(self, lines: List[str]) -> None:
        super().__init__(lines[-1])
        self.lines = lines


class Session:
    """One command's orchestrator, on a directory of YAML.

    With ``check`` everything goes the same way, but jobs are dry runs and the directory's hosts
    and reports stay as they are. With ``local`` a directory without hosts shows this machine.
    With a ``cluster`` there are its monitors too, and what its manager keeps instead of the
    directory's records. ``moving`` is for the commands that move the records. ``fsid`` is for those
    that act on hosts of a cluster and do not ask it.
    """

    def __init__(
        self,
        context: Context,
        *,
        check: bool = False,
        local: bool = False,
        cluster: Optional[Cluster] = None,
        moving: bool = False,
        fsid: str = "",
    ) -> None:
        self.context, self.check = context, check
        self.directory = context.path
        self.config = config.load(self.directory)
        kept = cluster.kept if cluster else None
        if cluster and not check and not kept and not isinstance(cluster.mon, DryMon):
            mine = Holder.here(YamlStore(self.directory), self.directory)
            check_free(context.environment.ceph, mine)
            check_settled(context.environment.ceph)
        # What a manager logs in with is not to stay on this machine.
        self._borrowed = tempfile.TemporaryDirectory(prefix="orch-") if kept else None
        store: Store = YamlStore(self.directory)
        if not kept and not moving:
            check_here(store, self.directory)
        if kept:
            store = kept.store
            self.config = replace(
                self.config,
                settings=replace(
                    self.config.settings, ssh_user=kept.ssh_user, sudo_invoker=kept.sudo_invoker
                ),
                ssh_identity_file="",
            )
        elif check:
            store = copy_of(store)
        self.refuse_managed = cluster.refuse_managed if cluster else lambda: None
        if cluster and cluster.is_changed and not kept:
            keep_cluster(store, cluster.fsid, self.directory)
        self.is_local = local and not any((self.directory / KIND).glob("*.yml"))
        if self.is_local:
            store = MemoryStore()
            store.set(f"{KIND}.{this_machine().hostname}", this_machine().to_record())
            more = "" if os.geteuid() == 0 else " Root would see more."
            context.say(f"No hosts in {self.directory}: showing this machine.{more}")
        ssh = Path(self._borrowed.name) if self._borrowed else self.directory
        self.access = context.environment.access(ssh / "ssh", self.config)
        if kept:
            self.access.keep_key(kept.ssh_key)
        self.engine = WatchedEngine(
            context.environment.engine(self.directory, self.access, self._with_engine(context)),
            check=check,
            before_change=self.refuse_managed,
        )
        self.core = Core(
            store=store,
            engine=self.engine,
            ssh=LocalAccess(self.access) if self.is_local else self.access,
            settings=self.config.settings,
            actor=actor(),
            cluster=cluster.fsid if cluster else fsid,
            mon=cluster.mon if cluster else None,
            reports_directory=None if check else self.directory / "reports",
        )
        self.core.going_down.clock = context.environment.clock
        self.orchestrator = AnsibleOrchestrator(self.core)
        self.driver = Driver(
            self.engine,
            progress=context.progress,
            verbose=context.verbose,
            say=context.say,
            poll=context.environment.poll,
        )

    def _with_engine(self, context: Context) -> config.Config:
        """Return the settings with the engine that the command has named; AWX is for hosts only."""
        engine = "local" if self.is_local else context.engine or self.config.engine
        return replace(self.config, engine=engine)

    def __enter__(self) -> Session:
        self.driver.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.driver.stop()
        self.engine.close()
        if self._borrowed:
            for host in self.core.hosts.all():
                self.core.ssh.close(host.target(self.config.settings.ssh_user))
            self._borrowed.cleanup()
        elif self.check:
            # The files that ssh reads know the directory's hosts again, and no other.
            user, known = self.config.settings.ssh_user, Hosts(YamlStore(self.directory)).all()
            self.core.ssh.pin([(host.target(user), host.keys) for host in known])
        if isinstance(error, OrchestratorError):
            error.args = (own_words(str(error)), *error.args[1:])

    def call(self, method: Callable[..., OrchResult[Any]], *arguments: Any, **named: Any) -> Any:
        """Call a method of the orchestrator; Ctrl-C while it waits cancels its job."""
        try:
            return raise_if_exception(method(*arguments, **named))
        except KeyboardInterrupt:
            self.driver.cancel(self.engine.submitted)
            raise

    def settle(self) -> Optional[JobsFailed]:
        """Wait for what was submitted; return what failed."""
        jobs = list(self.engine.submitted)
        self.driver.wait(jobs)
        failed = [job for job in jobs if job.is_errored()]
        if not failed:
            return None
        return JobsFailed([line for job in failed for line in failure_lines(job)])

    def failed_hosts(self) -> Dict[str, str]:
        """Return the hosts that a job failed on, with the reason."""
        return {
            host: outcome.message or outcome.status.value
            for job in self.engine.submitted
            for host, outcome in job.outcomes.items()
            if job.is_errored() and not outcome.status.good
        }

    def need_ready(self) -> None:
        """Raise ``NotReady`` if no host can be reached at all."""
        problem = self.core.ssh.ready()
        if problem:
            raise NotReady(problem)

    def records(self) -> Dict[str, Dict[str, Any]]:
        """Return the host records, the directory's or a manager's, as they are or would be."""
        return self.core.store.items(KIND)

    def place_of(self, hostname: str) -> str:
        """Return where a host's record is: its file, or its key in the monitors."""
        if self._borrowed:
            return f"mgr/ansible/{KIND}.{hostname} (ceph config-key)"
        return f"{self.directory}/{KIND}/{hostname}.yml"

    def hosts(self, hostnames: Sequence[str] = ()) -> List[Host]:
        """Return hosts by name, or all; raises ``UnknownName``, ``NotReady`` if there are none."""
        known = self.core.hosts
        if hostnames:
            return [known.get(name) for name in dict.fromkeys(hostnames)]
        for name, problem in known.problems.items():
            self.context.say(f"The record {name} is left out: {problem}")
        if not len(known) and self._borrowed:
            raise NotReady(
                "The cluster's manager has no host.", "Add one with `ceph orch host add NAME ADDR`."
            )
        if not len(known):
            raise NotReady(
                f"There is no host in {self.directory}.",
                "Add one with `orch-ansible host add NAME ADDR`.",
            )
        return known.all()

    def read(self, operation: str, hosts: Sequence[Host]) -> Optional[JobsFailed]:
        """Run a reading operation on hosts and wait; return what failed, the rest is known."""
        self.need_ready()
        self.core.submit(operation, hosts)
        return self.settle()

    def probe(self, hosts: Sequence[Host]) -> Dict[str, ProbeResult]:
        """Ask hosts through ssh at the same time; the orchestrator learns who is offline."""
        with ThreadPoolExecutor(max_workers=PROBE_THREADS) as pool:
            results = list(pool.map(self._probe, hosts))
        return {host.hostname: result for host, result in zip(hosts, results)}

    def read_answering(self, operation: str) -> None:
        """Read all hosts that answer; one that does not is said and left out.

        Raises ``NotReady`` without any host, ``JobsFailed``.
        """
        hosts = self.hosts()
        self.need_ready()
        looks = self.probe(hosts)
        for host in hosts:
            if not looks[host.hostname].ok:
                reason = looks[host.hostname].reason.rstrip(".")
                self.context.say(f"{host.hostname} is left out: {reason}.")
        answering = [host for host in hosts if looks[host.hostname].ok]
        failed = self.read(operation, answering) if answering else None
        if failed:
            raise failed

    def _probe(self, host: Host) -> ProbeResult:
        core = self.core
        target = core.target(host)
        result = core.ssh.probe(target, as_root=target.invoker)
        if not result.ok:
            # A shared connection to a dead host would tell the same again.
            core.ssh.close(target)
            result = core.ssh.probe(target, as_root=target.invoker)
        with core.lock:
            if result.ok:
                core.liveness.seen(host.hostname, 0.0)
            else:
                core.liveness.missed(host.hostname, result.reason, 0.0, 0.0)
                core.liveness.missed(host.hostname, result.reason, 0.0, 0.0)
        return result


def this_machine() -> Host:
    """Return this very machine as a host, by connection local."""
    python = sys.executable or "/usr/bin/python3"
    name = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname().split(".")[0]).strip("-")
    name = name[:63].rstrip("-") or "localhost"
    return Host(name, "127.0.0.1", python=python, connection="local")


def actor() -> str:
    """Return who asks, for the jobs' records."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} (orch-ansible)"


def failure_lines(job: Completion) -> List[str]:
    """Return a line for each host that failed, then one that names the job."""
    record = job.record
    bad = [(host, each) for host, each in record.outcomes.items() if not each.status.good]
    lines = [own_words(f"{host}: {each.message or each.status.value}") for host, each in bad]
    count = f"{len(bad)} of {len(record.request.hosts)} host(s)"
    how = f"failed on {count}" if bad else f"{record.status.value}: {record.message}"
    if record.status.value not in ("failed", "succeeded") and bad:
        how = f"{record.status.value}, {how}"
    lines.append(f"{record.request.operation} {how}; see `orch-ansible job log {record.id}`")
    return lines


def need_success(jobs: Sequence[Completion]) -> None:
    """Raise ``JobsFailed`` where some of these jobs did not succeed."""
    failed = [line for job in jobs if job.is_errored() for line in failure_lines(job)]
    if failed:
        raise JobsFailed(failed)
