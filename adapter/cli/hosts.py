"""``orch-ansible host ...``."""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

import click
import yaml

from adapter.cli import formatters
from adapter.cli.changing import leaving, on_hosts
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.names import complete_host, complete_label
from adapter.cli.output import format_option, own_words, print_data
from adapter.cli.session import JobsFailed, Session
from adapter.cli.verbs import change, check_option
from adapter.engine.ssh import ProbeResult
from adapter.interface import HostSpec, raise_if_exception
from adapter.reconcile.ownership import read_places

host_argument = click.argument("name", metavar="NAME", shell_complete=complete_host)


@click.group(cls=VerbGroup)
def host() -> None:
    """Add, remove and look at hosts."""


@host.command("ls")
@click.option("--detail", is_flag=True, help="With what the last report says of the hardware.")
@format_option
@pass_context
def ls(context: Context, detail: bool, form: str) -> None:
    """List the hosts in the directory. Asks no host; `host check` does.

    \b
    Example:
      orch-ansible host ls
      orch-ansible host ls --detail -f json
    """
    rows = []
    with Session(context) as session:
        for spec in raise_if_exception(session.orchestrator.get_hosts()):
            row = formatters.host_row(spec)
            if detail:
                found = raise_if_exception(session.orchestrator.get_facts(spec.hostname))
                row.update(formatters.host_details(found[0]))
            rows.append(row)
        print_data(rows, formatters.hosts(rows, detail=detail), form)
        for name, problem in session.core.hosts.problems.items():
            context.say(f"The record {name} is left out: {problem}")


@host.command("add")
@click.argument("name", metavar="NAME")
@click.argument("addr", metavar="[ADDR]", required=False)
@click.option("--labels", default="", metavar="A,B", help="Labels, separated by commas.")
@check_option
@pass_context
def add(context: Context, name: str, addr: str, labels: str, check: bool) -> None:
    """Add a host.

    Looks at it through ssh, pins its ssh host keys, and reads what it has.

    NAME is what `hostname` prints there, ADDR its address where DNS does not know the name.

    \b
    Example:
      orch-ansible host add ceph-1 192.0.2.11 --labels mon,osd
    """
    spec = HostSpec(name, addr=addr, labels=[each for each in labels.split(",") if each])
    with on_hosts(context, check=check, is_new=True) as session:
        change(session, session.orchestrator.add_host, spec)


@host.command("rm")
@host_argument
@click.option("--force", is_flag=True, help="Also if Ceph daemons run there; they stay.")
@click.option("--offline", is_flag=True, help="Forget a host that does not answer (with --force).")
@click.option("--rm-crush-entry", is_flag=True, help="Also remove its bucket from CRUSH.")
@check_option
@pass_context
def rm(
    context: Context, name: str, force: bool, offline: bool, rm_crush_entry: bool, check: bool
) -> None:
    """Remove a host from management.

    It is asked for its daemons first: with some it needs --force, and they are left as they are.
    To take them away before: `osd rm` of its OSDs, `apply` or `daemon rm` for the others.

    \b
    Example:
      orch-ansible host rm ceph-1
      orch-ansible host rm ceph-2 --offline --force
    """
    with leaving(context, f"host rm {name}", check=check) as session:
        look_at(session, name, must_answer=not force)
        change(
            session,
            session.orchestrator.remove_host,
            name,
            force=force,
            offline=offline,
            rm_crush_entry=rm_crush_entry,
        )


def look_at(session: Session, name: str, *, must_answer: bool) -> None:
    """Read which daemons a host has, and what the cluster says of it, where there is one.

    Raises ``JobsFailed`` where a host that is reached does not say it and it ``must_answer``.
    """
    core = session.core
    if name in core.hosts.problems:
        return
    host = core.hosts.get(name)
    if session.probe([host])[name].ok and not core.ssh.ready():
        failed = session.read("list_daemons", [host])
        if failed and must_answer:
            raise failed
        session.engine.submitted.clear()
    if core.mon is not None:
        read_places(core)


