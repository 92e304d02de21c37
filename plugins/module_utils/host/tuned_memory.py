"""What kernel settings had before tuned profiles changed them, kept on the host itself.

It is written before a setting is changed, so that a run that is killed anywhere leaves what puts
the value back.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List

from ..system.atomic_write import read_record_text, read_whole, write_text
from ..system.reading import Roots
from .record import remove_record

NAME = "lib/ceph-orch-ansible/sysctl.json"
MODE = 0o644
_SCHEMA = 1


class Unreadable(Exception):
    """What settings had before is not known; says why."""


class Memory:
    """The settings that were changed on this host: what they had, and what they were given.

    ``before`` is by key; ``given`` are the values by key that were set from here and may be there
    now: a run that was cut leaves the old one and the new one.
    """

    def __init__(self, roots: Roots) -> None:
        self.path = os.path.join(roots.var, NAME)
        self.before: Dict[str, str] = {}
        self.given: Dict[str, List[str]] = {}
        self._read()

    @classmethod
    def forgotten(cls, roots: Roots) -> Memory:
        """Return a memory without anything in it, whatever the file says."""
        made = cls.__new__(cls)
        made.path, made.before, made.given = os.path.join(roots.var, NAME), {}, {}
        return made

    def _read(self) -> None:
        if os.path.lexists(self.path) and not os.path.isfile(self.path):
            raise Unreadable(f"{self.path} is no file")
        try:
            text = read_record_text(self.path)
            keys = json.loads(text)["keys"] if text is not None else {}
            for key, row in keys.items():
                self.before[key] = _text(row["before"])
                self.given[key] = [_text(each) for each in row["given"]]
        except OSError as error:
            raise Unreadable(f"{self.path} cannot be read: {error.strerror}") from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Unreadable(f"{self.path} does not hold what was written there") from error

    def remember(self, key: str, now: str, value: str) -> None:
        """Note what a setting has now, unless that is known, and what it is given."""
        self.before.setdefault(key, now)
        given = self.given.setdefault(key, [])
        if value not in given:
            given.append(value)

    def settle(self, key: str, value: str) -> None:
        """Note that a setting has what it was given, and nothing else of ours."""
        self.given[key] = [value]

    def forget(self, key: str) -> None:
        """Drop a setting that is not ours any more."""
        self.before.pop(key, None)
        self.given.pop(key, None)

    def _encoded(self) -> str:
        rows: Dict[str, Any] = {
            key: {"before": self.before[key], "given": self.given.get(key, [])}
            for key in sorted(self.before)
        }
        return json.dumps({"schema": _SCHEMA, "keys": rows}, indent=1) + "\n" if rows else ""

    def is_changed(self) -> bool:
        """Tell whether the file says something else."""
        text = self._encoded()
        return read_whole(self.path) != text or (not text and os.path.lexists(self.path))

    def save(self) -> None:
        """Write the file, or remove it where nothing is remembered."""
        text = self._encoded()
        if text:
            write_text(self.path, text, MODE)
        elif os.path.lexists(self.path):
            remove_record(self.path)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
