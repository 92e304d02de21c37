"""Bring the daemons of a host to run: what they need is written, their units are started."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence

from ..cluster.ceph_user import ceph_owner
from ..cluster.keyring_file import key_of, with_section
from ..system.atomic_write import make_directory, read_whole, write_text
from ..system.command import find_program
from ..system.listening import holders
from ..system.reading import Roots, read_lines, to_int
from ..systemd.faults import fault_of
from ..systemd.units import UnitsFailed, act, runs, show_units
from .daemon import Daemon
from .hand_made import is_there, unit_by_hand
from .health import wait_at_work
from .keyring import has_key, keyring_text
from .kinds.base import DaemonRefused
from .kinds.extra import NONE, Extra

_KEY_MODE = 0o600
_DATA_MODE = 0o700


class Wanted:
    """A daemon as it shall be. ``keyring`` is the text to write, empty to keep the host's.

    ``since`` is when what it reads at its start was changed last, in seconds since the epoch.
    ``stop_timeout`` is how many seconds systemd gives it to stop, 0 as many as the package says.
    ``args``, ``settings`` and ``files`` (texts by name) are for daemons that are none of Ceph's, as
    are ``cluster``, the one that they serve, and ``installs``: their packages were not there.
    """

    def __init__(
        self,
        daemon: Daemon,
        keyring: str = "",
        port: int = 0,
        addr: str = "",
        since: float = 0.0,
        stop_timeout: int = 0,
        cluster: str = "",
        args: Sequence[str] = (),
        settings: Optional[Mapping[str, str]] = None,
        files: Optional[Mapping[str, str]] = None,
        installs: bool = False,
    ) -> None:
        self.daemon = daemon
        self.keyring = keyring_text(daemon, keyring) if keyring.strip() else ""
        self.port = port
        self.addr = addr
        self.since = since
        self.stop_timeout = stop_timeout
        self.cluster = cluster
        self.args: Sequence[str] = [str(each) for each in args]
        self.settings = _texts(settings)
        self.files = _texts(files)
        self.installs = installs
        # Those of whom the daemon must have found one, as its ``Extra`` says before it is awaited.
        self.others: FrozenSet[str] = frozenset()

    @property
    def ports(self) -> List[int]:
        """Return all ports that the daemon will listen on, as far as they are known."""
        return sorted({*self.daemon.kind.ports, *([self.port] if self.port else [])})


class Deployment:
    """What is to be done on this host for some daemons; ``extras`` are ``extras_of`` the host."""

    def __init__(
        self, roots: Roots, wanted: Sequence[Wanted], extras: Mapping[str, Extra], wait: float
    ) -> None:
        self._roots = roots
        self._wanted = wanted
        self._extras = extras
        self._wait = max([wait, *(one.daemon.kind.patience for one in wanted)])
        self._states = show_units([one.daemon.unit for one in wanted])
        # What is there changes under the work; this is what was there before.
        self._verdicts = {one.daemon.unit: self._verdict(one) for one in wanted}
        self.rows: List[Dict[str, Any]] = []
        self.problems: List[str] = []

    def refuse(self, packages_missing: bool) -> None:
        """Raise ``DaemonRefused`` with everything that speaks against this, before it begins."""
        found = []
        for one in self._wanted:
            found += self._reasons_against(one, packages_missing)
        if found:
            raise DaemonRefused("No daemon of this host was touched. " + " ".join(found))

    def predict(self) -> None:
        """Add the rows that say what would be done."""
        for one in self._wanted:
            self._add_row(one, "would be ")

    def do(self) -> None:
        """Bring all daemons to run; add a row for each that does, a problem for each other."""
        concerned = [one for one in self._wanted if self._verdicts[one.daemon.unit] != "present"]
        for one in concerned:
            self._provide(one)
        self._enable([one for one in concerned if not self._is_enabled(one)])
        problems = self._start(concerned) if concerned else {}
        self.problems = list(problems.values())
        for one in self._wanted:
            if one.daemon.unit not in problems:
                self._add_row(one, "")

    def _add_row(self, one: Wanted, prefix: str) -> None:
        daemon = one.daemon
        verdict = self._verdicts[daemon.unit]
        self.rows.append(
            {
                "daemon_type": daemon.kind.name,
                "daemon_id": daemon.daemon_id,
                "unit": daemon.unit,
                "state": verdict if verdict == "present" else prefix + verdict,
            }
        )

    def _verdict(self, one: Wanted) -> str:
        """Return what becomes of a daemon: present, created, started, restarted, reconfigured."""
        is_running = runs(self._state(one))
        if _is_fresh(one.daemon) or (not is_running and self._extra(one).needs_setup(one)):
            return "created"
        if not is_running:
            return "started"
        if self._has_old_settings(one):
            return "restarted"
        if self._extra(one).needs_reload(one):
            return "reconfigured"
        return "present" if self._is_enabled(one) and not self._is_unfinished(one) else "started"

    def _is_unfinished(self, one: Wanted) -> bool:
        return self._extra(one).is_unfinished(one)

    def _state(self, one: Wanted) -> Dict[str, str]:
        return self._states[one.daemon.unit]

    def _is_enabled(self, one: Wanted) -> bool:
        state = self._state(one).get("UnitFileState", "")
        return one.daemon.kind.is_generated or state.startswith("enabled")

    def _has_old_settings(self, one: Wanted) -> bool:
        """Tell whether the daemon began before its key or its settings were as they shall be."""
        return (
            self._writes_key(one)
            or _is_newer(one.daemon.keyring_path, self._state(one))
            or _began_before(one.since, self._state(one))
            or _is_newer(one.daemon.mark_path, self._state(one))
            or self._extra(one).needs_setup(one)
            or self._extra(one).hangs(one)
        )

    def _writes_key(self, one: Wanted) -> bool:
        if not one.keyring:
            return False
        daemon = one.daemon
        there = key_of(read_lines(daemon.keyring_path), daemon.entity)
        return there != key_of(one.keyring.splitlines(), daemon.entity)

    def _reasons_against(self, one: Wanted, packages_missing: bool) -> List[str]:
        daemon = one.daemon
        reasons = []
        fault = fault_of(daemon.unit, self._state(one))
        if fault:
            reasons.append(f"{daemon.name}: {fault}")
        elif not self._has_unit(one) and not packages_missing:
            reasons.append(f"{daemon.name}: {no_unit(daemon)}")
        if daemon.entity and not one.keyring and not has_key(daemon):
            reasons.append(
                f"{daemon.name}: there is no key of {daemon.entity} in {daemon.keyring_path}, and "
                f"none was given (keyring_file). Give a file with what `ceph auth get "
                f"{daemon.entity}` prints."
            )
        reasons += self._made_by_hand(one) + self._taken_ports(one)
        return reasons + self._extra(one).refuse(one)

    def _has_unit(self, one: Wanted) -> bool:
        """Tell whether the unit is there, or would be: what it runs is."""
        if one.daemon.kind.makes_unit:
            return bool(find_program(one.daemon.kind.program))
        return self._state(one).get("LoadState") == "loaded"

    def _made_by_hand(self, one: Wanted) -> List[str]:
        """Return a sentence where somebody else's unit runs the daemon of this name."""
        daemon = one.daemon
        other = unit_by_hand(daemon.kind, daemon.daemon_id)
        if not other or is_there(self._state(one)) or not is_there(show_units([other])[other]):
            return []
        return [
            f"{daemon.name}: it runs as {other}, which was made by hand, and is not deployed over "
            f"that. Restart it as it is, or remove it with `ceph orch daemon rm {daemon.name}`."
        ]

    def _taken_ports(self, one: Wanted) -> List[str]:
        own = to_int(self._state(one).get("MainPID"))
        reasons = []
        for port in one.ports:
            others = [
                holder
                for holder in holders(self._roots.proc, port, one.addr)
                if (not own or holder.pid != own) and holder.unit != one.daemon.unit
            ]
            if others:
                reasons.append(
                    f"{one.daemon.name}: the port {port} is taken by {others[0]}. Choose another "
                    "port or host, or stop that process."
                )
        return reasons

    def _provide(self, one: Wanted) -> None:
        """Write what the daemon needs before it is started."""
        daemon = one.daemon
        if self._verdicts[daemon.unit] == "reconfigured":
            self._extra(one).reload(one)
            return
        self._extra(one).setup(one)
        if not daemon.kind.is_ceph:
            return
        owner = ceph_owner(self._roots)
        if daemon.data_path:
            make_directory(daemon.data_path, _DATA_MODE, owner)
        if self._writes_key(one):
            text = with_section(read_whole(daemon.keyring_path), one.keyring)
            write_text(daemon.keyring_path, text, _KEY_MODE, owner)

    def _enable(self, wanted: Iterable[Wanted]) -> None:
        by_target: Dict[str, List[str]] = {}
        for one in wanted:
            by_target.setdefault(one.daemon.kind.target, []).append(one.daemon.unit)
        for target, units in sorted(by_target.items()):
            if target:
                act("add-wants", [target, *units])
            else:
                act("enable", units)

    def _start(self, wanted: Sequence[Wanted]) -> Dict[str, str]:
        """Start or restart units and wait for their work; return sentences of what went wrong."""
        restart = [one for one in wanted if self._verdicts[one.daemon.unit] == "restarted"]
        names = [one.daemon.unit for one in wanted]
        try:
            if restart:
                act("restart", [one.daemon.unit for one in restart])
            act("start", names)
        except UnitsFailed as error:
            return dict.fromkeys(names, str(error))
        return self._wait_for(wanted)

    def _wait_for(self, wanted: Sequence[Wanted]) -> Dict[str, str]:
        """Wait for the work of daemons, and do what follows from it."""
        extras = {one: self._extra(one) for one in wanted}
        for one, extra in extras.items():
            one.others = extra.others(one)
        problems = wait_at_work(self._roots, wanted, self._wait)
        for one, extra in extras.items():
            unit = one.daemon.unit
            if unit in problems and runs(show_units([unit])[unit]) and extra.is_seen(one):
                del problems[unit]
            if unit in problems:
                problems[unit] += extra.give_up(one)
                continue
            said = extra.finish(one)
            if said:
                problems[unit] = said
        return problems

    def _extra(self, one: Wanted) -> Extra:
        return self._extras.get(one.daemon.kind.name, NONE)


