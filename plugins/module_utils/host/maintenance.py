"""Stop all of Ceph's daemons on a host so that nothing starts them, and put all back as it was.

Masks of the instances hold through a restart of the host and through an upgrade of packages; a
target that is stopped or disabled does not.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..cluster.conf import cluster_fsid
from ..cluster.osd_map import NoAnswer
from ..daemons.at_work import idle
from ..daemons.kinds.registry import ALL
from ..daemons.listing import daemon_of, find_units
from ..daemons.mon.quorum import enter_quorum, leave_quorum
from ..osd.activation import LINKS, CannotActivate, activate
from ..osd.directories import osd_directories
from ..osd.elsewhere import gone_and_elsewhere, who_asks
from ..osd.startup import Startup
from ..system.atomic_write import write_text
from ..system.reading import Roots
from ..systemd.faults import has_own_mask, is_masked
from ..systemd.units import (
    UnitsFailed,
    act,
    has_failed,
    is_alive,
    runs,
    show_units,
    wait_active,
)
from .maintenance_record import (
    CONDITION,
    MASK,
    NOTHING,
    HeldUnit,
    Record,
    RecordUnreadable,
    can_be_kept,
    now,
    path_of,
    read_record,
    remove_record,
    write_record,
)

# Units by what they are, besides what daemons left traces of: also of kinds that nobody here knows.
PATTERNS = ("ceph-*@*.service", "cephfs-mirror@*.service")
# What stands in the way of starting OSDs at boot stays: it does nothing but for one that starts.
_OWN = "ceph-orch-osd@"
_VOLUME = "ceph-volume@"
_NAMES_CLUSTER = re.compile(r"ceph-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@")
# By part of a host the last kind that stops (``Kind.stops``): what clients ask for by itself, then
# the data, at last the monitors. They start the other way round.
LAST = max(kind.stops for kind in ALL.values())
PARTS: Mapping[str, int] = {"services": 1, "data": LAST - 1, "all": LAST}
# A daemon that cannot run ends within this time.
_SETTLE = 1.0
# So long (seconds) a monitor may take to join the others.
_JOINS = 20.0
_FILE = "ceph-orch-maintenance.conf"
_LEAVES = "`ceph orch host maintenance exit HOST --force` leaves it as it is"
_TEXT = """\
# Made by ceph-orch-ansible: the host is in maintenance.
[Unit]
ConditionPathExists=!{path}
"""


@dataclass
class Change:
    """What a step does: units that are held or let go, stopped or started.

    ``record`` is what the host keeps then, ``problems`` say by unit what was not done, ``others``
    are units of other clusters, or of nobody's, which are left alone, ``gone`` are OSDs that the
    cluster has no more, by unit, each with a sentence.
    """

    record: Record
    is_new: bool = False
    held: List[HeldUnit] = field(default_factory=list)
    moved: List[HeldUnit] = field(default_factory=list)
    problems: Dict[str, str] = field(default_factory=dict)
    others: List[str] = field(default_factory=list)
    gone: Dict[str, str] = field(default_factory=dict)

    @property
    def is_needed(self) -> bool:
        """Tell whether anything is done."""
        return bool(self.is_new or self.held or self.moved)


class Maintenance:
    """The maintenance of this host; all methods raise ``UnitsFailed`` and ``RecordUnreadable``.

    What was started has to stay up for ``settle`` seconds.
    """

    def __init__(self, roots: Roots, settle: float = _SETTLE) -> None:
        self._roots, self._settle = roots, settle

    def plan_entry(self, part: str = "all", given: Sequence[HeldUnit] = ()) -> Change:
        """Return what entering changes; ``part`` says what stops now, one of ``PARTS``.

        ``given`` is what was changed before, for a host that has lost its record since.
        """
        known = read_record(self._roots)
        record = known or Record(now(), tuple(given))
        names = sorted({unit["Id"] for unit in find_units(self._roots, PATTERNS)})
        names = [name for name in names if not name.startswith(_OWN)]
        others = others_units(names, cluster_fsid(self._roots))
        others += [name for name in names if not can_be_kept(name)]
        names = [name for name in names if name not in others]
        states = show_units(list(dict.fromkeys([*names, *record.names()])))
        there = set(record.names())
        new = [
            self._as_it_is(name, states[name])
            for name in names
            if name not in there and _concerns(states[name])
        ]
        record = Record(record.since, (*record.units, *new))
        return Change(
            record,
            is_new=known is None or bool(new),
            held=[each for each in record.units if not self._is_held(each, states[each.unit])],
            moved=[
                each
                for each in record.units
                if is_alive(states[each.unit]) and _stops(each) <= PARTS[part]
            ],
            others=others,
        )

    def enter(self, change: Change) -> None:
        """Write the record, hold the units, then stop them in order."""
        write_record(self._roots, change.record)
        masked = [each.unit for each in change.held if each.how == MASK]
        if masked:
            act("mask", masked)
        if any([self._put_condition(each) for each in change.held if each.how == CONDITION]):
            act("daemon-reload", [])
        for group in in_order(change.moved):
            leave_quorum(self._roots, group)
            try:
                act("stop", group)
            except UnitsFailed:
                enter_quorum(self._roots, group)
                raise
            states = show_units(group)
            failed = [unit for unit in group if states[unit].get("ActiveState") == "failed"]
            if failed:
                # They did not end well, but they have ended.
                act("reset-failed", failed)

    def plan_exit(self, given: Sequence[HeldUnit] = (), force: bool = False) -> Change:
        """Return what leaving changes; ``given`` is what was changed where the host has no record.

        Of these only what is masked still is put back: the host may have been installed anew. With
        ``force`` they stand for a record that cannot be used, too.
        """
        try:
            known = read_record(self._roots)
        except RecordUnreadable:
            if not (force and given):
                raise
            known = None
        units = known.units if known else tuple(given)
        states = show_units([each.unit for each in units])
        held = [each for each in units if each.how and self._is_held(each, states[each.unit])]
        mine = units if known else tuple(held)
        moved = [each for each in mine if each.ran and _is_down(states[each.unit])]
        return Change(
            Record(known.since if known else now(), units), known is not None, held, moved
        )

    def leave(self, change: Change, wait: float, force: bool) -> None:
        """Let the units go, start those that ran, and forget the record when all is back.

        Monitors begin first. The others do not wait until they have joined: other hosts' monitors
        have a quorum, or daemons look for one themselves. OSDs that must not run here any more are
        not let go.

        What does not start stands in the change's ``problems``; with ``force`` the record goes all
        the same.
        """
        osds = [each for each in change.held if _osd_of(each.unit) is not None]
        self._let_go([each for each in change.held if each not in osds])
        # One that was told to leave the quorum and was not stopped then.
        enter_quorum(self._roots, [each.unit for each in change.record.units if each.ran])
        monitors = [each for each in change.moved if _stops(each) == LAST]
        others = [unit for group in reversed(in_order(change.moved)) for unit in group]
        others = [unit for unit in others if unit not in {each.unit for each in monitors}]
        started = self._start([each.unit for each in monitors], change)
        if any(self._lacks_directory(each) for each in change.moved):
            # An encrypted OSD asks the monitors for its key before it has a directory.
            idle(self._roots, started, min(wait, _JOINS))
        stay = self._staying_down(change, force)
        change.problems.update(stay)
        self._let_go([each for each in osds if each.unit not in stay])
        others = [unit for unit in others if unit not in {*stay, *change.gone}]
        started += self._start(others, change)
        change.problems.update(_not_staying(started, wait, self._settle))
        # One that joins late, or cannot, is told by the cluster's maps and is no failure of a unit.
        idle(
            self._roots, [each.unit for each in monitors if each.unit in started], min(wait, _JOINS)
        )
        if force or not change.problems:
            remove_record(self._roots)

    def _staying_down(self, change: Change, force: bool) -> Dict[str, str]:
        """Return a sentence for each OSD that must not run here, by its unit; note those gone.

        It may run on another host by now, on its disk or a copy. With ``force`` those are started
        too of which the monitors do not say anything, as are all where the host has no key to ask.
        """
        units = {_osd_of(each.unit): each for each in change.moved if each.osd}
        osds = [(each, str(held.osd["uuid"])) for each, held in units.items() if each is not None]
        asking = [who_asks(self._roots, osd_id) for osd_id, _ in osds]
        asking = [who for who in asking if os.path.exists(who.keyring)]
        if not asking:
            return {}
        try:
            gone, elsewhere = gone_and_elsewhere(osds, self._roots, asking[0], _LEAVES)
        except NoAnswer as error:
            silent = [] if force else osds
            gone, elsewhere = {}, {i: f"osd.{i} is not started: {error}" for i, _ in silent}
        change.gone.update({units[osd_id].unit: why for osd_id, why in gone.items()})
        masked = " Its unit stays masked."
        return {units[osd_id].unit: f"{why}{masked}" for osd_id, why in elsewhere.items()}

    def _let_go(self, held: Iterable[HeldUnit]) -> None:
        masked = [each.unit for each in held if each.how == MASK]
        if masked:
            act("unmask", masked)
        if any([self._remove_condition(each) for each in held if each.how == CONDITION]):
            act("daemon-reload", [])

    def _start(self, units: Sequence[str], change: Change) -> List[str]:
        """Start units together; return those that were, the others are among the problems."""
        problems: Dict[str, str] = {}
        by_unit = {each.unit: each for each in change.moved}
        for unit in units:
            if by_unit[unit].how == NOTHING:
                problems[unit] = f"{unit} was masked by somebody before, and ran: it stays masked."
                continue
            try:
                self._prepare(by_unit[unit], change.record)
            except (CannotActivate, OSError, UnitsFailed) as error:
                problems[unit] = f"{unit} cannot be made ready: {error}."
        ready = [unit for unit in units if unit not in problems]
        try:
            if ready:
                act("start", ready)
        except UnitsFailed:
            for unit in ready:
                try:
                    act("start", [unit])
                except UnitsFailed as error:
                    problems[unit] = str(error)
        change.problems.update(problems)
        return [unit for unit in ready if unit not in problems]

    def _lacks_directory(self, held: HeldUnit) -> bool:
        """Tell whether a unit is an OSD's whose directory is gone: without LVM it is in memory."""
        osd_id = _osd_of(held.unit)
        return osd_id is not None and not os.path.exists(
            os.path.join(self._roots.var, f"lib/ceph/osd/ceph-{osd_id}", "keyring")
        )

    def _prepare(self, held: HeldUnit, record: Record) -> None:
        """Have the data directory of an OSD there."""
        osd_id = _osd_of(held.unit)
        if osd_id is None or not self._lacks_directory(held):
            return
        volumes = [name for name in record.names() if name.startswith(f"{_VOLUME}lvm-{osd_id}-")]
        if volumes:
            act("start", volumes)
        elif held.osd and not Startup(self._roots).is_installed(osd_id):
            activate(osd_id, held.osd["uuid"], held.osd["kinds"], held.osd["devices"])

    def _as_it_is(self, unit: str, state: Mapping[str, str]) -> HeldUnit:
        kind, _ = daemon_of(unit, "")
        how = NOTHING if is_masked(state) else MASK
        if how and state.get("FragmentPath") == self._file_of(unit):
            how = CONDITION
        osd_id = _osd_of(unit)
        osd = self._osd(osd_id) if osd_id is not None else {}
        return HeldUnit(unit, kind, is_alive(state), how, osd)

    def _osd(self, osd_id: int) -> Dict[str, Any]:
        found = osd_directories(self._roots).get(osd_id)
        if found is None or not found.osd_uuid:
            return {}
        links = {kind: os.path.join(found.path, name) for kind, name in LINKS.items()}
        there = {kind: os.path.realpath(path) for kind, path in links.items() if _leads(path)}
        return {"uuid": found.osd_uuid, "kinds": list(there), "devices": list(there.values())}

    def _is_held(self, held: HeldUnit, state: Mapping[str, str]) -> bool:
        if held.how == CONDITION:
            return os.path.lexists(self._condition_of(held.unit))
        return is_masked(state) if held.how == NOTHING else has_own_mask(held.unit, state)

    def _file_of(self, unit: str) -> str:
        return os.path.join(self._roots.etc, "systemd/system", unit)

    def _condition_of(self, unit: str) -> str:
        return os.path.join(f"{self._file_of(unit)}.d", _FILE)

    def _put_condition(self, held: HeldUnit) -> bool:
        text = _TEXT.format(path=path_of(self._roots))
        return write_text(self._condition_of(held.unit), text, 0o644)

    def _remove_condition(self, held: HeldUnit) -> bool:
        path = self._condition_of(held.unit)
        if not os.path.lexists(path):
            return False
        os.unlink(path)
        if not os.listdir(os.path.dirname(path)):
            os.rmdir(os.path.dirname(path))
        return True


