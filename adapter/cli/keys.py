"""``orch-ansible key ...``: the ssh key that logs in to the hosts."""

from __future__ import annotations

import click

from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.session import Session
from adapter.errors import AlreadyExists, NotReady


@click.group(cls=VerbGroup)
def key() -> None:
    """Make the ssh key for the hosts, or print it.

    An existing key can be used instead: `ssh_identity_file: PATH` in config.yml.
    """


@key.command("generate")
@click.option("--force", is_flag=True, help="Replace the key that is there; hosts trust that one.")
@pass_context
def generate(context: Context, force: bool) -> None:
    """Make a new key, print its public part.

    It is kept in the directory.

    \b
    Example:
      orch-ansible key generate | ssh root@ceph-1 'cat >> .ssh/authorized_keys'
    """
    with Session(context) as session:
        if session.config.ssh_identity_file:
            raise NotReady(
                f"config.yml names a key: {session.config.ssh_identity_file}.",
                "Take out ssh_identity_file to use one of the directory's own.",
            )
        if not force and session.access.public_key():
            raise AlreadyExists(
                "There is a key already.",
                "Hosts trust it; give --force to replace it, then install the new public key.",
            )
        private, public = session.access.generate_key()
        session.access.keep_key(private)
        click.echo(public)


@key.command("public")
@pass_context
def public(context: Context) -> None:
    """Print the public key.

    Put it into authorized_keys on the hosts.

    \b
    Example:
      orch-ansible key public | ssh root@ceph-1 'cat >> .ssh/authorized_keys'
    """
    with Session(context) as session:
        found = session.access.public_key()
        if not found:
            raise NotReady("There is no ssh key.", "Make one with `orch-ansible key generate`.")
        click.echo(found)
