"""``orch-ansible device ...``."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import click

from adapter.cli import formatters
from adapter.cli.changing import changing
from adapter.cli.context import Context, VerbGroup, pass_context
from adapter.cli.converge import Converge
from adapter.cli.names import complete_device, complete_host
from adapter.cli.osds import print_planned, queue_wait_option
from adapter.cli.output import format_option, own_words, print_data
from adapter.cli.removing import Removing, going_on
from adapter.cli.session import Session
from adapter.cli.verbs import check_option, print_check
from adapter.errors import AdapterError, JobError
from adapter.interface import DeviceLightLoc, InventoryFilter, datetime_now, raise_if_exception
from adapter.names import check_device_path

# How long it is waited for a host that erases a disk (seconds).
ERASING = 600.0
# How the OSDs of a disk leave that is replaced.
REPLACED = {"replace": True, "zap": True, "force": False, "no_destroy": False}


@click.group(cls=VerbGroup)
def device() -> None:
    """Look at disks, switch their lights, erase and replace them."""


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


@device.command("zap")
@click.argument("host", metavar="HOST", shell_complete=complete_host)
@click.argument("path", metavar="PATH", shell_complete=complete_device)
@click.option("--force", is_flag=True, help="Yes, its data is to be ERASED; needed.")
@check_option
@pass_context
def zap(context: Context, host: str, path: str, force: bool, check: bool) -> None:
    """Erase a disk, so that it can be used again.

    As `ceph orch device zap`. One that is in use is refused, and one of an OSD of the cluster:
    `osd rm ID --zap` drains that one first.

    \b
    Example:
      orch-ansible device zap ceph-1 /dev/sdb --force --check
      orch-ansible device zap ceph-1 /dev/sdb --force
    """
    if not force:
        raise AdapterError("must pass --force to PERMANENTLY ERASE DEVICE DATA")
    with changing(context, f"device zap {host} {path}", check=check) as session:
        Converge(session).look()
        session.core.answer_wait = ERASING
        before, known = session.records(), len(session.engine.submitted)
        said = session.call(session.orchestrator.zap_device, host, path)
        if check:
            print_check(session, before, jobs=session.engine.submitted[known:])
        else:
            click.echo(own_words(said))


@device.command("replace")
@click.argument("host", metavar="HOST", shell_complete=complete_host)
@click.argument("path", metavar="PATH", shell_complete=complete_device)
@click.option("--clear", is_flag=True, help="Keep the OSDs of the disk after all.")
@click.option("--yes-i-really-mean-it", is_flag=True, help="Also all OSDs of a disk with several.")
@check_option
@queue_wait_option
@pass_context
def replace(
    context: Context,
    host: str,
    path: str,
    clear: bool,
    yes_i_really_mean_it: bool,
    check: bool,
    seconds: Optional[float],
) -> None:
    """Drain the OSDs of a disk, erase it, keep their ids.

    As `ceph orch device replace`: `osd rm ID --replace --zap` of all OSDs that the disk has. Their
    ids wait for the new disk. It waits for the end, and goes on as `osd rm` does.

    \b
    Example:
      orch-ansible device replace ceph-1 /dev/sdb --check
      orch-ansible device replace ceph-1 /dev/sdb
    """
    with changing(context, f"device replace {host} {path}", check=check) as session:
        Converge(session).look()
        osd_ids = _osds_on(session, host, path)
        goes_on = {} if clear else going_on(session, osd_ids, REPLACED)
        if osd_ids and len(goes_on) == len(osd_ids):
            said = "\n".join(goes_on.values())
        else:
            said = session.call(
                session.orchestrator.replace_device, host, path, clear, yes_i_really_mean_it
            )
        if check:
            print_planned(session, osd_ids)
            return
        click.echo(own_words(said))
        Removing(session).until_gone(osd_ids, seconds)


def _osds_on(session: Session, host: str, path: str) -> List[int]:
    """Return the OSDs that a disk has; raises ``UnknownName`` for a host."""
    core, planner = session.core, session.orchestrator.reconciler.planner
    known, osd_map = core.hosts.get(host), core.maps.osd_map()
    path = check_device_path(path, "device")
    with core.lock:
        return planner.on_disk(host, planner.renamed(known, path), osd_map)
