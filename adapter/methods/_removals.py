"""Which removals of OSDs are refused, and what is said of others."""

from __future__ import annotations

from typing import List, Optional

from adapter.cluster.osd_map import Osd, OsdMap
from adapter.cluster.osd_removals import Removal, Stage
from adapter.core import Core
from adapter.errors import AlreadyExists
from adapter.reconcile.osd_restoring import successor
from adapter.state_lock import under_lock


def refuse_queued(known: Optional[Removal], osd: Osd, osd_map: OsdMap, *, replaced: bool) -> None:
    """Raise ``AlreadyExists`` where an OSD is in the queue, or has left its id already.

    ``replaced`` tells that its id is to be kept.
    """
    name = f"osd.{osd.osd_id}"
    if known is not None and successor(known, osd_map):
        raise AlreadyExists(
            f"The disk of the {name} before it is not wiped yet ({known.drain_status}).",
            f"`ceph orch osd rm stop {osd.osd_id}` gives that up and leaves this {name} as it is; "
            "then ask again.",
        )
    if known is not None and known.stage is Stage.KEEPING:
        raise AlreadyExists(
            f"The removal of {name} was stopped ({known.drain_status}).",
            "Try again when `ceph orch osd rm status` does not list it any more.",
        )
    if known is not None:
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
def unwipable(core: Core, removal: Removal) -> List[str]:
    """Say of an OSD whose disks are to be wiped that nobody can."""
    host = removal.host
    if not removal.zap or host in core.hosts or host in core.hosts.problems:
        return []
    where = f"host {host}" if host else "its host"
    return [f"osd.{removal.osd_id}: {where} is not managed, so its disks are not wiped"]
