"""Which disks may be wiped by name: those of no OSD, and of OSDs that the monitors can spare."""

from __future__ import annotations

from typing import Any, Dict, List

from adapter.cluster.osd_map import OsdMap
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.errors import AdapterError, InvalidValue
from adapter.methods._copied_disks import own_disks
from adapter.reconcile.osd_planner import OsdPlanner


def allowed_to_wipe(
    core: Core, planner: OsdPlanner, host: str, path: str, osd_map: OsdMap
) -> List[str]:
    """Return the uuids of OSDs of the map that are on a disk and safe to destroy.

    Raises ``InvalidValue`` for one that runs, or that the monitors do not call safe, and for what
    an OSD left that placement groups may wait for.
    """
    with core.lock:
        ids = planner.on_disk(host, path, osd_map)
        left = planner.left_behind(host, path, osd_map)
    missing = core.maps.incomplete(osd_map.pgs) if left else 0
    if missing:
        groups = f"{missing} placement group{'s do' if missing > 1 else ' does'}"
        raise InvalidValue(
            "device",
            f"{host}:{path}",
            f"{left[0]} left it, and {groups} not serve all data: what they lack may be on it",
            "Bring their data back first (`ceph pg dump_stuck`, `ceph health detail`).",
        )
    for osd_id in ids:
        with core.lock:
            elsewhere = own_disks(core, planner, host, path, osd_map.osds[osd_id])
        if osd_map.osds[osd_id].up and elsewhere:
            raise InvalidValue(
                "device",
                f"{host}:{path}",
                f"it has a copy of osd.{osd_id}, which is up on {elsewhere}",
                f"Take it out, or, if osd.{osd_id} does not need it, wipe it by hand with "
                f"`wipefs --all` on host {host}.",
            )
        reason, start = "runs on it", ""
        if not osd_map.osds[osd_id].up:
            reason = core.maps.need(osd_map.osds[osd_id], osd_map)
            reason = f"is on it, down and in the cluster's map: {reason}" if reason else ""
            start = way_back(core, host, path, osd_id)
        if reason:
            raise InvalidValue(
                "device",
                f"{host}:{path}",
                f"osd.{osd_id} {reason}",
                f"{start}`ceph orch osd rm {osd_id} --zap` drains it first.",
            )
    return [osd_map.osds[osd_id].uuid for osd_id in ids]


def way_back(core: Core, host: str, path: str, osd_id: int) -> str:
    """Return the beginning of a remedy: how an OSD that is down starts again from its disk.

    A host that was installed anew has the disk and nothing else of the OSD.
    """
    with core.lock:
        is_set_up = core.places.reports(host, f"osd.{osd_id}")
    if is_set_up:
        return f"If it only stopped, `ceph orch daemon start osd.{osd_id}` starts it; "
    return (
        f"`ceph orch daemon add osd {host}:{path} --skip-validation` sets it up from this disk and "
        "starts it, as after a new installation of the host; "
    )


def refuse_busy(core: Core, host: str, path: str) -> None:
    """Raise ``AdapterError`` where a wipe would wait: what is safe now may not be then."""
    for record in core.engine.jobs():
        request = record.request
        if not record.status.final and request.changes and host in request.hosts:
            raise AdapterError(
                f"{host}:{path} is not erased while the job {record.id} works on {host}.",
                "Try again when it has ended: `ceph ansible job ls` shows it.",
            )


def refuse_waiting(core: Core, job: Completion, host: str, path: str) -> None:
    """End a wipe that has not begun, and raise ``AdapterError``: no record keeps it.

    The next manager would know nothing of what was promised here.
    """
    with core.lock:
        dropped = core.overtaken.drop(job.job_id, "it had to wait, and was refused")
    if dropped:
        raise AdapterError(
            f"{host}:{path} was not erased: another job works on {host}.",
            "Try again when it has ended: `ceph ansible job ls` shows it.",
        )


def erased(host: str, path: str, result: Dict[str, Any]) -> str:
    """Return what became of a disk: a host tells which it wiped, and leaves clean ones alone."""
    if path in (result.get("zapped") or ()):
        return f"zap successful for {path} on {host}"
    return f"{path} on {host} was left as it is: nothing was on it"
