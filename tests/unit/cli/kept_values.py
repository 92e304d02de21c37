"""The monitors' key-value store, for the fakes of ``ceph``."""

from __future__ import annotations

import json
from typing import Dict, Optional, Sequence


class KeptValues:
    """``ceph config-key`` before a dictionary."""

    def __init__(self) -> None:
        self.values: Dict[str, str] = {}

    def answer(self, words: Sequence[str], given: str) -> Optional[str]:
        """Answer a command on the store; None for any other."""
        if words[0] != "config-key":
            return None
        if words[1] == "dump":
            return json.dumps(self.values)
        if words[1] == "ls":
            return json.dumps(sorted(self.values))
        if words[1] == "set":
            self.values[words[2]] = given if words[3] == "-i" else words[3]
        elif words[1] == "rm":
            self.values.pop(words[2], None)
        return ""
