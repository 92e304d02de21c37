"""What a manager of this backend logs in with: it leaves a host with the last manager there.

The monitors keep the key of ssh and the login at AWX; a manager writes its copies when it starts.
Where no manager will start again, a copy is only something that can be stolen.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import List

from ...system.reading import Roots, list_dir, read_bytes
from ..shapes import DaemonShape
from .extra import Extra

# The user who runs managers may write there: no link is followed.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# The files below the state directory, and the folder that each is in.
_FILES = (("", "identity"), ("awx", "token"))
_STATE = "lib/ceph/orch-ansible"
_MANIFEST = "share/ceph-orch-ansible/installed.json"
_LIMIT = 1 << 24


class ManagerLogin(Extra):
    """The private key and the token in the state directory of the host's managers.

    A key file that the administrator has named (``ssh_identity_file``) is not among them.
    """

    def __init__(self, roots: Roots, data_folder: str, wants_folder: str) -> None:
        self._roots = roots
        self._others = (
            os.path.join(roots.var, data_folder),
            os.path.join(roots.etc, "systemd/system", wants_folder),
        )

    def cleanup(self, daemon: DaemonShape) -> None:
        """Remove them, unless the host has another manager."""
        del daemon
        if any(list_dir(folder) for folder in self._others):
            return
        for state in self._states():
            for folder, name in _FILES:
                _remove(state, folder, name)

    def _states(self) -> List[str]:
        """Return the state directories that managers of this host may have had."""
        try:
            text = read_bytes(os.path.join(self._roots.usr, _MANIFEST), _LIMIT).decode("utf-8")
            data = json.loads(text)
        except ValueError:
            data = {}
        named = data.get("state_directory") if isinstance(data, dict) else None
        found = [os.path.join(self._roots.var, _STATE)]
        if isinstance(named, str) and os.path.isabs(named):
            found.append(os.path.join(os.path.dirname(self._roots.var), named.lstrip("/")))
        return found


def _remove(state: str, folder: str, name: str) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(FileNotFoundError, NotADirectoryError))
        place = os.open(state, _FOLDER)
        stack.callback(os.close, place)
        if folder:
            place = os.open(folder, _FOLDER, dir_fd=place)
            stack.callback(os.close, place)
        os.unlink(name, dir_fd=place)
