"""Where what only the orchestrator knows is kept.

A store holds small JSON objects under keys ``kind.name`` (``host.h2``). In ceph-mgr it is the
mon's key-value store (``adapter.mgr.store``), without a mgr a directory of YAML, in tests memory.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Protocol

import yaml

from adapter.engine.files import closed_dir
from adapter.errors import NotReady

Record = Dict[str, Any]


class Store(Protocol):
    """Keep records by key; every change is on disk (or in the mons) when the call returns."""

    def get(self, key: str) -> Optional[Record]:
        """Return the record, or None."""
        ...

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Replace the record; None removes it."""
        ...

    def items(self, kind: str) -> Dict[str, Record]:
        """Return all records of a kind by their name (the key without ``kind.``)."""
        ...


class MemoryStore:
    """The in-memory twin, for tests and for a machine that shall keep nothing."""

    def __init__(self) -> None:
        self._records: Dict[str, Record] = {}

    def get(self, key: str) -> Optional[Record]:
        """Return a copy of the record, or None."""
        record = self._records.get(key)
        return None if record is None else dict(record)

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Replace or remove the record."""
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = dict(record)

    def items(self, kind: str) -> Dict[str, Record]:
        """Return all records of a kind."""
        prefix = f"{kind}."
        return {
            key[len(prefix) :]: dict(record)
            for key, record in self._records.items()
            if key.startswith(prefix)
        }


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
        """Read the record; raises ``NotReady`` for a file that is not a YAML mapping."""
        path = self._path(key)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return _parse(path, text)

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Write the record through a temporary file, or remove it."""
        path = self._path(key)
        if record is None:
            path.unlink(missing_ok=True)
            return
        closed_dir(self.directory)
        closed_dir(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                yaml.safe_dump(dict(record), file, sort_keys=False, allow_unicode=True)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def items(self, kind: str) -> Dict[str, Record]:
        """Read all records of a kind, by name in alphabetical order."""
        found: Dict[str, Record] = {}
        for path in sorted((self.directory / kind).glob("*.yml")):
            found[path.stem] = _parse(path, path.read_text(encoding="utf-8"))
        return found


def _parse(path: Path, text: str) -> Record:
    try:
        record = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise NotReady(f"{path} is not YAML: {error}.", "Correct or remove the file.") from error
    if not isinstance(record, dict):
        raise NotReady(f"{path} does not hold a mapping.", "Correct or remove the file.")
    return record
