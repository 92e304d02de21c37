"""The rows of a report, made safe: hosts are not trusted.

A field of a wrong kind is left out or emptied, text is bounded and printable. What comes through
here can be shown by Ceph's own commands, which expect the kinds named below (contract 3.1, 4.1).
"""

from __future__ import annotations

import datetime
from typing import Any, Dict, List, Mapping, Optional

from adapter import names

TEXT_LENGTH = 500
LIST_LENGTH = 256
MOST_LINKS = 16384

# Ceph's `device ls` counts and compares these as numbers.
_NUMBERS = ("size", "sectors")


def text(value: Any, length: int = TEXT_LENGTH) -> str:
    """Return text without control characters; anything that is no text is empty."""
    if not isinstance(value, str):
        return ""
    return "".join(char if char.isprintable() else "?" for char in value[:length])


def texts(value: Any) -> List[str]:
    """Return a list of texts; anything that is no list is empty."""
    if not isinstance(value, list):
        return []
    return [text(each) for each in value[:LIST_LENGTH] if isinstance(each, str)]


def number(value: Any) -> Optional[int]:
    """Return a whole number that is not negative, or None."""
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if good else None


def moment(value: Any) -> Optional[str]:
    """Return an ISO 8601 time with a zone, from 1970 on, or None."""
    try:
        parsed = datetime.datetime.fromisoformat(text(value).replace("Z", "+00:00"))
        if parsed.tzinfo is None:
            return None
        return parsed.isoformat() if 0 <= parsed.timestamp() < 2**33 else None
    except (ValueError, OverflowError, OSError):
        return None


def device_row(row: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a device; raises ``InvalidValue`` where its path is none."""
    lvs, lsm_data = row.get("lvs"), row.get("lsm_data")
    return {
        "path": names.check_device_path(row.get("path")),
        "sys_api": _sys_api(row.get("sys_api")),
        "available": row.get("available") is True,
        "rejected_reasons": texts(row.get("rejected_reasons")),
        "lvs": [each for each in lvs if isinstance(each, dict)] if isinstance(lvs, list) else [],
        "device_id": text(row.get("device_id")),
        "lsm_data": lsm_data if isinstance(lsm_data, dict) else {},
        "crush_device_class": text(row.get("crush_device_class")) or None,
        "ceph_device_lvm": bool(row.get("ceph_device_lvm") or row.get("ceph_device")),
        "being_replaced": row.get("being_replaced") is True,
        "osds": _osds(row.get("osds")),
    }


def storage(value: Any) -> Dict[str, Any]:
    """Return what a host said besides of its disks: other names of them, and device mapper.

    ``links`` are the device files behind each name; ``device_mapper`` is None where the host did
    not look. ``at_work`` tells whether a run was at the disks when they were read.
    """
    found = value if isinstance(value, dict) else {}
    links, mapper = found.get("links"), found.get("device_mapper")
    rows = links.items() if isinstance(links, dict) else ()
    return {
        "at_work": found.get("at_work") is True,
        "device_mapper": mapper if isinstance(mapper, bool) else None,
        "links": {
            name: [path for path in texts(behind) if names.is_device_path(path)]
            for name, behind in list(rows)[:MOST_LINKS]
            if names.is_device_path(name)
        },
    }


def _osds(value: Any) -> Optional[List[Dict[str, Any]]]:
    """Return the OSDs that a disk says it belongs to; None where the host did not look."""
    if not isinstance(value, list):
        return None
    rows = [row for row in value[:LIST_LENGTH] if isinstance(row, dict)]
    keys = ("osd_uuid", "cluster", "kind")
    return [
        {**{key: text(row.get(key), 64) for key in keys}, "osd_id": number(row.get("osd_id"))}
        for row in rows
    ]


def _sys_api(value: Any) -> Dict[str, Any]:
    found = value if isinstance(value, dict) else {}
    kept = {text(key, 64): _plain(each) for key, each in found.items() if isinstance(key, str)}
    for name in _NUMBERS:
        size = found.get(name, 0)
        good = isinstance(size, (int, float)) and not isinstance(size, bool) and 0 <= size < 2**80
        kept[name] = size if good else 0
    return kept


def _plain(value: Any) -> Any:
    return text(value) if isinstance(value, str) else value


def daemon_row(row: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    """Return a daemon, or None for one without a type and an id."""
    daemon_type, daemon_id = text(row.get("daemon_type"), 64), text(row.get("daemon_id"), 255)
    if not daemon_type or not daemon_id:
        return None
    ports = row.get("ports")
    return {
        "daemon_type": daemon_type,
        "daemon_id": daemon_id,
        "unit": text(row.get("unit")),
        "state": text(row.get("state"), 32),
        "enabled": row.get("enabled") is not False,
        "load": text(row.get("load"), 32),
        "by_hand": row.get("by_hand") is True,
        "version": text(row.get("version"), 64),
        "fsid": text(row.get("fsid"), 64),
        "started": moment(row.get("started")),
        "memory_usage": number(row.get("memory_usage")),
        "quorum": texts(row.get("quorum")),
        "unfinished": row.get("unfinished") is True,
        "answers": row.get("answers") is not False,
        "ports": [port for port in ports if number(port)] if isinstance(ports, list) else [],
        **_container(row),
    }


def _container(row: Mapping[str, Any]) -> Dict[str, str]:
    """Return what a row says of a container; those of most daemons say nothing."""
    found = {name: text(row.get(name), 255) for name in ("image", "image_id", "container_id")}
    return {name: each for name, each in found.items() if each}
