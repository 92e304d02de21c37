"""``orch-ansible job ...``: what was run, by whom, and what became of it."""

from __future__ import annotations

import collections

import click

from adapter import jobs_view
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.names import complete_job
from adapter.cli.output import format_option, print_data, printable
from adapter.cli.session import Session

job_argument = click.argument("job_id", metavar="ID", shell_complete=complete_job)


@click.group(cls=VerbGroup)
def job() -> None:
    """Look at jobs, their logs, and stop them."""


@job.command("ls")
@click.option("--all", "everything", is_flag=True, help="Also the reads that went well.")
@format_option
@pass_context
def ls(context: Context, everything: bool, form: str) -> None:
    """List jobs, the newest last.

    \b
    Example:
      orch-ansible job ls --all
    """
    with Session(context) as session:
        session.engine.poll()
        records = jobs_view.listed(session.engine.jobs(), everything=everything)
        rows = [jobs_view.row(record) for record in records]
        print_data(rows, jobs_view.table(rows), form)


@job.command("show")
@job_argument
@format_option
@pass_context
def show(context: Context, job_id: str, form: str) -> None:
    """Show all of a job: of its ID, or of the `last` one.

    Who asked for it, what it does, where, when, the outcome per host, and the command that does
    the same by hand.

    \b
    Example:
      orch-ansible job show 20261123T052600-add_host-1a2b
    """
    with Session(context) as session:
        session.engine.poll()
        wanted = jobs_view.meant(session.engine.jobs(), job_id)
        data = jobs_view.details(session.engine.completion(wanted))
        print_data(data, jobs_view.text(data), form)


@job.command("log")
@job_argument
@click.option("--lines", type=click.IntRange(min=1), help="Only the last lines.")
@pass_context
def log(context: Context, job_id: str, lines: int) -> None:
    """Print what a job's playbook printed.

    \b
    Example:
      orch-ansible job log last --lines 20
    """
    with Session(context) as session:
        wanted = jobs_view.meant(session.engine.jobs(), job_id)
        for line in collections.deque(session.engine.log(wanted), maxlen=lines):
            click.echo(printable(line))


@job.command("cancel")
@job_argument
@pass_context
def cancel(context: Context, job_id: str) -> None:
    """Stop a job, on the hosts too.

    Waits until it has ended.

    \b
    Example:
      orch-ansible job cancel 20261123T052600-add_host-1a2b
    """
    with Session(context) as session:
        job_id = jobs_view.meant(session.engine.jobs(), job_id)
        completion = session.engine.completion(job_id)
        if completion.is_finished:
            click.echo(f"Job {job_id} has ended already: {completion.status.value}")
            return
        session.driver.cancel([completion])
