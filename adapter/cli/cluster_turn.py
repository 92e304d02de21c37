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
from typing import Any, Callable, Dict, Iterator

from adapter.cli.at_work import who_works
from adapter.cli.ceph import Ceph, CephError
from adapter.cli.mgr_records import PREFIX
from adapter.errors import NotReady

TURN = "state.turn"
KEY = f"{PREFIX}{TURN}"
# Of two that found nobody and wrote both, the later one is read by both after so long (seconds).
SETTLED = 1.0
MACHINE_ID = Path("/etc/machine-id")

Say = Callable[[str], None]


class Turn:
    """The right to change the cluster, which one command has at a time."""

    def __init__(
        self,
        ceph: Ceph,
        directory: Path,
        words: str,
        *,
        pause: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._ceph, self._directory, self._words = ceph, directory, words
        self._pause, self._clock = pause, clock
        self._nonce = ""

    @contextlib.contextmanager
    def taken(self, say: Say) -> Iterator[None]:
        """Have the turn; raises ``NotReady`` while another command has it.

        The directory's own lock must be held: who had it there before has ended.
        """
        self._take()
        try:
            yield
        finally:
            self._give_up(say)

    def check(self) -> None:
        """Raise ``NotReady`` where somebody else has taken the turn; nothing before it is taken."""
        if not self._nonce:
            return
        found = self._read()
        if found.get("nonce") != self._nonce:
            raise NotReady(
                f"{_described(found)} has taken over changing this cluster."
                if found
                else "The monitors do not know any more that this command changes the cluster.",
                "Nothing more is done here: look at the cluster, then run the command again.",
            )

    def _take(self) -> None:
        began = self._clock()
        found = self._read()
        if found and not self._has_ended(found):
            raise _refusal(found)
        nonce = uuid.uuid4().hex
        mine = {
            **_here(),
            "directory": str(self._directory),
            "pid": os.getpid(),
            "words": self._words,
            "since": round(time.time()),
            "nonce": nonce,
        }
        self._ceph("config-key", "set", KEY, "-i", "-", given=json.dumps(mine))
        if self._clock() - began > SETTLED:
            # Another one may have written and read its own in between.
            self._forget(nonce)
            raise NotReady(
                "The monitors answer too slowly to tell whether another command changes the "
                "cluster.",
                "Nothing was done: try again.",
            )
        self._pause(SETTLED)
        found = self._read()
        if found.get("nonce") != nonce:
            raise _refusal(found)
        self._nonce = nonce

    def _give_up(self, say: Say) -> None:
        nonce, self._nonce = self._nonce, ""
        try:
            self._forget(nonce)
        except CephError as error:
            say(
                f"The monitors still have the record {KEY} of this command ({error.reason}). "
                f"The next command on this machine takes it over; `ceph config-key rm {KEY}` "
                "removes it."
            )

    def _forget(self, nonce: str) -> None:
        if self._read().get("nonce") == nonce:
            self._ceph("config-key", "rm", KEY)

    def _read(self) -> Dict[str, Any]:
        return who_changes(self._ceph)

    def _has_ended(self, found: Dict[str, Any]) -> bool:
        """Tell whether a command of this machine has ended: the lock of its directory is free."""
        if {name: found.get(name) for name in _here()} != _here():
            return False
        directory = Path(str(found.get("directory")))
        return directory == self._directory or not who_works(directory)


def who_changes(ceph: Ceph) -> Dict[str, Any]:
    """Return the record of the command that changes the cluster, empty while none does."""
    text = ceph.json("config-key", "dump", PREFIX).get(KEY)
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    # What cannot be read is somebody's.
    return found if isinstance(found, dict) and found else {"words": "?"}


def check_nobody_changes(ceph: Ceph) -> None:
    """Raise ``NotReady`` while a command changes the cluster without a manager."""
    found = who_changes(ceph)
    if not found:
        return
    same = {name: found.get(name) for name in _here()} == _here()
    if same and not who_works(Path(str(found.get("directory")))):
        return
    raise _refusal(found)


def _here() -> Dict[str, str]:
    try:
        machine_id = MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        machine_id = ""
    return {"machine": socket.gethostname(), "machine_id": machine_id}


def _described(found: Dict[str, Any]) -> str:
    return (
        f"`orch-ansible {found.get('words')}` on {found.get('machine', '?')} "
        f"(process {found.get('pid', '?')}, directory {found.get('directory', '?')})"
    )


def _refusal(found: Dict[str, Any]) -> NotReady:
    return NotReady(
        f"{_described(found)} changes this cluster.",
        "Wait for its end. If that process is not there any more, the next command on that machine "
        f"takes its place, or `ceph config-key rm {KEY}` removes its record.",
    )
