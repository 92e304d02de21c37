"""``orch-ansible upgrade ...``: which versions of Ceph hosts could have."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

import click

from adapter.cli.context import Context, Verb, VerbGroup, pass_context
from adapter.cli.output import format_option, own_words, print_data
from adapter.cli.session import JobsFailed, Session
from adapter.methods.upgrades import check_target
from adapter.tables import table

OFFERED_HEAD = ("VERSION", "ON HOSTS", "WHERE NOT")
CHECK_HEAD = ("HOST", "ON DISK", "WOULD GET", "TO RESTART")

_refresh = click.option(
    "--refresh/--cached", default=True, help="Read the hosts now, or the last report."
)


@click.group("upgrade", cls=VerbGroup)
def upgrade() -> None:
    """Upgrade Ceph's packages and daemons, and see what hosts are offered.

    Where a manager has this backend it upgrades its cluster itself, by `ceph orch upgrade`. There
    `plan` shows what it would do; `ls` and `check` see only the hosts of a directory (--dir), or
    this machine.
    """


@upgrade.command("ls", cls=Verb)
@click.option("--tags", is_flag=True, help="The versions of packages.")
@click.option("--show-all-versions", "everything", is_flag=True, help="Also older ones.")
@_refresh
@format_option
@pass_context
def ls(context: Context, tags: bool, everything: bool, refresh: bool, form: str) -> None:
    """List the versions that hosts are offered.

    By the lists of packages that they have; `upgrade check` reads these anew. Without hosts in the
    directory: of this very machine.

    \b
    Example:
      orch-ansible upgrade ls
      orch-ansible upgrade ls --show-all-versions -f json
    """
    with Session(context, local=True) as session:
        hosts = session.hosts()
        failed = session.read("upgrade_ls", hosts) if refresh else None
        found = session.call(session.orchestrator.upgrade_ls, None, tags, everything)
        print_data(found, _offered(found), form)
        if failed:
            raise failed


def _offered(found: Mapping[str, Any]) -> str:
    """Return a line for each version, those of some hosts only as well."""
    count = len(found["hosts"])
    rows = [(each, f"all {count}", "") for each in found.get("versions") or found.get("tags") or ()]
    for version, lacks in found["not_on_all_hosts"].items():
        where = "; ".join(f"{host}: {words}" for host, words in lacks.items())
        rows.append((version, f"{count - len(lacks)} of {count}", where))
    lines = [f"{host}: {why}" for host, why in found["unknown"].items()]
    if not rows:
        return "\n".join(["No newer version is offered", *lines])
    return "\n".join([table(OFFERED_HEAD, rows), *lines])


@upgrade.command("check", cls=Verb)
@click.argument("packages", metavar="[PACKAGE_VERSION]", required=False)
@click.option("--ceph-version", "version", metavar="X.Y.Z", help="A version of Ceph.")
@_refresh
@format_option
@pass_context
def check(
    context: Context, packages: Optional[str], version: Optional[str], refresh: bool, form: str
) -> None:
    """Say what an upgrade would change, and what is in its way.

    The lists of packages are read anew; no package is changed. What speaks against the upgrade is
    printed at the end, and the exit status is 1 then.

    \b
    Example:
      orch-ansible upgrade check --ceph-version 20.2.5
      orch-ansible upgrade check 20.2.5+ds-1
    """
    target = check_target(packages, version)
    with Session(context, local=True) as session:
        hosts = session.hosts()
        failed = session.read("upgrade_check", hosts) if refresh else None
        found = session.orchestrator.upgrades.compared(target)
        print_data(found, _compared(session, found), form)
        lines = [own_words(line) for line in found["obstacles"]]
        if failed:
            lines += failed.lines
        if lines:
            raise JobsFailed(lines)


def _compared(session: Session, found: Mapping[str, Any]) -> str:
    """Return a line for each host, and how many daemons run what."""
    waiting = _by_host(session, found["needs_update"])
    rows = [
        (
            host,
            ", ".join(row["on_disk"]),
            ", ".join(row["would_get"]) or "-",
            ", ".join(waiting.get(host, ())) or "-",
        )
        for host, row in found["hosts"].items()
    ]
    needs, done = len(found["needs_update"]), len(found["up_to_date"])
    summary = f"{done} of {needs + done} daemons run {found['target_version']}"
    return "\n".join([*([table(CHECK_HEAD, rows)] if rows else []), summary])


def _by_host(session: Session, needs: Mapping[str, Any]) -> Dict[str, Sequence[str]]:
    found: Dict[str, List[str]] = {}
    for daemon in session.orchestrator.upgrades.running():
        if daemon.name in needs:
            found.setdefault(daemon.host, []).append(f"{daemon.name} ({daemon.version})")
    return {host: sorted(names) for host, names in found.items()}
