"""``orch-ansible host ok-to-stop`` and ``orch-ansible host maintenance ...``."""

from __future__ import annotations

from typing import List

import click

from adapter.cli.changing import changing
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.converge import Converge
from adapter.cli.hosts import host as host
from adapter.cli.hosts import host_argument
from adapter.cli.monitors import DryMon
from adapter.cli.output import own_words
from adapter.cli.session import JobsFailed, Session, failure_lines, need_success
from adapter.cli.verbs import check_option, print_check, wait_option
from adapter.cluster.maintenances import ENTERED
from adapter.engine.completion import Completion

PAUSE = 1.0


@host.command("ok-to-stop")
@host_argument
@pass_context
def ok_to_stop(context: Context, name: str) -> None:
    """Tell whether a host can be stopped.

    All of its daemons are asked about together; what speaks against it is told with what would have
    to change. Nothing is stopped.

    \b
    Example:
      orch-ansible host ok-to-stop ceph-1 && ssh ceph-1 reboot
    """
    with changing(context, f"host ok-to-stop {name}", check=True) as session:
        session.core.hosts.get(name)
        Converge(session).look()
        said = session.call(session.orchestrator.host_ok_to_stop, name)
        click.echo(own_words(str(said)))


@host.group("maintenance", cls=VerbGroup)
def maintenance() -> None:
    """Stop all daemons of a host for a while, and put them back."""


@maintenance.command("enter")
@host_argument
@click.option("--force", is_flag=True, help="Also where a service has no other daemon.")
@click.option(
    "--yes-i-really-mean-it",
    "regardless",
    is_flag=True,
    help="With --force: also where data or the quorum is lost meanwhile.",
)
@check_option
@wait_option
@pass_context
def enter(
    context: Context, name: str, force: bool, regardless: bool, check: bool, seconds: float
) -> None:
    """Stop all daemons of a host, and keep them stopped.

    Their units are masked, so that no restart of the host and no package starts them, and noout is
    set for the host's OSDs. What is done is kept; typed again, it goes on where it stopped.

    \b
    Example:
      orch-ansible host maintenance enter ceph-1 --check
      orch-ansible host maintenance enter ceph-1
    """
    with changing(context, f"host maintenance enter {name}", check=check) as session:
        Converge(session).look()
        session.core.answer_wait = 0.0
        before = session.records()
        session.call(session.orchestrator.enter_host_maintenance, name, force, regardless)
        _bring(session, name, seconds, before)
        if not check:
            click.echo(own_words(session.orchestrator.maintenance.entered(name)))


@maintenance.command("exit")
@host_argument
@click.option("--force", is_flag=True, help="End it whatever is not back.")
@click.option("--offline", is_flag=True, help="With --force: of a host that does not answer.")
@check_option
@wait_option
@pass_context
def leave(
    context: Context, name: str, force: bool, offline: bool, check: bool, seconds: float
) -> None:
    """Put the daemons of a host back as they were.

    Waits until the cluster has them all.

    \b
    Example:
      orch-ansible host maintenance exit ceph-1
    """
    with changing(context, f"host maintenance exit {name}", check=check) as session:
        Converge(session).look()
        session.core.answer_wait = 0.0
        before = session.records()
        session.call(session.orchestrator.exit_host_maintenance, name, force, offline)
        _bring(session, name, seconds, before)
        if not check:
            kept = session.core.maintenances.get(name)
            more = "; its units are put back by the same command when it answers" if kept else ""
            click.echo(f"Host '{name}' has left maintenance{more}")


def _bring(session: Session, name: str, seconds: float, before: object) -> None:
    """Take steps until a host is where it is to be; raises ``JobsFailed`` with what is left.

    A dry run ends with the first job: nothing comes of it that a next step could see.
    """
    environment, core = session.context.environment, session.core
    reconciler, submitted = session.orchestrator.reconciler, session.engine.submitted
    end = environment.clock() + seconds
    while not _is_done(session, name):
        known = len(submitted)
        reconciler.maintenance.step(environment.clock())
        jobs: List[Completion] = list(submitted[known:])
        session.driver.wait(jobs)
        if session.check and jobs:
            break
        failed = [line for job in jobs if job.is_errored() for line in failure_lines(job)]
        if failed:
            raise JobsFailed([*failed, "what is done is kept; the same command goes on"])
        if environment.clock() >= end:
            (line,) = [each for each in core.maintenances.lines() if f"host {name} " in each]
            raise JobsFailed([own_words(line), f"not done within {seconds:g} s"])
        if not jobs and not _is_done(session, name):
            environment.pause(PAUSE)
    if session.check:
        _print_check(session, before)


def _is_done(session: Session, name: str) -> bool:
    known = session.core.maintenances.get(name)
    gone = known is not None and known.offline and not session.core.hosts.get(name).status
    return known is None or known.stage == ENTERED or gone


def _print_check(session: Session, before: object) -> None:
    mon = session.core.mon
    for words in mon.untold if isinstance(mon, DryMon) else ():
        click.echo(f"would run: {words}")
    jobs = list(session.engine.submitted)
    changing_jobs = [job for job in jobs if job.record.request.operation.endswith("maintenance")]
    print_check(session, before, jobs=changing_jobs)
    need_success(changing_jobs)
