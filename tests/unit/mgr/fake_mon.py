"""An in-memory fake of the monitors' key-value store, as a ceph-mgr reaches it."""

from __future__ import annotations

import errno
import json
from typing import Any, Callable, Dict, List, Optional, Tuple

PREFIX = "mgr/ansible/"
ENTRY_SIZE = 64 * 1024

Command = Tuple[str, str]


class MonKeys:
    """What the monitors keep. ``limit`` is the largest value that they take.

    ``commands`` are those that were asked, as prefix and key. ``refuse`` is asked before each and
    returns an errno to refuse it with, or 0.
    """

    def __init__(self, limit: int = ENTRY_SIZE) -> None:
        self.limit = limit
        self.values: Dict[str, str] = {}
        self.commands: List[Command] = []
        self.refuse: Callable[[str, str], int] = lambda prefix, key: 0

    def answer(self, words: Dict[str, Any], inbuf: Optional[str]) -> Tuple[int, str, str]:
        """Answer a command."""
        prefix, key = words["prefix"], words["key"]
        self.commands.append((prefix, key[len(PREFIX) :]))
        refused = self.refuse(prefix, key[len(PREFIX) :])
        if refused:
            return -refused, "", f"refused: {inbuf}"
        if prefix == "config-key dump":
            found = {name: text for name, text in self.values.items() if name.startswith(key)}
            return 0, json.dumps(found), ""
        if prefix == "config-key get":
            return (0, self.values[key], "") if key in self.values else (-errno.ENOENT, "", "")
        if prefix == "config-key rm":
            self.values.pop(key, None)
            return 0, "", "key deleted"
        assert prefix == "config-key set"
        assert inbuf is not None
        if len(inbuf) > self.limit:
            return -errno.EFBIG, "", f"error: entry size limited to {self.limit} bytes: {inbuf}"
        self.values[key] = inbuf
        return 0, "", f"set {key}"


class Manager:
    """A ceph-mgr over them. Its memory follows only when ``catch_up`` is called, or by itself."""

    def __init__(self, keys: MonKeys, *, lags: bool = False) -> None:
        self.keys, self._lags = keys, lags
        self._memory: Dict[str, str] = {}
        self.catch_up()

    def catch_up(self) -> None:
        """Take over what the monitors have."""
        self._memory = {key[len(PREFIX) :]: text for key, text in self.keys.values.items()}

    def get_store(self, key: str, default: Optional[str] = None) -> Optional[str]:
        """Return a value from memory."""
        return self._memory.get(key, default)

    def get_store_prefix(self, key_prefix: str) -> Dict[str, str]:
        """Return values from memory."""
        return {k: text for k, text in self._memory.items() if k.startswith(key_prefix)}

    def set_store(self, key: str, val: Optional[str]) -> None:
        """Do as MgrModule does: memory first, and a refusal is not told."""
        if val is None:
            self._memory.pop(key, None)
        else:
            self._memory[key] = val
        prefix = "config-key rm" if val is None else "config-key set"
        self.keys.answer({"prefix": prefix, "key": PREFIX + key}, val)

    def mon_command(
        self, cmd_dict: Dict[str, Any], inbuf: Optional[str] = None
    ) -> Tuple[int, str, str]:
        """Ask the monitors."""
        answer = self.keys.answer(cmd_dict, inbuf)
        if not self._lags:
            self.catch_up()
        return answer
