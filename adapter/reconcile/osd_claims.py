"""Which disks a drive group with ``all`` means: those that are free when it is applied."""

from __future__ import annotations

from typing import List, Optional

from adapter.cluster.hosts import Host
from adapter.cluster.osd_plan import disk_of
from adapter.cluster.specs import OsdClaims
from adapter.core import Core
from adapter.interface import DriveGroupSpec
from adapter.reconcile.osd_planner import OsdPlanner, Taken
from adapter.state_lock import under_lock


class FreeDisks:
    """Claims on the disks that are free now, and on no others."""

    def __init__(self, core: Core, planner: OsdPlanner) -> None:
        self._core = core
        self._planner = planner

    @under_lock
    def claims(self, spec: DriveGroupSpec, taken: Optional[Taken] = None) -> OsdClaims:
        """Return a claim on the disks that are free now on the hosts of a drive group.

        Of hosts that answer and have not said yet which they have, on those that are free when
        they do; on none of a host that is offline, for nobody sees what is put in meanwhile.
        ``taken`` are disks of other drive groups.
        """
        hosts, has_said = self._planner.hosts(spec), self._planner.has_said
        silent = [host.hostname for host in hosts if not has_said(host.hostname)]
        unheard = frozenset(filter(self._core.liveness.online, silent))
        claims = OsdClaims(only=frozenset(), unheard=unheard)
        for host in hosts:
            if host.hostname not in silent:
                claims = claims.heard(host.hostname, self._free(host, taken or {}))
        return claims

    @under_lock
    def with_heard(self, claims: OsdClaims) -> OsdClaims:
        """Return the claims with the free disks of hosts that have said since which they have."""
        known = {host.hostname: host for host in self._core.hosts.all()}
        for name in sorted(claims.unheard):
            if name in known and self._planner.has_said(name):
                claims = claims.heard(name, self._free(known[name], {}))
        return claims

    def _free(self, host: Host, taken: Taken) -> List[str]:
        others = taken.get(host.hostname, {})
        devices = self._planner.devices(host)
        return [disk_of(each).key for each in devices if each.available and each.path not in others]
