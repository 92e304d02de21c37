"""Hosts, specs and queues: a manager has them, or a directory of ``orch-ansible``; never both.

They move as a whole while the module is disabled. The monitors keep who holds them, so that a
second one is refused, and a manager that is enabled all the same does nothing by itself.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
import uuid
from dataclasses import asdict, dataclass, field
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
# The parts of large records go with those, and the manager keeps its key, and its login at AWX.
_STAYING = ("state", PART, KEY, "awx_token", "awx_ca")
# In a directory: its records have been written to the monitors, and are the manager's.
MOVED = "state.moved"
# What a directory is known by, whatever its path and its machine are called.
DIRECTORY = "state.directory"
LOST = (
    f"If that directory is lost, `ceph config-key rm {PREFIX}{HOLDER}` lets another one, or a "
    "manager, have them; `adopt` proposes what runs."
)
_SHOWN = 12

Records = Dict[str, Record]


@dataclass(frozen=True)
class Holder:
    """A directory of ``orch-ansible``: its own id, and by which names it was known last."""

    id: str
    machine: str = field(compare=False)
    directory: str = field(compare=False)

    @classmethod
    def here(cls, store: Store, directory: Path) -> Holder:
        """Return that of a directory. One that never had a cluster's hosts has no id."""
        found = store.get(DIRECTORY) or {}
        return cls(str(found.get("id") or ""), socket.gethostname(), str(directory))

    @classmethod
    def made(cls, store: Store, directory: Path) -> Holder:
        """Return that of a directory, with an id that is made where it has none."""
        if not cls.here(store, directory).id:
            store.set(DIRECTORY, {"id": uuid.uuid4().hex})
        return cls.here(store, directory)

    def to_record(self) -> Dict[str, Any]:
        """Return what the monitors keep."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.directory} on {self.machine}"


def holder_of(ceph: Ceph) -> Optional[Holder]:
    """Return which directory holds hosts and services of the cluster; None while none does."""
    text = ceph.json("config-key", "dump", PREFIX).get(f"{PREFIX}{HOLDER}")
    if text is None:
        return None
    try:
        data = json.loads(text)
        return Holder(str(data["id"]), str(data["machine"]), str(data["directory"]))
    except (ValueError, KeyError, TypeError):
        remedy = f"`ceph config-key rm {PREFIX}{HOLDER}` removes it."
        raise UnreadableRecord(HOLDER, "it names no directory", remedy) from None


def check_free(ceph: Ceph, mine: Holder) -> None:
    """Raise ``NotReady`` where another directory holds hosts and services of the cluster."""
    holder = holder_of(ceph)
    if holder is not None and holder != mine:
        raise NotReady(
            f"Hosts and services of this cluster are held by {holder}.",
            f"Work there, or give them back there: `orch-ansible mgr hand-back`. {LOST}",
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
    """Move the manager's records into a directory: written and read again, then removed there.

    Raises ``NotReady`` where the manager keeps something else by now than ``records``: then nothing
    has moved. An administrator's pause is kept with the holder, for ``hand_back``.
    """
    there = _texts(ceph)
    if HOLDER not in there or there[HOLDER].get("moving"):
        _copy(ceph, store, mine, records, _paused(there))
    for key in _keys(ceph):
        ceph("config-key", "rm", f"{PREFIX}{key}")


def _copy(
    ceph: Ceph, store: Store, mine: Holder, records: Records, paused: Optional[Dict[str, Any]]
) -> None:
    """Copy the manager's records into a directory, which has them from then on."""
    holder = {**mine.to_record(), "paused": paused}
    why = f"orch-ansible mgr take-over: {mine} holds hosts and services"
    _tell(ceph, HOLDER, {**holder, "moving": True})
    _tell(ceph, PAUSE, {"paused": True, "since": round(time.time()), "why": why})
    try:
        _check_unchanged(ceph, records)
        # Of a try that was cut, what the manager has dropped since.
        for key in in_directory(store).keys() - records.keys():
            store.set(key, None)
        for key, record in records.items():
            store.set(key, record)
        _check_same(records, in_directory(store))
        # Nothing is removed that somebody has asked for while it was copied.
        _check_unchanged(ceph, records)
    except NotReady:
        for key in records:
            store.set(key, None)
        _let_go(ceph)
        raise
    _tell(ceph, HOLDER, {**holder, "moving": False})


def hand_back(ceph: Ceph, store: Store, mine: Holder, records: Records, key: str) -> None:
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
    _check_same(records, in_directory(store))
    store.set(MOVED, {"at": round(time.time())})
    end_hand_back(ceph, store, mine)


