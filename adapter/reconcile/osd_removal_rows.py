"""OSDs that leave as a job is told of them, and as hosts answer."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from adapter.cluster.osd_removals import Removal
from adapter.engine.model import HostOutcome
from adapter.reconcile.waiting_osd_jobs import REMOVE


def row_for(removal: Removal, step: str) -> Dict[str, Any]:
    """Return an OSD as the playbook wants it."""
    row: Dict[str, Any] = {
        "osd_id": removal.osd_id,
        "osd_uuid": removal.label or removal.uuid,
        "zap": step == REMOVE and removal.zap,
        "destroy_lvs": not removal.no_destroy,
        # One that is out of the map holds nothing that the cluster knows of.
        "force": removal.force or step == REMOVE,
        "gone": step == REMOVE,
    }
    if row["zap"]:
        row["disks"] = [{"path": path, "device_id": name} for path, name in removal.places]
    return row


def is_done(outcome: HostOutcome) -> bool:
    """Tell whether a host said that nothing works on its disks any more."""
    return outcome.result.get("at_work") is False


def names_in(given: Any) -> List[str]:
    """Return what a host named. Hosts are not trusted."""
    return [str(each)[:150] for each in (given if isinstance(given, list) else ())][:8]


def row_of(osd_id: int, result: Mapping[str, Any]) -> Optional[Mapping[str, Any]]:
    """Return what a host published of an OSD. Hosts are not trusted."""
    rows = result.get("removed")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("osd_id") == osd_id:
            return row
    return None
