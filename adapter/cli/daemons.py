"""``orch-ansible ps`` and ``orch-ansible status``."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import click

from adapter.cli import formatters
from adapter.cli.ceph import orchestrator_status
from adapter.cli.context import Context, Verb, pass_context
from adapter.cli.names import complete_daemon_type, complete_host, complete_service
from adapter.cli.output import format_option, own_words, print_data
from adapter.cli.session import JobsFailed, Session
from adapter.errors import AdapterError
from adapter.interface import datetime_now, raise_if_exception


@click.command("ps", cls=Verb)
@click.argument("hosts", metavar="[HOST]...", nargs=-1, shell_complete=complete_host)
@click.option(
    "--daemon-type",
    metavar="TYPE",
    shell_complete=complete_daemon_type,
    help="Only mon, mgr, osd, ...",
)
@click.option(
    "--service-name",
    metavar="NAME",
    shell_complete=complete_service,
    help="Only the daemons of a service.",
)
@click.option("--refresh/--cached", default=True, help="Read the hosts now, or the last report.")
@format_option
@pass_context
def ps(
    context: Context,
    hosts: Tuple[str, ...],
    daemon_type: str,
    service_name: str,
    refresh: bool,
    form: str,
) -> None:
    """List the Ceph daemons of hosts.

    As systemd knows them. Without hosts in the directory: of this very machine.

    \b
    Example:
      orch-ansible ps
      orch-ansible ps ceph-1 --daemon-type osd -f json
    """
    with Session(context, local=True) as session:
        wanted = session.hosts(hosts)
        failed = session.read("list_daemons", wanted) if refresh else None
        bad = session.failed_hosts()
        found = [
            daemon
            for host in wanted
            if host.hostname not in bad
            for daemon in raise_if_exception(
                session.orchestrator.list_daemons(service_name, daemon_type, host=host.hostname)
            )
        ]
        data = [daemon.to_json() for daemon in found]
        text = formatters.daemons(found, datetime_now()) if found or not failed else ""
        print_data(data, text, form)
        if failed:
            raise failed


@click.command("status", cls=Verb)
@format_option
@pass_context
def status(context: Context, form: str) -> None:
    """Say whether hosts can be managed.

    And why not: asks every host through ssh.

    \b
    Example:
      orch-ansible status
      orch-ansible status -f json
    """
    with Session(context) as session:
        if not session.core.ssh.ready():
            session.probe(session.core.hosts.all())
        available, reason, details = session.orchestrator.available()
        data: Dict[str, Any] = {"backend": "ansible", "available": available}
        if reason:
            data["reason"] = own_words(reason)
        data.update(details, directory=str(session.directory))
        manager = "" if len(session.core.hosts) else _manager_has_them(context)
        if manager:
            data["manager"] = manager
        offline = session.core.liveness.offline()
        lines = [
            "Backend: ansible",
            f"Available: {'Yes' if available else 'No'}"
            + (f" ({data['reason']})" if reason else ""),
            f"Directory: {session.directory}",
            f"Hosts: {len(session.core.hosts)} ({len(offline)} offline)",
            *(f"  {name}: {state.reason}" for name, state in sorted(offline.items())),
            *([f"Manager: {manager}"] if manager else []),
        ]
        print_data(data, "\n".join(lines), form)
        if not available:
            raise JobsFailed(["no host can be managed"])


def _manager_has_them(context: Context) -> str:
    """Return that a manager has the hosts, where this machine reaches one that has a backend."""
    try:
        backend = orchestrator_status(context.environment.ceph).get("backend")
    except AdapterError:
        return ""
    if not backend:
        return ""
    return (
        f"this cluster's hosts are the manager's, with the backend {backend}, and not this "
        "directory's; `ceph orch status` asks it"
    )
