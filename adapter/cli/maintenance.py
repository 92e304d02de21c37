"""``orch-ansible host ok-to-stop``."""

from __future__ import annotations

import click

from adapter.cli.changing import changing
from adapter.cli.context import Context, pass_context
from adapter.cli.converge import Converge
from adapter.cli.hosts import host as host
from adapter.cli.hosts import host_argument
from adapter.cli.output import own_words


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
