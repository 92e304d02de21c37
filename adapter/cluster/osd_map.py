"""What the monitors know of the OSDs, read from their JSON answers. Pure functions.

Sources: the answers of `osd dump`, `osd tree`, `osd df`, `osd metadata`, `osd safe-to-destroy`,
`osd ok-to-stop` and `pg dump` of Ceph 18.2 and 20.2.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, NamedTuple, Sequence, Set, Tuple

from adapter.cluster.osd_answers import address_of
from adapter.errors import InvalidValue, NotReady


class CrushPlace(NamedTuple):
    """Where an OSD stands in CRUSH: the bucket's id, which stays when it is renamed, and weight."""

    bucket: int
    kind: str
    name: str
    weight: float


@dataclass(frozen=True)
class Osd:
    """One OSD of the map.

    ``host`` is the name of its CRUSH host, or empty. ``fresh`` says that it was registered and has
    never been up. ``reweight`` is 0.0 for an OSD that is out. ``up_from`` is the epoch of its
    last start: as long as that is the same, it has not been up again. ``nodown`` and ``noup`` say
    that a flag keeps the map from showing it down, or up again. ``address`` is where clients reach
    it: an IP address and a port, or empty and 0. ``places`` are those of CRUSH in which it stands;
    ``crush_weight`` is the greatest weight that it has in one.
    """

    osd_id: int
    uuid: str = ""
    host: str = ""
    up: bool = False
    destroyed: bool = False
    fresh: bool = False
    crush_weight: float = 0.0
    reweight: float = 1.0
    device_class: str = ""
    up_from: int = 0
    nodown: bool = False
    noup: bool = False
    address: Tuple[str, int] = ("", 0)
    places: Tuple[CrushPlace, ...] = ()

    def stop_reason(self, restart: bool) -> str:
        """Return why an OSD is not stopped, or restarted, whatever the monitors say."""
        if self.nodown:
            return NODOWN_IS_SET
        return NOUP_IS_SET if restart and self.noup else ""


@dataclass(frozen=True)
class OsdMap:
    """All OSDs at one epoch, with the names of the pools by their ids.

    ``pgs`` is how many placement groups the pools have, ``flags`` what is set for all OSDs.
    ``missing`` is how many placement groups do not serve all of their data, where an OSD is
    destroyed: they may wait for what is on its disk. ``buckets`` are the ids of the CRUSH buckets
    by their names: a bucket that is renamed keeps its id.
    """

    epoch: int = 0
    osds: Mapping[int, Osd] = field(default_factory=dict)
    pools: Mapping[int, str] = field(default_factory=dict)
    pgs: int = 0
    flags: FrozenSet[str] = frozenset()
    missing: int = 0
    buckets: Mapping[str, int] = field(default_factory=dict)

    @property
    def waits_for_destroyed(self) -> str:
        """Return why no id of a destroyed OSD is given to another disk now, or nothing."""
        if not self.missing:
            return ""
        groups = f"{self.missing} placement group{'s do' if self.missing > 1 else ' does'}"
        return (
            f"{groups} not serve all data (`ceph pg dump_stuck`), and may wait for a destroyed "
            "OSD: until then its id is not given to another disk"
        )


@dataclass(frozen=True)
class OsdMetadata:
    """What an OSD said of itself when it started last.

    ``device_ids`` are ``vendor_model_serial``; ``devices`` the names of the disks, all of them, and
    ``names`` the pairs of both. ``affinity`` is the service id of the drive group that made it.
    """

    osd_id: int
    hostname: str = ""
    devices: Tuple[str, ...] = ()
    device_ids: Tuple[str, ...] = ()
    affinity: str = ""
    db_devices: Tuple[str, ...] = ()
    wal_devices: Tuple[str, ...] = ()
    names: Tuple[Tuple[str, str], ...] = ()


def read_json(text: str, what: str) -> Any:
    """Return the monitors' JSON; raises ``NotReady`` for an answer that is none."""
    try:
        return json.loads(text)
    except ValueError:
        raise NotReady(f"The monitors' answer to `{what}` is not JSON.", "Try again.") from None


