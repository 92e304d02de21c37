"""Monitors. What they need besides a key is in the package ``mon``."""

from __future__ import annotations

import os
from typing import Any, Dict, FrozenSet, Mapping

from ...system.reading import Roots
from ..mon.joining import joining
from ..mon.views import ask_own, own_view
from ..shapes import DaemonShape
from .base import Kind
from .extra import Extra


class Monitor(Kind):
    """A monitor."""

    name = "mon"
    unit = "ceph-mon@{id}.service"
    entity = "mon."
    program = "ceph-mon"
    stops = 3
    data = "lib/ceph/mon/ceph-{id}"
    socket = "ceph-mon.{id}.asok"
    ports = (3300, 6789)
    # The monitors' own key lies in no database that could tell what it may do.
    caps = '\tcaps mon = "allow *"\n'
    tells_version = True
    keeps_store = True
    question = "mon_status"
    lack = "it runs, but has not joined the quorum"

    def is_at_work(self, answer: Mapping[str, Any], others: FrozenSet[str] = frozenset()) -> bool:
        """Tell whether it is in a quorum, and with one of ``others``, where there are any.

        Nobody else tells it from one that leads a cluster of its own.
        """
        view = own_view(answer)
        return view is not None and bool(view.quorum & others if others else view.quorum)

    def reason_hopeless(
        self, daemon: DaemonShape, answer: Mapping[str, Any], others: FrozenSet[str]
    ) -> str:
        """Return a sentence if it leads a cluster of its own, where it should have joined."""
        view = own_view(answer)
        if view is None or not view.quorum or not others or view.quorum & others:
            return ""
        return (
            f"{daemon.unit}: it has formed a cluster of its own (monmap epoch {view.epoch}: "
            f"{', '.join(sorted(view.mons))}) instead of joining {', '.join(sorted(others))}. This "
            "happens when mon_initial_members names it. Remove mon_initial_members from "
            f"/etc/ceph/ceph.conf, then run `ceph orch daemon redeploy {daemon.name}`: it puts the "
            "store aside and lets the monitor join."
        )

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what makes its store and lets it join."""
        # Imported where it is needed: Python compiles what a module imports on every call.
        from ..mon.store import MonStores

        return MonStores(roots, conf, touch)

    def more_of_row(self, roots: Roots, daemon_id: str, state: str) -> Dict[str, Any]:
        """Return the quorum that it says it is in, and whether it has still to be finished."""
        path = os.path.join(roots.ceph_run, self.socket.format(id=daemon_id))
        own = ask_own(path) if state == "running" else None
        return {
            "quorum": sorted(own.quorum) if own is not None else [],
            "unfinished": daemon_id in joining(roots),
        }


KIND = Monitor()
