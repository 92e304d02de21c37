"""Say who a host is, what it runs and which disks it has, as reports and all changes of them do."""

from __future__ import annotations

import os
import platform
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Container, Dict, List, Mapping, Optional

from ..cluster.conf import is_address, read_conf
from ..system.reading import Roots, clean, list_dir, read_text
from ..system.subprocess_worker import run_apart
from ..system.upgrade_record import left_behind
from .admin_state import read_admin
from .backend_state import read_backend
from .maintenance_record import describe_record
from .record import read_record

if TYPE_CHECKING:
    from ..disks.report import DeviceReport as DeviceReport

SCHEMA = 1
_NAME_TIMEOUT = 2.0
# Seconds for which what ceph-volume and the packages said counts, if nothing has changed.
_KEPT_FOR = 600
# What decides the versions of packages is seen whole, but for a list that is changed unseen.
_PACKAGES_KEPT_FOR = 86400


def read_identity(roots: Roots) -> Dict[str, Any]:
    """Return who the host is. A name server that does not answer costs two seconds at most."""
    hostname = clean(os.uname().nodename)
    conf = read_conf(roots)
    mons = [mon for mon in (conf or {}).get("mons", ()) if not is_address(mon)]
    asked: Dict[str, Callable[[], Any]] = {f"mon {mon}": partial(_resolved, mon) for mon in mons}
    names = run_apart({"fqdn": socket.getfqdn, **asked}, _NAME_TIMEOUT)
    if conf is not None:
        # Names are resolved where they are used: only this host knows what they mean to it.
        found = [names.get(f"mon {mon}") or [mon] for mon in conf["mons"]]
        conf["mons"] = sorted({address for each in found for address in each})
    return {
        "hostname": hostname,
        "fqdn": clean(names.get("fqdn", "")) or hostname,
        "machine_id": read_text(os.path.join(roots.etc, "machine-id")),
        "python": platform.python_version(),
        "record": read_record(),
        "conf": conf,
        "admin": read_admin(roots),
        "tuned": _tuned(roots),
        "backend": read_backend(roots.usr),
        "maintenance": describe_record(roots),
        "upgrade_left": left_behind(roots),
    }


def _tuned(roots: Roots) -> Optional[Dict[str, Any]]:
    """Return what the host has of tuned profiles; None where it never had any."""
    memory = os.path.join(roots.var, "lib/ceph-orch-ansible/sysctl.json")
    names = list_dir(os.path.join(roots.etc, "sysctl.d"))
    if not os.path.lexists(memory) and not any("ceph-orch-ansible" in name for name in names):
        return None
    # Imported where it is needed: Python compiles what a module imports on every call.
    from .tuned_state import read_tuned

    return read_tuned(roots)


def _resolved(name: str) -> List[str]:
    """Return the addresses of a name, none where nobody knows it."""
    try:
        return sorted({str(row[4][0]) for row in socket.getaddrinfo(name, None)})
    except (OSError, UnicodeError):
        return []


def daemons_of(
    roots: Roots, identity: Mapping[str, Any], max_age: float, write: bool
) -> List[Dict[str, Any]]:
    """Return the daemons of the host.

    For ``max_age`` seconds the version of an installed package counts as known; with ``write``
    false nothing is kept.
    """
    # Imported where it is needed: Python compiles what a module imports on every call.
    from ..daemons.listing import read_daemons
    from ..system.json_cache import JsonCache

    # Daemons that are called like their host are called as the orchestrator calls it.
    known_as = (identity["record"] or {}).get("hostname") or identity["hostname"]
    return read_daemons(roots, str(known_as), JsonCache("ceph-version.json", max_age, write=write))


def packages_of(roots: Roots, write: bool) -> Dict[str, Any]:
    """Return Ceph's packages on the host and what its repositories have of them."""
    # Imported where it is needed: Python compiles what a module imports on every call.
    from ..system.json_cache import JsonCache
    from ..system.package_versions import read_package_versions

    kept = JsonCache("ceph-packages.json", _PACKAGES_KEPT_FOR, write=write)
    return read_package_versions(roots, kept)


def start_devices(
    roots: Roots, max_age: float, write: bool, mode: str = "auto", timeout: float = 120.0
) -> DeviceReport:
    """Begin to read the disks; ceph-volume may work until ``devices_of`` asks for them."""
    from ..disks.report import DeviceReport
    from ..system.json_cache import JsonCache

    kept = JsonCache("ceph-volume-inventory.json", max_age, write=write)
    return DeviceReport(roots, kept, mode=mode, timeout=timeout)


def devices_of(report: DeviceReport) -> Dict[str, Any]:
    """Return the parts of a host's report that tell of its disks."""
    parts: Dict[str, Any] = {"devices": report.rows(), "devices_source": report.source}
    parts["storage"] = report.storage()
    if report.error:
        parts["devices_error"] = clean(report.error, 1024)
    return parts


def new_report(identity: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the beginning of a report: who the host is, and what its clock says."""
    clock = round(time.time(), 3)
    return {"schema": SCHEMA, "clock": clock, "identity": identity, "timings": {}}


def state_after(
    roots: Roots, check_mode: bool, gather: Container[str] = ("daemons",)
) -> Dict[str, Any]:
    """Return the parts of a host's report that an act on its daemons or disks has changed."""
    identity = read_identity(roots)
    parts = new_report(identity)
    began = time.monotonic()
    devices = None
    if "devices" in gather:
        # ceph-volume would need a second for the same; the next report asks it again.
        devices = start_devices(roots, _KEPT_FOR, write=not check_mode, mode="never")
    if "daemons" in gather:
        parts.update(_daemons_after(roots, identity, check_mode))
        parts["timings"]["daemons"] = round(time.monotonic() - began, 3)
    if devices is not None:
        parts.update(devices_of(devices))
        parts["timings"]["devices"] = round(time.monotonic() - began, 3)
    return parts


def _daemons_after(roots: Roots, identity: Mapping[str, Any], check_mode: bool) -> Dict[str, Any]:
    """Return the daemons, or why they cannot be read: what was done is done all the same."""
    from ..daemons.listing import DaemonsUnreadable

    try:
        return {"daemons": daemons_of(roots, identity, _KEPT_FOR, write=not check_mode)}
    except DaemonsUnreadable as error:
        return {"daemons_error": clean(error, 1024)}