def read_osd_map(dump: str, tree: str) -> OsdMap:
    """Return the map from `osd dump` and `osd tree`; raises ``NotReady``."""
    known = read_json(dump, "osd dump")
    nodes = read_json(tree, "osd tree").get("nodes") or []
    hosts = {
        child: str(node["name"])
        for node in nodes
        if node.get("type") == "host"
        for child in node.get("children") or ()
    }
    places = {node["id"]: node for node in nodes if node.get("type") == "osd"}
    stands = _places(nodes)
    held_up, held_down = _with_flag(NODOWN, known, nodes), _with_flag(NOUP, known, nodes)
    osds = {
        row["osd"]: replace(
            _osd(row, places.get(row["osd"], {}), hosts.get(row["osd"], "")),
            **_standing(stands.get(row["osd"], ())),
            nodown=row["osd"] in held_up,
            noup=row["osd"] in held_down,
        )
        for row in known.get("osds") or ()
    }
    rows = known.get("pools") or ()
    pools = {int(row["pool"]): str(row["pool_name"]) for row in rows}
    pgs = sum(int(row.get("pg_num") or 0) for row in rows)
    buckets = {str(node["name"]): int(node["id"]) for node in nodes if node["id"] < 0}
    epoch = int(known.get("epoch") or 0)
    return OsdMap(epoch, osds, pools, pgs, _flags(known), buckets=buckets)


def _places(nodes: Sequence[Mapping[str, Any]]) -> Dict[int, List[CrushPlace]]:
    """Return where OSDs stand in CRUSH.

    `osd tree` has a row for each place, somewhere below that of its bucket and before the next one
    that has the OSD.
    """
    bucket_of: Dict[int, Tuple[int, str, str]] = {}
    places: Dict[int, List[CrushPlace]] = {}
    for node in nodes:
        if node["id"] >= 0:
            if node["id"] in bucket_of:
                weight = float(node.get("crush_weight") or 0)
                places.setdefault(node["id"], []).append(CrushPlace(*bucket_of[node["id"]], weight))
            continue
        for child in node.get("children") or ():
            bucket_of[child] = (node["id"], str(node.get("type")), str(node.get("name")))
    return places


def _standing(found: Sequence[CrushPlace]) -> Dict[str, Any]:
    if not found:
        return {}
    return {"places": tuple(found), "crush_weight": max(each.weight for each in found)}


def _flags(dump: Mapping[str, Any]) -> FrozenSet[str]:
    """Return the flags of `osd dump`: a list where there is one, else the text it always has."""
    listed = dump.get("flags_set")
    names = listed if isinstance(listed, list) else str(dump.get("flags") or "").split(",")
    return frozenset(str(name).strip() for name in names if str(name).strip())


NODOWN, NOUP = "nodown", "noup"
NOUP_IS_SET = (
    "the flag noup is set for it, so it would stay down after a restart "
    "(`ceph osd unset noup`, or `ceph osd unset-group noup` with the OSD, host or class)"
)
NODOWN_IS_SET = (
    "the flag nodown is set for it, so the map would show it up while it is down "
    "(`ceph osd unset nodown`, or `ceph osd unset-group nodown` with the OSD, host or class)"
)


def _with_flag(
    flag: str, dump: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]
) -> FrozenSet[int]:
    """Return the OSDs for which a flag is set.

    It may be set for all, for an OSD, for a device class, and for any bucket above an OSD.
    """
    rows = dump.get("osds") or ()
    if flag in _flags(dump):
        return frozenset(int(row["osd"]) for row in rows)
    found = {int(row["osd"]) for row in rows if flag in (row.get("state") or ())}
    classes = _names_with(flag, dump.get("device_class_flags"))
    found |= {
        node["id"]
        for node in nodes
        if node.get("type") == "osd" and node.get("device_class") in classes
    }
    children = {node["id"]: node.get("children") or () for node in nodes}
    buckets = _names_with(flag, dump.get("crush_node_flags"))
    below = [node["id"] for node in nodes if node.get("name") in buckets]
    seen: Set[int] = set()
    while below:
        number = below.pop()
        if number not in seen:
            seen.add(number)
            below += children.get(number, ())
    return frozenset(found | {number for number in seen if number >= 0})


def _names_with(flag: str, flags: Any) -> FrozenSet[str]:
    """Return the names that have a flag, of a mapping of names to flags."""
    if not isinstance(flags, Mapping):
        return frozenset()
    return frozenset(str(name) for name, given in flags.items() if flag in (given or ()))


# What keeps data where it is, by the name that `ceph osd unset` takes and those that dumps show.
_HOLDING = {
    "nobackfill": ("nobackfill",),
    "norecover": ("norecover",),
    "norebalance": ("norebalance",),
    "noout": ("noout",),
    "pause": ("pause", "pauserd", "pausewr"),
}


