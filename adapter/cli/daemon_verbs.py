"""``orch-ansible daemon ...``: single daemons without a manager."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import click

from adapter.cli.changing import changing
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.converge import Converge
from adapter.cli.names import complete_daemon
from adapter.cli.output import own_words
from adapter.cli.session import Session, need_success
from adapter.cli.verbs import check_option, print_check, wait_option
from adapter.errors import AdapterError
from adapter.interface import (
    DeviceSelection,
    DriveGroupSpec,
    PlacementSpec,
    raise_if_exception,
)

# Kinds whose daemons are removed with --force only, as by `ceph orch daemon rm`.
PRECIOUS = ("osd", "mon", "prometheus")
# How long it is waited for what a host makes of its disks (seconds).
MAKING = 1800.0


@click.group(cls=VerbGroup)
def daemon() -> None:
    """Start, stop, restart, add and remove single daemons."""


ACT_HELP = """{0} a daemon.

Where the cluster cannot spare it meanwhile, this is refused.

\b
Example:
  orch-ansible daemon {1} mds.data.h2.kxqwzn
"""


def _acting(action: str) -> None:
    @daemon.command(action, help=ACT_HELP.format(action.capitalize(), action))
    @click.argument("name", metavar="NAME", shell_complete=complete_daemon)
    @click.option("--force", is_flag=True, help="Do not ask whether the cluster can spare it.")
    @check_option
    @pass_context
    def act(context: Context, name: str, force: bool, check: bool) -> None:
        with changing(context, f"daemon {action} {name}", check=check) as session:
            converge = Converge(session)
            converge.look()
            before = session.records()
            known = len(session.engine.submitted)
            try:
                said = session.call(session.orchestrator.daemon_action, action, name, force=force)
                jobs = [*session.engine.submitted[known:], *converge.round()]
                session.driver.wait(jobs)
            finally:
                # Nobody takes over from a command: what it has not done is not done later.
                with session.core.lock:
                    session.core.daemon_actions.leave_out([name])
            if check:
                print_check(session, before, jobs=jobs)
            else:
                click.echo(own_words(str(said)))
            need_success(jobs)


for _action in ("start", "stop", "restart"):
    _acting(_action)


@daemon.command("rm")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_daemon)
@click.option("--force", is_flag=True, help="Also one with data that nothing else may have: a mon.")
@check_option
@wait_option
@pass_context
def rm(context: Context, names: Tuple[str, ...], force: bool, check: bool, seconds: float) -> None:
    """Remove daemons from their hosts.

    As `ceph orch daemon rm`: one that the cluster cannot spare is refused, its key goes too, and a
    managed service deploys what it lacks again. An OSD is removed by `osd rm`.

    \b
    Example:
      orch-ansible daemon rm mds.data.h2.kxqwzn --check
      orch-ansible daemon rm mds.data.h2.kxqwzn
    """
    for name in names:
        _need_force(name, force=force)
    with changing(context, f"daemon rm {' '.join(names)}", check=check) as session:
        converge = Converge(session)
        converge.look()
        services = _services_of(session, names)
        if not check:
            converge.check_others(services)
        before, known = session.records(), len(session.engine.submitted)
        said = session.call(session.orchestrator.remove_daemons, list(names))
        jobs = session.engine.submitted[known:]
        session.driver.wait(jobs)
        if check:
            print_check(session, before, jobs=jobs)
            need_success(jobs)
            return
        for line in said:
            click.echo(own_words(line))
        need_success(jobs)
        converge.bring_about(services, seconds, going=names)


def _need_force(name: str, *, force: bool) -> None:
    kind, dot, _ = name.partition(".")
    if not dot:
        raise AdapterError(f"{name} is not a valid daemon name.", "`orch-ansible ps` lists them.")
    if kind in PRECIOUS and not force:
        raise AdapterError(
            f"must pass --force to REMOVE daemon with potentially PRECIOUS DATA for {name}"
        )


def _services_of(session: Session, names: Sequence[str]) -> List[str]:
    found = raise_if_exception(session.orchestrator.list_daemons())
    return sorted({each.service_name() for each in found if each.name() in names})


@daemon.group("add", cls=VerbGroup)
def add() -> None:
    """Make OSDs of disks; `apply -i` deploys daemons of other kinds."""


@add.command("osd")
@click.argument("place", metavar="HOST:DEVICE[,DEVICE...]")
@click.option("--method", type=click.Choice(["lvm", "raw"]), help="What ceph-volume makes.")
@click.option(
    "--skip-validation",
    is_flag=True,
    help="Only the host looks whether the disks are free; and start OSDs that disks have already.",
)
@check_option
@pass_context
def add_osd(context: Context, place: str, method: str, skip_validation: bool, check: bool) -> None:
    """Make OSDs of disks.

    As `ceph orch daemon add osd`: of these disks and of no others; ids of destroyed OSDs of the
    host are taken again.

    \b
    Example:
      orch-ansible daemon add osd ceph-2:/dev/sdb --check
      orch-ansible daemon add osd ceph-2:/dev/sdb,/dev/sdc
    """
    host, _, devices = place.partition(":")
    drive_group = DriveGroupSpec(
        placement=PlacementSpec(host_pattern=host),
        data_devices=DeviceSelection(paths=[each for each in devices.split(",") if each]),
        method=method,
    )
    with changing(context, f"daemon add osd {place}", check=check) as session:
        converge = Converge(session)
        converge.look()
        session.core.answer_wait = MAKING
        before, known = session.records(), len(session.engine.submitted)
        said = session.call(session.orchestrator.create_osds, drive_group, skip_validation)
        jobs = session.engine.submitted[known:]
        session.driver.wait(jobs)
        if check:
            print_check(session, before, jobs=jobs)
        else:
            click.echo(own_words(said))
        need_success(jobs)
