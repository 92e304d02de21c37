"""The daemons of services that are there, by what hosts and the cluster's maps say."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, Tuple

from adapter.cluster.schedule import Daemon
from adapter.core import Core
from adapter.kinds import COMPANIONS, DAEMONS, kind_of
from adapter.reconcile.key_removal import KeyRemoval
from adapter.state_lock import under_lock


class RunningDaemons:
    """What runs, without what is being removed. It is made once for the same reports."""

    def __init__(self, core: Core, keys: KeyRemoval) -> None:
        self._core = core
        self._keys = keys
        self._known: Tuple[Tuple[Any, ...], Dict[str, List[Daemon]]] = ((), {})

    @under_lock
    def by_service(self) -> Dict[str, List[Daemon]]:
        """Return the daemons that are there by service; not to be changed."""
        core = self._core
        going = frozenset((key.host, key.daemon) for key in self._keys.undone())
        state = (
            core.reports.serial,
            len(core.hosts),
            core.places.serial,
            core.places.learned,
            core.watch.serial,
            core.deployments.serial,
            core.specs.serial,
            core.maintenances.serial,
            going,
        )
        if self._known[0] != state:
            self._known = (state, self._read(going))
        return self._known[1]

    def _read(self, going: FrozenSet[Tuple[str, str]]) -> Dict[str, List[Daemon]]:
        found: Dict[str, List[Daemon]] = {}
        services = self._core.daemon_services
        rows = list(self._core.places.own())
        beside = {
            (hostname, str(row["daemon_type"]), str(row["daemon_id"])): str(row["state"])
            for hostname, row in rows
            if row["daemon_type"] in COMPANIONS
        }
        for hostname, row in rows:
            kind, identity = str(row["daemon_type"]), str(row["daemon_id"])
            off = row["state"] == "stopped" and not row.get("enabled", True)
            if kind not in DAEMONS:
                continue
            if off and not self._core.maintenances.holds(hostname, str(row["unit"])):
                continue
            if (hostname, f"{kind}.{identity}") in going:
                continue
            state = row["state"]
            lone = any(
                beside.get((hostname, each, identity), "error") == "error"
                for each in DAEMONS[kind].companions
            )
            ended = state != "running" and self._core.watch.has_left(hostname, kind, identity)
            daemon = Daemon(
                hostname,
                identity,
                ok=not (state == "error" or ended or lone or row.get("unfinished")),
                runs=state == "running",
                active=self._serves(kind, identity),
            )
            found.setdefault(services.of(hostname, kind, identity), []).append(daemon)
        return found

    def _serves(self, kind: str, identity: str) -> bool:
        core = self._core
        if kind_of(kind).in_service_map:
            return core.places.is_said(f"{kind}.{identity}")
        return core.watch.serves(kind, identity)
