"""Which service a daemon belongs to: one, and everybody who asks gets the same answer.

The record of who deployed it says so. A daemon without one was made before there were records, or
by somebody else: its name says it where it is made as ours are, with its end. Of services that such
a name could mean it is the one that is kept and would give it this very name.
"""

from __future__ import annotations

import re
from typing import Any, Collection, FrozenSet, List, Optional, Tuple

from adapter.cluster.daemon_places import DaemonPlaces
from adapter.cluster.deployments import Deployments
from adapter.cluster.osd_owners import OsdOwners
from adapter.cluster.schedule import MAX_ON_A_HOST, daemon_id
from adapter.cluster.specs import Specs
from adapter.interface import REQUIRES_SERVICE_ID
from adapter.kinds import kind_of

_LETTERS = re.compile(r"[a-z]{6}")


class DaemonServices:
    """Tell which service a daemon belongs to. Callers hold the orchestrator's lock."""

    def __init__(
        self,
        cluster: str,
        specs: Specs,
        deployments: Deployments,
        places: DaemonPlaces,
        owners: OsdOwners,
    ) -> None:
        self._cluster, self._specs = cluster, specs
        self._deployments, self._places, self._owners = deployments, places, owners
        self._kept: Tuple[int, FrozenSet[str]] = (-1, frozenset())

    def of(self, hostname: str, daemon_type: str, identity: str) -> str:
        """Return the name of a daemon's service."""
        if daemon_type == "osd" and identity.isdigit():
            return self._owners.service_of(int(identity))
        kind = kind_of(daemon_type)
        # One that goes with another has no record of its own.
        record = self._deployments.get(hostname, f"{kind.daemon_type or daemon_type}.{identity}")
        if record is not None:
            return record.service
        service_type = kind.service_type or daemon_type
        if service_type not in REQUIRES_SERVICE_ID:
            return service_type
        meant = services_by_name(service_type, identity, hostname, self._names(hostname))
        kept = (each for each in meant if self._would_make(each, hostname, identity))
        return next(kept, meant[0])

    def rank_of(self, hostname: str, daemon_type: str, identity: str) -> Optional[int]:
        """Return the number of a daemon among those of its service, None where they have none."""
        record = self._deployments.get(hostname, f"{daemon_type}.{identity}")
        return record.rank if record is not None and record.rank >= 0 else None

    def state_of(self, hostname: str) -> Tuple[Any, ...]:
        """Return what changes when daemons of a host may belong to other services."""
        records = self._deployments.of_host(hostname)
        return (self._owners.serial, records, self._kept_names(), self._names(hostname))

    def _names(self, hostname: str) -> FrozenSet[str]:
        """Return the names that mean a host and no other one."""
        names = self._places.names_of(hostname)
        return frozenset(each for each in names if self._places.host_of(each) == hostname)

    def _kept_names(self) -> FrozenSet[str]:
        if self._kept[0] != self._specs.serial:
            names = frozenset(each.name for each in self._specs.all())
            self._kept = (self._specs.serial, names)
        return self._kept[1]

    def _would_make(self, service: str, hostname: str, identity: str) -> bool:
        """Tell whether a service is kept whose daemons on a host have this name."""
        wanted = self._specs.find(service)
        return wanted is not None and any(
            daemon_id(self._cluster, wanted.spec, hostname, index) == identity
            for index in range(MAX_ON_A_HOST)
        )


def services_by_name(
    service_type: str, identity: str, hostname: str, names: Collection[str]
) -> List[str]:
    """Return the services of a type that a daemon's id can mean, the likeliest first.

    It is the service's, the host's, and six letters. ``names`` are all that the host has. Any other
    name is a service's of its own.
    """
    rest, _, letters = identity.rpartition(".")
    if not _LETTERS.fullmatch(letters):
        return [f"{service_type}.{identity}"]
    ends = [hostname, *sorted(set(names) - {hostname}, key=lambda name: (-len(name), name))]
    found = [rest[: -len(end) - 1] for end in ends if rest.endswith(f".{end}")]
    return [f"{service_type}.{service}" for service in found if service] or [
        f"{service_type}.{identity}"
    ]
