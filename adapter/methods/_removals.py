"""Which removals of OSDs are refused, and what is said of others."""

from __future__ import annotations

from typing import List, Optional

from adapter.cluster.osd_map import Osd, OsdMap
from adapter.cluster.osd_removals import KIND, Removal, Stage
from adapter.core import Core
from adapter.errors import AlreadyExists, UnreadableRecord
from adapter.reconcile.osd_restoring import successor
from adapter.state_lock import under_lock


def refuse_queued(known: Optional[Removal], osd: Osd, osd_map: OsdMap, *, replaced: bool) -> None:
    """Raise ``AlreadyExists`` where an OSD is in the queue, or has left its id already.

    One whose removal was stopped can leave again. ``replaced`` tells that its id is to be kept.
    """
    name = f"osd.{osd.osd_id}"
    if known is not None and successor(known, osd_map):
        raise AlreadyExists(
            f"The disk of the {name} before it is not wiped yet ({known.drain_status}).",
            f"`ceph orch osd rm stop {osd.osd_id}` gives that up and leaves this {name} as it is; "
            "then ask again.",
        )
    if known is not None and known.stage is not Stage.KEEPING:
        raise AlreadyExists(
            f"{name} is being removed already ({known.drain_status}).",
            "`ceph orch osd rm stop` takes it out of the queue.",
        )
    if osd.destroyed and replaced:
        raise AlreadyExists(
            f"{name} is destroyed and waits for its new disk already.",
            "`ceph orch daemon add osd HOST:DEVICE` gives it one.",
        )


@under_lock
def refuse_unreadable(core: Core, osd: Osd) -> None:
    """Raise ``UnreadableRecord`` where the record of an OSD's removal cannot be used.

    It says what the OSD had before: a new one would keep what the drain has made of that.
    """
    reason = core.removals.problems.get(str(osd.osd_id))
    if reason is not None:
        raise UnreadableRecord(
            f"{KIND}.{osd.osd_id}",
            reason,
            f"What osd.{osd.osd_id} had before its removal is not known. `ceph orch osd rm stop "
            f"{osd.osd_id}` ends that removal and says what it has now; then ask again.",
        )


def as_it_is(osd_id: int, osd_map: OsdMap) -> str:
    """Say how an OSD stays whose removal ends without its record, and what would change that."""
    text = f"what osd.{osd_id} had before is not known, for its record could not be used"
    osd = osd_map.osds.get(osd_id)
    if osd is None:
        return f"{text}; it is out of the map"
    now = []
    if not osd.crush_weight:
        now.append(f"its CRUSH weight is 0 (`ceph osd crush reweight osd.{osd_id} WEIGHT`)")
    if not osd.reweight:
        now.append(f"it is out (`ceph osd in {osd_id}`)")
    if not osd.up:
        now.append(f"it is down (`ceph orch daemon start osd.{osd_id}`)")
    return f"{text}; {', '.join(now) or 'it is up and in, and has a CRUSH weight'}"


def without_weight(removal: Removal, osd_map: OsdMap) -> str:
    """Say of an OSD that is kept that it has no weight and had none, or nothing."""
    osd = osd_map.osds.get(removal.osd_id)
    if osd is None or osd.uuid != removal.uuid or osd.crush_weight or removal.crush_weight:
        return ""
    return (
        f"the CRUSH weight of osd.{removal.osd_id} is 0, as it was when its removal was asked for: "
        f"`ceph osd crush reweight osd.{removal.osd_id} WEIGHT` lets it take data"
    )


@under_lock
def put_back(core: Core, osd_id: int, before: Optional[Removal]) -> None:
    """Let the queue have an OSD as it had it before it was asked for; raises ``NotKept``."""
    if before is None:
        core.removals.remove(osd_id)
    else:
        core.removals.save(before)


@under_lock
def unwipable(core: Core, removal: Removal) -> List[str]:
    """Say of an OSD whose disks are to be wiped that nobody can."""
    host = removal.host
    if not removal.zap or host in core.hosts or host in core.hosts.problems:
        return []
    where = f"host {host}" if host else "its host"
    return [f"osd.{removal.osd_id}: {where} is not managed, so its disks are not wiped"]
