"""The flag ``noout`` of single CRUSH nodes: which have it, and which are all of one host's OSDs'.

Source: `osd dump` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

import re
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, Sequence

from adapter.cluster.mon import Mon
from adapter.cluster.osd_map import Osd, read_json
from adapter.cluster.store import Unusable

NOOUT = "noout"
_NODE = re.compile(r"[A-Za-z0-9_.~-]{1,250}")


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


def names_now(
    nodes: Sequence[str], ids: Mapping[str, int], buckets: Mapping[str, int]
) -> List[str]:
    """Return what nodes are called now that had these names, of buckets with these ``ids``.

    A bucket that is renamed takes its flag along; one that is gone has none. ``buckets`` are the
    ids by name of now.
    """
    names = {number: name for name, number in buckets.items()}
    found = [names.get(ids[each], "") if each in ids else each for each in nodes]
    return [each for each in found if each]


def ids_of(nodes: Collection[str], buckets: Mapping[str, int]) -> Dict[str, int]:
    """Return the ids of those nodes that are buckets."""
    return {name: buckets[name] for name in nodes if name in buckets}


def read_ids(found: Mapping[str, Any]) -> Dict[str, int]:
    """Read the ids of buckets by name from a record; raises ``Unusable``."""
    for name, number in found.items():
        if not is_node(name) or type(number) is not int or number >= 0:
            raise Unusable("the field ids is no mapping of CRUSH buckets to their ids")
    return dict(found)


def is_node(value: Any) -> bool:
    """Tell whether a value can be the name of a CRUSH node."""
    return isinstance(value, str) and bool(_NODE.fullmatch(value))


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
