"""One command at a time changes a cluster without a manager, from whichever machine and directory.

Two that stop a monitor each within the seconds that the monitors need to miss the first one both
hear that it may stop. The monitors keep who is at it: machine, directory, process and command.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional

from adapter.cli.at_work import who_works
from adapter.cli.ceph import Ceph, CephError
from adapter.cli.mgr_records import PREFIX
from adapter.errors import NotReady

LOCK = f"{PREFIX}state.lock-"
MACHINE_ID = Path("/etc/machine-id")

Say = Callable[[str], None]
Record = Dict[str, Any]


class ClusterLock:
    """The lock of the cluster: one command at a time changes it.

    Each command writes a record of its own and then reads all: of two that begin together at least
    one sees the other, and does nothing.
    """

    def __init__(self, ceph: Ceph, directory: Path, words: str) -> None:
        self._ceph, self._directory, self._words = ceph, directory, words
        self._key = ""

    @contextlib.contextmanager
    def held(self, say: Say) -> Iterator[None]:
        """Hold it; raises ``NotReady`` while another command does.

        The directory's own lock must be held: who had it there before has ended.
        """
        key = f"{LOCK}{uuid.uuid4().hex}"
        mine = {
            **_here(),
            "directory": str(self._directory),
            "pid": os.getpid(),
            "words": self._words,
            "since": round(time.time()),
        }
        self._ceph("config-key", "set", key, "-i", "-", given=json.dumps(mine))
        try:
            self._look(key)
            self._key = key
            yield
        finally:
            self._key = ""
            self._give_up(key, say)

    def check(self) -> None:
        """Raise ``NotReady`` where the record was removed; nothing before it is taken."""
        if self._key and self._key not in _records(self._ceph):
            raise NotReady(
                "The monitors do not know any more that this command changes the cluster: somebody "
                "has removed its record.",
                "Nothing more is done here: look at the cluster, then run the command again.",
            )

    def _look(self, own: str) -> None:
        for key, found in _records(self._ceph).items():
            if key == own:
                continue
            if not _has_ended(found, self._directory):
                raise _refusal(key, found)
            self._ceph("config-key", "rm", key)

    def _give_up(self, key: str, say: Say) -> None:
        try:
            self._ceph("config-key", "rm", key)
        except CephError as error:
            say(
                f"The monitors still have the record of this command ({error.reason}). The next "
                f"command on this machine removes it, or `ceph config-key rm {key}`."
            )


def check_nobody_changes(ceph: Ceph) -> None:
    """Raise ``NotReady`` while a command changes the cluster without a manager."""
    for key, found in _records(ceph).items():
        if not _has_ended(found):
            raise _refusal(key, found)


def _records(ceph: Ceph) -> Dict[str, Record]:
    """Return the records of the commands that change the cluster, by their keys."""
    texts: Dict[str, str] = ceph.json("config-key", "dump", PREFIX)
    found: Dict[str, Record] = {}
    for key in sorted(each for each in texts if each.startswith(LOCK)):
        try:
            data = json.loads(texts[key])
        except ValueError:
            data = None
        # What cannot be read is somebody's.
        found[key] = data if isinstance(data, dict) else {}
    return found


def _has_ended(found: Record, held: Optional[Path] = None) -> bool:
    """Tell whether a command of this machine has ended: the lock of its directory is free.

    ``held`` is the directory whose lock this command has.
    """
    if {name: found.get(name) for name in _here()} != _here():
        return False
    directory = Path(str(found.get("directory")))
    return directory == held or not who_works(directory)


def _here() -> Dict[str, str]:
    try:
        machine_id = MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine_id = ""
    return {"machine": socket.gethostname(), "machine_id": machine_id}


def _refusal(key: str, found: Record) -> NotReady:
    return NotReady(
        f"`orch-ansible {found.get('words', '?')}` on {found.get('machine', '?')} (process "
        f"{found.get('pid', '?')}, directory {found.get('directory', '?')}) changes this cluster.",
        "Wait for its end. If that process is not there any more, the next command on that machine "
        f"removes its record, or `ceph config-key rm {key}`.",
    )
