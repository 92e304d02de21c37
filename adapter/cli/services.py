"""``orch-ansible apply``, ``ls`` and ``rm``: services without a manager."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, TextIO, Tuple

import click

from adapter.cli import service_formatters
from adapter.cli.changing import changing
from adapter.cli.cluster import Cluster, fsid_of
from adapter.cli.context import Context, Verb, pass_context
from adapter.cli.converge import Converge
from adapter.cli.monitors import CephMon, DryMon
from adapter.cli.names import complete_service
from adapter.cli.output import format_option, own_words, print_data
from adapter.cli.session import Session, need_success
from adapter.cli.verbs import check_option, print_check, wait_option
from adapter.cluster.spec_file import SpecFile, read_spec_file
from adapter.errors import AdapterError, NotReady
from adapter.interface import (
    HostSpec,
    SpecValidationError,
    datetime_now,
    raise_if_exception,
)


@click.command("apply", cls=Verb)
@click.option(
    "-i", "--in-file", "file", type=click.File("r"), required=True, help="The specs, as YAML; or -."
)
@check_option
@wait_option
@pass_context
def apply(context: Context, file: TextIO, check: bool, seconds: float) -> None:
    """Bring hosts, services and OSDs to what specs say.

    The file is that of `ceph orch apply -i`. Needs `ceph` with an administrator's keyring. Where
    the cluster's manager has this backend the change is its own; --check then shows what
    `ceph orch apply -i` would change on each host, file by file.

    \b
    Example:
      orch-ansible apply -i services.yml --check
      orch-ansible apply -i services.yml
    """
    text, given = _read(file)
    with changing(context, "apply", check=check) as session:
        converge = Converge(session)
        if len(session.core.hosts) or not any(isinstance(each, HostSpec) for each in given.specs):
            converge.look()
        spec_file = read_spec_file(text, services=session.orchestrator.service_list, lists=True)
        _refuse(spec_file.errors)
        for note in spec_file.notes:
            context.say(own_words(note))
        specs, before = spec_file.specs, session.records()
        names = [each.service_name() for each in specs if not isinstance(each, HostSpec)]
        if check:
            _print_plans(session, specs)
        else:
            converge.check_others(names)
        said = session.call(session.orchestrator.apply, specs)
        for line in () if check else said:
            click.echo(own_words(line))
        failed = session.settle()
        if failed:
            raise failed
        if check:
            _print_check(session, converge, specs, before)
            return
        converge.bring_about(names, seconds)
        rows = _described(session, names)
        click.echo(service_formatters.services(rows, datetime_now()))


def _read(file: TextIO) -> Tuple[str, SpecFile]:
    """Read a file of specs, and refuse what is wrong whatever the cluster is like."""
    try:
        text = file.read()
    except UnicodeDecodeError:
        raise SpecValidationError(f"{file.name} is not UTF-8 text") from None
    given = read_spec_file(text, lists=True)
    if not given.documents:
        raise SpecValidationError(f"no spec in {file.name}; allowed: at least one spec")
    # Of the others it is only known later whether they say anything.
    _refuse(
        [each.said(each.error) for each in given.documents if each.error and not each.placeholder]
    )
    return text, given


def _refuse(errors: Sequence[str]) -> None:
    """Raise where documents are refused, with what is wrong in each."""
    if errors:
        raise SpecValidationError("; ".join(errors))


def _print_plans(session: Session, specs: Sequence[Any]) -> None:
    """Print what becomes of hosts; where a spec is refused, the plans of the others and why."""
    rows = session.orchestrator.previews.preview(specs)
    errors = [row["error"] for row in rows if row.get("error")]
    for spec, row in zip(specs, rows):
        if isinstance(spec, HostSpec) or errors:
            for line in service_formatters.plan_lines(row) if not row.get("error") else ():
                click.echo(own_words(line))
    if errors:
        raise AdapterError("; ".join(errors))


def _print_check(
    session: Session, converge: Converge, specs: Sequence[Any], before: Dict[str, Any]
) -> None:
    """Print what would be done: in words, to the monitors, and on each host."""
    services = [each for each in specs if not isinstance(each, HostSpec)]
    for row in raise_if_exception(session.orchestrator.plan(services)):
        for line in service_formatters.plan_lines(row):
            click.echo(line)
    jobs = converge.round()
    mon = session.core.mon
    for words in sorted(set(mon.untold)) if isinstance(mon, DryMon) else ():
        click.echo(f"would run: {words}")
    print_check(session, before, jobs)
    need_success(jobs)


def _described(session: Session, names: Sequence[str]) -> List[Any]:
    rows = raise_if_exception(session.orchestrator.describe_service())
    return [row for row in rows if not names or row.spec.service_name() in names]


@click.command("ls", cls=Verb)
@click.argument("services", metavar="[SERVICE]...", nargs=-1, shell_complete=complete_service)
@click.option("--export", is_flag=True, help="Print the specs, for `apply -i`.")
@format_option
@pass_context
def ls(context: Context, services: Tuple[str, ...], export: bool, form: str) -> None:
    """List services: what specs want, and what runs on the hosts.

    What runs and nobody specified is unmanaged and never touched.

    \b
    Example:
      orch-ansible ls
      orch-ansible ls --export > services.yml
    """
    cluster = None if export else _owner_of_osds(context)
    with Session(context, cluster=cluster) as session:
        if not export:
            failed = session.read("list_daemons", session.hosts())
            if cluster:
                session.orchestrator.reconciler.read_maps()
        rows = _described(session, services)
        if export:
            kept = [each.spec for each in session.core.specs.all() if not each.deleted]
            kept = [each for each in kept if not services or each.service_name() in services]
            print_data([each.to_json() for each in kept], service_formatters.export(kept), form)
            return
        data = [row.to_json() for row in rows]
        print_data(data, service_formatters.services(rows, datetime_now()), form)
        if failed:
            raise failed


def _owner_of_osds(context: Context) -> Optional[Cluster]:
    """Return the cluster if it can be asked: which OSDs are a service's only its map can tell."""
    ceph = context.environment.ceph
    try:
        return Cluster(fsid_of(ceph), DryMon(CephMon(ceph)))
    except NotReady:
        return None


@click.command("rm", cls=Verb)
@click.argument("service", metavar="SERVICE", shell_complete=complete_service)
@click.option("--force", is_flag=True, help="Also a drive group that has OSDs; they run on.")
@check_option
@wait_option
@pass_context
def rm(context: Context, service: str, force: bool, check: bool, seconds: float) -> None:
    """Remove a service with its daemons.

    Their keys and settings go too; pools and data stay.

    \b
    Example:
      orch-ansible rm mds.data
    """
    with changing(context, f"rm {service}", check=check) as session:
        converge = Converge(session)
        converge.look()
        if not check:
            converge.check_others([service])
        said = session.call(session.orchestrator.remove_service, service, force)
        if check:
            _print_check(session, converge, (), session.records())
            return
        click.echo(own_words(str(said)))
        converge.bring_about([service], seconds)
