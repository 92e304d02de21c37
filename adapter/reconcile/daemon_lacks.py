"""What a daemon that is deployed again does not have of its spec, whatever its record says.

The record says what it was given last. Somebody may have changed its options since and started it
with them, or its record may be gone: so the monitors' configuration, as it is before the job sets
anything, and what the daemon listens on count too.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Set

from adapter.cluster.deployments import Deployment
from adapter.cluster.schedule import DaemonPlacement
from adapter.cluster.service_changes import Setting, differences, options_of
from adapter.cluster.set_options import Pair
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.kinds import daemon_type_of, kind_of, service_settings
from adapter.reconcile.healed_options import is_of
from adapter.reconcile.service_settings import ServiceSettings


class DaemonLacks:
    """Name the options for which daemons have to be restarted when they are deployed again."""

    def __init__(self, core: Core, settings: ServiceSettings) -> None:
        self._core, self._settings = core, settings

    def of(
        self,
        wanted: Wanted,
        place: DaemonPlacement,
        port: int,
        goal: str,
        own: Sequence[Setting],
        there: Mapping[Pair, str],
    ) -> List[str]:
        """Return what a daemon that runs lacks, nothing of one that does not: it is started.

        One that was deployed before, and that its host has not reported, may run by now.
        ``goal`` is the digest that it shall have, ``own`` are the options of daemons alone,
        ``there`` is the monitors' configuration before anything is set.
        """
        kind = daemon_type_of(wanted.spec)
        name = f"{kind}.{place.daemon_id}"
        with self._core.lock:
            row = self._row(place.hostname, name)
            known = self._core.deployments.get(place.hostname, name)
        if row is None:
            return _by_record(known, goal) if known is not None else []
        if row["state"] != "running":
            return []
        entity = kind_of(kind).entity_of(place.daemon_id)
        found = set(_by_record(known, goal))
        configured = known.configured if known is not None else 0.0
        found.update(self._settings.healed.read_by(entity, row, configured))
        found |= self._not_set(wanted, entity, own, there)
        if port and row["ports"] and port not in row["ports"]:
            found.update(kind_of(kind).daemon_options)
        return sorted(found)

    def _row(self, hostname: str, name: str) -> Optional[Mapping[str, Any]]:
        if hostname not in self._core.places.hosts_of(name):
            return None
        return self._core.places.row(hostname, name)

    def _not_set(
        self, wanted: Wanted, entity: str, own: Sequence[Setting], there: Mapping[Pair, str]
    ) -> Set[str]:
        """Return what a daemon reads when it starts and the monitors have differently now."""
        rows = [row for row in (*service_settings(wanted.spec), *own) if is_of(entity, row[0])]
        differs = [
            option
            for section, option, value in rows
            if (section, option) not in there
            or not self._settings.same(section, option, there[section, option], value)
        ]
        with self._core.lock:
            before = self._core.set_options.get(wanted.name).options
        goal = {(section, option) for section, option, _ in rows}
        differs += [pair[1] for pair in before - goal if pair in there and is_of(entity, pair[0])]
        return {option for option in differs if self._core.options.needs_restart(option)}


def _by_record(known: Optional[Deployment], goal: str) -> List[str]:
    """Return what differs from what a daemon was given last; all, where nobody knows what."""
    if known is None or not known.digest:
        return options_of(goal)
    return differences(known.digest, goal)
