"""The orchestrator's store in the mons: ``ceph config-key`` under ``mgr/ansible/``."""

from __future__ import annotations

import json
import logging
from typing import Any, Dict, Mapping, Optional, Protocol, Tuple

from adapter.cluster.store import Record

log = logging.getLogger(__name__)


class KeyValue(Protocol):
    """The part of MgrModule that keeps values."""

    def get_store(self, key: str, default: Optional[str] = None) -> Optional[str]:
        """Return a value."""
        ...

    def set_store(self, key: str, val: Optional[str]) -> None:
        """Keep a value; None removes it."""
        ...

    def get_store_prefix(self, key_prefix: str) -> Dict[str, str]:
        """Return the values whose keys begin so, by whole key."""
        ...


class MonStore:
    """Keep records as JSON in the mons' key-value store; all managers share it.

    A value stays far below the mons' limit of 64 KiB: records are single hosts.
    """

    def __init__(self, mgr: KeyValue) -> None:
        self._mgr = mgr
        # By key: the text that was parsed last, and what it says.
        self._parsed: Dict[str, Tuple[str, Record]] = {}

    def get(self, key: str) -> Optional[Record]:
        """Return the record, or None."""
        text = self._mgr.get_store(key)
        return None if text is None else _parse(key, text)

    def set(self, key: str, record: Optional[Mapping[str, Any]]) -> None:
        """Replace the record; None removes it."""
        self._mgr.set_store(key, None if record is None else json.dumps(dict(record)))

    def items(self, kind: str) -> Dict[str, Record]:
        """Return all records of a kind; one that is no JSON mapping is empty, and logged."""
        prefix = f"{kind}."
        found = self._mgr.get_store_prefix(prefix)
        parsed = {}
        for key, text in found.items():
            kept = self._parsed.get(key)
            parsed[key] = kept if kept and kept[0] == text else (text, _parse(key, text))
        self._parsed = parsed
        return {key[len(prefix) :]: dict(record) for key, (_, record) in parsed.items()}


def _parse(key: str, text: str) -> Record:
    try:
        record = json.loads(text)
    except ValueError as error:
        log.error("the record %s is not JSON: %s", key, error)
        return {}
    return record if isinstance(record, dict) else {}
