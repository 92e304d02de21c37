"""Hosts, specs and queues: a manager has them, or a directory of ``orch-ansible``; never both.

They move as a whole while the module is disabled. The monitors keep who holds them, so that a
second one is refused, and a manager that is enabled all the same does nothing by itself.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from adapter.cli.ceph import Ceph, Managers
from adapter.cli.mgr_records import NAME, PREFIX, mark
from adapter.cluster.bad_records import HOLDER, PAUSE
from adapter.cluster.packed_records import PART, VALUE_SIZE, packed, record_of, values_of
from adapter.cluster.store import KINDS, Record, Store, Unusable
from adapter.errors import AlreadyExists, NotKept, NotReady, UnreadableRecord, some_of

KEY = "ssh_identity_key"
# What says how a manager is doing belongs to it, and does not move.
MOVING = tuple(kind for kind in KINDS if kind != "state")
# The parts of large records go with those, and the manager keeps its key.
_STAYING = ("state", PART, KEY)
_SHOWN = 12

Records = Dict[str, Record]


@dataclass(frozen=True)
class Holder:
    """A directory of ``orch-ansible`` on a machine."""

    machine: str
    directory: str

    @classmethod
    def here(cls, directory: Path) -> Holder:
        """Return the one of this machine."""
        return cls(socket.gethostname(), str(directory))

    def __str__(self) -> str:
        return f"{self.directory} on {self.machine}"


def holder_of(ceph: Ceph) -> Optional[Holder]:
    """Return which directory holds hosts and services of the cluster; None while none does."""
    text = ceph.json("config-key", "dump", PREFIX).get(f"{PREFIX}{HOLDER}")
    if text is None:
        return None
    try:
        data = json.loads(text)
        return Holder(str(data["machine"]), str(data["directory"]))
    except (ValueError, KeyError, TypeError):
        remedy = f"`ceph config-key rm {PREFIX}{HOLDER}` removes it."
        raise UnreadableRecord(HOLDER, "it names no directory", remedy) from None


def check_free(ceph: Ceph, mine: Holder) -> None:
    """Raise ``NotReady`` where another directory holds hosts and services of the cluster."""
    holder = holder_of(ceph)
    if holder is not None and holder != mine:
        raise NotReady(
            f"Hosts and services of this cluster are held by {holder}.",
            "Work there, or give them back there: `orch-ansible mgr hand-back`.",
        )


def kept(ceph: Ceph) -> Tuple[Records, str]:
    """Return what a manager keeps of hosts and services, and its ssh key.

    Raises ``UnreadableRecord``: what cannot be read would be lost on the way.
    """
    found: Dict[str, str] = ceph.json("config-key", "dump", PREFIX)
    texts = {name[len(PREFIX) :]: text for name, text in found.items()}
    records: Records = {}
    for key, text in sorted(texts.items()):
        kind = key.partition(".")[0]
        if kind not in (*MOVING, *_STAYING):
            remedy = "Install the version of this command that the managers' hosts have."
            raise UnreadableRecord(key, "this version does not know what it is", remedy)
        if kind in MOVING:
            try:
                records[key] = record_of(text, texts.get)
            except Unusable as error:
                remedy = f"`ceph config-key get {PREFIX}{key}` shows it; correct or remove it."
                raise UnreadableRecord(key, str(error), remedy) from None
    return records, texts.get(KEY, "")


def in_directory(store: Store) -> Records:
    """Return what a directory holds of hosts and services; raises ``UnreadableRecord``."""
    records: Records = {}
    for kind in MOVING:
        found = store.items(kind)
        for name, reason in found.unreadable.items():
            raise UnreadableRecord(f"{kind}.{name}", reason, "Correct or remove the file.")
        records.update({f"{kind}.{name}": record for name, record in found.items()})
    return records


def described(records: Mapping[str, Any]) -> List[str]:
    """Return what is moved, in words."""
    names: Dict[str, List[str]] = {}
    for key in records:
        kind, _, name = key.partition(".")
        names.setdefault(kind, []).append(name)
    words = {"host": "hosts", "spec": "services", "osd_removal": "OSDs that are being removed"}
    lines = []
    for kind, word in words.items():
        there = names.pop(kind, [])
        if there:
            lines.append(f"{word} ({len(there)}): {some_of(there, _SHOWN)}")
    more = sum(len(each) for each in names.values())
    return [*lines, f"what was deployed and is under way: {more}"] if more else lines


def take_over(ceph: Ceph, store: Store, mine: Holder, records: Records) -> None:
    """Move the manager's records into a directory: written and read again, then removed there."""
    why = f"orch-ansible mgr take-over: {mine} holds hosts and services"
    _tell(ceph, HOLDER, {"machine": mine.machine, "directory": mine.directory})
    _tell(ceph, PAUSE, {"paused": True, "since": round(time.time()), "why": why})
    for key, record in records.items():
        store.set(key, record)
    _check_same(records, in_directory(store))
    for key in _keys(ceph):
        ceph("config-key", "rm", f"{PREFIX}{key}")


def hand_back(ceph: Ceph, store: Store, records: Records, key: str) -> None:
    """Move a directory's records to the manager: written and read again, then removed here.

    The manager takes nothing away unasked when it is enabled (``ceph ansible pending``).
    """
    for name, record in records.items():
        _tell(ceph, name, record)
    there, kept_key = kept(ceph)
    _check_same(records, there)
    if key and not kept_key:
        ceph("config-key", "set", f"{PREFIX}{KEY}", "-i", "-", given=key)
    mark(ceph)
    # In this order: where it is cut, the same command finds the rest and ends it.
    for name in (PAUSE, HOLDER):
        ceph("config-key", "rm", f"{PREFIX}{name}")
    for name in records:
        store.set(name, None)


def check_disabled(ceph: Ceph) -> None:
    """Raise ``NotReady`` while a manager works with what it keeps."""
    if Managers.ask(ceph, NAME).enabled:
        raise NotReady(
            f"The module {NAME} is enabled, and a manager works with its hosts and services.",
            "Run `orch-ansible mgr disable` first.",
        )


def check_empty(
    there: Mapping[str, Any], coming: Mapping[str, Any], where: str, remedy: str
) -> None:
    """Raise ``AlreadyExists`` where something else is held already; the same is a second try."""
    others = sorted(key for key, record in there.items() if coming.get(key) != record)
    if others:
        raise AlreadyExists(
            f"{where} holds other hosts and services already: {some_of(others, _SHOWN)}.",
            f"Two holders are not made one: {remedy}.",
        )


def _keys(ceph: Ceph) -> List[str]:
    """Return the keys of all that has moved, with the parts of large records."""
    found = (str(key) for key in ceph.json("config-key", "ls"))
    keys = (key[len(PREFIX) :] for key in found if key.startswith(PREFIX))
    return [key for key in keys if key.partition(".")[0] in (*MOVING, PART)]


def _tell(ceph: Ceph, key: str, record: Mapping[str, Any]) -> None:
    """Write a record to the monitors; its head is written last."""
    text = json.dumps(dict(record))
    head = text
    parts: Dict[str, str] = {}
    if len(text.encode("utf-8")) > VALUE_SIZE:
        head, parts = values_of(key, text, packed(text), VALUE_SIZE)
    for name, value in [*parts.items(), (key, head)]:
        ceph("config-key", "set", f"{PREFIX}{name}", "-i", "-", given=value)


def _check_same(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    for key, record in wanted.items():
        if found.get(key) != record:
            raise NotKept(
                key, 0, "it reads otherwise than it was written", "Nothing was removed: try again."
            )
