"""List the Ceph daemons that packages run under systemd on a host."""

from __future__ import annotations

import os
import re

from ..cluster.conf import cluster_fsid, cluster_name
from ..system.command import find_program, run
from ..system.processes import Processes
from ..system.reading import clean, list_dir, read_text, to_int
from .mon.joining import joining
from .mon.views import ask_own
from .store_aside import is_left_over
from .versions import Versions

_TIMEOUT = 15.0
# A unit that cannot be started is there as well.
_THERE = ("loaded", "masked", "bad-setting", "error")
_PROPERTIES = "Id,LoadState,ActiveState,SubState,UnitFileState,MainPID"
_DATA_DIR = "lib/ceph"

# The units of Ceph's packages: daemon type by the unit's name before the @.
TEMPLATES = {
    "ceph-mon": "mon",
    "ceph-mgr": "mgr",
    "ceph-osd": "osd",
    "ceph-mds": "mds",
    "ceph-radosgw": "rgw",
    "ceph-rbd-mirror": "rbd-mirror",
    "cephfs-mirror": "cephfs-mirror",
}
SINGLE_UNITS = {"ceph-crash.service": "crash", "ceph-exporter.service": "ceph-exporter"}
# Where a daemon that is stopped and disabled, so that systemd does not know it, leaves its traces.
_DATA_FOLDERS = {
    "mon": "ceph-mon",
    "mgr": "ceph-mgr",
    "osd": "ceph-osd",
    "mds": "ceph-mds",
    "radosgw": "ceph-radosgw",
}
# These daemons have no such directory; their units are found where systemd is told to start them.
_WANTS = ("ceph-rbd-mirror.target.wants", "cephfs-mirror.target.wants")
# The units of these repeat the type in front of the id.
_REPEATING = ("rgw", "rbd-mirror", "cephfs-mirror")
_CLUSTER = re.compile(r"[A-Za-z0-9_]+")
_INSTANCE = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


def read_daemons(roots, hostname, kept):
    """Return the daemons in order of type and id; nothing where systemd or Ceph is missing.

    ``kept`` remembers the version of the installed package.
    """
    if not os.path.isdir(os.path.join(roots.var, _DATA_DIR)):
        return []
    program = find_program("systemctl")
    units = [f"{name}@*.service" for name in TEMPLATES] + sorted(SINGLE_UNITS)
    units += _by_data(roots) + _by_wants(roots)
    if not program or not os.path.isdir("/run/systemd/system"):
        return []
    argv = [program, "show", "--no-pager", "--property=" + _PROPERTIES, "--", *units]
    answer = run(argv, _TIMEOUT)
    # Some status is given for units that are not there; what was printed is right all the same.
    units = parse_units(answer.out)
    return describe_daemons(units, hostname, roots, Processes(roots), Versions(kept))


def _by_data(roots):
    """Return the units of the daemons that have a data directory on this host."""
    top = os.path.join(roots.var, _DATA_DIR)
    units = []
    for folder, unit in sorted(_DATA_FOLDERS.items()):
        for name in list_dir(os.path.join(top, folder)):
            cluster, separator, instance = name.partition("-")
            if folder == "mon" and is_left_over(os.path.join(top, folder, name)):
                continue
            if separator and _CLUSTER.fullmatch(cluster) and _INSTANCE.fullmatch(instance):
                units.append(f"{unit}@{instance}.service")
    return units


def _by_wants(roots):
    """Return the units without a data directory that shall be started with the host."""
    top = os.path.join(roots.etc, "systemd/system")
    names = [name for folder in _WANTS for name in list_dir(os.path.join(top, folder))]
    return [name for name in names if all(daemon_of(name, ""))]


def parse_units(text):
    """Read what ``systemctl show`` prints: a paragraph of Key=value lines for each unit."""
    units = {}
    for paragraph in text.split("\n\n"):
        pairs = [line.partition("=") for line in paragraph.splitlines()]
        unit = {clean(key): clean(value, 1024) for key, separator, value in pairs if separator}
        if unit.get("Id") and unit.get("LoadState") in _THERE:
            units[unit["Id"]] = unit
    return list(units.values())


