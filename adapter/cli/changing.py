"""A session that changes hosts and a cluster: nobody else changes the same directory meanwhile."""

from __future__ import annotations

import contextlib
from typing import Iterator, Optional

from adapter.cli.at_work import at_work
from adapter.cli.ceph import Ceph
from adapter.cli.cluster import Cluster, cluster_if_any, find_cluster
from adapter.cli.cluster_turn import Turn
from adapter.cli.context import Context
from adapter.cli.mgr_holder import Holder, claim, let_go_if_empty
from adapter.cli.session import Session
from adapter.cluster.bad_records import PAUSE
from adapter.errors import NotReady, UnreadableRecord


@contextlib.contextmanager
def changing(context: Context, words: str, *, check: bool) -> Iterator[Session]:
    """Return the session of a command (``words``) on the cluster; with ``check`` nothing changes.

    Raises ``NotReady`` where a manager does it, or another command holds the directory.
    """
    turn = _turn(context, words)
    cluster = find_cluster(context.environment.ceph, check=check, still_ours=turn.check)
    with _held(context, words, cluster, turn, check=check) as session:
        core = session.core
        if core.paused and not check:
            raise NotReady(
                "Nothing is done while it is paused.",
                f"Remove {core.store.shown_by(PAUSE)} to go on.",
            )
        if check:
            yield session
            return
        with _holding(context.environment.ceph, session):
            yield session


@contextlib.contextmanager
def _holding(ceph: Ceph, session: Session) -> Iterator[None]:
    """Have the cluster's hosts and services in the directory, as long as there are any."""
    mine = Holder.made(session.core.store, session.directory)
    claim(ceph, mine)
    try:
        yield
    finally:
        with contextlib.suppress(NotReady, UnreadableRecord):
            let_go_if_empty(ceph, mine, session.core.store)


@contextlib.contextmanager
def leaving(context: Context, words: str, *, check: bool) -> Iterator[Session]:
    """Return the session of a command on hosts, with the cluster where there is one to ask."""
    turn = _turn(context, words)
    cluster = cluster_if_any(context.environment.ceph, check=check, still_ours=turn.check)
    with _held(context, words, cluster, turn, check=check) as session:
        yield session


@contextlib.contextmanager
def changing_holder(context: Context, words: str) -> Iterator[Session]:
    """Return the session of a command that moves hosts and services from one holder to another."""
    held = _turn(context, words).taken(context.say)
    with at_work(context.path, words), held, Session(context, moving=True) as session:
        yield session


def _turn(context: Context, words: str) -> Turn:
    return Turn(context.environment.ceph, context.path, words)


@contextlib.contextmanager
def _held(
    context: Context, words: str, cluster: Optional[Cluster], turn: Turn, *, check: bool
) -> Iterator[Session]:
    with contextlib.ExitStack() as stack:
        if not check:
            stack.enter_context(at_work(context.path, words))
            if cluster is not None:
                stack.enter_context(turn.taken(context.say))
        yield stack.enter_context(Session(context, check=check, cluster=cluster))
