"""What a drive group may say: everything else is refused, in the user's words. Pure functions.

Ceph reads some fields that nothing is done with, here or anywhere; a field that is kept and has no
effect would promise what nobody does.
"""

from __future__ import annotations

import re
from typing import Any, Callable, List, Tuple

from adapter.errors import AdapterError, InvalidValue
from adapter.interface import DriveGroupSpec
from adapter.kinds import of_containers

# As the host has them, see the module osd_create.
_CLASS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_SIZE = re.compile(r"\d{1,20}(\.\d{1,6})? ?([KMGTP]i?)?B?", re.IGNORECASE)
_WHOLE = "OSDs without LVM take whole disks as they are"
_EVERY_HOST = "a drive group makes OSDs on every host that its placement matches"


def check_drive_group(spec: DriveGroupSpec) -> None:
    """Raise ``InvalidValue`` for a field of a drive group that has no meaning here.

    Where there are several, ``AdapterError`` names them all.
    """
    problems = [problem for check in _CHECKS for problem in check(spec)]
    if len(problems) > 1:
        raise AdapterError(" ".join(map(str, problems)))
    for problem in problems:
        raise problem


def without_lvm(spec: DriveGroupSpec) -> List[InvalidValue]:
    """Return what a drive group asks for that OSDs without LVM cannot have."""
    wanted = {
        "osds_per_device": (spec.osds_per_device or 1) > 1,
        "encrypted": bool(spec.encrypted),
        "tpm2": bool(spec.tpm2),
        "block_db_size": bool(spec.block_db_size),
        "block_wal_size": bool(spec.block_wal_size),
        "db_slots": bool(spec.db_slots),
        "wal_slots": bool(spec.wal_slots),
        "data_allocate_fraction": spec.data_allocate_fraction not in (None, 0, 1),
    }
    return [
        InvalidValue(name, getattr(spec, name), _WHOLE, "Use the method lvm, or leave it out.")
        for name, is_wanted in wanted.items()
        if is_wanted
    ]


def _of_other_stores(spec: DriveGroupSpec) -> List[InvalidValue]:
    found = []
    if spec.journal_devices is not None:
        found.append(
            InvalidValue(
                "journal_devices",
                spec.journal_devices.to_json(),
                "BlueStore has no journal",
                "Use db_devices or wal_devices.",
            )
        )
    if spec.journal_size:
        remedy = "Use block_db_size or block_wal_size."
        reason = "BlueStore has no journal"
        found.append(InvalidValue("journal_size", spec.journal_size, reason, remedy))
    if spec.data_directories:
        reason = "OSDs are made of whole disks, not of directories"
        remedy = "Name disks in data_devices."
        found.append(InvalidValue("data_directories", spec.data_directories, reason, remedy))
    return found


def _of_daemons(spec: DriveGroupSpec) -> List[InvalidValue]:
    found = []
    if spec.config:
        reason = "Ceph's configuration knows OSDs by id, host and device class, not by drive group"
        remedy = (
            "Leave it out, and use `ceph config set osd/class:CLASS OPTION VALUE` (or "
            "osd/host:HOST, osd.ID); `crush_device_class` gives the drive group's OSDs a class of "
            "their own."
        )
        found.append(InvalidValue("config", spec.config, reason, remedy))
    if spec.networks:
        reason = "OSDs take the networks that the cluster has"
        remedy = "Leave it out; `ceph config set global public_network NETWORK` sets it."
        found.append(InvalidValue("networks", spec.networks, reason, remedy))
    return found


def _of_the_placement(spec: DriveGroupSpec) -> List[InvalidValue]:
    placement, found = spec.placement, []
    if placement.count is not None or placement.count_per_host is not None:
        remedy = "Leave the count out; `limit` says how many disks of a host are taken."
        found.append(InvalidValue("placement", placement.pretty_str(), _EVERY_HOST, remedy))
    for host in placement.hosts or ():
        if host.name or host.network:
            reason = "OSDs take no name and no network"
            found.append(InvalidValue("placement", str(host), reason, "Give the host alone."))
    return found


def _of_ids(spec: DriveGroupSpec) -> List[InvalidValue]:
    claims: Any = spec.osd_id_claims
    if not claims:
        return []
    if not isinstance(claims, dict):
        reason, remedy = "it is not a mapping of ids by host", 'For example {h2: ["3"]}.'
        return [InvalidValue("osd_id_claims", claims, reason, remedy)]
    named = {host.hostname for host in spec.placement.hosts or ()}
    found = []
    for host, ids in claims.items():
        wrong = [each for each in ids or () if not str(each).isdigit()]
        if wrong:
            reason = f"on {host} there is something that is not an OSD id"
            found.append(InvalidValue("osd_id_claims", wrong, reason, "Give numbers from 0."))
        if named and host not in named:
            reason = "the placement does not name this host"
            found.append(InvalidValue("osd_id_claims", host, reason, "Name it in both."))
    return found


def _of_values(spec: DriveGroupSpec) -> List[InvalidValue]:
    found = []
    if spec.osds_per_device == 0:
        reason = "it must be at least 1"
        found.append(InvalidValue("osds_per_device", 0, reason, "Give 1 or more."))
    for name in ("block_db_size", "block_wal_size"):
        size = getattr(spec, name)
        if size and not _SIZE.fullmatch(str(size)):
            found.append(
                InvalidValue(name, size, "it is not a size", "Give bytes or a size such as 60G.")
            )
    data = spec.data_devices.paths if spec.data_devices else []
    for device_class in (spec.crush_device_class, *(each.crush_device_class for each in data)):
        if device_class and not _CLASS.fullmatch(device_class):
            reason, remedy = "it is not the name of a class", "Use letters, digits, _ . and -."
            found.append(InvalidValue("crush_device_class", device_class, reason, remedy))
    return found


def _of_each_other(spec: DriveGroupSpec) -> List[InvalidValue]:
    """Return fields that have an effect only beside others."""
    found = []
    pairs: Tuple[Tuple[str, str], ...] = (
        ("db_slots", "db_devices"),
        ("wal_slots", "wal_devices"),
        ("block_db_size", "db_devices"),
        ("block_wal_size", "wal_devices"),
    )
    for name, needed in pairs:
        if getattr(spec, name) and getattr(spec, needed) is None:
            reason = f"the drive group has no {needed}"
            remedy = f"Name {needed}, or leave it out."
            found.append(InvalidValue(name, getattr(spec, name), reason, remedy))
    if spec.tpm2 and not spec.encrypted:
        reason = "it keeps the key of encrypted OSDs, and these are not encrypted"
        found.append(InvalidValue("tpm2", spec.tpm2, reason, "Add encrypted: true."))
    for kind in ("data_devices", "db_devices", "wal_devices"):
        selection = getattr(spec, kind)
        if selection is not None and selection.paths and selection.limit:
            reason = "limit has no effect: the paths that are named are all taken"
            found.append(
                InvalidValue(kind, selection.to_json(), reason, "Name fewer paths, or filters.")
            )
    return found


def _of_the_method(spec: DriveGroupSpec) -> List[InvalidValue]:
    return without_lvm(spec) if spec.method == "raw" else []


_CHECKS: Tuple[Callable[[DriveGroupSpec], List[InvalidValue]], ...] = (
    of_containers,
    _of_other_stores,
    _of_daemons,
    _of_the_placement,
    _of_ids,
    _of_values,
    _of_each_other,
    _of_the_method,
)
