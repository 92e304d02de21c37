"""The tables of ``ceph orch``, column by column. Pure functions."""

from __future__ import annotations

import datetime
import difflib
import math
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

import yaml

from adapter.interface import (
    DaemonDescription,
    DaemonDescriptionStatus,
    Device,
    HostSpec,
    InventoryHost,
)
from adapter.interface.matchers import size_as_listed
from adapter.tables import table

DEVICE_HEAD = (
    *("HOST", "PATH", "TYPE", "TRANSPORT", "RPM", "DEVICE ID", "SIZE", "HEALTH", "IDENT", "FAULT"),
    *("AVAILABLE", "REFRESHED", "REJECT REASONS"),
)
WIDE_ONLY = ("TRANSPORT", "RPM", "HEALTH", "IDENT", "FAULT")
DAEMON_HEAD = ("NAME", "HOST", "PORTS", "STATUS", "REFRESHED", "AGE", "MEM USE", "VERSION")
HOST_HEAD = ("HOST", "ADDR", "LABELS", "STATUS")
DETAIL_HEAD = ("VENDOR/MODEL", "CPU", "RAM", "HDD", "SSD", "NIC")
DETAIL_KEYS = (*("server", "cpu_summary", "ram", "hdd_summary", "ssd_summary", "nic_count"),)

_AGES = ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h"), (1209600, 86400, "d"))


