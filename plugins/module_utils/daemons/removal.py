"""Take daemons from a host: their units, directories and keys; a monitor's store is kept.

Of a daemon that somebody made by hand the unit goes, and what it used stays and is named.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Dict, Iterable, List, Mapping, Sequence

from ..system.mounts import is_mounted_on, reason_of_mounts, remove_tree
from ..system.reading import Roots, list_dir
from ..systemd.faults import has_own_mask, is_masked, mask_path
from ..systemd.units import act, is_alive, show_units, unmask
from .daemon import Daemon
from .hand_made import is_there, left_of, unit_by_hand
from .kinds.base import DaemonRefused
from .kinds.extra import NONE, Extra
from .store_aside import holds, is_left_over, put_aside, take_away


class Removal:
    """The daemons that are to go; ``purge`` deletes monitors' stores as well.

    ``extras`` are ``extras_of`` the host.
    """

    def __init__(
        self, roots: Roots, daemons: Iterable[Daemon], extras: Mapping[str, Extra], purge: bool
    ) -> None:
        self._roots = roots
        self._extras = extras
        self._daemons = [as_it_runs(roots, daemon) for daemon in daemons]
        self._purge = purge
        self._states = show_units([daemon.unit for daemon in self._daemons])
        self.rows: List[Dict[str, Any]] = []
        self.problems: List[str] = []

    def predict(self) -> None:
        """Add the rows that say what would be done; raises ``DaemonRefused``."""
        self._refuse_mounts()
        for daemon in self._daemons:
            self._add_row(daemon, "would be removed" if self._is_there(daemon) else "absent", "")

    def do(self) -> None:
        """Take all daemons away; add a row for each. Raises ``DaemonRefused`` before anything."""
        self._refuse_mounts()
        there = [daemon for daemon in self._daemons if self._is_there(daemon)]
        self._take_down(there)
        for daemon in self._daemons:
            kept = self._remove_files(daemon) if daemon in there else ""
            self._add_row(daemon, "removed" if daemon in there else "absent", kept)

    def _add_row(self, daemon: Daemon, state: str, kept: str) -> None:
        self.rows.append(
            {
                "daemon_type": daemon.kind.name,
                "daemon_id": daemon.daemon_id,
                "unit": daemon.unit,
                "state": state,
                "kept": kept,
                "left": left_of(self._roots, daemon) if daemon.is_by_hand else [],
                "mask": self._mask_left(daemon.unit),
            }
        )

    def _mask_left(self, unit: str) -> str:
        """Return the file of a mask that stays: a template's, which is other units' as well."""
        state = self._states[unit]
        return mask_path(state) if is_masked(state) and not has_own_mask(unit, state) else ""

    def _refuse_mounts(self) -> None:
        """Raise ``DaemonRefused`` where what is removed reaches into another file system."""
        for daemon in self._daemons:
            for path in _places(daemon):
                reason = reason_of_mounts(path, self._roots.proc)
                # What is in a store's directory is put aside inside of it.
                own_mount = not daemon.kind.keeps_store and is_mounted_on(path, self._roots.proc)
                if not reason and own_mount:
                    reason = (
                        f"{path} is a mount point, so it can be neither removed nor moved. Stop "
                        f"the daemon and unmount it (`umount {path}`), then ask again."
                    )
                if reason:
                    raise DaemonRefused(f"{daemon.name} is not removed: {reason}")

    def _is_there(self, daemon: Daemon) -> bool:
        if daemon.mark_path:
            # A unit of the same package may be somebody else's.
            return os.path.lexists(daemon.mark_path)
        state = self._states[daemon.unit]
        here = any(os.path.lexists(path) for path in _places(daemon) if not is_left_over(path))
        return here or is_there(state) or has_own_mask(daemon.unit, state)

    def _take_down(self, daemons: Sequence[Daemon]) -> None:
        """Stop the units for good, and leave no mask of theirs; raises ``UnitsFailed``."""
        # A mask hides what starts the unit with the host, and keeps systemd from ending that.
        self._states.update(unmask({one.unit: self._states[one.unit] for one in daemons}))
        for one in daemons:
            if is_masked(self._states[one.unit]):
                self._forget_wants(one.unit)
        for one in daemons:
            self._extras.get(one.kind.name, NONE).take_down(one)
        alive = [one.unit for one in daemons if is_alive(self._states[one.unit])]
        enabled = [one.unit for one in daemons if _is_enabled(self._states[one.unit])]
        if enabled:
            act("disable", enabled)
        if alive:
            act("stop", alive)
        states = show_units([one.unit for one in daemons])
        failed = [unit for unit, state in states.items() if state.get("ActiveState") == "failed"]
        if failed:
            act("reset-failed", failed)

    def _forget_wants(self, unit: str) -> None:
        """Let nothing start a unit whose template stays masked: systemd would not do it."""
        top = os.path.join(self._roots.etc, "systemd/system")
        for folder in list_dir(top):
            path = os.path.join(top, folder, unit)
            if folder.endswith(".wants") and os.path.islink(path):
                os.unlink(path)

    def _remove_files(self, daemon: Daemon) -> str:
        """Remove what is the daemon's alone; return where its store is now."""
        if daemon.is_by_hand:
            return ""
        kept = ""
        if daemon.kind.keeps_store and not self._purge and holds(daemon.data_path):
            kept = put_aside(self._roots, daemon)
        for path in _places(daemon):
            if daemon.kind.keeps_store and path == daemon.data_path:
                take_away(path, self._roots.proc)
            elif os.path.isdir(path) and not os.path.islink(path):
                remove_tree(path, self._roots.proc)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        extra = self._extras.get(daemon.kind.name, NONE)
        data = extra.data_of(daemon)
        if data and os.path.isdir(data):
            if self._purge:
                remove_tree(data, self._roots.proc)
            else:
                kept = data
        extra.cleanup(daemon)
        return kept


def _is_enabled(state: Mapping[str, str]) -> bool:
    return state.get("UnitFileState", "").startswith("enabled")


def as_it_runs(roots: Roots, daemon: Daemon) -> Daemon:
    """Return a daemon with the unit that it has here: its own, or one that was made by hand."""
    other = unit_by_hand(daemon.kind, daemon.daemon_id)
    if daemon.is_by_hand or not other:
        return daemon
    states = show_units([daemon.unit, other])
    known = any(os.path.lexists(path) for path in _places(daemon))
    if known or is_there(states[daemon.unit]) or not is_there(states[other]):
        return daemon
    return Daemon(roots, daemon.kind.name, daemon.daemon_id, other)


def _places(daemon: Daemon) -> List[str]:
    """Return the files and directories that are the daemon's alone."""
    if daemon.is_by_hand:
        return []
    return [path for path in (daemon.data_path, daemon.keyring_path, daemon.socket_path) if path]
