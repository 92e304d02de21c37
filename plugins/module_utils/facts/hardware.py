"""List a host's disks and enclosures for its facts: hardware, not what stands on it."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Dict, Iterable, List, Mapping, Tuple

from ..system.reading import Roots, clean, link_name, list_dir, read_bytes, read_int, read_text
from .cephadm import UNKNOWN, human_capacity

# Names of device files that are no disks of their own.
_NOT_DISKS = re.compile(r"(sr|zram|dm-|loop|md|ram|nbd|fd|rbd)\d*")
_VENDORS = {"0x1af4": "Virtio Block Device"}


def read_disks(
    roots: Roots, own: Callable[[str], bool], enclosures: Mapping[str, Mapping[str, Any]]
) -> List[Dict[str, Any]]:
    """Return the disks with a node on this host; one reached by several paths appears once.

    ``own`` tells for a name in sysfs whether the host has its node.
    """
    places = _by_path(roots)
    disks = []
    for name in list_dir(os.path.join(roots.sys, "block")):
        directory = os.path.join(roots.sys, "block", name)
        is_loop = re.fullmatch(r"loop\d+", name) and own(name)
        if is_loop or (not _NOT_DISKS.fullmatch(name) and own(name)):
            disks.append(_disk(roots, name, directory, places, enclosures))
    return _once(disks)


def _disk(
    roots: Roots,
    name: str,
    directory: str,
    places: Mapping[str, str],
    enclosures: Mapping[str, Mapping[str, Any]],
) -> Dict[str, Any]:
    device = os.path.join(directory, "device")
    vendor = read_text(os.path.join(device, "vendor"), UNKNOWN)
    vendor = _VENDORS.get(vendor, vendor)
    model = read_text(os.path.join(device, "model"), UNKNOWN)
    size = max(read_int(os.path.join(directory, "size")), 0) * 512
    serial = _serial(directory)
    enclosure, slot = _slot(serial, enclosures)
    addresses = list_dir(os.path.join(device, "bsg"))
    return {
        "description": f"{vendor} {model} ({human_capacity(size)})",
        "vendor": vendor,
        "model": model,
        "rev": read_text(os.path.join(device, "rev"), UNKNOWN),
        "wwid": read_text(os.path.join(device, "wwid"))
        or read_text(os.path.join(directory, "wwid"), UNKNOWN),
        "dev_name": clean(name),
        "disk_size_bytes": size,
        "disk_type": "hdd" if read_text(f"{directory}/queue/rotational") == "1" else "flash",
        "serial": serial,
        "alt_dev_name": "",
        "scsi_addr": clean(addresses[0]) if len(addresses) == 1 else "",
        "enclosure_id": enclosure,
        "enclosure_slot": slot,
        "path_id": places.get(name, ""),
        "mpath": _multipath(directory),
    }


def _serial(directory: str) -> str:
    """Return the serial number: the vital product data of SCSI, else what the driver gives."""
    page = read_bytes(os.path.join(directory, "device/vpd_pg80"), 512)
    text = clean(page[4:]) if len(page) > 4 else ""
    return (
        text
        or read_text(os.path.join(directory, "device/serial"))
        or read_text(os.path.join(directory, "serial"))
    )


def _slot(serial: str, enclosures: Mapping[str, Mapping[str, Any]]) -> Tuple[str, str]:
    for identifier, enclosure in enclosures.items():
        if serial and serial in enclosure["device_lookup"]:
            return identifier, enclosure["device_lookup"][serial]
    return "", ""


def _multipath(directory: str) -> str:
    holders = list_dir(os.path.join(directory, "holders"))
    if len(holders) != 1:
        return ""
    mapping = os.path.join(directory, "holders", holders[0], "dm")
    if not read_text(os.path.join(mapping, "uuid")).startswith("mpath-"):
        return ""
    return "/dev/mapper/" + read_text(os.path.join(mapping, "name"))


def _by_path(roots: Roots) -> Dict[str, str]:
    """Return for each disk its name that tells the port it is plugged into."""
    top = os.path.join(roots.dev, "disk/by-path")
    return {
        link_name(os.path.join(top, name)): clean("/dev/disk/by-path/" + name)
        for name in list_dir(top)
    }


def _once(disks: Iterable[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Keep the first of the disks with the same serial number; it names the others."""
    by_serial: Dict[str, Dict[str, Any]] = {}
    unique = []
    for disk in disks:
        first = by_serial.get(disk["serial"])
        if disk["serial"] and first is not None:
            names = [name for name in first["alt_dev_name"].split(",") if name]
            first["alt_dev_name"] = ",".join([*names, disk["dev_name"]])
            continue
        by_serial[disk["serial"]] = disk
        unique.append(disk)
    return unique


def read_enclosures(roots: Roots) -> Dict[str, Dict[str, Any]]:
    """Return the disk enclosures by their id, with what is in their slots."""
    top = os.path.join(roots.sys, "class/enclosure")
    enclosures: Dict[str, Dict[str, Any]] = {}
    for name in list_dir(top):
        directory = os.path.join(top, name)
        identifier = read_text(os.path.join(directory, "id"), clean(name))
        if identifier in enclosures:
            known = enclosures[identifier]
            known["ses_paths"].append(clean(name))
            known["path_count"] = len(known["ses_paths"])
            continue
        enclosures[identifier] = _enclosure(directory, clean(name), identifier)
    return enclosures


def _enclosure(directory: str, name: str, identifier: str) -> Dict[str, Any]:
    slots = {}
    lookup = {}
    for entry in list_dir(directory):
        place = os.path.join(directory, entry)
        if not os.path.exists(os.path.join(place, "slot")):
            continue
        slot = read_text(os.path.join(place, "slot"))
        page = read_bytes(os.path.join(place, "device/vpd_pg80"), 512)
        serial = clean(page[4:]) if len(page) > 4 else ""
        if serial:
            lookup[serial] = slot
        slots[slot] = {
            "status": read_text(os.path.join(place, "status")),
            "fault": read_text(os.path.join(place, "fault")),
            "locate": read_text(os.path.join(place, "locate")),
            "serial": serial,
        }
    return {
        "ses_paths": [name],
        "path_count": 1,
        "vendor": read_text(os.path.join(directory, "device/vendor"), UNKNOWN),
        "model": read_text(os.path.join(directory, "device/model"), UNKNOWN),
        "enc_id": identifier,
        "components": read_int(os.path.join(directory, "components")),
        "device_lookup": lookup,
        "device_count": len(lookup),
        "slot_map": slots,
    }
