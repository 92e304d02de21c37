"""Monitors of a cluster in stretch mode: each site has its own, and none joins without a location.

`mon ok-to-rm` counts monitors and does not look at sites, and the monitors turn away who has no
location. Source: the answer of `quorum_status` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping, Sequence, Tuple

from adapter.cluster.locations import locations_in
from adapter.errors import AdapterError

SITES = 2


def check_site(status: Mapping[str, Any], name: str) -> None:
    """Raise ``AdapterError`` for the last monitor of a site, or the last that is in quorum there.

    Two monitors of a site may stand in racks of their own, so what divides the sites is asked.
    """
    sites = _site(_locations(status), _tiebreaker(status))
    here = sites.get(name)
    if not here:
        return
    others = {each for each, site in sites.items() if each != name and site == here}
    quorum = status.get("quorum_names") or ()
    if name in quorum:
        others.intersection_update(quorum)
    if not others:
        raise AdapterError(
            f"mon.{name} is the last monitor of {here}, and the cluster is in stretch mode: when "
            "the other site fails there would be no quorum.",
            f"Give {here} another monitor first: `ceph orch apply mon` with a host there.",
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


def _site(locations: Mapping[str, FrozenSet[str]], tiebreaker: str) -> Dict[str, str]:
    """Return the site of each monitor but the tiebreaker (``datacenter=a``), by its name.

    Stretch mode has two sites. What divides them is the type of bucket of which all monitors name
    one, and two in all.
    """
    places = {
        name: dict(word.split("=", 1) for word in place if "=" in word)
        for name, place in locations.items()
        if name != tiebreaker
    }
    for kind in sorted({key for place in places.values() for key in place}):
        named = [place.get(kind, "") for place in places.values()]
        if all(named) and len(set(named)) == SITES:
            return {name: f"{kind}={place[kind]}" for name, place in places.items()}
    return {}


def _tiebreaker(status: Mapping[str, Any]) -> str:
    return str((status.get("monmap") or {}).get("tiebreaker_mon") or "")