def _texts(given: Optional[Mapping[str, Any]]) -> Mapping[str, str]:
    return {str(name): str(text) for name, text in (given or {}).items()}


def _is_fresh(daemon: Daemon) -> bool:
    if daemon.mark_path:
        return not os.path.lexists(daemon.mark_path)
    if daemon.data_path:
        return not os.path.isdir(daemon.data_path)
    return not has_key(daemon)


def _is_newer(path: str, state: Mapping[str, str]) -> bool:
    """Tell whether a file was written after the unit's process was started."""
    try:
        written = os.stat(path).st_mtime if path else 0.0
    except OSError:
        return False
    return _began_before(written, state)


def _began_before(when: float, state: Mapping[str, str]) -> bool:
    """Tell whether the unit's process was started before a time (seconds since the epoch)."""
    started = to_int(state.get("ExecMainStartTimestampMonotonic")) / 1e6
    return started > 0 and when > time.time() - time.monotonic() + started


def no_unit(daemon: Daemon) -> str:
    """Say what is missing where a host has no unit of a daemon."""
    if not find_program(daemon.kind.program):
        return (
            f"the host has no unit {daemon.unit}. Install the package that has "
            f"{daemon.kind.program}."
        )
    template = daemon.unit.partition("@")[0] + "@.service" if "@" in daemon.unit else daemon.unit
    return (
        f"the host has {daemon.kind.program} and no unit {daemon.unit}: its package brings none. "
        f"Write /etc/systemd/system/{template}."
    )