def holding_flags(flags: Collection[str]) -> str:
    """Return the part of a sentence that names the flags that keep data from moving, or nothing.

    E.g. ``the flag norecover is set (`ceph osd unset norecover`)``. One that is set for an OSD or
    a host alone is none of these.
    """
    found = [name for name, shown in _HOLDING.items() if not set(shown).isdisjoint(flags)]
    if not found:
        return ""
    commands = ", ".join(f"`ceph osd unset {name}`" for name in found)
    words = "flag {} is" if len(found) == 1 else "flags {} are"
    return f"the {words.format(', '.join(found))} set ({commands})"


def _osd(row: Mapping[str, Any], place: Mapping[str, Any], host: str) -> Osd:
    state = row.get("state") or ()
    return Osd(
        osd_id=int(row["osd"]),
        uuid=str(row.get("uuid") or ""),
        host=host,
        up=bool(row.get("up")),
        destroyed="destroyed" in state or place.get("status") == "destroyed",
        fresh="new" in state and not row.get("up_from"),
        crush_weight=float(place.get("crush_weight") or 0.0),
        reweight=float(row.get("weight") or 0.0),
        device_class=str(place.get("device_class") or ""),
        up_from=int(row.get("up_from") or 0),
        address=address_of(row),
    )


def read_metadata(text: str) -> Dict[int, OsdMetadata]:
    """Return what the OSDs said of themselves, by id, from `osd metadata`."""
    rows = read_json(text, "osd metadata")
    return {int(row["id"]): _metadata(row) for row in rows if isinstance(row, dict) and "id" in row}


def _metadata(row: Mapping[str, Any]) -> OsdMetadata:
    pairs = [part.partition("=") for part in _list(row.get("device_ids"))]
    dedicated = row.get("bluefs_dedicated_db") == "1"
    return OsdMetadata(
        osd_id=int(row["id"]),
        hostname=str(row.get("hostname") or ""),
        devices=tuple(_list(row.get("devices"))),
        device_ids=tuple(value for _, _, value in pairs if value),
        names=tuple((name, value) for name, _, value in pairs if value),
        affinity=str(row.get("osdspec_affinity") or ""),
        db_devices=tuple(_list(row.get("bluefs_db_devices"))) if dedicated else (),
        wal_devices=(
            tuple(_list(row.get("bluefs_wal_devices")))
            if row.get("bluefs_dedicated_wal") == "1"
            else ()
        ),
    )


def _list(text: Any) -> List[str]:
    return [part for part in str(text or "").split(",") if part]


def read_pg_counts(text: str) -> Dict[int, int]:
    """Return how many placement groups are on each OSD, from `osd df`."""
    data = read_json(text, "osd df")
    rows = [*(data.get("nodes") or ()), *(data.get("stray") or ())]
    return {int(row["id"]): int(row.get("pgs") or 0) for row in rows if int(row["id"]) >= 0}


@dataclass(frozen=True)
class Safety:
    """Which of the OSDs that were asked about can be destroyed, and what speaks against it."""

    safe: Tuple[int, ...] = ()
    active: Tuple[int, ...] = ()
    missing_stats: Tuple[int, ...] = ()
    stored_pgs: Tuple[int, ...] = ()

    def reason(self, osd_id: int) -> str:
        """Return why an OSD is not safe to destroy, or nothing."""
        if osd_id in self.safe:
            return ""
        if osd_id in self.active:
            return "placement groups still need it"
        if osd_id in self.stored_pgs:
            return "it still holds data that has no other complete copy"
        return (
            "it is down, so what it holds is not known, and not all placement groups are "
            "active+clean"
        )

    def needs(self, osd_id: int) -> bool:
        """Tell whether the monitors say outright that placement groups are mapped to an OSD."""
        return osd_id in self.active


def read_safety(text: str) -> Safety:
    """Return the answer of `osd safe-to-destroy`."""
    data = read_json(text, "osd safe-to-destroy")
    return Safety(*(_ids(data.get(key)) for key in _SAFETY))


_SAFETY = ("safe_to_destroy", "active", "missing_stats", "stored_pgs")


def _ids(value: Any) -> Tuple[int, ...]:
    return tuple(int(each) for each in value or ())


def osd_number(text: object) -> int:
    """Return an id from ``3`` or ``osd.3``; raises ``ValueError``."""
    digits = str(text)
    digits = digits[4:] if digits.startswith("osd.") else digits
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise ValueError(digits)
    return int(digits)


def checked_number(text: object) -> int:
    """Return an id from ``3`` or ``osd.3``; raises ``InvalidValue``."""
    try:
        return osd_number(text)
    except ValueError:
        raise InvalidValue("OSD id", text, "it is not a number from 0", "E.g. 3.") from None


def listed(ids: Sequence[int]) -> str:
    """Return ids as people write them: ``osd.1, osd.2``."""
    return ", ".join(f"osd.{each}" for each in ids)
