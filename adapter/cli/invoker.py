"""``orch-ansible invoker ...``: the one program of a user whose sudo is locked down."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import click

from adapter import __version__
from adapter.cli import config
from adapter.cli.content import usable_content
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.engine.child import default_python
from adapter.engine.invoker import INVOKER
from adapter.errors import AlreadyExists, NotReady
from adapter.programs import run_program

_SECONDS = 60.0


@click.group(cls=VerbGroup)
def invoker() -> None:
    """Read the program that hosts with locked-down sudo run.

    The playbook install_invoker.yml installs it, as root.
    """


@invoker.command("write")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--host-python",
    default="/usr/bin/python3",
    show_default=True,
    metavar="PATH",
    help="The interpreter on the hosts.",
)
@pass_context
def write(context: Context, file: Path, host_python: str) -> None:
    """Write the program to FILE for review.

    It is a zip archive with one line before it: `python3 -m zipfile -e FILE DIR` takes it apart.
    It is the same file that install_invoker.yml puts on hosts from here.

    \b
    Example:
      orch-ansible invoker write ceph-orch-invoker
    """
    if os.path.lexists(file):
        raise AlreadyExists(f"{file} is there already.", "Give another name, or remove it.")
    python = config.load(context.path).python or default_python()
    maker = usable_content(context.path) / "plugins/plugin_utils/invoker.py"
    done = run_program([python, str(maker), str(file), host_python], _SECONDS)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise NotReady(f"{python} cannot make the invoker: {lines[-1]}.", "Is Ansible there?")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    click.echo(f"Wrote {file}, version {__version__}, which hosts have as {INVOKER}")
    click.echo(f"sha256 {digest}")
