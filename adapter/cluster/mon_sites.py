"""Monitors of a cluster in stretch mode: each site has its own, and none joins without a location.

`mon ok-to-rm` counts monitors and does not look at sites, and the monitors turn away who has no
location. Source: the answer of `quorum_status` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping, Sequence, Tuple

from adapter.cluster.locations import locations_in
from adapter.errors import AdapterError


def check_site(status: Mapping[str, Any], name: str) -> None:
    """Raise ``AdapterError`` for the last monitor of a site."""
    locations = _locations(status)
    here = locations.get(name)
    others = [each for each, place in locations.items() if each != name and place == here]
    if here and not others and name != _tiebreaker(status):
        site = ", ".join(sorted(here))
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


def _tiebreaker(status: Mapping[str, Any]) -> str:
    return str((status.get("monmap") or {}).get("tiebreaker_mon") or "")