def end_hand_back(ceph: Ceph, store: Store, mine: Holder) -> None:
    """Remove what is left in a directory whose records are marked as moved.

    They are old, and a manager or another directory may have changed them by now.
    """
    if holder_of(ceph) == mine:
        _let_go(ceph)
    for name in in_directory(store):
        store.set(name, None)
    store.set(MOVED, None)


def claim(ceph: Ceph, mine: Holder) -> None:
    """Have the cluster's hosts and services from now on, where nobody has them.

    The lock of the cluster must be held. Raises ``NotReady`` where another directory or a manager
    has them: two of them would each undo what the other does.
    """
    check_free(ceph, mine)
    if holder_of(ceph) is not None:
        check_settled(ceph)
        return
    keys = _keys(ceph)
    if keys:
        raise NotReady(
            f"A manager of this cluster keeps hosts and services: {some_of(sorted(keys), _SHOWN)}.",
            "`orch-ansible mgr take-over` takes them into this directory, `orch-ansible mgr "
            "enable` lets the manager go on with them.",
        )
    _tell(ceph, HOLDER, {**mine.to_record(), "moving": False})


def let_go_if_empty(ceph: Ceph, mine: Holder, store: Store) -> None:
    """Have the cluster's hosts and services no more where a directory has none of them."""
    if not in_directory(store) and holder_of(ceph) == mine and not is_moving(ceph):
        _let_go(ceph)


def has_moved(store: Store) -> bool:
    """Tell whether a directory's records are the manager's by now; also where nobody knows."""
    try:
        return store.get(MOVED) is not None
    except UnreadableRecord:
        return True


def is_moving(ceph: Ceph) -> bool:
    """Tell whether a take-over has not copied everything yet."""
    return bool(_texts(ceph).get(HOLDER, {}).get("moving"))


def check_settled(ceph: Ceph) -> None:
    """Raise ``NotReady`` where a take-over was cut: the directory may not have everything."""
    if is_moving(ceph):
        raise NotReady(
            "`orch-ansible mgr take-over` did not end: the directory may lack hosts and services.",
            "Run it again, in the same directory.",
        )


def check_here(store: Store, directory: Path) -> None:
    """Raise ``NotReady`` where a directory's records are the manager's by now."""
    if has_moved(store):
        raise NotReady(
            f"Hosts and services of {directory} were given to the manager, and what is left here "
            "is old.",
            "`orch-ansible mgr hand-back` removes it.",
        )


def check_leftovers(there: Records, records: Records) -> None:
    """Raise ``AlreadyExists`` where the monitors have what a directory that took over has not."""
    others = sorted(key for key, record in records.items() if there.get(key) != record)
    if others:
        raise AlreadyExists(
            f"The monitors have records that this directory has not: {some_of(others, _SHOWN)}.",
            f"The directory holds hosts and services. `ceph config-key rm {PREFIX}KEY` removes "
            "each that is not meant.",
        )


def _check_unchanged(ceph: Ceph, records: Records) -> None:
    """Raise ``NotReady`` where a manager works again, or keeps something else than it did."""
    check_disabled(ceph)
    now, _ = kept(ceph)
    changed = sorted(key for key in {*now, *records} if now.get(key) != records.get(key))
    if changed:
        raise NotReady(
            f"What the manager keeps has changed since it was read: {some_of(changed, _SHOWN)}.",
            "Nothing has moved: run the command again.",
        )


def _texts(ceph: Ceph) -> Dict[str, Dict[str, Any]]:
    """Return the records of the pause and of the holder that can be read."""
    found: Dict[str, str] = ceph.json("config-key", "dump", PREFIX)
    records: Dict[str, Dict[str, Any]] = {}
    for key in (PAUSE, HOLDER):
        with contextlib.suppress(ValueError, KeyError):
            data = json.loads(found[f"{PREFIX}{key}"])
            records[key] = data if isinstance(data, dict) else {}
    return records


def _paused(there: Mapping[str, Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """Return the administrator's pause, also of a take-over that was cut and is tried again."""
    return there[HOLDER].get("paused") if HOLDER in there else there.get(PAUSE)


def _let_go(ceph: Ceph) -> None:
    """Let no directory have hosts and services, and the pause be what it was before."""
    holder = _texts(ceph).get(HOLDER)
    if holder is None:
        return
    if isinstance(holder.get("paused"), dict):
        _tell(ceph, PAUSE, holder["paused"])
    elif "paused" in holder:
        ceph("config-key", "rm", f"{PREFIX}{PAUSE}")
    ceph("config-key", "rm", f"{PREFIX}{HOLDER}")


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
