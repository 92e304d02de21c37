"""``orch-ansible osd rm ...``: OSDs leave, drained first, without a manager."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import click

from adapter.cli.at_work import who_works
from adapter.cli.changing import changing
from adapter.cli.context import Context, DefaultGroup, Verb, VerbGroup, pass_context
from adapter.cli.converge import Converge
from adapter.cli.names import complete_osd
from adapter.cli.output import format_option, own_words, print_data
from adapter.cli.removal_formatters import planned, removals
from adapter.cli.removing import GOES_ON, Removing, going_on
from adapter.cli.session import Session
from adapter.cli.verbs import check_option
from adapter.cluster.osd_map import checked_number
from adapter.cluster.osd_removals import KIND

queue_wait_option = click.option(
    "--wait",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    help="Wait so long at most; the queue is kept. Without it until all is done.",
)
ids_argument = click.argument(
    "osd_ids", metavar="ID...", nargs=-1, required=True, shell_complete=complete_osd
)


@click.group("osd", cls=VerbGroup)
def osd() -> None:
    """Remove OSDs, or give their places to new disks."""


@click.command("rm", cls=Verb)
@ids_argument
@click.option("--replace", is_flag=True, help="Keep id and place for a new disk.")
@click.option("--zap", is_flag=True, help="Wipe its disks afterwards.")
@click.option(
    "--force", is_flag=True, help="Do not wait until the data is elsewhere: DATA CAN BE LOST."
)
@click.option("--no-destroy", is_flag=True, help="Leave volume groups on its disks.")
@check_option
@queue_wait_option
@pass_context
def rm_ids(
    context: Context,
    osd_ids: Tuple[str, ...],
    replace: bool,
    zap: bool,
    force: bool,
    no_destroy: bool,
    check: bool,
    seconds: Optional[float],
) -> None:
    """Drain OSDs, and remove them.

    As `ceph orch osd rm`, and waits for the end: until all data is elsewhere, which may take hours.
    What is to be done is kept in the directory, step by step. However the command ends before, type
    it again, or `osd rm continue`: it goes on where it was.

    \b
    orch-ansible osd rm status       how far they are
    orch-ansible osd rm continue     go on with all of them
    orch-ansible osd rm stop ID...   keep them: weight given back, started again

    \b
    Example:
      orch-ansible osd rm 3 --check
      orch-ansible osd rm 3 4
      orch-ansible osd rm 3 --replace --zap
    """
    flags = {"replace": replace, "zap": zap, "force": force, "no_destroy": no_destroy}
    with changing(context, f"osd rm {' '.join(osd_ids)}", check=check) as session:
        Converge(session).look()
        goes_on = going_on(session, numbers(osd_ids), flags)
        new = [each for each in osd_ids if checked_number(each) not in goes_on]
        said = session.call(session.orchestrator.remove_osds, new, **flags) if new else ""
        if check:
            print_planned(session, numbers(osd_ids))
            return
        for line in (said, *goes_on.values()):
            if line:
                click.echo(own_words(line))
        Removing(session).until_gone(numbers(osd_ids), seconds)


rm = DefaultGroup("rm", default=rm_ids)
osd.add_command(rm)


@rm.command("status")
@format_option
@pass_context
def status(context: Context, form: str) -> None:
    """Show the OSDs that are being removed.

    From the directory: no host and no monitor is asked.

    \b
    Example:
      orch-ansible osd rm status
      orch-ansible osd rm status -f json
    """
    with Session(context) as session:
        rows = session.call(session.orchestrator.remove_osds_status)
        print_data([row.to_json() for row in rows], removals(rows), form)
        say_problems(session)
        worker = who_works(session.directory)
        if worker:
            context.say(f"{worker} is at work.")
        elif rows:
            context.say(f"No command moves them on now; {GOES_ON}.")


@rm.command("continue")
@queue_wait_option
@pass_context
def go_on(context: Context, seconds: Optional[float]) -> None:
    """Go on with all OSDs that are being removed.

    After a command that was interrupted or killed, or whose machine failed.

    \b
    Example:
      orch-ansible osd rm continue
      orch-ansible osd rm continue --wait 3600
    """
    with changing(context, "osd rm continue", check=False) as session:
        say_problems(session)
        left = [removal.osd_id for removal in session.core.removals.all()]
        if not left:
            click.echo(removals(()))
            return
        session.probe(session.core.hosts.all())
        Removing(session).until_gone(left, seconds)


@rm.command("stop")
@ids_argument
@queue_wait_option
@pass_context
def stop(context: Context, osd_ids: Tuple[str, ...], seconds: Optional[float]) -> None:
    """Keep OSDs that are being removed.

    They get back what draining took, and are started again. That can be done until an OSD is
    purged or destroyed; later it leaves the disks as they are.

    \b
    Example:
      orch-ansible osd rm stop 3
    """
    with changing(context, f"osd rm stop {' '.join(osd_ids)}", check=False) as session:
        session.probe(session.core.hosts.all())
        said = session.call(session.orchestrator.stop_remove_osds, list(osd_ids))
        click.echo(own_words(said))
        Removing(session).until_gone(numbers(osd_ids), seconds)


def numbers(osd_ids: Sequence[str]) -> List[int]:
    """Return ids as numbers, each once; raises ``InvalidValue``."""
    return list(dict.fromkeys(checked_number(each) for each in osd_ids))


def print_planned(session: Session, osd_ids: Sequence[int]) -> None:
    """Print what would be done to OSDs."""
    with session.core.lock:
        found = [session.core.removals.get(each) for each in osd_ids]
    for removal in found:
        for line in planned(removal) if removal is not None else ():
            click.echo(line)
    session.context.say("Nothing was changed (--check).")


def say_problems(session: Session) -> None:
    """Name the OSDs whose record cannot be used."""
    for osd_id, reason in sorted(session.core.removals.problems.items()):
        session.context.say(
            f"The record of osd.{osd_id} cannot be used: {reason}. Nothing is done to this OSD; "
            f"correct the file {session.directory}/{KIND}/{osd_id}.yml, or `orch-ansible osd rm "
            f"stop {osd_id}` removes it."
        )