def in_order(units: Iterable[HeldUnit]) -> List[List[str]]:
    """Return the units in the groups in which they stop, one after the other."""
    groups: Dict[int, List[str]] = {}
    for each in units:
        groups.setdefault(_stops(each), []).append(each.unit)
    return [groups[place] for place in sorted(groups)]


def _osd_of(unit: str) -> Optional[int]:
    """Return the id of the OSD that a unit runs."""
    match = re.fullmatch(r"ceph-osd@(\d{1,9})\.service", unit)
    return int(match.group(1)) if match else None


def _stops(held: HeldUnit) -> int:
    """Return when a unit stops; one of a kind that nobody here knows is among the first."""
    return ALL[held.kind].stops if held.kind in ALL else 0


def describe(change: Change, verb: str) -> Tuple[str, str]:
    """Return what a step changes as text, before and after."""
    moved, held = {each.unit for each in change.moved}, {each.unit for each in change.held}
    off = verb == "enter"
    before: List[str] = []
    after: List[str] = []
    for unit in sorted(moved | held):
        was = ["running"] if unit in moved and off else []
        is_now = ["running"] if unit in moved and not off else []
        for lines, mark, state in ((before, not off, was), (after, off, is_now)):
            words = [*state, *(["held"] if unit in held and mark else [])]
            lines.append(f"{unit}: {', '.join(words) or 'not held'}\n")
    return "".join(before), "".join(after)


def others_units(names: Iterable[str], fsid: str) -> List[str]:
    """Return the units that name another cluster than this one, as those of containers do.

    Where nobody knows which cluster this one is, they may all be another's.
    """
    found = []
    for name in names:
        named = _NAMES_CLUSTER.match(name)
        if named and named[1] != fsid.lower():
            found.append(name)
    return found


def _concerns(state: Mapping[str, str]) -> bool:
    """Tell whether a unit runs, or would be started with the host or with a package."""
    # A unit that is generated is started with the host as well.
    enabled = state.get("UnitFileState", "").startswith(("enabled", "generated"))
    return is_alive(state) or (enabled and not is_masked(state))


def _is_down(state: Mapping[str, str]) -> bool:
    return not is_alive(state) or has_failed(state)


def _leads(path: str) -> bool:
    return os.path.islink(path)


def _not_staying(units: Sequence[str], wait: float, settle: float) -> Dict[str, str]:
    """Return which of the units that were started do not stay up, with their last words."""
    if not units:
        return {}
    try:
        wait_active(units, wait, settle)
    except UnitsFailed as error:
        states = show_units(units)
        return {unit: str(error) for unit in units if not runs(states[unit])}
    return {}
