"""Monitors of a cluster in stretch mode: each site has its own, and none joins without a location.

`mon ok-to-rm` counts monitors and does not look at sites, and the monitors turn away who has no
location. Source: the answer of `quorum_status` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Mapping, Sequence, Tuple

from adapter.cluster.locations import locations_in
from adapter.cluster.osd_map import read_json
from adapter.errors import AdapterError


@dataclass(frozen=True)
class Sites:
    """What stretch mode divides the data by: a type of bucket, and its buckets that have OSDs.

    Where fewer than two have some, all buckets of the type count. ``kind`` is empty where the map
    of OSDs does not tell it.
    """

    kind: str = ""
    names: FrozenSet[str] = frozenset()


def read_sites(osd_dump: str, osd_tree: str) -> Sites:
    """Read what divides the sites; monitors of a third one, as tiebreakers, are at none of them."""
    told = read_json(osd_dump, "osd dump").get("stretch_mode") or {}
    nodes = read_json(osd_tree, "osd tree").get("nodes") or ()
    number = told.get("stretch_mode_bucket")
    found = [node for node in nodes if number and node.get("type_id") == number]
    children = {node["id"]: node.get("children") or () for node in nodes}
    names = frozenset(str(node["name"]) for node in found if _has_osds(node["id"], children))
    if len(names) < 2:
        # The hardware of one is being replaced: it is one all the same, whichever it is.
        names = frozenset(str(node["name"]) for node in found)
    return Sites(str(found[0].get("type")), names) if names else Sites()


def _has_osds(bucket: int, children: Mapping[int, Sequence[int]]) -> bool:
    """Tell whether an OSD, whose id is not negative as those of buckets are, is below a bucket."""
    return any(each >= 0 or _has_osds(each, children) for each in children.get(bucket, ()))


def check_site(status: Mapping[str, Any], sites: Sites, name: str) -> None:
    """Raise ``AdapterError`` for the last monitor of a site, or the last that is in quorum there.

    Two monitors of a site may stand in racks of their own, so what divides the sites is asked.
    """
    locations = _locations(status)
    if name not in locations or name == _tiebreaker(status):
        return
    if not sites.kind:
        raise AdapterError(
            f"Which site mon.{name} is at is not known: the cluster is in stretch mode, and its "
            "maps do not say which buckets of CRUSH that divides.",
            "Look at `stretch_mode` in `ceph osd dump -f json`, and try again.",
        )
    places = {each: _places(location).get(sites.kind, "") for each, location in locations.items()}
    here = places[name]
    if here not in sites.names:
        return
    others = {each for each, site in places.items() if each != name and site == here}
    quorum = status.get("quorum_names") or ()
    if name in quorum:
        others.intersection_update(quorum)
    if not others:
        site = f"{sites.kind}={here}"
        raise AdapterError(
            f"mon.{name} is the last monitor of {site}, and the cluster is in stretch mode: when "
            "the other site fails there would be no quorum.",
            f"Give {site} another monitor first: `ceph orch apply mon` with a host there.",
        )


def check_joins(
    status: Mapping[str, Any], wanted: Sequence[Tuple[str, str, Sequence[str]]]
) -> None:
    """Raise ``AdapterError`` where the monitors would not let a new one join.

    ``wanted`` are name, address and location (``datacenter=a``) of monitors.
    """
    locations = _locations(status)
    for name, address, location in wanted:
        if locations and name not in locations:
            place = " ".join(location) or "BUCKETTYPE=NAME"
            raise AdapterError(
                f"The cluster is in stretch mode, so its monitors do not let mon.{name} join "
                "before they know its location.",
                f"`ceph mon add {name} {address or 'ADDRESS'} {place}` tells them; it is deployed "
                "then.",
            )


def _locations(status: Mapping[str, Any]) -> Dict[str, FrozenSet[str]]:
    """Return where each monitor of the map is, by its name; nothing without stretch mode."""
    monmap = status.get("monmap") or {}
    return locations_in(monmap) if monmap.get("stretch_mode") else {}


def _places(location: FrozenSet[str]) -> Dict[str, str]:
    """Return the bucket of each type in a location."""
    words = (word.partition("=") for word in location)
    return {kind: name for kind, _, name in words}


def _tiebreaker(status: Mapping[str, Any]) -> str:
    return str((status.get("monmap") or {}).get("tiebreaker_mon") or "")
