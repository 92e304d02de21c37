"""``orch-ansible awx ...``: job templates and what they need in AWX, as code."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

import click

from adapter.awx.apply import Applier
from adapter.awx.objects import CREDENTIAL
from adapter.awx.parameters import read_playbooks
from adapter.awx.plan import CREATE, REMOVE, Step, plan
from adapter.awx.removal import removal_plan, remove_object
from adapter.awx.settings import FILE, AwxSettings, load
from adapter.awx.state import State
from adapter.awx.wanted import MACHINE, existing, wanted_objects
from adapter.awxapi import Awx, Connection, Server, read_login
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.output import format_option, print_data
from adapter.cli.verbs import waits
from adapter.content import content_root

file_option = click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The settings; {FILE} in --dir if not given.",
)
wait_option = waits("How long AWX may take for one sync of the project, or one deletion.")


@click.group(cls=VerbGroup)
def awx() -> None:
    """Keep job templates for Ceph in AWX.

    What they are to be like is in awx.yml; docs/awx.md says what it holds.

    \b
    See what would be made:  orch-ansible awx plan
    Make it, and look again:  orch-ansible awx apply, then  orch-ansible awx verify
    """


@awx.command("plan")
@file_option
@format_option
@pass_context
def plan_verb(context: Context, file: Optional[Path], form: str) -> None:
    """Show what apply would do.

    Reads AWX and changes nothing.

    \b
    Example:
      orch-ansible awx plan
      orch-ansible awx plan --file prod/awx.yml -f json
    """
    settings, state = _read(context, file)
    _print_steps(plan(state, _wanted(settings, state)), form, "AWX has all of it.")


@awx.command("apply")
@file_option
@click.option("--adopt", is_flag=True, help="Take over objects of our names that have no mark.")
@click.option("--sync", is_flag=True, help="Sync the project in any case: its branch has moved.")
@wait_option
@pass_context
def apply_verb(
    context: Context, file: Optional[Path], adopt: bool, sync: bool, seconds: float
) -> None:
    """Make and correct everything in AWX.

    Organization, project, inventory and its source, types of credentials, credentials without their
    secrets, execution environment, a job template with a survey for each playbook, and two teams. A
    second run changes nothing. What has our mark and is needed no more is removed, but credentials.

    \b
    Example:
      orch-ansible awx apply
      orch-ansible awx apply --sync
    """
    settings, state = _read(context, file)
    applier = Applier(state, context.environment.until, seconds, context.say)
    done = applier.apply(_wanted(settings, state), adopt=adopt, sync=sync)
    empty = [step.name for step in done if (step.kind, step.action) == (CREDENTIAL, CREATE)]
    if empty:
        context.say(f"Write the secrets in AWX into {', '.join(empty)}: they are made empty.")
    click.echo(f"Objects changed in AWX: {len(done)}.")


@awx.command("verify")
@file_option
@format_option
@click.pass_context
def verify_verb(click_context: click.Context, file: Optional[Path], form: str) -> int:
    """Name every difference; fail if there is one.

    Of the secrets in credentials AWX shows nothing, so nothing is said of them.

    \b
    Example:
      orch-ansible awx verify
    """
    settings, state = _read(click_context.ensure_object(Context), file)
    steps = plan(state, _wanted(settings, state))
    _print_differences(steps, form)
    return 1 if steps else 0


@awx.command("remove")
@file_option
@click.option("--check", is_flag=True, help="Only say what would be removed.")
@wait_option
@pass_context
def remove_verb(context: Context, file: Optional[Path], check: bool, seconds: float) -> None:
    """Remove from AWX what apply made.

    Exactly what has our mark for this name, with the secrets in its credentials. AWX keeps the
    records of jobs. The organization goes only when apply made it and nothing else is in it.

    \b
    Example:
      orch-ansible awx remove --check
      orch-ansible awx remove
    """
    _, state = _read(context, file)
    steps, stays = removal_plan(state)
    for step in steps:
        click.echo(f"{step.action} {step.kind.title} {step.name}")
        if not check:
            remove_object(state, step.kind, step.name, context.environment.until, seconds)
    for line in stays:
        context.say(line)
    if check:
        context.say("Nothing was removed (--check).")
    elif not steps:
        context.say("There is nothing to remove.")


def _read(context: Context, file: Optional[Path]) -> Tuple[AwxSettings, State]:
    """Return the settings, and what AWX has."""
    settings = load(file if file is not None else context.path / FILE)
    server = Server(settings.url, settings.base_path, settings.ca_file, settings.certificate_sha256)
    login = read_login(Path(settings.secret_file), settings.user)
    client = Awx(Connection(server, login))
    client.me()
    return settings, State(client, settings.owner)


def _wanted(settings: AwxSettings, state: State) -> Sequence[Any]:
    """Return what AWX is to have; raises where it refers to what AWX has not."""
    for ref in (MACHINE, *existing(settings)):
        state.need(ref)
    return wanted_objects(settings, read_playbooks(content_root()))


def _print_steps(steps: Sequence[Step], form: str, nothing: str) -> None:
    lines: List[str] = []
    for step in steps:
        lines.append(f"{step.action} {step.kind.title} {step.name}")
        lines += [f"  {detail}" for detail in step.details]
    print_data([step.data for step in steps], "\n".join(lines) or nothing, form)


def _print_differences(steps: Sequence[Step], form: str) -> None:
    lines = [f"{step.kind.title} {step.name}: {detail}" for step in steps for detail in _said(step)]
    print_data([step.data for step in steps], "\n".join(lines) or "AWX has all of it.", form)


def _said(step: Step) -> List[str]:
    """Return what is not as it is wanted."""
    if step.action == CREATE:
        return ["it is not there"]
    too_much = "it is too much: " if step.action == REMOVE else ""
    return [f"{too_much}{detail}" for detail in step.details]
