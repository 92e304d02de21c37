"""The flag ``noout`` of single CRUSH nodes: which have it, and which are all of one host's OSDs'.

Source: `osd dump` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

from typing import Collection, Dict, FrozenSet, List, Mapping

from adapter.cluster.maps import Mon
from adapter.cluster.osd_map import Osd, read_json

NOOUT = "noout"


def read_noout(dump: str) -> FrozenSet[str]:
    """Return the CRUSH nodes and OSDs (``osd.3``) that have the flag for themselves."""
    known = read_json(dump, "osd dump")
    buckets: Mapping[str, Collection[str]] = known.get("crush_node_flags") or {}
    found = {str(name) for name, flags in buckets.items() if NOOUT in flags}
    rows = known.get("osds") or ()
    found |= {f"osd.{row['osd']}" for row in rows if NOOUT in (row.get("state") or ())}
    return frozenset(found)


def nodes_of(osds: Mapping[int, Osd], osd_ids: Collection[int]) -> List[str]:
    """Return what the flag is set for, for exactly these OSDs.

    It is the bucket of a host where all OSDs below it are among them, whatever its name; others
    are named one by one.
    """
    below: Dict[str, List[int]] = {}
    for osd in osds.values():
        if osd.host and not osd.destroyed:
            below.setdefault(osd.host, []).append(osd.osd_id)
    wanted = {each for each in osd_ids if each in osds and not osds[each].destroyed}
    buckets = {name for name, ids in below.items() if set(ids) <= wanted}
    single = sorted(each for each in wanted if osds[each].host not in buckets)
    return [*sorted(buckets), *(f"osd.{each}" for each in single)]


class NoOut:
    """Set the flag and take it away. All methods raise ``OrchestratorError``."""

    def __init__(self, mon: Mon) -> None:
        self._mon = mon

    def there(self) -> FrozenSet[str]:
        """Return the nodes that have the flag now."""
        return read_noout(self._mon.command(prefix="osd dump", format="json"))

    def set(self, nodes: Collection[str]) -> None:
        """Set it for nodes."""
        if nodes:
            self._mon.command(prefix="osd set-group", flags=NOOUT, who=sorted(nodes))

    def unset(self, nodes: Collection[str]) -> None:
        """Take it from those of these nodes that have it."""
        left = sorted(self.there().intersection(nodes))
        if left:
            self._mon.command(prefix="osd unset-group", flags=NOOUT, who=left)
