"""List the Ceph daemons that packages run under systemd on a host."""

from __future__ import annotations

import os
import re
import time
from typing import Any, Dict, Iterable, List, Mapping, Tuple

from ..cluster.conf import cluster_fsid
from ..system.command import Answer, find_program, last_line, run
from ..system.json_cache import JsonCache
from ..system.processes import Processes
from ..system.reading import Roots, clean, list_dir, to_int
from .answers import Answers
from .kinds.base import Kind
from .kinds.registry import ALL
from .store_aside import is_left_over
from .versions import Versions

_TIMEOUT = 15.0
# A unit that cannot be started is there as well.
_THERE = ("loaded", "masked", "bad-setting", "error")
_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,UnitFileState,MainPID,"
    "NRestarts,ActiveEnterTimestampMonotonic"
)
# For so long (seconds) a daemon that systemd has started again by itself is only starting: one that
# ends again and again runs in between.
_STAYS = 10
_DATA_DIR = "lib/ceph"

# The kinds by the unit's name before the @, and those of which a host has but one unit.
TEMPLATES = {kind.template: kind for kind in ALL.values() if kind.template}
SINGLE_UNITS = {kind.unit: kind for kind in ALL.values() if not kind.template}
_CLUSTER = re.compile(r"[A-Za-z0-9_]+")
_INSTANCE = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


class DaemonsUnreadable(Exception):
    """Say why nobody knows which daemons a host has."""


def read_daemons(roots: Roots, hostname: str, kept: JsonCache) -> List[Dict[str, Any]]:
    """Return the daemons in order of type and id; nothing where systemd or Ceph is missing.

    ``kept`` remembers the version of the installed package. Raises ``DaemonsUnreadable``.
    """
    if not os.path.isdir(os.path.join(roots.var, _DATA_DIR)) and not _has_programs(roots):
        return []
    if not os.path.isdir("/run/systemd/system"):
        return []
    found = find_units(roots, [f"{name}@*.service" for name in TEMPLATES])
    return describe_daemons(found, hostname, roots, Processes(roots), Versions(kept, roots))


def _has_programs(roots: Roots) -> bool:
    """Tell whether a host, where Ceph may be missing, has daemons that are none of Ceph's."""
    return any(kind.is_here(roots) for kind in ALL.values() if not kind.is_ceph)


def find_units(roots: Roots, patterns: Iterable[str]) -> List[Dict[str, str]]:
    """Return the properties of the units of these patterns, and of all that daemons left traces of.

    Nothing is returned where there is no systemd. Raises ``DaemonsUnreadable``.
    """
    program = find_program("systemctl")
    if not program:
        return []
    single = sorted(unit for unit, kind in SINGLE_UNITS.items() if kind.is_here(roots))
    units = [*patterns, *single, *_by_data(roots), *_by_wants(roots)]
    units += _by_marks(roots)
    argv = [program, "show", "--no-pager", "--property=" + _PROPERTIES, "--", *units]
    return units_of(run(argv, _TIMEOUT))


def units_of(answer: Answer) -> List[Dict[str, str]]:
    """Return the units that ``systemctl show`` has printed; raises ``DaemonsUnreadable``.

    Some status is given for units that are not there; what was printed is right all the same. One
    that prints nothing, or does not end, has not said that there is no daemon.
    """
    if answer.status is None or (answer.problem and not answer.out.strip()):
        said = clean(last_line(answer.err))
        raise DaemonsUnreadable(
            "systemd does not say which daemons run: "
            + ": ".join(filter(None, [answer.problem, said]))
        )
    return parse_units(answer.out)


def _by_data(roots: Roots) -> List[str]:
    """Return the units of the daemons that have a data directory on this host.

    There one that is stopped and disabled, so that systemd does not know it, leaves its traces.
    """
    units = []
    for kind in sorted(ALL.values(), key=lambda kind: kind.data_folder):
        top = os.path.join(roots.var, kind.data_folder)
        for name in list_dir(top) if kind.data else ():
            cluster, separator, instance = name.partition("-")
            if kind.keeps_store and is_left_over(os.path.join(top, name)):
                continue
            if separator and _CLUSTER.fullmatch(cluster) and _INSTANCE.fullmatch(instance):
                units.append(f"{kind.template}@{instance}.service")
    return units


def _by_wants(roots: Roots) -> List[str]:
    """Return the units without a data directory that shall be started with the host."""
    top = os.path.join(roots.etc, "systemd/system")
    folders = [kind.wants_folder for kind in ALL.values() if kind.wants_folder]
    names = [name for folder in folders for name in list_dir(os.path.join(top, folder))]
    return [name for name in names if all(daemon_of(name, ""))]


