"""What daemons of a service need of the cluster before it is of any use to start them.

A gateway without a pool that works is waited for in vain, and its job holds the host on which the
OSDs are to be made that it waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, List, Optional, Tuple

from adapter.cluster.osd_map import OsdMap
from adapter.core import Core
from adapter.errors import NotReady
from adapter.interface import OrchestratorError, ServiceSpec
from adapter.kinds import RANKS, kind_of

_MAKE = "`ceph orch apply osd` and `ceph orch daemon add osd` make them."


@dataclass(frozen=True)
class Lack:
    """What is missing, and what brings it about."""

    reason: str
    remedy: str


class Needs:
    """Tell what services lack, from the maps as they were read last."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._osds: Optional[Tuple[int, int]] = None
        self._filesystems: FrozenSet[str] = frozenset()
        # Placement groups, and those that are active: asked for when somebody wants to know.
        self._pgs: Optional[Tuple[int, int]] = None
        self.serial = 0

    def see(self, osd_map: Optional[OsdMap], filesystems: FrozenSet[str]) -> None:
        """Take over the maps; None is for one that nobody knows."""
        osds = None
        if osd_map is not None:
            there = [osd for osd in osd_map.osds.values() if not osd.destroyed]
            osds = (len(there), sum(osd.up for osd in there))
        if (osds, filesystems) != (self._osds, self._filesystems):
            self.serial += 1
        self._osds, self._filesystems, self._pgs = osds, filesystems, None

    def lack(self, spec: ServiceSpec) -> Optional[Lack]:
        """Return what a service waits for, or None; the monitors may be asked.

        What nobody knows is nothing to wait for.
        """
        lacking = self._modules(spec)
        if lacking:
            return Lack(
                f"the managers' module {lacking[0]} is not enabled",
                f"`ceph mgr module enable {lacking[0]}` enables it; managers start anew for that.",
            )
        if not kind_of(spec.service_type).needs_osds or self._osds is None:
            return None
        if kind_of(spec.service_type).guard == RANKS and spec.service_id not in self._filesystems:
            # It would stand by, which takes no data.
            return None
        there, up = self._osds
        if not there:
            return Lack("the cluster has no OSD yet", _MAKE)
        if not up:
            return Lack(f"none of {there} OSDs is up", "`ceph osd tree` shows where they are.")
        groups, active = self._placement_groups()
        if groups and not active:
            return Lack(
                f"none of {groups} placement groups is active",
                "`ceph health detail` says what they lack.",
            )
        return None

    def check(self, spec: ServiceSpec) -> None:
        """Raise ``NotReady`` for a service that would wait."""
        lack = self.lack(spec)
        if lack is not None:
            raise NotReady(
                f"{spec.service_name()} cannot be deployed now: {lack.reason}.", lack.remedy
            )

    def _modules(self, spec: ServiceSpec) -> List[str]:
        """Return the modules that a service needs and managers do not have enabled."""
        with self._core.lock:
            enabled = self._core.watch.managers.modules
        wanted = kind_of(spec.service_type).needs_modules if enabled else ()
        return [each for each in wanted if each not in enabled]

    def _placement_groups(self) -> Tuple[int, int]:
        if self._pgs is None:
            try:
                self._pgs = self._core.maps.active_pgs()
            except OrchestratorError:
                return 0, 0
        return self._pgs