def describe_daemons(units, hostname, roots, processes, versions):
    """Return the report's rows for these units."""
    fsid = cluster_fsid(roots)
    rows = []
    for unit in units:
        kind, identity = daemon_of(unit["Id"], hostname)
        if not kind:
            continue
        pid = to_int(unit.get("MainPID", ""))
        state = daemon_state(unit)
        is_off = state == "stopped" and not _is_enabled(unit)
        if is_off and kind in SINGLE_UNITS.values() and not _is_masked_ours(roots, unit, identity):
            continue
        process = processes.describe(pid)
        row = {
            "daemon_type": kind,
            "daemon_id": identity,
            "unit": unit["Id"],
            "state": state,
            "enabled": _is_enabled(unit),
            "load": unit["LoadState"],
            "by_hand": is_by_hand(unit["Id"], kind),
            "pid": pid,
            "fsid": _osd_fsid(roots, kind, identity) or fsid,
            "version": versions.of(kind, identity, process["program"]),
        }
        row.update({key: value for key, value in process.items() if key != "program"})
        if kind == "mon":
            row.update(_mon_state(roots, identity, state))
        rows.append(row)
    # Of two units of one name ours is the last, and so the one that counts.
    return sorted(rows, key=lambda row: (row["daemon_type"], row["daemon_id"], not row["by_hand"]))


def _mon_state(roots, identity, state):
    """Return the quorum that a monitor says it is in, and whether it has still to be finished."""
    path = os.path.join(roots.ceph_run, f"ceph-mon.{identity}.asok")
    own = ask_own(path) if state == "running" else None
    return {
        "quorum": sorted(own.quorum) if own is not None else [],
        "unfinished": identity in joining(roots),
    }


def daemon_of(unit, hostname):
    """Return the daemon's type and id for a unit's name, or two empty texts.

    The id is without the type that some units repeat: ``ceph-radosgw@rgw.web`` is ``rgw`` ``web``.
    """
    if unit in SINGLE_UNITS:
        return SINGLE_UNITS[unit], clean(hostname)
    template, separator, instance = unit.rpartition(".service")[0].partition("@")
    kind = TEMPLATES.get(template, "")
    if not separator or not kind or not _INSTANCE.fullmatch(instance):
        return "", ""
    prefix = kind + "." if kind in _REPEATING else ""
    return kind, instance[len(prefix) :] if instance.startswith(prefix) else instance


def is_by_hand(unit, kind):
    """Tell whether a unit has another name than ours: somebody made the daemon by hand."""
    return kind in _REPEATING and not unit.partition("@")[2].startswith(f"{kind}.")


def daemon_state(unit):
    """Return ``running``, ``stopped``, ``error`` or ``unknown`` for a unit's states."""
    if unit.get("ActiveState") == "failed" or unit.get("SubState") == "auto-restart":
        return "error"
    states = {"active": "running", "reloading": "running", "inactive": "stopped"}
    return states.get(unit.get("ActiveState", ""), "unknown")


def _is_enabled(unit):
    return unit.get("UnitFileState", "").startswith("enabled")


def _is_masked_ours(roots, unit, identity):
    """Tell whether a unit that every host has is masked on one where its daemon was deployed."""
    name = f"ceph/ceph.client.{SINGLE_UNITS[unit['Id']]}.{identity}.keyring"
    return unit["LoadState"] == "masked" and os.path.lexists(os.path.join(roots.etc, name))


def _osd_fsid(roots, kind, identity):
    """Return the cluster that an OSD belongs to: its own word counts, not the configuration's."""
    if kind != "osd":
        return ""
    place = f"{_DATA_DIR}/osd/{cluster_name(roots)}-{identity}/ceph_fsid"
    return read_text(os.path.join(roots.var, place), limit=64)
