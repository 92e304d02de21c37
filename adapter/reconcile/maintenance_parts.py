"""What of a host stops next, and whether the cluster's maps show what was stopped or started."""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, List, Mapping, Sequence, Tuple

from adapter.cluster.maintenances import Maintenance
from adapter.cluster.maps import Maps
from adapter.core import Core
from adapter.kinds import daemon_of_unit

# So long (seconds) others may take until they serve what a part of the host has served.
TAKE_OVER = 20.0
# Groups need about so long (seconds) to find to each other; OSDs are not asked more often.
HASTEN = 0.9
# What stops at a time, each with all before it.
SERVICES, DATA, ALL = "services", "data", "all"


class HostParts:
    """The parts of hosts that stop one after the other; it is asked for the next one."""

    def __init__(self, maps: Maps) -> None:
        self._maps = maps
        # Since when (monotonic seconds) others are to take over from a part of a host.
        self._since: Dict[Tuple[str, str], float] = {}
        # When OSDs were asked last to say how their placement groups are.
        self._hastened: Dict[str, float] = {}

    def forget(self, hostname: str) -> None:
        """Begin anew with a host."""
        for part in (SERVICES, DATA):
            self._since.pop((hostname, part), None)

    def stopped(self, hostname: str, part: str, now: float) -> None:
        """Note that a part has stopped."""
        if part in (SERVICES, DATA):
            self._since[hostname, part] = now

    def next(self, hostname: str, here: Mapping[str, Sequence[str]], now: float) -> Tuple[str, str]:
        """Return what stops next, or what is waited for.

        ``here`` are the ids of the host's daemons by kind, ``now`` is in monotonic seconds.
        """
        maps = self._maps
        ranked = maps.fs_map().ranked
        serving = [each for each in here.get("mds", ()) if each in ranked]
        if serving and (hostname, SERVICES) not in self._since:
            return SERVICES, ""
        if serving and self._patient(hostname, SERVICES, now):
            names = ", ".join(f"mds.{each}" for each in serving)
            return "", f"waiting until others have the ranks of {names}"
        quorum, _ = maps.quorum()
        ids = {int(each) for each in here.get("osd", ()) if each.isdigit()}
        if not ids or not [each for each in here.get("mon", ()) if each in quorum]:
            return ALL, ""
        osds = maps.osd_map().osds
        if (hostname, DATA) not in self._since and any(osds[i].up for i in ids & osds.keys()):
            return DATA, ""
        self._since.setdefault((hostname, DATA), now)
        if self._patient(hostname, DATA, now) and not maps.served_without(ids):
            if now - self._hastened.get(hostname, -HASTEN) >= HASTEN:
                self._hastened[hostname] = now
                maps.hasten_without(ids)
            return "", "waiting until all data is served without its OSDs"
        return ALL, ""

    def _patient(self, hostname: str, part: str, now: float) -> bool:
        """Tell whether others may take longer still to take over what a part has stopped."""
        return now - self._since[hostname, part] < TAKE_OVER


def still_up(maps: Maps, here: Mapping[str, Sequence[str]]) -> List[str]:
    """Return the daemons of a host that the maps do not show down yet."""
    osds = maps.osd_map().osds
    found = [
        f"osd.{each}"
        for each in here.get("osd", ())
        if each.isdigit() and int(each) in osds and osds[int(each)].up
    ]
    quorum, _ = maps.quorum()
    return found + [f"mon.{each}" for each in here.get("mon", ()) if each in quorum]


def not_back(core: Core, one: Maintenance) -> List[str]:
    """Return the daemons that ran before and that the maps do not have back."""
    maps, found = core.maps, []
    with core.lock:
        by_unit = core.places.by_unit(one.hostname)
    names = [by_unit.get(each.unit) or daemon_of_unit(each.unit) for each in one.units if each.ran]
    osds = maps.osd_map().osds
    quorum, mons = maps.quorum()
    managers = maps.manager_map()
    servers = maps.fs_map().states
    for name in filter(None, names):
        kind, _, identity = name.partition(".")
        number = int(identity) if kind == "osd" and identity.isdigit() else -1
        lacks = {
            "mon": identity in mons and identity not in quorum,
            "osd": number in osds and not osds[number].up and not osds[number].destroyed,
            "mgr": identity not in (managers.active, *managers.standbys),
            "mds": identity not in servers,
        }
        found += [name] if lacks.get(kind, False) else []
    return found


def osds_back(one: Maintenance, lacking: Sequence[str]) -> FrozenSet[int]:
    """Return the OSDs that ran before and are not among the ``lacking`` daemons."""
    names = {daemon_of_unit(each.unit) for each in one.units if each.ran} - {*lacking}
    return frozenset(int(each[4:]) for each in names if re.fullmatch(r"osd\.\d{1,9}", each))
