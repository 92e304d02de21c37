"""Ask the cluster's other monitors, and a monitor of this host of which cluster it is."""

from __future__ import annotations

import json
import os
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Set

from ...cluster.admin_socket import ask
from ...cluster.conf import CONF, addresses, monitors
from ...system.command import Answer, find_program, last_line, run
from ...system.reading import Roots, clean, read_lines, to_int

_ASK_SECONDS = 15
_TIMEOUT = 120.0
_SOCKET_SECONDS = 2.0
_ROUNDS = 3
_JOINED = ("leader", "peon")


class View:
    """What somebody knows of a cluster: the names in its map and in its quorum, the map's epoch."""

    def __init__(self, answer: Mapping[str, Any], quorum: Iterable[str]) -> None:
        monmap = answer.get("monmap")
        monmap = monmap if isinstance(monmap, dict) else {}
        self.epoch = to_int(monmap.get("epoch"))
        self.mons = frozenset(names_of(monmap))
        self.quorum = frozenset(quorum)


def names_of(monmap: Any) -> List[str]:
    """Return the names of the monitors in a map as Ceph prints it."""
    rows = monmap.get("mons") if isinstance(monmap, dict) else ()
    return [clean(row.get("name", ""), 255) for row in rows or () if isinstance(row, dict)]


def own_view(answer: Mapping[str, Any]) -> Optional[View]:
    """Read ``mon_status`` of a monitor; None where it gave no answer.

    Its quorum is empty while it has none.
    """
    if not isinstance(answer.get("monmap"), dict):
        return None
    ranks = {
        row.get("rank"): clean(row.get("name", ""), 255)
        for row in answer["monmap"].get("mons") or ()
        if isinstance(row, dict)
    }
    there = answer.get("quorum") or () if answer.get("state") in _JOINED else ()
    return View(answer, [ranks[rank] for rank in there if rank in ranks])


def ask_own(path: str) -> Optional[View]:
    """Return the view of the monitor behind an administration socket, or None."""
    return own_view(ask(path, "mon_status", _SOCKET_SECONDS)) if os.path.exists(path) else None


def has_split_off(name: str, own: Optional[View], cluster: Optional[View]) -> bool:
    """Tell whether a monitor is alone in a cluster of its own, which is not the one of the others.

    ``own`` is what it says, ``cluster`` what the others say. One that they have in their quorum is
    theirs, whatever it says; and where it could be them who are alone, it is left as it is.
    """
    if own is None or cluster is None or name in cluster.quorum or own.mons - {name}:
        return False
    is_cluster = len(cluster.quorum) > 1 or cluster.epoch > own.epoch
    return bool(cluster.mons - {name}) and bool(cluster.quorum) and is_cluster


def has_left(name: str, own: Optional[View], cluster: Optional[View]) -> bool:
    """Tell whether a monitor was taken out of the map of the others since its store was written.

    ``own`` is what its store says, ``cluster`` what the others say. Theirs must be the later map:
    an older one is that of somebody who leads a cluster of his own.
    """
    if own is None or cluster is None or not cluster.quorum or name in cluster.mons:
        return False
    same = cluster.epoch == own.epoch and cluster.mons == own.mons
    return same or cluster.epoch > own.epoch


class OtherMons:
    """The cluster's monitors but the one at an address: that one may be of a cluster of its own.

    ``conf`` is the text of a minimal configuration, as the cluster's monitors gave it; without one
    the host's own tells where they are.
    """

    def __init__(self, roots: Roots, conf: str = "") -> None:
        lines = conf.splitlines() or read_lines(os.path.join(roots.etc, CONF))
        self._mons = monitors(lines)

    def call(self, keyring: str, addr: str, *words: str) -> Answer:
        """Run ``ceph`` with the monitors' key; return its answer."""
        return _call(keyring, self.known(addr), words)

    def known(self, addr: str) -> List[str]:
        """Return where the others are."""
        return [mon for mon in self._mons if addr not in addresses(mon)]

    def view(self, keyring: str, addr: str, name: str) -> Optional[View]:
        """Return what they know; None where they do not answer, or none is known.

        Whoever asks one is told of all that are in its map, and may end at the very one that is
        asked about: that it is alone is its own word, and another one is asked. One that is silent
        costs its time once.
        """
        silent: Set[str] = set()
        for mon in self.known(addr) * _ROUNDS:
            if mon in silent:
                continue
            found = _read_view(_call(keyring, [mon], ("quorum_status", "--format", "json")))
            if found is None:
                silent.add(mon)
            elif found.quorum - {name}:
                return found
        return None


def _call(keyring: str, mons: Sequence[str], words: Sequence[str]) -> Answer:
    argv = [find_program("ceph") or "ceph", "--connect-timeout", str(_ASK_SECONDS)]
    argv += ["--name", "mon.", "--keyring", keyring]
    return run([*argv, *(["-m", ",".join(mons)] if mons else []), *words], _TIMEOUT)


def _read_view(answer: Answer) -> Optional[View]:
    try:
        status = json.loads(answer.out) if not answer.problem else None
    except ValueError:
        return None
    if not isinstance(status, dict):
        return None
    names = status.get("quorum_names") or ()
    return View(status, [clean(name, 255) for name in names])


def reason_of(answer: Answer) -> str:
    """Return in one line why a program failed."""
    return clean(last_line(answer.err) or last_line(answer.out), 300) or answer.problem
