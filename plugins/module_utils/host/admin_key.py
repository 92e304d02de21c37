"""Keep the administrator's keyring on a host as long as the host is one for administrators.

A file of ours begins with a mark; one without it is somebody else's and is never touched.
"""

from __future__ import annotations

import os
from typing import Dict, Mapping, Optional

from ..cluster import conf_block
from ..cluster.conf import CONF, cluster_fsid, find_block
from ..cluster.keyring_file import key_of, with_section, without_section
from ..daemons.kinds.registry import ALL
from ..system.atomic_write import is_written, read_whole, write_text
from ..system.reading import Roots, list_dir, read_lines
from .admin_state import ENTITY, KEYRING, MARK, is_ours

MODE = 0o600


class AdminKey:
    """The keyring of one host, and the configuration beside it."""

    def __init__(self, roots: Roots, fsid: str) -> None:
        self._roots = roots
        self._fsid = fsid
        self.path = os.path.join(roots.etc, KEYRING)
        self.conf_path = os.path.join(roots.etc, CONF)

    def to_write(self, given: str) -> str:
        """Return the text that the host lacks, empty where it has it or somebody else's."""
        key = key_of(given.splitlines(), ENTITY)
        if not key:
            raise ValueError(f"the given keyring has no key of {ENTITY}")
        there = os.path.lexists(self.path)
        if there and not is_ours(read_lines(self.path)):
            return ""
        section = f"[{ENTITY}]\n\tkey = {key}\n"
        wanted = with_section(read_whole(self.path) if there else f"{MARK}\n", section)
        return "" if is_written(self.path, wanted, MODE) else wanted

    def write(self, text: str) -> None:
        """Write the keyring, for root alone."""
        write_text(self.path, text, MODE)

    def to_remove(self) -> Dict[str, Optional[str]]:
        """Return the files of ours that go, each with what stays in it (None: nothing).

        The configuration goes too if nobody has added to it and no daemon of the host needs it.
        """
        if cluster_fsid(self._roots) not in ("", self._fsid):
            return {}
        found: Dict[str, Optional[str]] = {}
        if os.path.lexists(self.path) and is_ours(read_lines(self.path)):
            found[self.path] = without_section(read_whole(self.path), ENTITY)
        if self._is_conf_unused(found):
            found[self.conf_path] = None
        return found

    def remove(self, files: Mapping[str, Optional[str]]) -> None:
        """Remove what ``to_remove`` returned."""
        for path, left in files.items():
            if left is None:
                os.unlink(path)
            else:
                write_text(path, left, MODE)

    def _is_conf_unused(self, going: Mapping[str, Optional[str]]) -> bool:
        if os.path.islink(self.conf_path) or not os.path.exists(self.conf_path):
            return False
        lines = read_lines(self.conf_path)
        block = find_block(lines)
        others = block and [line for line in lines[: block.begin] + lines[block.end :] if line]
        if block is None or not block.digest or others:
            return False
        if block.digest != conf_block.digest_of(lines[block.begin + 1 : block.end - 1]):
            return False
        beside = os.path.dirname(self.conf_path)
        keyrings = [name for name in list_dir(beside) if name.endswith(".keyring")]
        gone = {os.path.basename(path) for path, left in going.items() if left is None}
        # A daemon that is there needs the configuration.
        folders = {kind.data_folder for kind in ALL.values() if kind.data}
        data = [list_dir(os.path.join(self._roots.var, folder)) for folder in folders]
        return not any(data) and set(keyrings) <= gone
