"""Where what only the orchestrator knows is kept.

A store holds JSON objects under keys ``kind.name`` (``host.h2``). In ceph-mgr it is the mon's
key-value store (``adapter.mgr.store``), without a mgr a directory of YAML, in tests memory.

A record that cannot be read is not one that is not there: ``Records.unreadable`` names it, and
nobody may decide as if it were gone, nor overwrite it by himself.
"""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Tuple, TypeVar

import yaml

from adapter.engine.files import closed_dir, write_private
from adapter.errors import NotKept, UnreadableRecord
from adapter.interface import OrchestratorError

Record = Dict[str, Any]
T = TypeVar("T")
# What reading a record that somebody has edited may raise.
UNUSABLE = (
    OrchestratorError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


class Unusable(ValueError):
    """What is kept cannot be used; says why."""


class Records(Dict[str, Record]):
    """Records of a kind by name; ``unreadable`` says of the others, by name, why."""

    def __init__(self) -> None:
        super().__init__()
        self.unreadable: Dict[str, str] = {}


class Store(Protocol):
    """Keep records by key; every change is on disk (or in the mons) when the call returns."""

    def get(self, key: str) -> Optional[Record]:
        """Return the record, or None; raises ``UnreadableRecord``."""
        ...

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Replace the record; None removes it. Raises ``NotKept``."""
        ...

    def items(self, kind: str) -> Records:
        """Return all records of a kind by their name (the key without ``kind.``)."""
        ...

    def shown_by(self, key: str) -> str:
        """Return how a person looks at a record, e.g. a command in backticks."""
        ...

    def removed_by(self, key: str) -> str:
        """Return the command with which a person removes a record, in backticks."""
        ...


class MemoryStore:
    """The store in memory, for tests, dry runs, and a machine that shall keep nothing."""

    def __init__(self) -> None:
        self._records: Dict[str, Record] = {}
        self._unreadable: Dict[str, str] = {}

    def get(self, key: str) -> Optional[Record]:
        """Return a copy of the record, or None."""
        if key in self._unreadable:
            raise UnreadableRecord(key, self._unreadable[key])
        record = self._records.get(key)
        return None if record is None else dict(record)

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Replace or remove the record."""
        self._unreadable.pop(key, None)
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = dict(record)

    def spoil(self, key: str, reason: str) -> None:
        """Let a record be unreadable, as it is in the store that this one is a copy of."""
        self._records.pop(key, None)
        self._unreadable[key] = reason

    def items(self, kind: str) -> Records:
        """Return all records of a kind."""
        prefix, found = f"{kind}.", Records()
        for key, record in self._records.items():
            if key.startswith(prefix):
                found[key[len(prefix) :]] = dict(record)
        for key, reason in self._unreadable.items():
            if key.startswith(prefix):
                found.unreadable[key[len(prefix) :]] = reason
        return found

    def shown_by(self, key: str) -> str:
        """Return where the record is."""
        return f"the record {key}"

    def removed_by(self, key: str) -> str:
        """Return the command of the monitors, which this is a copy of."""
        return f"`ceph config-key rm mgr/ansible/{key}`"


# The kinds of records that there are, by what is before the first dot of their keys.
KINDS = (
    "host",
    "spec",
    "osd_owner",
    "osd_vacant",
    "osd_made",
    "osd_removal",
    "osd_creation",
    "service_action",
    "maintenance",
    "upgrade",
    "daemon_action",
    "unused_key",
    "removed_mon",
    "deployed",
    "settings",
    "tuned_profile",
    "alert_rules",
    "state",
)


def copy_of(store: Store) -> MemoryStore:
    """Return all records of a store, in memory; what cannot be read cannot be read there."""
    copy = MemoryStore()
    for kind in KINDS:
        records = store.items(kind)
        for name, record in records.items():
            copy.set(f"{kind}.{name}", record)
        for name, reason in records.unreadable.items():
            copy.spoil(f"{kind}.{name}", reason)
    return copy


class YamlStore:
    """A directory of YAML: ``DIR/<kind>/<name>.yml``, one record a file.

    The files are meant to be read, edited and kept under version control by people.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def _path(self, key: str) -> Path:
        kind, _, name = key.partition(".")
        return self.directory / kind / f"{name}.yml"

    def get(self, key: str) -> Optional[Record]:
        """Read the record; raises ``UnreadableRecord`` for a file that is not a YAML mapping."""
        path = self._path(key)
        try:
            return _read(path)
        except FileNotFoundError:
            return None
        except Unusable as error:
            raise UnreadableRecord(str(path), str(error), "Correct or remove the file.") from error

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Write the record through a temporary file, or remove it."""
        path = self._path(key)
        try:
            if record is None:
                path.unlink(missing_ok=True)
            else:
                closed_dir(self.directory)
                closed_dir(path.parent)
                _write(path, record)
            _sync_directory(path.parent)
        except OSError as error:
            reason = os.strerror(error.errno or errno.EIO)
            remedy = f"Check {path.parent} (space, permissions), then try again."
            raise NotKept(key, 0, reason, remedy, error.errno or errno.EIO) from error

    def items(self, kind: str) -> Records:
        """Read all records of a kind, by name in alphabetical order.

        Raises ``UnreadableRecord`` for a directory that cannot be read.
        """
        found = Records()
        for path in _files(self.directory / kind):
            try:
                found[path.stem] = _read(path)
            except FileNotFoundError:
                continue
            except Unusable as error:
                found.unreadable[path.stem] = str(error)
        return found

    def shown_by(self, key: str) -> str:
        """Return the record's file."""
        return f"the file {self._path(key)}"

    def removed_by(self, key: str) -> str:
        """Return the command that removes the record's file."""
        return f"`rm {shlex.quote(str(self._path(key)))}`"


def _files(directory: Path) -> List[Path]:
    """Return the files of a directory, which need not be there."""
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise UnreadableRecord(str(directory), reason, "Correct or remove it.") from error
    wanted = [name for name in names if name.endswith(".yml") and not name.startswith(".")]
    return [directory / name for name in wanted]


def _read(path: Path) -> Record:
    """Read a file; raises ``Unusable``, ``FileNotFoundError``."""
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unusable(f"it cannot be read: {os.strerror(error.errno or errno.EIO)}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unusable(f"it is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(record, dict):
        raise Unusable("it does not hold a mapping")
    return record


def _write(path: Path, record: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True)
    write_private(path, text, lasting=True)


def _sync_directory(path: Path) -> None:
    """Have a name that was made, replaced or removed outlast a power cut."""
    if not path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_records(
    store: Store, kind: str, parse: Callable[[str, Record], T]
) -> Tuple[Dict[str, T], Dict[str, str]]:
    """Return what ``parse`` makes of each record by name, and why others cannot be used."""
    found: Dict[str, T] = {}
    records = store.items(kind)
    problems = dict(records.unreadable)
    for name, record in records.items():
        try:
            found[name] = parse(name, record)
        except UNUSABLE as error:
            problems[name] = why_unusable(error)
    return found, problems


def why_unusable(error: BaseException) -> str:
    """Return on one line why a record cannot be used."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0] if error.args else 'key that it needs'!r}"
    text = " ".join(str(error).split())
    plain = isinstance(error, (OrchestratorError, Unusable))
    return text if plain else f"{type(error).__name__}: {text}"
