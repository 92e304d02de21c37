"""A host on which a monitor is deployed, and on which Ceph and systemd are small programs."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from pathlib import Path
from typing import Any, List, Optional, Sequence

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Wanted
from plugins.module_utils.daemons.mon.joining import Joining
from plugins.module_utils.daemons.mon.store import MonStores
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.programs import only_programs_of

UNIT = "ceph-mon@h1.service"
KEY = "[mon.]\n\tkey = AQBfakefakefakefakefakefakefakefakefake==\n"
CONF = "[global]\nfsid = F\nmon_host = [v2:127.0.0.1:3300/0,v1:127.0.0.1:6789/0] 10.0.0.2\n"
PROGRAMS = {
    "systemctl": """
state=$(cat "$TREE/state" 2>/dev/null || echo inactive)
case $1 in
  show) for unit; do case $unit in ceph-*)
      substate=$(cat "$TREE/substate" 2>/dev/null || echo x)
      printf 'LoadState=loaded\\nActiveState=%s\\nSubState=%s\\n' $state $substate
      printf 'UnitFileState=enabled\\n\\n'
    esac; done;;
  start|restart) echo active >"$TREE/state"
    cat "$TREE/etc/systemd/system/ceph-mon@h1.service.d/ceph-orch-joining.env" \
      >"$TREE/started" 2>/dev/null || echo plain >"$TREE/started";;
  stop) echo inactive >"$TREE/state";;
  reset-failed) [ ! -e "$TREE/not-loaded" ];;
esac
""",
    "ceph": """
case "$*" in
  *quorum_status*) if [ -s "$TREE/turns" ]; then
      names=$(head -1 "$TREE/turns" | sed 's/[^ ]*/"&"/g; s/ /, /g'); sed -i 1d "$TREE/turns"
      echo '{"quorum_names": ['"$names"'], "monmap": {"epoch": 4, "mons": []}}'; exit
    fi
    cat "$TREE/quorum" 2>/dev/null || exit 1;;
  *getmap*) [ -e "$TREE/quorum" ] || { echo no mons >&2; exit 1; }
    for word; do last=$word; done; echo map >"$last";;
esac
""",
    "ceph-mon": """
case "$*" in
  *--mkfs*)
    [ ! -e "$TREE/mkfs-fails" ] || { echo no space >&2; exit 1; }
    place="$TREE/var/lib/ceph/mon/ceph-h1"
    for word; do [ "$last" != --mon-data ] || place=$word; last=$word; done
    # As ceph-mon does, which calls that good.
    [ -z "$(ls "$place")" ] || { echo "$place already exists and is not empty" >&2; exit 0; }
    mkdir "$place/store.db"; echo store >"$place/store.db/CURRENT";;
  *--extract-monmap*)
    for word; do [ "$last" != --extract-monmap ] || place=$word; last=$word; done
    cp "$TREE/stored" "$place" 2>/dev/null || exit 1;;
esac
""",
    "monmaptool": """
for word; do last=$word; done
if grep -q epoch "$last"; then cat "$last"; else echo 'epoch 4'; cat "$TREE/map"; fi |
  sed '/^h1$/ s/^/0: [v2:127.0.0.1:3300\\/0,v1:127.0.0.1:6789\\/0] mon./
    /^h[2-9]/ s/^/0: [v2:10.0.0.9:3300\\/0] mon./'
""",
    "journalctl": "exit 0\n",
}


class Host:
    """A host on which a monitor is deployed; programs are small scripts."""

    def __init__(self, top: Path, patch: pytest.MonkeyPatch) -> None:
        self.top = top
        for name in ("bin", "etc/ceph", "var/lib/ceph", "run", "proc"):
            (top / name).mkdir(parents=True)
        only_programs_of(top, patch)
        patch.setenv("TREE", str(top))
        for name, body in PROGRAMS.items():
            path = top / "bin" / name
            path.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >>"$TREE/calls"\n{body}')
            path.chmod(0o755)
        self.roots = Roots(
            etc=str(top / "etc"),
            var=str(top / "var"),
            proc=str(top / "proc"),
            ceph_run=str(top / "run"),
            dev=str(top / "dev"),
        )
        self.daemon = Daemon(self.roots, "mon", "h1")
        self._socket: Optional[socket.socket] = None
        self.knows(["h2", "h3"])

    def runs(self, answer: Any) -> None:
        """Let the monitor of this host run and say this of itself."""
        (self.top / "state").write_text("active\n")
        text = json.dumps(answer).encode()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.daemon.socket_path)
        self._socket.listen()
        threading.Thread(target=_answer, args=(self._socket, text), daemon=True).start()

    def close(self) -> None:
        """End what listens."""
        if self._socket is not None:
            # Wakes the thread that waits for the next one.
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def has_store(self, mons: Sequence[str] = (), epoch: int = 3) -> None:
        """Let there be a store with a map of these monitors; without any it cannot be read."""
        (self.data() / "store.db").mkdir(parents=True)
        for name in ("old", "store.db/CURRENT", "keyring"):
            (self.data() / name).write_text(KEY)
        if mons:
            (self.top / "stored").write_text("\n".join([f"epoch {epoch}", *mons]) + "\n")

    def knows(self, mons: List[str], out: Sequence[str] = ()) -> None:
        """Let the cluster's monitors be these, all in quorum but some."""
        rows = [{"name": name} for name in mons]
        quorum = [name for name in mons if name not in out]
        answer = {"quorum_names": quorum, "monmap": {"epoch": 4, "mons": rows}}
        (self.top / "quorum").write_text(json.dumps(answer))
        (self.top / "map").write_text("".join(f"{name}\n" for name in mons))

    def wanted(self) -> Wanted:
        """Return the monitor as it shall be."""
        return Wanted(self.daemon, KEY, 0, "127.0.0.1")

    @property
    def stores(self) -> MonStores:
        """Return the host's stores."""
        return MonStores(self.roots, CONF)

    @property
    def joining(self) -> Joining:
        """Return the drop-in of the monitor's unit."""
        return Joining(self.roots, UNIT)

    def calls(self, *programs: str) -> List[str]:
        """Return the commands that were run, of these programs."""
        lines = (self.top / "calls").read_text().splitlines()
        return [line for line in lines if line.split(" ")[0] in programs]

    def data(self) -> Path:
        """Return the store's directory."""
        return Path(self.daemon.data_path)


def _answer(server: socket.socket, text: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(struct.pack(">I", len(text)) + text)
