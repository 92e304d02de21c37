"""Whether all data has good copies elsewhere: asked before an OSD drains, goes and is wiped."""

from __future__ import annotations

from typing import Dict

from adapter.cluster.osd_map import Osd, OsdMap
from adapter.cluster.osd_removals import Removal
from adapter.core import Core
from adapter.engine.gate import Ask, Asked
from adapter.errors import NotReady
from adapter.reconcile.osd_removal_jobs import RemovalJobs
from adapter.reconcile.osd_removal_queue import RemovalQueue
from adapter.reconcile.osd_restoring import OsdRestorer

# Statistics come every 5 s: only after a few of them all is well, where somebody else took an OSD
# out of the map.
CALM_FOR = 15.0


class OsdCopies:
    """Ask the placement groups' statistics; what is waited for is said in the queue."""

    def __init__(
        self, core: Core, queue: RemovalQueue, jobs: RemovalJobs, restorer: OsdRestorer
    ) -> None:
        self._core, self._queue, self._jobs, self._restorer = core, queue, jobs, restorer
        self._calm_since: Dict[int, float] = {}

    def forget(self, osd_id: int) -> None:
        """Forget since when all has been well."""
        self._calm_since.pop(osd_id, None)

    def may_drain(self, removal: Removal, osd: Osd, osd_map: OsdMap) -> bool:
        """Tell whether an OSD may begin to drain; say what is waited for.

        Where copies of a placement group differ its own may be the good one: Ceph would copy what
        the others have, and delete it here.
        """
        if removal.drain_started is not None:
            return not osd.up or self._are_still_good(removal, osd, osd_map)
        doubt = self._core.maps.doubt(osd, osd_map)
        if doubt:
            force = f"`ceph orch osd rm {osd.osd_id} --force` removes it all the same"
            self._queue.save(removal, reason=f"not drained yet: {doubt}; {force}")
        return not doubt

    def _are_still_good(self, removal: Removal, osd: Osd, osd_map: OsdMap) -> bool:
        """Tell whether scrubs found nothing since draining began; else data comes back."""
        doubt = self._core.maps.left([osd.osd_id], osd_map)[osd.osd_id].doubt()
        if doubt:
            self._restorer.restore(removal, osd)
            reason = f"not drained any further, its weight is given back: {doubt}"
            self._queue.save(removal, drain_started=None, reason=reason)
        return not doubt

    def doubt_of(self, removal: Removal, osd_map: OsdMap) -> str:
        """Return whether an OSD that is down may have the only good copy of something.

        One that said that it holds nothing, and has not been up since, has none.
        """
        osd = osd_map.osds[removal.osd_id]
        if osd.up or (removal.empty and osd.up_from == removal.up_from):
            return ""
        return self._core.maps.doubt(osd, osd_map)

    def may_wipe(self, removal: Removal, osd_map: OsdMap) -> bool:
        """Tell whether an OSD's disks may be wiped; say what is waited for.

        That its data was elsewhere when it left the map may be long ago: its host was away.
        """
        if removal.taken and removal.zap:
            return self.is_calm(removal, osd_map, "its disks are wiped")
        if not _may_hold_data(removal) or self._core.maps.all_clean(osd_map.pgs):
            return True
        reason = (
            "its disks may have the last copy of something: they are wiped when all placement "
            f"groups are active+clean; `ceph orch osd rm stop {removal.osd_id}` leaves them as "
            "they are"
        )
        self._queue.save(removal, reason=reason)
        return False

    def is_asked_about(self, removal: Removal) -> bool:
        """Tell whether the wipe of an OSD's disks depends on how all data is."""
        return removal.taken or _may_hold_data(removal)

    def wipe_again(self, osd_map: OsdMap) -> Ask:
        """Return the question that is asked again where such a wipe has to wait for its turn."""

        def ask(job: str) -> None:
            if not self._core.maps.all_clean(osd_map.pgs):
                raise NotReady(
                    "Not all placement groups are active+clean any more.", "It is tried again."
                )

        return Asked(ask)

    def is_calm(self, removal: Removal, osd_map: OsdMap, then: str) -> bool:
        """Tell whether all data has been well for a while; say what is waited for.

        Where somebody else took an OSD out, its disks may be the only place of some data.
        """
        osd_id, now = removal.osd_id, self._jobs.now
        if not self._core.maps.all_clean(osd_map.pgs):
            self._calm_since.pop(osd_id, None)
        elif now - self._calm_since.setdefault(osd_id, now) >= CALM_FOR:
            return True
        reason = (
            "somebody else destroyed it or took it out of the map, and its data may be nowhere "
            f"else: {then} when all placement groups have been active+clean for {CALM_FOR:.0f} s; "
            f"`ceph orch osd rm stop {osd_id}` leaves it and its disks as they are"
        )
        self._queue.save(removal, reason=reason)
        return False


def _may_hold_data(removal: Removal) -> bool:
    """Tell whether disks that are to be wiped may hold data.

    An OSD that was stopped when it said that it holds nothing has none on them.
    """
    return removal.zap and not removal.force and not removal.empty