def natural(name: str) -> List[Tuple[int, Union[int, str]]]:
    """Return a key that sorts h2 before h10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def age(moment: Optional[datetime.datetime], now: datetime.datetime, suffix: str = "") -> str:
    """Return how long ago something was, as ``ceph orch`` says it."""
    if moment is None:
        return "-"
    seconds = max(0, int((now - moment).total_seconds()))
    for least, unit, letter in _AGES:
        if seconds < least:
            return f"{seconds // unit}{letter}{suffix}"
    return f"{seconds // 604800}w{suffix}"


def size(count: Any) -> str:
    """Return bytes in at most four digits and a unit, as ``ceph orch device ls`` does."""
    text = size_as_listed(float(count or 0))
    digits, unit = (text[:-1], text[-1]) if text[-1].isalpha() else (text, " ")
    return f"{digits:>4}{unit}"


def devices(hosts: Iterable[InventoryHost], now: datetime.datetime, *, wide: bool = False) -> str:
    """Return the devices as ``ceph orch device ls`` prints them."""
    rows = [
        _device_row(host, device, now)
        for host in sorted(hosts, key=lambda each: natural(each.name))
        for device in sorted(host.devices.devices, key=lambda each: natural(each.path))
    ]
    if not rows:
        return "No devices"
    shown = [name for name in DEVICE_HEAD if wide or name not in WIDE_ONLY]
    cells = [[dict(zip(DEVICE_HEAD, row))[name] for name in shown] for row in rows]
    return table(shown, cells, right=("SIZE",))


def _device_row(host: InventoryHost, device: Device, now: datetime.datetime) -> Sequence[str]:
    lsm = device.lsm_data or {}
    lights = lsm.get("ledSupport") or {}
    return (
        host.name,
        device.path,
        device.human_readable_type,
        str(lsm.get("transport") or ""),
        str(lsm.get("rpm") or ""),
        device.device_id or "",
        size(device.sys_api.get("size")),
        str(lsm.get("health") or ""),
        str(lights.get("IDENTstatus") or "N/A"),
        str(lights.get("FAILstatus") or "N/A"),
        "Yes" if device.available else "No",
        age(device.created, now, " ago"),
        ", ".join(device.rejected_reasons),
    )


def daemons(found: Iterable[DaemonDescription], now: datetime.datetime) -> str:
    """Return the daemons as ``ceph orch ps`` prints them, without the columns of containers."""
    rows = [
        (
            each.name(),
            each.hostname or "<unknown>",
            each.get_port_summary(),
            _daemon_status(each, now),
            age(each.last_refresh, now, " ago"),
            age(each.started, now),
            size(each.memory_usage).strip() if each.memory_usage else "-",
            each.version or "<unknown>",
        )
        for each in sorted(found, key=lambda each: natural(each.name()))
    ]
    if not rows:
        return "No daemons reported"
    return table(DAEMON_HEAD, rows, right=("REFRESHED", "AGE", "MEM USE"))


def _daemon_status(daemon: DaemonDescription, now: datetime.datetime) -> str:
    words = daemon.status_desc or DaemonDescriptionStatus.to_str(daemon.status)
    if daemon.status is DaemonDescriptionStatus.running and daemon.started:
        return f"{words} ({age(daemon.started, now)})"
    return words


def hosts(rows: Sequence[Mapping[str, Any]], *, detail: bool = False) -> str:
    """Return hosts as ``ceph orch host ls`` prints them."""
    head = (*HOST_HEAD, *DETAIL_HEAD) if detail else HOST_HEAD
    keys = ("hostname", "addr", "labels", "status", *(DETAIL_KEYS if detail else ()))
    cells = [
        [",".join(row[key]) if key == "labels" else str(row[key]) for key in keys]
        for row in sorted(rows, key=lambda row: natural(row["hostname"]))
    ]
    return f"{table(head, cells)}\n{len(rows)} hosts in cluster"


def host_row(spec: HostSpec) -> Dict[str, Any]:
    """Return a host with the keys of ``ceph orch host ls --format json``."""
    return {
        "addr": spec.addr,
        "hostname": spec.hostname,
        "labels": list(spec.labels),
        "status": spec.status,
    }


def host_details(facts: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the summary of a host's facts with the keys of ``host ls --detail``."""
    if not facts:
        return dict.fromkeys((*DETAIL_KEYS, "os"), "N/A")
    sockets = _whole(facts.get("cpu_count")) or 1
    cores = _whole(facts.get("cpu_cores")) * sockets
    threads = _whole(facts.get("cpu_threads")) * sockets
    memory = _whole(facts.get("memory_total_kb")) * 1024
    divisor, unit = (2**30, "GiB") if memory > 2**30 else (2**20, "MiB")
    vendor, model = (str(facts.get(key) or "").strip() for key in ("vendor", "model"))
    return {
        "server": f"{vendor} {model}",
        "os": facts.get("operating_system") or "N/A",
        "cpu_summary": f"{cores}C/{threads}T" if cores else "N/A",
        "ram": f"{math.ceil(memory / divisor)} {unit}",
        "hdd_summary": _disks(facts, "hdd"),
        "ssd_summary": _disks(facts, "flash"),
        "nic_count": facts.get("nic_count", ""),
    }


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _disks(facts: Mapping[str, Any], kind: str) -> str:
    count = facts.get(f"{kind}_count") or 0
    return f"{count}/{facts.get(f'{kind}_capacity', 0)}" if count else "-"


def differences(diffs: Iterable[Any]) -> List[str]:
    """Return the differences that Ansible's check mode showed as lines."""
    lines: List[str] = []
    for diff in diffs:
        for part in diff if isinstance(diff, (list, tuple)) else (diff,):
            if not isinstance(part, Mapping):
                continue
            if part.get("prepared"):
                lines += str(part["prepared"]).splitlines()
            elif part.get("before") != part.get("after"):
                lines += unified(
                    part.get("before"),
                    part.get("after"),
                    str(part.get("before_header") or "before"),
                    str(part.get("after_header") or "after"),
                )
    return lines


def unified(before: Any, after: Any, before_name: str, after_name: str) -> List[str]:
    """Return a unified difference of texts or data."""
    old, new = _as_text(before).splitlines(), _as_text(after).splitlines()
    return list(difflib.unified_diff(old, new, before_name, after_name, lineterm=""))


def _as_text(value: Any) -> str:
    if value is None or value == "":
        return ""
    return value if isinstance(value, str) else str(yaml.safe_dump(value, sort_keys=False))
