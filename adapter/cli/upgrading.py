"""``orch-ansible upgrade plan``, ``start``, ``status``, ``pause``, ``resume`` and ``stop``."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Optional, Tuple, TypeVar

import click

from adapter.cli.ceph import Ceph, orchestrator_status
from adapter.cli.changing import changing
from adapter.cli.cluster import MANAGED
from adapter.cli.context import Context, Verb, pass_context
from adapter.cli.converge import Converge
from adapter.cli.output import format_option, own_words, print_data
from adapter.cli.session import JobsFailed, Session
from adapter.cli.upgrades import upgrade as upgrade
from adapter.cli.verbs import waits
from adapter.cluster.packages import upstream
from adapter.cluster.upgrade_by_hand import UNDER_WAY
from adapter.cluster.upgrade_speed import words_of
from adapter.cluster.upgrades import PAUSED
from adapter.errors import NotReady
from adapter.methods.upgrades import check_target
from adapter.reconcile.upgrade_outlook import outlook
from adapter.tables import table

F = TypeVar("F", bound=Callable[..., Any])
HEAD = ("STEP", "KIND", "DAEMONS", "PACKAGES FIRST", "HANDS OVER")
PAUSE = 1.0
SECONDS = 4 * 3600.0


def _scope(function: F) -> F:
    """Return a command with the options that say what is meant."""
    for option in (
        click.option("--limit", type=int, metavar="N", help="So many daemons at most."),
        click.option("--services", metavar="NAME,...", help="Only daemons of these services."),
        click.option("--hosts", metavar="PLACEMENT", help="Only these: names, or label:LABEL."),
        click.option("--daemon-types", "kinds", metavar="KIND,...", help="Only these kinds."),
        click.option("--ceph-version", "version", metavar="X.Y.Z", help="A version of Ceph."),
        click.argument("packages", metavar="[PACKAGE_VERSION]", required=False),
    ):
        function = option(function)
    return function


_wait = waits(
    "How long it may take until all is done; afterwards `upgrade resume` goes on.", SECONDS
)
_wait_for_stop = waits(
    "How long it may take until all is put back; afterwards `upgrade stop` goes on.", SECONDS
)


def _split(text: Optional[str]) -> Optional[List[str]]:
    return None if text is None else [each.strip() for each in text.split(",")]


@upgrade.command("plan", cls=Verb)
@_scope
@format_option
@pass_context
def plan(
    context: Context,
    packages: Optional[str],
    version: Optional[str],
    kinds: Optional[str],
    hosts: Optional[str],
    services: Optional[str],
    limit: Optional[int],
    form: str,
) -> None:
    """Show in which steps daemons would be upgraded.

    Nothing is changed. Each step has the daemons that are restarted together, and the hosts whose
    packages change before. What forbids it is printed at the end, and the exit status is 1 then.

    \b
    Example:
      orch-ansible upgrade plan --ceph-version 20.2.5
      orch-ansible upgrade plan --ceph-version 20.2.5 --daemon-types mgr,mon
    """
    target = check_target(packages, version)
    _refuse_beside_manager(context.environment.ceph)
    with changing(context, f"upgrade plan {target}", check=True) as session:
        Converge(session).look()
        methods = session.orchestrator.upgrading
        wanted = methods.wanted(target, _split(kinds), hosts, _split(services), limit)
        found = outlook(session.core, wanted)
        print_data(found, _table(found), form)
        if found["refusals"]:
            raise JobsFailed([own_words(line) for line in found["refusals"]])


def _refuse_beside_manager(ceph: Ceph) -> None:
    """Refuse a plan while a manager's upgrade is under way.

    Packages that are being changed would be called left halfway, with the advice to finish them.
    """
    target = ceph.json("config-key", "dump", UNDER_WAY).get(UNDER_WAY)
    if target and orchestrator_status(ceph).get("backend") == "ansible":
        raise NotReady(
            f"The cluster's manager has an upgrade to {target} under way.",
            "`ceph orch upgrade status` says how far it is.",
        )


def _table(found: Mapping[str, Any]) -> str:
    rows: List[Tuple[str, ...]] = [
        (
            str(number),
            each["kind"],
            ", ".join(each["daemons"]),
            ", ".join(each["packages_first"]) or "-",
            each["hands_over"] or "-",
        )
        for number, each in enumerate(found["steps"], 1)
    ]
    lines = [table(HEAD, rows)] if rows else [f"All daemons run {upstream(found['target'])}"]
    if rows:
        lines.append(f"it takes {words_of(found['seconds'])} where nothing has to be waited for")
    return "\n".join([*lines, *found["settings"], *found["notes"]])


@upgrade.command("start", cls=Verb)
@_scope
@_wait
@pass_context
def start(
    context: Context,
    packages: Optional[str],
    version: Optional[str],
    kinds: Optional[str],
    hosts: Optional[str],
    services: Optional[str],
    limit: Optional[int],
    seconds: float,
) -> None:
    """Upgrade Ceph's packages and restart its daemons.

    Waits for the end. However the command ends before, type it again, or `upgrade resume`: it goes
    on where it was. `upgrade plan` shows the steps before.

    \b
    Example:
      orch-ansible upgrade start --ceph-version 20.2.5
      orch-ansible upgrade start --ceph-version 20.2.5 --hosts ceph-1,ceph-2
    """
    target = check_target(packages, version)
    with changing(context, f"upgrade start {target}", check=False) as session:
        Converge(session).look()
        said = session.call(
            session.orchestrator.upgrade_start,
            packages,
            version,
            _split(kinds),
            hosts,
            _split(services),
            limit,
        )
        click.echo(own_words(said))
        _bring(session, seconds)


@upgrade.command("resume", cls=Verb)
@_wait
@pass_context
def resume(context: Context, seconds: float) -> None:
    """Go on with an upgrade that was paused or cut off.

    Waits for the end.

    \b
    Example:
      orch-ansible upgrade resume
    """
    with changing(context, "upgrade resume", check=False) as session:
        Converge(session).look()
        click.echo(own_words(session.call(session.orchestrator.upgrade_resume)))
        _bring(session, seconds)


@upgrade.command("pause", cls=Verb)
@pass_context
def pause(context: Context) -> None:
    """Let an upgrade rest that a command has left.

    \b
    Example:
      orch-ansible upgrade pause
    """
    with changing(context, "upgrade pause", check=False) as session:
        click.echo(own_words(session.call(session.orchestrator.upgrade_pause)))


@upgrade.command("stop", cls=Verb)
@_wait_for_stop
@pass_context
def stop(context: Context, seconds: float) -> None:
    """End an upgrade: what it changed for a while is put back.

    Packages and daemons stay as they are; which daemons run which version is printed.

    \b
    Example:
      orch-ansible upgrade stop
    """
    with changing(context, "upgrade stop", check=False) as session:
        Converge(session).look()
        session.core.answer_wait = 0.0
        said = session.call(session.orchestrator.upgrade_stop)
        _bring(session, seconds)
        click.echo(own_words(said))


@upgrade.command("status", cls=Verb)
@format_option
@pass_context
def status(context: Context, form: str) -> None:
    """Show how far an upgrade is, and why it does not go on.

    Of an upgrade by `orch-ansible upgrade start`; that of a manager `ceph orch upgrade status`
    shows.

    \b
    Example:
      orch-ansible upgrade status
    """
    if orchestrator_status(context.environment.ceph).get("backend") == "ansible":
        raise NotReady(MANAGED, "`ceph orch upgrade status` says how far an upgrade is.")
    with changing(context, "upgrade status", check=True) as session:
        if session.core.upgrades.get() is not None:
            Converge(session).look()
        found = session.call(session.orchestrator.upgrade_status).to_json()
        lines = [
            f"{name}: {', '.join(value) if isinstance(value, list) else value}"
            for name, value in found.items()
            if value not in (None, "", [])
        ]
        text = "\n".join(lines) if found["in_progress"] else "No upgrade is under way"
        print_data(found, own_words(text), form)


def _bring(session: Session, seconds: float) -> None:
    """Take steps until the upgrade is over; raises ``JobsFailed`` where it does not go on."""
    environment, core = session.context.environment, session.core
    upgrading, submitted = session.orchestrator.reconciler.upgrading, session.engine.submitted
    end, last = environment.clock() + seconds, ""
    while True:
        known = len(submitted)
        pause = upgrading.step(environment.clock())
        jobs = list(submitted[known:])
        one = core.upgrades.get()
        if one is not None and one.reason and one.reason != last:
            last = one.reason
            click.echo(own_words(last))
        session.driver.wait(jobs)
        one = core.upgrades.get()
        if one is None:
            return
        if one.stage == PAUSED and (one.error or pause is None):
            raise JobsFailed([own_words(one.describe() if one.error else "it is paused")])
        if environment.clock() >= end:
            raise JobsFailed([own_words(one.reason), f"not done within {seconds:g} s"])
        if not jobs:
            _read_wanted(session)
            environment.pause(PAUSE)


def _read_wanted(session: Session) -> None:
    """Read the hosts again whose reports are wanted."""
    core, environment = session.core, session.context.environment
    with core.lock:
        due = core.online_hosts(core.refresh.due(environment.clock()))
    if due:
        session.driver.wait([core.submit("get_inventory", due)])
