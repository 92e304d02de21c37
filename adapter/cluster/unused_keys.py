"""Daemons whose removal was acknowledged, and whose keys go with them: one record per daemon.

A record is written before the job that removes the daemon, and goes when the monitors have removed
the key or when the daemon runs again. So a job or a manager that ends in between is followed by one
that takes the rest away all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping

from adapter.cluster.fields import Fields
from adapter.cluster.store import Store, Unusable, read_records
from adapter.errors import InvalidValue, shown
from adapter.kinds import DAEMONS
from adapter.names import DAEMON_ID

KIND = "unused_key"
# Monitors share one key. An earlier version, which would remove it, does not read these records.
MONS = "removed_mon"


@dataclass(frozen=True)
class UnusedKey:
    """The key of a daemon that a job takes from its host; ``asked`` is in epoch seconds."""

    daemon_type: str
    daemon_id: str
    host: str
    job: str = ""
    asked: float = 0.0

    @property
    def daemon(self) -> str:
        """Return the daemon's name."""
        return f"{self.daemon_type}.{self.daemon_id}"

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        return {
            "daemon_type": self.daemon_type,
            "daemon_id": self.daemon_id,
            "host": self.host,
            "job": self.job,
            "asked": self.asked,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UnusedKey:
        """Read what ``to_json`` wrote, or raise."""
        read = Fields(data)
        return cls(
            read.choice("daemon_type", DAEMONS),
            read.text("daemon_id"),
            read.text("host"),
            read.text("job", ""),
            read.time("asked"),
        )


class UnusedKeys:
    """All such daemons, of one kind of record. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store, kind: str = KIND) -> None:
        self._store, self._kind = store, kind
        self._keys: Dict[str, UnusedKey] = {}
        self.problems: Dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be read is named in ``problems`` and kept."""
        self._keys, self.problems = read_records(self._store, self._kind, _read)

    def all(self) -> List[UnusedKey]:
        """Return the keys by their daemons."""
        return [self._keys[name] for name in sorted(self._keys)]

    def save(self, key: UnusedKey) -> None:
        """Keep a key; raises ``InvalidValue`` for an id that no daemon can have."""
        if not DAEMON_ID.fullmatch(key.daemon_id):
            raise InvalidValue(
                f"{key.daemon_type} daemon's id", key.daemon_id, "no daemon can have it"
            )
        self._store.set(f"{self._kind}.{key.daemon}", key.to_json())
        self._keys[key.daemon] = key
        self.problems.pop(key.daemon, None)

    def forget(self, daemon: str) -> None:
        """Drop a key's record: it is removed, or its daemon is there again."""
        if daemon in self._keys:
            self._store.set(f"{self._kind}.{daemon}", None)
            del self._keys[daemon]


def _read(name: str, record: Mapping[str, Any]) -> UnusedKey:
    key = UnusedKey.from_json(record)
    if not DAEMON_ID.fullmatch(key.daemon_id):
        raise Unusable(f"its daemon_id is {shown(key.daemon_id)}, which no daemon can have")
    if name != key.daemon:
        raise Unusable(f"it is the key of {key.daemon}")
    return key
