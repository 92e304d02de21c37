"""What maintenance has changed on a host, kept there until it is undone.

``/var/lib/ceph-orch-ansible/maintenance.json`` is written before a unit is touched: a run that is
killed, and a host that starts anew, find in it how each unit was.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..system.atomic_write import read_record_text, write_text
from ..system.reading import Roots

SCHEMA = 1
# How a unit is kept from being started: by a mask, or by a condition in a file of ours where
# somebody has put a file of the unit's name in the place of a mask. Empty is for one that somebody
# had masked before.
MASK, CONDITION, NOTHING = "mask", "condition", ""
# All that systemd takes for a name; other letters are escaped with a backslash.
_UNIT = re.compile(r"(?:ceph|prometheus|grafana)[A-Za-z0-9@._:\\-]{0,245}\.service")
_UUID = re.compile(r"[0-9a-f-]{36}")
_PATH = "lib/ceph-orch-ansible/maintenance.json"


class RecordUnreadable(Exception):
    """Say that the record cannot be used: what was changed is not known then."""


@dataclass(frozen=True)
class HeldUnit:
    """A unit as it was: ``ran`` tells whether it is started again, ``how`` what is taken away.

    ``osd`` has of an OSD its ``uuid`` and the ``kinds`` and ``devices`` that its directory named:
    after a restart of the host nobody else may make the directory anew.
    """

    unit: str
    kind: str = ""
    ran: bool = False
    how: str = MASK
    osd: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Dict[str, Any]:
        """Return the row of the record."""
        more = {"osd": dict(self.osd)} if self.osd else {}
        return {"unit": self.unit, "kind": self.kind, "ran": self.ran, "how": self.how, **more}


@dataclass(frozen=True)
class Record:
    """Since when (epoch seconds) the host is in maintenance, and the units that it holds."""

    since: float
    units: Tuple[HeldUnit, ...] = ()

    def names(self) -> List[str]:
        """Return the names of all units."""
        return [each.unit for each in self.units]


def path_of(roots: Roots) -> str:
    """Return the record's file."""
    return os.path.join(roots.var, _PATH)


def read_held(rows: Iterable[Any]) -> Tuple[HeldUnit, ...]:
    """Read rows of units, each checked; raises ``RecordUnreadable``."""
    return tuple(_read_row(row) for row in rows)


def can_be_kept(unit: str) -> bool:
    """Tell whether a record can hold a unit."""
    return bool(_UNIT.fullmatch(unit))


def _read_row(row: Any) -> HeldUnit:
    if not isinstance(row, Mapping):
        raise RecordUnreadable("a unit in it is not a mapping")
    unit, how, osd = row.get("unit"), row.get("how"), row.get("osd") or {}
    if not isinstance(unit, str) or not _UNIT.fullmatch(unit):
        raise RecordUnreadable("it names what is not a unit of Ceph")
    if how not in (MASK, CONDITION, NOTHING) or not isinstance(row.get("ran"), bool):
        raise RecordUnreadable(f"it does not say how {unit} was")
    return HeldUnit(unit, str(row.get("kind") or ""), row["ran"], str(how), _read_osd(unit, osd))


def _read_osd(unit: str, osd: Any) -> Dict[str, Any]:
    if not osd:
        return {}
    if not isinstance(osd, Mapping) or not _UUID.fullmatch(str(osd.get("uuid"))):
        raise RecordUnreadable(f"what it says of the OSD of {unit} cannot be used")
    kinds = [str(each) for each in osd.get("kinds") or () if each in ("block", "db", "wal")]
    devices = [str(each) for each in osd.get("devices") or () if str(each).startswith("/dev/")]
    return {"uuid": str(osd["uuid"]), "kinds": kinds, "devices": devices}


def read_record(roots: Roots) -> Optional[Record]:
    """Return the record, None where the host is not in maintenance.

    Raises ``RecordUnreadable``: one that nobody can use must not be taken for none.
    """
    path = path_of(roots)
    try:
        text = read_record_text(path)
    except OSError as error:
        raise RecordUnreadable(f"{path}: {error.strerror}") from None
    if text is None:
        return None
    try:
        data = json.loads(text)
        since = float(data["since"])
        rows = data["units"]
    except (ValueError, KeyError, TypeError):
        raise RecordUnreadable(f"{path} is not what was written there") from None
    return Record(since, read_held(rows if isinstance(rows, list) else [None]))


def write_record(roots: Roots, record: Record) -> None:
    """Write the record so that it outlasts a power cut; raises ``OSError``.

    Raises ``RecordUnreadable``, before anything is written, for one that could not be read again.
    """
    rows = [each.to_json() for each in record.units]
    read_held(rows)
    data = {"schema": SCHEMA, "since": round(record.since), "units": rows}
    write_text(path_of(roots), json.dumps(data, indent=2) + "\n", 0o644)
    _sync(roots)


def remove_record(roots: Roots) -> None:
    """Remove the record, when all is undone; raises ``OSError``."""
    if os.path.lexists(path_of(roots)):
        os.unlink(path_of(roots))
        _sync(roots)


def _sync(roots: Roots) -> None:
    handle = os.open(os.path.dirname(path_of(roots)), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def describe_record(roots: Roots) -> Optional[Dict[str, Any]]:
    """Return for a report since when units are held and how many, None where none are."""
    try:
        record = read_record(roots)
    except RecordUnreadable:
        return {"since": 0, "units": -1}
    return None if record is None else {"since": record.since, "units": len(record.units)}


def now() -> float:
    """Return the time as records have it."""
    return float(round(time.time()))
