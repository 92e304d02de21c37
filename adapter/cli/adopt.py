"""``orch-ansible adopt``: hosts and services of what runs already, as a file of specs."""

from __future__ import annotations

from typing import Optional, TextIO

import click

from adapter.cli.cluster import find_cluster
from adapter.cli.context import Context, Verb, pass_context
from adapter.cli.output import own_words, print_data
from adapter.cli.session import Session
from adapter.errors import InvalidValue


@click.command("adopt", cls=Verb)
@click.option(
    "--inventory",
    type=click.File("r"),
    metavar="FILE",
    help="An Ansible inventory (INI, YAML, or what `ansible-inventory --list` prints); or -.",
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(("plain", "json")),
    default="plain",
    help="The file of specs with comments, or all of it as data.",
)
@pass_context
def adopt(context: Context, inventory: Optional[TextIO], form: str) -> None:
    """Propose hosts and services of a cluster that runs already.

    Asks the cluster which hosts it has, looks at them through ssh, and prints a file for
    `apply -i` that means what runs, so that nothing changes. What no spec can mean is named in its
    comments. Nothing is changed here either, and nothing is kept.

    \b
    Example:
      orch-ansible adopt > cluster.yml
      orch-ansible adopt --inventory /etc/ansible/hosts > cluster.yml
    """
    text = _read(inventory)
    cluster = find_cluster(context.environment.ceph, check=True)
    with Session(context, check=True, cluster=cluster) as session:
        adoption = session.orchestrator.adoption
        look = adoption.begin(text)
        # Hosts that cannot be read are named by what is proposed.
        session.settle()
        proposal = adoption.result(look)
        own = "orch-ansible apply -i FILE"
        kept = cluster.kept is not None
        file = proposal.to_file("ceph orch apply -i FILE" if kept else own, f"{own} --check")
        print_data(proposal.to_json(), (file if kept else own_words(file)).rstrip("\n"), form)


def _read(inventory: Optional[TextIO]) -> str:
    try:
        return inventory.read() if inventory is not None else ""
    except UnicodeDecodeError:
        raise InvalidValue("inventory", "the file", "it is not UTF-8 text") from None
