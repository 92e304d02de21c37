"""How OSDs that leave are shown. Pure functions."""

from __future__ import annotations

from typing import List, Sequence

from adapter.cli.output import own_words
from adapter.cluster.osd_removals import OsdRemovalRow, Removal
from adapter.tables import table

HEAD = ("OSD", "HOST", "STATE", "PGS", "REPLACE", "FORCE", "ZAP", "DRAIN STARTED AT")


def removals(rows: Sequence[OsdRemovalRow]) -> str:
    """Return the queue as ``ceph orch osd rm status`` prints it."""
    if not rows:
        return "No OSD remove/replace operations reported"
    cells = [
        (
            str(row.osd_id),
            row.hostname,
            own_words(row.drain_status),
            str(row.pg_count),
            *(str(row[key]) for key in ("replace", "force", "zap")),
            row.drain_started_at or "",
        )
        for row in sorted(rows, key=lambda row: int(row.osd_id))
    ]
    return table(HEAD, cells, right=("PGS",))


def planned(removal: Removal) -> List[str]:
    """Return what would be done to an OSD that is to leave."""
    name = f"osd.{removal.osd_id}"
    where = f" on {removal.host}" if removal.host else ""
    end = "destroyed, its id kept" if removal.replace else "purged"
    if removal.force:
        lines = [f"{name}{where}: would be stopped and {end} with the data that is on it"]
    else:
        pgs = "" if removal.pgs < 0 else f" of {removal.pgs} placement groups"
        lines = [f"{name}{where}: would be drained{pgs}, then stopped and {end}"]
    disks = ", ".join(
        f"{path} ({device_id})" if device_id else path for path, device_id in removal.places
    )
    if removal.zap:
        lines.append(f"{name}{where}: would wipe {disks or 'no disk, for none is known'}")
    return lines
