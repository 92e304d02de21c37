"""A session that changes hosts and a cluster: nobody else changes the same directory meanwhile."""

from __future__ import annotations

import contextlib
from typing import Iterator, Optional

from adapter.cli.at_work import at_work
from adapter.cli.ceph import Ceph
from adapter.cli.cluster import OWN_CLUSTER, Cluster, cluster_if_any, find_cluster
from adapter.cli.cluster_lock import ClusterLock
from adapter.cli.context import Context
from adapter.cli.mgr_holder import Holder, claim, holder_of, let_go_if_empty
from adapter.cli.session import Session
from adapter.cluster.bad_records import PAUSE
from adapter.cluster.store import YamlStore
from adapter.errors import NotReady, UnreadableRecord


@contextlib.contextmanager
def changing(context: Context, words: str, *, check: bool) -> Iterator[Session]:
    """Return the session of a command (``words``) on the cluster; with ``check`` nothing changes.

    Raises ``NotReady`` where a manager does it, or another command holds the directory.
    """
    lock = _lock(context, words)
    cluster = find_cluster(context.environment.ceph, check=check, still_ours=lock.check)
    with _held(context, words, cluster, lock, check=check) as session:
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


def on_hosts(context: Context, *, check: bool, is_new: bool = False) -> Session:
    """Return the session of a command on hosts alone; they are told whose they are.

    A host's record names the cluster that has it, and is refused to everybody who names another.
    """
    return Session(context, check=check, fsid=_held_cluster(context, sure=is_new))


def _held_cluster(context: Context, *, sure: bool) -> str:
    """Return the cluster whose hosts and services the directory has; nothing where it has none.

    Where the monitors do not answer it is what the directory knows, unless it has to be ``sure``:
    a host that comes may be somebody else's, those that are there are its own.
    """
    store = YamlStore(context.path)
    known = str((store.get(OWN_CLUSTER) or {}).get("fsid") or "")
    if not known:
        return ""
    try:
        holder = holder_of(context.environment.ceph)
    except NotReady:
        return "" if sure else known
    return known if holder == Holder.here(store, context.path) else ""


@contextlib.contextmanager
def leaving(context: Context, words: str, *, check: bool) -> Iterator[Session]:
    """Return the session of a command on hosts, with the cluster where there is one to ask."""
    lock = _lock(context, words)
    cluster = cluster_if_any(context.environment.ceph, check=check, still_ours=lock.check)
    fsid = "" if cluster else _held_cluster(context, sure=False)
    with _held(context, words, cluster, lock, check=check, fsid=fsid) as session:
        yield session


@contextlib.contextmanager
def changing_holder(context: Context, words: str) -> Iterator[Session]:
    """Return the session of a command that moves hosts and services from one holder to another."""
    held = _lock(context, words).held(context.say)
    with at_work(context.path, words), held, Session(context, moving=True) as session:
        yield session


def _lock(context: Context, words: str) -> ClusterLock:
    return ClusterLock(context.environment.ceph, context.path, words)


@contextlib.contextmanager
def _held(
    context: Context,
    words: str,
    cluster: Optional[Cluster],
    lock: ClusterLock,
    *,
    check: bool,
    fsid: str = "",
) -> Iterator[Session]:
    with contextlib.ExitStack() as stack:
        if not check:
            stack.enter_context(at_work(context.path, words))
            if cluster is not None:
                stack.enter_context(lock.held(context.say))
        yield stack.enter_context(Session(context, check=check, cluster=cluster, fsid=fsid))
