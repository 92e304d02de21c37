"""Take daemons from a host: their units, directories and keys; a monitor's store is kept."""

from __future__ import annotations

import contextlib
import os
import shutil

from .extra import NONE
from .mon_aside import put_aside
from .units import act, is_alive, show_units


class Removal:
    """The daemons that are to go; ``purge`` deletes monitors' stores as well.

    ``extras`` are ``extras_of`` the host.
    """

    def __init__(self, roots, daemons, extras, purge):
        self._roots = roots
        self._extras = extras
        self._daemons = daemons
        self._purge = purge
        self._states = show_units([daemon.unit for daemon in daemons])
        self.rows = []
        self.problems = []

    def foresee(self):
        """Add the rows that say what would be done."""
        for daemon in self._daemons:
            self._add_row(daemon, "would be removed" if self._is_there(daemon) else "absent", "")

    def do(self):
        """Take all daemons away; add a row for each."""
        there = [daemon for daemon in self._daemons if self._is_there(daemon)]
        self._take_down(there)
        for daemon in self._daemons:
            kept = self._remove_files(daemon) if daemon in there else ""
            self._add_row(daemon, "removed" if daemon in there else "absent", kept)

    def _add_row(self, daemon, state, kept):
        self.rows.append(
            {
                "daemon_type": daemon.kind.name,
                "daemon_id": daemon.daemon_id,
                "unit": daemon.unit,
                "state": state,
                "kept": kept,
            }
        )

    def _is_there(self, daemon):
        state = self._states[daemon.unit]
        return (
            is_alive(state)
            or state.get("ActiveState") == "failed"
            or _is_enabled(state)
            or any(os.path.lexists(path) for path in _places(daemon))
        )

    def _take_down(self, daemons):
        """Stop the units for good; raises ``UnitsFailed``."""
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

    def _remove_files(self, daemon):
        """Remove what is the daemon's alone; return where its store is now."""
        kept = ""
        if daemon.kind.name == "mon" and not self._purge and os.path.isdir(daemon.data_path):
            kept = put_aside(self._roots, daemon)
        for path in _places(daemon):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        self._extras.get(daemon.kind.name, NONE).forget(daemon)
        return kept


def _is_enabled(state):
    return state.get("UnitFileState", "").startswith("enabled")


def _places(daemon):
    """Return the files and directories that are the daemon's alone."""
    return [path for path in (daemon.data_path, daemon.keyring_path, daemon.socket_path) if path]
