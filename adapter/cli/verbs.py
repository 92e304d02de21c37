"""What the verbs that change hosts have in common."""

from __future__ import annotations

from typing import Any, Callable, Optional, Sequence, TypeVar

import click

from adapter.cli import formatters
from adapter.cli.output import own_words, printable
from adapter.cli.session import Session
from adapter.engine.completion import Completion
from adapter.engine.model import HostStatus
from adapter.interface import OrchResult

F = TypeVar("F", bound=Callable[..., Any])

check_option = click.option(
    "--check", is_flag=True, help="Only show what would be changed, here and on the hosts."
)


def waits(words: str, seconds: float = 600.0) -> Callable[[F], F]:
    """Return the option ``--wait``, in seconds; ``words`` say for what."""
    return click.option(
        "--wait",
        "seconds",
        metavar="SECONDS",
        type=click.FloatRange(min=1),
        default=seconds,
        show_default=True,
        help=words,
    )


wait_option = waits("How long it may take until all is done.")


def change(
    session: Session, method: Callable[..., OrchResult[Any]], *arguments: Any, **named: Any
) -> None:
    """Call a method that changes something, say what it said, and wait for its job."""
    before = session.records()
    said = session.call(method, *arguments, **named)
    if not session.check:
        click.echo(own_words(str(said)))
    failed = session.settle()
    if session.check:
        print_check(session, before)
    if failed:
        raise failed


def print_check(session: Session, before: Any, jobs: Optional[Sequence[Completion]] = None) -> None:
    """Print what would be changed in records and on the hosts, by all jobs or these."""
    after = session.records()
    for name in sorted({*before, *after}):
        place = session.place_of(name)
        for line in formatters.unified(before.get(name), after.get(name), place, place):
            click.echo(line)
    for job in session.engine.submitted if jobs is None else jobs:
        _print_job(job)
    session.context.say("Nothing was changed (--check).")


def _print_job(job: Completion) -> None:
    for host, outcome in sorted(job.outcomes.items()):
        if outcome.status.good:
            would = (
                "would change" if outcome.status is HostStatus.CHANGED else "would stay as it is"
            )
            click.echo(f"{host}: {would} ({job.record.request.operation})")
        for line in formatters.differences(outcome.diff):
            click.echo(printable(line))
