"""Daemons that are taken from hosts, as the job that does it is told of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence

from adapter.cluster.schedule import Daemon
from adapter.cluster.unused_keys import UnusedKey
from adapter.core import Core
from adapter.engine.gate import Ask, Asked
from adapter.kinds import Kind
from adapter.reconcile.removed_daemons import unit_of


@dataclass(frozen=True)
class Leaving:
    """Daemons of a service that are removed; ``before`` is asked if their job has to wait.

    ``keys`` are the records that say that they are to go.
    """

    service: str
    kind: Kind
    daemons: Sequence[Daemon]
    before: Optional[Ask] = None
    keys: List[UnusedKey] = field(default_factory=list)

    @property
    def names(self) -> List[str]:
        """Return the names of the daemons (``mon.h1``)."""
        return [f"{self.kind.daemon_type}.{each.daemon_id}" for each in self.daemons]

    def rows(self, core: Core) -> Dict[str, List[Dict[str, str]]]:
        """Return what their hosts are told of them, by host."""
        found: Dict[str, List[Dict[str, str]]] = {}
        for daemon, name in zip(self.daemons, self.names):
            unit, _ = unit_of(core, daemon.hostname, name)
            kind = self.kind.daemon_type
            row = {"daemon_type": kind, "daemon_id": daemon.daemon_id, "unit": unit}
            found.setdefault(daemon.hostname, []).append(row)
        return found


def all_of(asks: Sequence[Optional[Ask]]) -> Optional[Ask]:
    """Return the question that is all of these, as old as the oldest answer."""
    left = [ask for ask in asks if ask is not None]
    if len(left) < 2:
        return left[0] if left else None

    def ask(job: str) -> None:
        for each in left:
            each(job)

    return Asked(ask, min(each.at if isinstance(each, Asked) else 0.0 for each in left))
