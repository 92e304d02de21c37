"""Daemons that somebody has stopped and disabled, on hosts outside the placement.

They are neither counted nor removed: somebody may have put them aside on purpose. So it is said.
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from adapter.cluster.schedule import Difference
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import some_of
from adapter.kinds import DAEMONS
from adapter.state_lock import under_lock

SHOWN = 5


class IdleDaemons:
    """Find them in the hosts' reports, on a ``Core``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # By service: host and name, as of a state.
        self._found: Tuple[Tuple[Any, ...], Dict[str, List[Tuple[str, str]]]] = ((), {})

    @under_lock
    def outside(self, wanted: Wanted, diff: Difference) -> str:
        """Return what is said of those of a service, or an empty text."""
        core = self._core
        going = {(key.host, key.daemon) for key in core.unused_keys.all()}
        going |= {(key.host, key.daemon) for key in core.removed_mons.all()}
        places = set(diff.places)
        left = [
            (host, name)
            for host, name in self._all().get(wanted.name, ())
            if host not in places and (host, name) not in going and core.workable(host)
        ]
        if wanted.deleted or not left:
            return ""
        names = some_of((f"{name} on host {host}" for host, name in left), SHOWN)
        return (
            f"{names} stopped and disabled, not removed: its placement "
            f"({wanted.spec.placement.pretty_str()}) does not name the host. `ceph orch daemon rm "
            f"{left[0][1]} --force` removes it; a placement that names the host starts it again."
        )

    def _all(self) -> Dict[str, List[Tuple[str, str]]]:
        core = self._core
        own = (core.reports.serial, core.places.serial, core.hosts.serial)
        state = (*own, core.deployments.serial, core.specs.serial)
        if self._found[0] != state:
            found: Dict[str, List[Tuple[str, str]]] = {}
            for host, row in core.places.own():
                kind, identity = str(row["daemon_type"]), str(row["daemon_id"])
                if kind in DAEMONS and row["state"] == "stopped" and not row.get("enabled", True):
                    service = core.daemon_services.of(host, kind, identity)
                    found.setdefault(service, []).append((host, f"{kind}.{identity}"))
            self._found = (state, found)
        return self._found[1]
