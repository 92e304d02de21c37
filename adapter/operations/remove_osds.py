"""``remove_osds``: stop OSDs on their hosts, and wipe their disks."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from adapter.operations._registry import Variables, operation


@operation(phases=("osd_remove",), changes=True, timeout=900.0)
def remove_osds(
    osds: Mapping[str, Sequence[Mapping[str, Any]]],
    cluster: str,
    step: str = "remove",
    report: Sequence[str] = ("devices", "daemons"),
) -> Variables:
    """Remove OSDs from hosts.

    ``osds`` are by host; each has osd_id, osd_uuid, zap, destroy_lvs, force, gone and disks.
    ``cluster`` is the fsid, ``step`` one of stop, start and remove, ``report`` what the hosts say
    at the end. An OSD that has data and was not stopped is no failure: the host's rows say it.
    """
    return {
        "osd_remove_osds": {host: list(rows) for host, rows in osds.items()},
        "osd_remove_fsid": cluster,
        "osd_remove_step": step,
        "osd_remove_kept_fails": False,
        "osd_remove_report": list(report),
    }
