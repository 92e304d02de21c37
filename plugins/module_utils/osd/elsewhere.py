"""Say why the OSD that is on a disk is not started here.

A copy of a disk carries the same label as the disk. An OSD that runs in two places destroys what it
holds, and one that is started from an old copy has lost what was written since.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ..cluster.osd_map import HOST, Who, known_osds, known_places
from ..system.addresses import own_addresses
from ..system.reading import Roots, read_text
from ..systemd.units import is_alive
from .local_osds import LocalOsds
from .plan_check import Slot

_ZAP = "If nothing on it is needed, zap it first."
_COPY = "If the disk is a copy, take it out, or wipe it by hand"


def problems_of_start(slots: Sequence[Slot], here: LocalOsds, roots: Roots) -> Dict[Slot, str]:
    """Return a sentence for each OSD that must not be started, by its slot; raise ``NoAnswer``.

    ``slots`` are those of the plan whose OSDs stand on their disks and do not run.
    """
    if not slots:
        return {}
    known = known_osds()
    states = [
        known[osd_id]["states"]
        for slot in slots
        for osd_id, osd_uuid in slot.osds
        if _is_of_cluster(known.get(osd_id), osd_uuid)
    ]
    # One that has never run has said nothing of itself.
    places = known_places() if any("new" not in each for each in states) else {}
    name = read_text(os.path.join(roots.proc, "sys/kernel/hostname"))
    problems: Dict[Slot, str] = {}
    for slot in slots:
        for osd_id, osd_uuid in slot.osds:
            alive = is_alive(here.unit(osd_id))
            row = known.get(osd_id)
            problem = _problem(slot, osd_id, osd_uuid, row, places.get(osd_id, ""), name, alive)
            if problem:
                problems.setdefault(slot, f"{slot.data.path}: it carries osd.{osd_id}{problem}")
    return problems


def _problem(
    slot: Slot,
    osd_id: int,
    osd_uuid: str,
    row: Optional[Mapping[str, Any]],
    place: str,
    name: str,
    alive: bool,
) -> str:
    if row is None or not _is_of_cluster(row, osd_uuid):
        return f" with the uuid {osd_uuid}, which is no longer in the cluster. {_ZAP}"
    was_here = not place or is_same_host(place, name)
    if "up" in row["states"] and not (alive and was_here):
        where = f", on host {place}," if place else ""
        return (
            f", which is up in the cluster's map{where} and whose daemon does not run here: two "
            f"daemons of one OSD destroy its data. {_COPY}. If osd.{osd_id} ran from "
            "this disk until a moment ago, try again when `ceph osd tree` shows it down."
        )
    if "up" not in row["states"] and not was_here and not slot.group.get("moved"):
        return (
            f", which ran on host {place} last. From an old copy of its disk it would lose what "
            "was written since, so it is not started. If this is the disk itself, moved here, say "
            "so with moved: true (`ceph orch daemon add osd HOST:DEVICE --skip-validation`). "
            f"{_COPY}."
        )
    return ""


def who_asks(roots: Roots, osd_id: int) -> Who:
    """Return who asks where no keyring is given.

    A host that has no key for making OSDs has that of the OSD itself, which may ask as much.
    """
    lib = os.path.join(roots.var, "lib/ceph")
    own = os.path.join(lib, f"osd/ceph-{osd_id}/keyring")
    if os.path.exists(os.path.join(lib, "bootstrap-osd/ceph.keyring")) or not os.path.exists(own):
        return HOST
    return Who(f"osd.{osd_id}", own)


def problems_of_return(osds: Sequence[Tuple[int, str]], roots: Roots, who: Who) -> Dict[int, str]:
    """Return a sentence for each OSD that must not be started again here; raise ``NoAnswer``.

    See ``gone_and_elsewhere``.
    """
    leaves = "`ceph orch osd rm stop {}` leaves it as it is"
    gone, elsewhere = gone_and_elsewhere(osds, roots, who, leaves)
    gone = {osd_id: f"{why} {leaves.format(osd_id)}." for osd_id, why in gone.items()}
    return {**gone, **elsewhere}


def gone_and_elsewhere(
    osds: Sequence[Tuple[int, str]], roots: Roots, who: Who, leaves: str
) -> Tuple[Dict[int, str], Dict[int, str]]:
    """Return a sentence for each OSD that the cluster has no more, and for each that is elsewhere.

    ``osds`` are the ids and uuids of those that were stopped here and do not run. The map may still
    show them up. A host that has another name since is known by the OSD's address. ``leaves`` says
    what leaves one as it is. Raises ``NoAnswer``.
    """
    known, places = known_osds(who), known_places(who)
    name, own = read_text(os.path.join(roots.proc, "sys/kernel/hostname")), own_addresses(roots)
    gone, elsewhere = {}, {}
    for osd_id, osd_uuid in osds:
        row, place = known.get(osd_id), places.get(osd_id, "")
        if row is None or not _is_of_cluster(row, osd_uuid):
            gone[osd_id] = (
                f"osd.{osd_id} is not started: the cluster has no such OSD with the uuid "
                f"{osd_uuid} any more."
            )
        elif not (place and is_same_host(place, name)) and own.isdisjoint(row["addresses"]):
            problem = _problem_of_return(osd_id, "up" in row["states"], place, leaves)
            elsewhere.update({osd_id: problem} if problem else {})
    return gone, elsewhere


def _problem_of_return(osd_id: int, up: bool, place: str, leaves: str) -> str:
    """Return why an OSD that is not known to have run here last is not started here, if so."""
    start = f"osd.{osd_id} is not started: it"
    if up:
        where = f"on host {place}" if place else "and the monitors do not say on which host"
        return (
            f"{start} is up in the cluster's map, {where}: two daemons of one OSD destroy its "
            f"data. Where it runs on the other host, {leaves.format(osd_id)}; "
            "what is on this host is a copy then, or the disk is seen by both."
        )
    if place:
        return (
            f"{start} ran on host {place} last, and from an old copy of its disk it would lose "
            f"what was written since. Start it on host {place}; if its disk was moved here, "
            "`ceph orch daemon add osd HOST:DEVICE --skip-validation` starts it."
        )
    return ""


def _is_of_cluster(row: Optional[Mapping[str, Any]], osd_uuid: str) -> bool:
    return row is not None and row["uuid"] == osd_uuid and "destroyed" not in row["states"]


def is_same_host(one: str, other: str) -> bool:
    """Tell whether two names, short or with a domain, can be one host's."""
    one, other = one.lower(), other.lower()
    if "." in one and "." in other:
        return one == other
    return one.partition(".")[0] == other.partition(".")[0]