def _by_marks(roots: Roots) -> List[str]:
    """Return the units of the daemons of which files of ours tell."""
    return [
        f"{kind.template}@{identity}.service"
        for kind in ALL.values()
        if kind.template
        for identity in kind.instances(roots)
        if _INSTANCE.fullmatch(identity)
    ]


def parse_units(text: str) -> List[Dict[str, str]]:
    """Read what ``systemctl show`` prints: a paragraph of Key=value lines for each unit."""
    units: Dict[str, Dict[str, str]] = {}
    for paragraph in text.split("\n\n"):
        pairs = [line.partition("=") for line in paragraph.splitlines()]
        unit = {clean(key): clean(value, 1024) for key, separator, value in pairs if separator}
        if unit.get("Id") and unit.get("LoadState") in _THERE:
            units[unit["Id"]] = unit
    return list(units.values())


def describe_daemons(
    units: Iterable[Mapping[str, str]],
    hostname: str,
    roots: Roots,
    processes: Processes,
    versions: Versions,
) -> List[Dict[str, Any]]:
    """Return the report's rows for these units."""
    fsid, answers = cluster_fsid(roots), Answers(roots.ceph_run)
    rows = []
    for unit in units:
        name, identity = daemon_of(unit["Id"], hostname)
        if not name:
            continue
        kind = ALL[name]
        pid = to_int(unit.get("MainPID", ""))
        state = daemon_state(unit)
        is_off = state == "stopped" and not _is_enabled(unit)
        is_ours = not kind.is_ceph or _is_masked_ours(roots, unit, kind, identity)
        if is_off and not kind.template and not is_ours:
            continue
        process = processes.describe(pid)
        row = {
            "daemon_type": name,
            "daemon_id": identity,
            "unit": unit["Id"],
            "state": kind.state_of(roots, identity, state),
            "enabled": kind.is_generated or _is_enabled(unit),
            "load": unit["LoadState"],
            "by_hand": is_by_hand(unit["Id"], kind),
            "pid": pid,
            "fsid": kind.own_fsid(roots, identity) or fsid,
            "version": versions.of(name, identity, process["program"]),
        }
        row.update({key: value for key, value in process.items() if key != "program"})
        row.update(kind.more_of_row(roots, identity, state))
        if kind.is_counted_on:
            row["answers"] = state != "running" or answers.of(kind, identity, pid)
        rows.append(row)
    # Of two units of one name ours is the last, and so the one that counts.
    return sorted(rows, key=lambda row: (row["daemon_type"], row["daemon_id"], not row["by_hand"]))


def daemon_of(unit: str, hostname: str) -> Tuple[str, str]:
    """Return the daemon's type and id for a unit's name, or two empty texts.

    The id is without the type that some units repeat: ``ceph-radosgw@rgw.web`` is ``rgw`` ``web``.
    """
    if unit in SINGLE_UNITS:
        return SINGLE_UNITS[unit].name, clean(hostname)
    template, separator, instance = unit.rpartition(".service")[0].partition("@")
    kind = TEMPLATES.get(template)
    if not separator or kind is None or not _INSTANCE.fullmatch(instance):
        return "", ""
    prefix = kind.name + "." if kind.repeats_name else ""
    return kind.name, instance[len(prefix) :] if instance.startswith(prefix) else instance


def is_by_hand(unit: str, kind: Kind) -> bool:
    """Tell whether a unit has another name than ours: somebody made the daemon by hand."""
    return kind.repeats_name and not unit.partition("@")[2].startswith(f"{kind.name}.")


def daemon_state(unit: Mapping[str, str]) -> str:
    """Return what a daemon is by its unit: running, starting, stopped, error or unknown."""
    if unit.get("ActiveState") == "failed" or unit.get("SubState") == "auto-restart":
        return "error"
    if unit.get("ActiveState") == "active" and to_int(unit.get("NRestarts", "")):
        began = to_int(unit.get("ActiveEnterTimestampMonotonic", ""))
        if began and time.clock_gettime(time.CLOCK_MONOTONIC) - began / 1e6 < _STAYS:
            return "starting"
    states = {"active": "running", "reloading": "running", "inactive": "stopped"}
    return states.get(unit.get("ActiveState", ""), "unknown")


def _is_enabled(unit: Mapping[str, str]) -> bool:
    return unit.get("UnitFileState", "").startswith("enabled")


def _is_masked_ours(roots: Roots, unit: Mapping[str, str], kind: Kind, identity: str) -> bool:
    """Tell whether a unit that every host has is masked on one where its daemon was deployed."""
    key = kind.keyring_path(roots, identity)
    return unit["LoadState"] == "masked" and os.path.lexists(key)
