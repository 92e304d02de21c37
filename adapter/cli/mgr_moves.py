"""``orch-ansible mgr take-over`` and ``mgr hand-back``: hosts and services change hands."""

from __future__ import annotations

import sys
from typing import Any, Dict, List

import click

from adapter.cli import mgr_holder
from adapter.cli.ceph import Ceph
from adapter.cli.changing import changing_holder
from adapter.cli.cluster import fsid_of, has_invoker, keep_cluster
from adapter.cli.context import Context, Verb, pass_context
from adapter.cli.mgr_holder import Holder, Records
from adapter.cli.mgr_records import PREFIX
from adapter.cli.session import Session
from adapter.errors import AlreadyExists, NotReady

_USER = "mgr/ansible/ssh_user"
_INVOKER = "mgr/ansible/sudo_invoker"
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("take-over", cls=Verb)
@yes_option
@pass_context
def take_over(context: Context, yes: bool) -> None:
    """Take a manager's hosts and services into the directory.

    Hosts with labels and pinned keys, specs, removals of OSDs and what else is under way, and the
    ssh key. The module must be disabled (`mgr disable`). The monitors keep that this directory has
    them now, and nothing else.

    \b
    Example:
      orch-ansible mgr disable
      orch-ansible mgr take-over
    """
    ceph = context.environment.ceph
    with changing_holder(context, "mgr take-over") as session:
        mine = Holder.here(session.core.store, session.directory)
        mgr_holder.check_disabled(ceph)
        mgr_holder.check_free(ceph, mine)
        records, key = mgr_holder.kept(ceph)
        if not records and mgr_holder.holder_of(ceph) == mine:
            raise AlreadyExists(
                f"{session.directory} has this cluster's hosts and services already.",
                "`orch-ansible mgr hand-back` gives them to a manager again.",
            )
        if not records:
            raise NotReady(
                "The managers of this cluster keep no hosts and no services.",
                "`orch-ansible adopt` proposes what runs.",
            )
        mgr_holder.check_here(session.core.store, session.directory)
        keep_cluster(session.core.store, fsid_of(ceph), session.directory)
        there = mgr_holder.in_directory(session.core.store)
        if mgr_holder.holder_of(ceph) != mine:
            other = "use an empty directory (--dir)"
            mgr_holder.check_empty(there, records, str(session.directory), other)
        elif not mgr_holder.is_moving(ceph):
            # One that was cut: what the monitors have no more is here.
            mgr_holder.check_leftovers(there, records)
        _check_login(session, ceph, key)
        _ask(context, f"To be taken into {session.directory}:", records, yes)
        mgr_holder.check_free(ceph, mine)
        if key and not session.config.ssh_identity_file:
            session.access.keep_key(key)
        mine = Holder.made(session.core.store, session.directory)
        mgr_holder.take_over(ceph, session.core.store, mine, records)
        context.say("Done. `orch-ansible mgr hand-back` gives all of it to a manager again.")


@click.command("hand-back", cls=Verb)
@yes_option
@pass_context
def hand_back(context: Context, yes: bool) -> None:
    """Give the directory's hosts and services to the manager.

    The other way round of `mgr take-over`; the directory has none of them then. The module must be
    disabled, and the monitors must have no others. `mgr enable` puts them in force.

    \b
    Example:
      orch-ansible mgr hand-back
      orch-ansible mgr enable
    """
    ceph = context.environment.ceph
    with changing_holder(context, "mgr hand-back") as session:
        mine = Holder.here(session.core.store, session.directory)
        if mgr_holder.has_moved(session.core.store):
            keep_cluster(session.core.store, fsid_of(ceph), session.directory)
            mgr_holder.end_hand_back(ceph, session.core.store, mine)
            context.say("The manager has all of it already; what was left here is removed.")
            return
        mgr_holder.check_disabled(ceph)
        mgr_holder.check_free(ceph, mine)
        keep_cluster(session.core.store, fsid_of(ceph), session.directory)
        records = mgr_holder.in_directory(session.core.store)
        mgr_holder.check_settled(ceph)
        if not records:
            raise NotReady(
                f"There are no hosts and no services in {session.directory}.",
                "Give the directory that has them: --dir DIR.",
            )
        kept_key = _check_monitors(ceph, records)
        own = "" if session.config.ssh_identity_file else session.access.private_key()
        if not own and not kept_key:
            context.say(
                "The manager gets no ssh key: give it one with `ceph ansible set-priv-key -i FILE`."
            )
        _check_same_login(session, ceph, own, kept_key)
        _ask(context, "To be given to the manager:", records, yes)
        # While it was asked the module may have been enabled, and hosts been added there.
        mgr_holder.check_disabled(ceph)
        mgr_holder.check_free(ceph, mine)
        _check_monitors(ceph, records)
        mgr_holder.hand_back(ceph, session.core.store, mine, records, own)
        context.say("Done. `orch-ansible mgr enable` puts them in force.")


