"""``orch-ansible mgr ...``: the mgr module on a manager's host, and the backend."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import click

from adapter import __version__
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.mgr_backend import (
    cluster_lines,
    cluster_status,
    disable,
    enable,
)
from adapter.cli.mgr_files import install, uninstall
from adapter.cli.mgr_here import ManagersHere
from adapter.cli.mgr_moves import hand_back, take_over
from adapter.cli.output import format_option, print_data
from adapter.cli.packaged import PACKAGE
from adapter.cli.place import Place, content_items, facts, module_items
from adapter.cluster.osd_removals import KIND
from adapter.cluster.store import YamlStore
from adapter.errors import AdapterError, NotReady
from adapter.installed import PYTHON, STATE

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    default=Path("/"),
    help="Install below DIR, which becomes a host later; what a host has is then not checked.",
    metavar="DIR",
)
check_option = click.option("--check", is_flag=True, help="Only say what would be changed.")


@click.group(cls=VerbGroup)
def mgr() -> None:
    """Put this into Ceph's manager.

    `ceph orch` and the dashboard then speak to it.

    \b
    On every manager's host:            orch-ansible mgr install
    Then on one with an admin keyring:  orch-ansible mgr enable
    """


mgr.add_command(take_over)
mgr.add_command(hand_back)


@mgr.command("install")
@root_option
@click.option(
    "--state-dir",
    default="",
    show_default=f"as installed, else {STATE}",
    help="Where jobs, ssh files and reports go; belongs to the user ceph.",
)
@click.option(
    "--python",
    default="",
    show_default=f"as installed, else {PYTHON}",
    help="The interpreter that has ansible-core and ansible-runner. A command of a virtual "
    "environment takes its own.",
)
@check_option
@pass_context
def install_verb(context: Context, root: Path, state_dir: str, python: str, check: bool) -> None:
    """Install what ceph-mgr needs here.

    As root, on every manager's host.

    A second run changes nothing. After an upgrade of this package run it again, then restart
    ceph-mgr.

    \b
    Example:
      orch-ansible mgr install --check
      orch-ansible mgr install
    """
    place = context.environment.place(root, state_dir, python)
    _need_root(place)
    changes = install(place, check=check)
    _print_changes(changes, check=check)
    if changes and not check:
        context.say(
            "Next: do the same on every manager's host; restart ceph-mgr where the module was "
            "in use already; then `orch-ansible mgr enable` once."
        )


@mgr.command("uninstall")
@root_option
@click.option(
    "--purge",
    is_flag=True,
    help="Remove the state directory too (jobs, keys, reports), and what the monitors keep: hosts, "
    "specs, queues.",
)
@check_option
@pass_context
def uninstall_verb(context: Context, root: Path, purge: bool, check: bool) -> None:
    """Remove what `mgr install` made here.

    Exactly that, as root. With --purge also all that was kept, on this host and, once the module is
    disabled, in the monitors; daemons and OSDs run on.

    \b
    Example:
      orch-ansible mgr disable
      orch-ansible mgr uninstall
    """
    place: Place = context.environment.place(root)
    _need_root(place)
    changes: List[str] = []
    if place.live:
        here = ManagersHere(context.environment.ceph)
        if purge:
            changes = here.purge_records(check=check)
        if not check:
            here.wait_for_start(context.environment.until, context.say)
        for line in here.still_enabled():
            context.say(line)
    changes += uninstall(place, purge=purge, check=check)
    _print_changes(changes, check=check)
    if changes and not check:
        context.say("A running ceph-mgr keeps what it has loaded until it is restarted.")


@mgr.command("enable")
@click.option("--replace", is_flag=True, help="Also if another backend is set now.")
@pass_context
def enable_verb(context: Context, replace: bool) -> None:
    """Make it the backend of `ceph orch`.

    Enables the module, sets the backend, waits for it, prints `ceph orch status`.
    Needs `ceph` with an admin keyring.

    \b
    Example:
      orch-ansible mgr enable
    """
    environment = context.environment
    refuse_queue(context)
    status = enable(environment.ceph, context.say, environment.until, replace=replace)
    click.echo(status.rstrip())
    if "Available: Yes" in status:
        return
    context.say(
        "Next: `ceph ansible generate-key`, put the key that it prints into authorized_keys on "
        "the hosts, then `ceph orch host add NAME ADDR`."
    )


@mgr.command("disable")
@pass_context
def disable_verb(context: Context) -> None:
    """Disable the module, clear the backend.

    Nothing is removed. It returns when the managers have restarted without the module.

    \b
    Example:
      orch-ansible mgr disable
    """
    environment = context.environment
    disable(environment.ceph, context.say, environment.until)


@mgr.command("status")
@root_option
@format_option
@pass_context
def status_verb(context: Context, root: Path, form: str) -> None:
    """Show what is installed and set.

    On this host, and what the cluster says of module and backend.

    \b
    Example:
      orch-ansible mgr status
      orch-ansible mgr status -f json
    """
    data: Dict[str, Any] = {"here": _installed(context.environment.place(root, "", ""))}
    lines = _here_lines(data["here"])
    try:
        data["cluster"] = cluster_status(context.environment.ceph)
        lines += cluster_lines(data["cluster"])
    except AdapterError as error:
        data["cluster"] = None
        lines.append(f"Cluster          not asked: {error}")
    print_data(data, "\n".join(lines), form)


def refuse_queue(context: Context) -> None:
    """Raise ``NotReady`` while OSDs are being removed by this command's own queue.

    A manager would know nothing of them, nor of the weights that they are to get back.
    """
    queue = YamlStore(context.path).items(KIND)
    ids = sorted([*queue, *queue.unreadable])
    if ids:
        names = ", ".join(f"osd.{each}" for each in ids)
        raise NotReady(
            f"{names} {'is' if len(ids) == 1 else 'are'} being removed by `orch-ansible` (queue in "
            f"{context.path}), and a manager would not go on with that.",
            "`orch-ansible mgr hand-back` gives the queue to the manager, `orch-ansible osd rm "
            "continue` brings it to its end, `orch-ansible osd rm stop "
            f"{' '.join(ids)}` gives {'it' if len(ids) == 1 else 'them'} back.",
        )


def _installed(place: Place) -> Dict[str, Any]:
    content, module = place.content.manifest(), place.module.manifest()
    changed: List[str] = []
    package = (content or {}).get(PACKAGE)
    if content is not None and module is not None:
        # As it is installed, whatever this command would install.
        place = replace(
            place, state=str(content.get("state_directory")), python=str(content.get("python"))
        )
        manifest = {} if package else facts(place)
        changed += place.content.differences(content_items(place.python), manifest)
        changed += place.module.differences(module_items(), manifest)
    return {
        "installed": content is not None and module is not None,
        "version": (content or {}).get("version"),
        "package": package,
        "python": (content or {}).get("python"),
        "content": str(place.content.directory),
        "module": str(place.module.directory),
        "state_directory": (content or {}).get("state_directory"),
        "differences": changed,
    }


def _here_lines(here: Dict[str, Any]) -> List[str]:
    if not here["installed"]:
        return ["Installed here   no"]
    differs = len(here["differences"])
    same = "as this command has it" if not differs else f"differs from this command ({differs})"
    package = f" from the package {here['package']}" if here["package"] else ""
    return [
        f"Installed here   {here['version']}{package}, {same}",
        f"Interpreter      {here['python']}",
        f"State            {here['state_directory']}",
    ]


def _need_root(place: Place) -> None:
    if place.live and os.geteuid() != 0:
        raise NotReady("Only root may do this.", "Run it with sudo.")


def _print_changes(changes: List[str], *, check: bool) -> None:
    if not changes:
        click.echo(f"Nothing to change ({__version__} is there)" if check else "Nothing changed")
    for line in changes:
        click.echo(f"would {line}" if check else line)
