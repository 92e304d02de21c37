"""``orch-ansible host drain ...``: a host gets empty, or stays, without a manager."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

import click

from adapter.cli.changing import changing
from adapter.cli.context import Context, DefaultGroup, Verb, pass_context
from adapter.cli.converge import Converge
from adapter.cli.hosts import host_argument
from adapter.cli.names import complete_drained
from adapter.cli.osds import queue_wait_option
from adapter.cli.output import own_words
from adapter.cli.removal_formatters import planned
from adapter.cli.removing import Removing
from adapter.cli.session import JobsFailed, Session
from adapter.cli.verbs import check_option, print_check
from adapter.cluster.osd_removals import Stage

# How long daemons may take to leave or to come back where no time is given (seconds).
DAEMONS = 600.0


@click.command("drain", cls=Verb)
@click.argument("name", metavar="NAME", shell_complete=complete_drained)
@click.option(
    "--force", is_flag=True, help="Also if data would have no other place, or a service no host."
)
@click.option("--keep-conf-keyring", is_flag=True, help="Leave ceph.conf and the admin keyring.")
@click.option(
    "--zap-osd-devices", is_flag=True, help="Wipe the disks of its OSDs afterwards: DESTROYS DATA."
)
@check_option
@queue_wait_option
@pass_context
def drain_name(
    context: Context,
    name: str,
    force: bool,
    keep_conf_keyring: bool,
    zap_osd_devices: bool,
    check: bool,
    seconds: Optional[float],
) -> None:
    """Empty a host: its daemons and OSDs leave.

    As `ceph orch host drain`, and waits for the end: until all data is elsewhere, which may take
    hours. A drain that cannot end is refused before anything is done. However the command ends
    before, type it again: it goes on where it was.

    \b
    orch-ansible host drain stop NAME   keep it: labels taken away, OSDs as before

    \b
    Example:
      orch-ansible host drain ceph-3 --check
      orch-ansible host drain ceph-3 --zap-osd-devices && orch-ansible host rm ceph-3
    """
    with changing(context, f"host drain {name}", check=check) as session:
        converge = Converge(session)
        converge.look()
        before, reads = session.records(), len(session.engine.submitted)
        said = session.call(
            session.orchestrator.drain_host, name, force, keep_conf_keyring, zap_osd_devices
        )
        if check:
            _print_planned(session, name, said, before, reads)
            return
        click.echo(own_words(said))
        failed = session.settle()
        if failed:
            raise failed
        core = session.core
        with core.lock:
            daemons = session.orchestrator.reconciler.drains.daemons_of(name)
            osds = [each.osd_id for each in core.removals.all() if each.host == name]
        converge.bring_about(sorted(set(daemons.values())), seconds or DAEMONS)
        Removing(session).until_gone(osds, seconds)
        _tell_end(session, converge, name)


def _print_planned(session: Session, name: str, said: str, before: Any, reads: int) -> None:
    """Print what a drain would do; the first jobs (``reads``) have only looked."""
    session.settle()
    table = said.split("\n`", 1)[0].splitlines()
    click.echo(f"Would remove from host '{name}':")
    for line in table[1:]:
        click.echo(own_words(line))
    with session.core.lock:
        found = [each for each in session.core.removals.all() if each.drain == name]
    for removal in found:
        for line in planned(removal):
            click.echo(line)
    print_check(session, before, session.engine.submitted[reads:])


def _tell_end(session: Session, converge: Converge, name: str) -> None:
    """Say that a host is empty; raise ``JobsFailed`` with what is left there."""
    converge.look()
    converge.round()
    core, reconciler = session.core, session.orchestrator.reconciler
    reconciler.drains.look(reconciler.osd_map)
    with core.lock:
        known, osd_map = core.hosts.get(name), reconciler.osd_map
        left: Sequence[str] = ()
        if osd_map is not None:
            left = reconciler.drains.left(known, osd_map).reasons
    if left:
        raise JobsFailed([*map(own_words, left), f"host {name} is not empty yet"])
    click.echo(f"Host '{name}' is drained; `orch-ansible host rm {name}` removes it.")


drain = DefaultGroup("drain", default=drain_name)


@drain.command("stop")
@host_argument
@check_option
@queue_wait_option
@pass_context
def stop(context: Context, name: str, check: bool, seconds: Optional[float]) -> None:
    """Keep a host that is being drained.

    The labels of the drain go, OSDs get back what draining took, and services deploy daemons again
    as their specs say.

    \b
    Example:
      orch-ansible host drain stop ceph-3
    """
    with changing(context, f"host drain stop {name}", check=check) as session:
        converge, core = Converge(session), session.core
        converge.look()
        before, reads = session.records(), len(session.engine.submitted)
        with core.lock:
            osds = [each.osd_id for each in core.removals.all() if each.drain == name]
        said = session.call(session.orchestrator.stop_drain_host, name)
        failed = session.settle()
        if check:
            print_check(session, before, session.engine.submitted[reads:])
            return
        click.echo(own_words(said))
        if failed:
            raise failed
        with core.lock:
            kept = [each for each in osds if _is_kept(session, each)]
        Removing(session).until_gone(kept, seconds)
        session.orchestrator.reconciler.remover.is_resting = True
        converge.bring_about(_services_back(session, name), seconds or DAEMONS)


def _is_kept(session: Session, osd_id: int) -> bool:
    removal = session.core.removals.get(osd_id)
    return removal is not None and removal.stage is Stage.KEEPING


def _services_back(session: Session, name: str) -> List[str]:
    """Return the services that have a place on a host."""
    services = session.orchestrator.reconciler.services
    with session.core.lock:
        there, hosts = services.running(), services.hosts()
        return [
            wanted.name
            for wanted in session.core.specs.all()
            if wanted.spec.service_type != "osd"
            and not wanted.spec.unmanaged
            and any(
                place.hostname == name
                for place in services.diff(wanted, there.get(wanted.name, []), hosts).add
            )
        ]
