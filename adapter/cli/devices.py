"""``orch-ansible device ...``."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import click

from adapter.cli import formatters
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.names import complete_device, complete_host
from adapter.cli.output import format_option, print_data
from adapter.cli.session import Session
from adapter.cli.verbs import check_option, print_check
from adapter.errors import JobError
from adapter.interface import DeviceLightLoc, InventoryFilter, datetime_now, raise_if_exception


@click.group(cls=VerbGroup)
def device() -> None:
    """Look at disks, and switch their lights."""


@device.command("ls")
@click.argument("hosts", metavar="[HOST]...", nargs=-1, shell_complete=complete_host)
@click.option("--wide", is_flag=True, help="With transport, speed, health and lights.")
@click.option("--refresh/--cached", default=True, help="Read the hosts now, or the last report.")
@format_option
@pass_context
def ls(context: Context, hosts: Tuple[str, ...], wide: bool, refresh: bool, form: str) -> None:
    """List the disks of hosts.

    With the reasons why Ceph cannot use them. Without hosts in the directory: of this very machine.

    \b
    Example:
      orch-ansible device ls
      orch-ansible device ls ceph-1 --wide
      orch-ansible device ls --cached -f json
    """
    with Session(context, local=True) as session:
        wanted = session.hosts(hosts)
        failed = session.read("get_inventory", wanted) if refresh else None
        chosen = InventoryFilter(hosts=[host.hostname for host in wanted])
        found = raise_if_exception(session.orchestrator.get_inventory(chosen))
        if failed:
            bad = session.failed_hosts()
            found = [each for each in found if each.name not in bad]
        data = [each.to_json() for each in found]
        text = formatters.devices(found, datetime_now(), wide=wide) if found or not failed else ""
        print_data(data, text, form)
        if failed:
            raise failed


@device.command("light")
@click.argument("host", metavar="HOST", shell_complete=complete_host)
@click.argument("path", metavar="PATH", shell_complete=complete_device)
@click.argument("kind", metavar="ident|fault", type=click.Choice(["ident", "fault"]))
@click.argument("state", metavar="on|off", type=click.Choice(["on", "off"]))
@check_option
@format_option
@pass_context
def light(
    context: Context, host: str, path: str, kind: str, state: str, check: bool, form: str
) -> None:
    """Switch the light of a disk, and read it back.

    \b
    Example:
      orch-ansible device light ceph-1 /dev/sdb ident on
    """
    with Session(context, check=check, local=True) as session:
        path = path if path.startswith("/") else f"/dev/{path}"
        location = DeviceLightLoc(host, path, path)
        before = session.records()
        try:
            session.call(session.orchestrator.blink_device_light, kind, state == "on", [location])
        except JobError:
            if not session.engine.submitted:
                raise
        failed = session.settle()
        if check:
            print_check(session, before)
        else:
            rows = _lights(session)
            print_data(rows, "\n".join(_light_text(kind, row) for row in rows), form)
        if failed:
            raise failed


def _lights(session: Session) -> List[Dict[str, Any]]:
    return [
        {"host": host, **light}
        for job in session.engine.submitted
        for host, result in sorted(job.result.items())
        for light in result.get("lights") or ()
    ]


def _light_text(kind: str, row: Dict[str, Any]) -> str:
    """Say how the light is now; what the hardware does not tell is only what was asked for."""
    seen = row.get("read_back")
    state = "on" if (row.get("on") if seen is None else seen) else "off"
    how = str(row.get("method")) + (", not read back" if seen is None else "")
    return f"{row['host']}:{row.get('path') or row.get('dev')}: {kind} light is {state} ({how})"
