"""A session that changes hosts and a cluster: nobody else changes the same directory meanwhile."""

from __future__ import annotations

import contextlib
from typing import Iterator, Optional

from adapter.cli.at_work import at_work
from adapter.cli.cluster import Cluster, cluster_if_any, find_cluster
from adapter.cli.context import Context
from adapter.cli.session import Session
from adapter.cluster.bad_records import PAUSE
from adapter.errors import NotReady


@contextlib.contextmanager
def changing(context: Context, words: str, *, check: bool) -> Iterator[Session]:
    """Return the session of a command (``words``) on the cluster; with ``check`` nothing changes.

    Raises ``NotReady`` where a manager does it, or another command holds the directory.
    """
    cluster = find_cluster(context.environment.ceph, check=check)
    with _held(context, words, cluster, check=check) as session:
        core = session.core
        if core.paused and not check:
            raise NotReady(
                "Nothing is done while it is paused.",
                f"Remove {core.store.shown_by(PAUSE)} to go on.",
            )
        yield session


@contextlib.contextmanager
def leaving(context: Context, words: str, *, check: bool) -> Iterator[Session]:
    """Return the session of a command on hosts, with the cluster where there is one to ask."""
    cluster = cluster_if_any(context.environment.ceph, check=check)
    with _held(context, words, cluster, check=check) as session:
        yield session


@contextlib.contextmanager
def _held(
    context: Context, words: str, cluster: Optional[Cluster], *, check: bool
) -> Iterator[Session]:
    with contextlib.ExitStack() as stack:
        if not check:
            stack.enter_context(at_work(context.path, words))
        yield stack.enter_context(Session(context, check=check, cluster=cluster))