@host.command("set-addr")
@host_argument
@click.argument("addr", metavar="ADDR")
@check_option
@pass_context
def set_addr(context: Context, name: str, addr: str, check: bool) -> None:
    """Give a host another address.

    Also accepts its new ssh host keys. The same machine (by its machine id) must answer there.

    \b
    Example:
      orch-ansible host set-addr ceph-1 192.0.2.21
    """
    with on_hosts(context, check=check) as session:
        change(session, session.orchestrator.update_host_addr, name, addr)


@host.group("label", cls=VerbGroup)
def label() -> None:
    """Put labels on hosts, and take them away."""


@label.command("add")
@host_argument
@click.argument("label", metavar="LABEL", shell_complete=complete_label)
@check_option
@pass_context
def label_add(context: Context, name: str, label: str, check: bool) -> None:
    """Put a label on a host.

    \b
    Example:
      orch-ansible host label add ceph-1 osd
    """
    with on_hosts(context, check=check) as session:
        change(session, session.orchestrator.add_host_label, name, label)


@label.command("rm")
@host_argument
@click.argument("label", metavar="LABEL", shell_complete=complete_label)
@check_option
@pass_context
def label_rm(context: Context, name: str, label: str, check: bool) -> None:
    """Take a label from a host.

    \b
    Example:
      orch-ansible host label rm ceph-1 osd
    """
    with on_hosts(context, check=check) as session:
        change(session, session.orchestrator.remove_host_label, name, label)


@host.command("rescan")
@host_argument
@check_option
@pass_context
def rescan(context: Context, name: str, check: bool) -> None:
    """Look for new disks on a host.

    Its storage adapters are told to scan.

    \b
    Example:
      orch-ansible host rescan ceph-1 && orch-ansible device ls ceph-1
    """
    with Session(context, check=check) as session:
        change(session, session.orchestrator.rescan_host, name)


@host.command("check")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_host)
@format_option
@pass_context
def check_hosts(context: Context, names: Tuple[str, ...], form: str) -> None:
    """Ask hosts whether they can be used.

    First through ssh, then by Ansible.

    \b
    Example:
      orch-ansible host check
      orch-ansible host check ceph-1
    """
    with Session(context, local=True) as session:
        wanted = session.hosts(names)
        session.need_ready()
        probes = session.probe(wanted)
        bad = {name: _no(probe) for name, probe in probes.items() if not probe.ok}
        good = [each for each in wanted if each.hostname not in bad]
        if good:
            session.core.submit("available", good)
            session.settle()
            bad.update(session.failed_hosts())
        rows = [_check_row(each.hostname, bad) for each in wanted]
        text = "\n".join(f"{row['host']}: {'ok' if row['ok'] else row['reason']}" for row in rows)
        print_data(rows, text, form)
        if bad:
            raise JobsFailed([f"{len(bad)} of {len(wanted)} host(s) cannot be used"])


def _no(probe: ProbeResult) -> str:
    return f"{probe.reason}. {probe.remedy}".strip()


def _check_row(name: str, bad: Dict[str, str]) -> Dict[str, Any]:
    return {"host": name, "ok": name not in bad, "reason": own_words(bad.get(name, ""))}


@host.command("facts")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_host)
@click.option("--cached", is_flag=True, help="What was read the last time.")
@format_option
@pass_context
def facts(context: Context, names: Tuple[str, ...], cached: bool, form: str) -> None:
    """Print the facts of hosts.

    In the keys of `cephadm gather-facts`.

    Without hosts in the directory: of this very machine.

    \b
    Example:
      orch-ansible host facts
      orch-ansible host facts ceph-1 -f json
    """
    with Session(context, local=True) as session:
        wanted = session.hosts(names)
        failed = None if cached else session.read("get_facts", wanted)
        reports = [
            raise_if_exception(session.orchestrator.get_facts(each.hostname)) for each in wanted
        ]
        found = [facts for report in reports for facts in report if facts]
        print_data(found, _facts_text(found) if found or not failed else "", form)
        if failed:
            raise failed


def _facts_text(found: Sequence[Dict[str, Any]]) -> str:
    if not found:
        return "No facts"
    dumps = [yaml.safe_dump(each, sort_keys=True, default_flow_style=False) for each in found]
    return "---\n".join(dumps).rstrip()