def _check_monitors(ceph: Ceph, records: Records) -> str:
    """Raise ``AlreadyExists`` where the monitors have other records; return the key they have."""
    there, key = mgr_holder.kept(ceph)
    mgr_holder.check_empty(
        there,
        records,
        "The monitors' store",
        f"`ceph config-key rm {PREFIX}KEY` removes each that is not meant; that of an osd_removal "
        "is the only one that knows the OSD's weight, `ceph config-key get` shows it and `ceph osd "
        "crush reweight` gives it back",
    )
    return key


def _ask(context: Context, head: str, records: Dict[str, Any], yes: bool) -> None:
    """Say what is moved and wait for a yes; without one nothing is done."""
    lines: List[str] = [head, *(f"  {line}" for line in mgr_holder.described(records))]
    for line in lines:
        context.say(line)
    if yes:
        return
    try:
        click.confirm("Go on?", abort=True, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise NotReady("Nobody has confirmed it; nothing was moved.", "Give --yes.") from None


def _check_login(session: Session, ceph: Ceph, key: str) -> None:
    """Raise where this directory would reach hosts otherwise than the manager did."""
    _check_user(session, ceph)
    there = session.access.public_key()
    named = bool(session.config.ssh_identity_file)
    if there and key and not named and not _is_same(there, session.access.check_key(key)):
        raise AlreadyExists(
            f"{session.directory} has an ssh key of its own already, which is another one.",
            "Use an empty directory (--dir), or move that key away.",
        )
    if not there and not key:
        raise NotReady(
            "The manager keeps no ssh key in the monitors: it uses a file.",
            f"Name that file in {session.directory}/config.yml (ssh_identity_file).",
        )


def _check_same_login(session: Session, ceph: Ceph, own: str, kept_key: str) -> None:
    """Raise where the manager would reach hosts otherwise than this directory does."""
    _check_user(session, ceph)
    if own and kept_key and own.strip() != kept_key.strip():
        mine, theirs = session.access.check_key(own), session.access.check_key(kept_key)
        if not _is_same(mine, theirs):
            raise AlreadyExists(
                "The monitors have another ssh key than this directory, and the hosts may not know "
                "it.",
                f"If it is old, `ceph config-key rm {PREFIX}{mgr_holder.KEY}` removes it.",
            )


def _check_user(session: Session, ceph: Ceph) -> None:
    rows = ceph.json("config", "dump")
    users = [str(row.get("value")) for row in rows if row.get("name") == _USER]
    user, own = (users or ["root"])[0], session.config.settings.ssh_user
    if user != own:
        raise NotReady(
            f"The manager reaches its hosts as user {user}, this directory as {own}.",
            f"Write `ssh_user: {user}` into {session.directory}/config.yml first, or set "
            f"`ceph config set mgr {_USER} {own}`.",
        )
    theirs, mine = has_invoker(ceph), session.config.settings.sudo_invoker
    if theirs != mine:
        raise NotReady(
            f"sudo_invoker is {_word(theirs)} for the manager and {_word(mine)} in this directory.",
            f"Write `sudo_invoker: {_word(theirs)}` into {session.directory}/config.yml first, or "
            f"set `ceph config set mgr {_INVOKER} {_word(mine)}`.",
        )


def _word(flag: bool) -> str:
    return "true" if flag else "false"


def _is_same(one: str, other: str) -> bool:
    """Tell whether two public keys are one, whatever their comments say."""
    return one.split()[:2] == other.split()[:2]
