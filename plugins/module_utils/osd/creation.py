"""Make the OSDs of a plan, and start those that an earlier run has made."""

from __future__ import annotations

import os
from functools import partial
from itertools import islice
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from ..cluster.osd_map import NoAnswer, forget_new, known_osds, problem_of_reuse
from ..disks.block import LOOP_VARIABLE
from ..disks.bluestore_label import read_label
from ..disks.lvm import LvmUnreadable, read_volumes, unused
from ..disks.planned import Disk, Refused, look_at
from ..disks.report import loop_setting
from ..system.command import Answer
from ..system.host_lock import Detached, HostLock
from ..system.reading import Roots
from ..systemd.units import UnitsFailed, act, forget_starts, is_alive, show_units, wait_active
from . import ceph_volume_calls as calls
from .activation import find_devices
from .ceph_volume_log import hide_keys
from .directories import osd_directories, remove_directory
from .elsewhere import problems_of_start
from .local_osds import LocalOsds, osd_unit
from .plan_check import (
    CREATE,
    PRESENT,
    START,
    Plan,
    PlanRefused,
    Slot,
    free_ids,
    lvm_groups,
    osds_on_volumes,
)
from .startup import UNIT, Startup

_LOG = "Look into /var/log/ceph/ceph-volume.log on the host"


class Creation:
    """What is done for a plan; ``rows`` and ``problems`` tell what came of it.

    ``working`` are the programs that had not ended when nobody waited any longer.
    """

    def __init__(
        self, roots: Roots, plan: Plan, startup: Startup, timeout: float, wait: float, parallel: int
    ) -> None:
        self.rows: List[Dict[str, Any]] = []
        self.problems: List[str] = []
        self.working: List[Detached] = []
        self._failed: List[Slot] = []
        self._is_old = False
        self._roots = roots
        self._plan = plan
        self._startup = startup
        self._timeout = timeout
        self._wait = wait
        self._parallel = parallel
        self._setting = loop_setting(roots)

    @property
    def unfinished(self) -> List[str]:
        """Return the data disks that neither carry an OSD that was reported nor have failed."""
        told = {row["data"] for row in self.rows}
        known = told | {slot.data.path for slot in self._failed}
        return [slot.data.path for slot in self._plan.slots if slot.data.path not in known]

    def check_with_cluster(self) -> None:
        """Ask the monitors where the plan needs it; raise ``PlanRefused``.

        An OSD that is to be started must still be one of the cluster, and none that runs or ran
        elsewhere; an id that is to be taken again must be free.
        """
        starting = [slot for slot in self._plan.slots if slot.step == START]
        reused = sorted(
            {
                osd_id
                for slot in self._plan.slots
                if slot.step == CREATE
                for osd_id in free_ids(slot.group, self._plan.slots)
            }
        )
        if not starting and not reused:
            return
        self._is_old = True
        known = known_osds() if reused else {}
        problems = [problem_of_reuse(osd_id, known) for osd_id in reused]
        problems += problems_of_start(starting, self._plan.here, self._roots).values()
        problems = [problem for problem in problems if problem]
        if problems:
            raise PlanRefused(" ".join(["No disk of this host was touched.", *problems]))

    def predict(self) -> None:
        """Say what would be done."""
        for slot in self._plan.slots:
            if slot.step == CREATE:
                count = max(int(slot.group["osds_per_device"]), 1)
                self.rows += [_row(slot, None, "", "would be created")] * count
            else:
                word = "present" if slot.step == PRESENT else "would be started"
                self.rows += [_row(slot, *osd, word) for osd in slot.osds]

    def do(self, lock: HostLock) -> None:
        """Make and start everything."""
        try:
            self._make_all(lock)
        finally:
            # Also those of an earlier run that ended before ceph-volume.
            hide_keys(self._roots)
            self.rows.sort(key=lambda row: (row["data"], row["osd_id"]))

    def _make_all(self, lock: HostLock) -> None:
        for slot in self._plan.slots:
            if slot.step == PRESENT:
                self.rows += [_row(slot, *osd, "present") for osd in slot.osds]
        self._make_raw(lock)
        for group, slots in lvm_groups(self._plan.slots):
            self._make_lvm(group, slots, lock)
        for slot in self._plan.slots:
            if slot.step == START and slot.method == "lvm":
                self._activate_lvm(slot, lock)
        self._start_raw([slot for slot in self._plan.slots if slot.step == START])

    def _make_raw(self, lock: HostLock) -> None:
        waiting = [s for s in self._plan.slots if s.step == CREATE and s.method == "raw"]
        free = {id(s.group): iter(free_ids(s.group, self._plan.slots)) for s in waiting}
        # An id is its disk's: where that is not made, no other one takes it.
        ids = {slot: list(islice(free[id(slot.group)], 1)) for slot in waiting}
        made: List[Slot] = []
        while waiting:
            batch, waiting = waiting[: self._parallel], waiting[self._parallel :]
            batch = self._still_free(batch)
            if made or self._failed:
                batch = self._still_with_ids({slot: ids[slot] for slot in batch})
            running = [(slot, self._prepare(slot, ids[slot], lock)) for slot in batch]
            made += [slot for slot, work in running if self._finish(slot, work, lock)]
        self._start_raw(made)

    def _still_free(self, slots: List[Slot]) -> List[Slot]:
        """Return those slots whose disks are still free, where it is a while since they were seen.

        Others may have been made before them, and the monitors may have been asked.
        """
        if not self._is_old:
            self._is_old = True
            return slots
        problems = self._plan.look_again(slots)
        self._failed += problems
        self.problems += problems.values()
        return [slot for slot in slots if slot not in problems]

    def _still_with_ids(self, ids: Mapping[Slot, List[int]]) -> List[Slot]:
        """Return those slots whose ids are still to be had, where others were made before them.

        Raises ``NoAnswer``.
        """
        known = known_osds() if any(ids.values()) else {}
        for slot, mine in ids.items():
            lost = [each for each in (problem_of_reuse(one, known) for one in mine) if each]
            if lost:
                self._failed.append(slot)
                self.problems.append(f"{slot.data.path}: {' '.join(lost)}")
        return [slot for slot in ids if slot not in self._failed]

    def _are_still_free(self, group: Mapping[str, Any], slots: List[Slot]) -> bool:
        """Tell whether all disks of a group are: ceph-volume takes all of them, or none."""
        was_old = self._is_old
        if len(self._still_free(slots)) < len(slots):
            return False
        ids = free_ids(group, self._plan.slots)
        others = bool(self.rows or self._failed)
        if others and len(self._still_with_ids(dict.fromkeys(slots, ids))) < len(slots):
            return False
        try:
            if was_old:
                self._plan.look_again_at_shared(group)
        except Refused as reason:
            self._failed += slots
            self.problems.append(str(reason))
            return False
        return True

    def _prepare(self, slot: Slot, ids: List[int], lock: HostLock) -> Detached:
        paths = {kind: disk.block.path for kind, disk in slot.others.items()}
        argv = calls.raw_prepare(
            slot.data.block.path,
            paths.get("db", ""),
            paths.get("wal", ""),
            ids[0] if ids else None,
            slot.group["crush_device_class"],
        )
        # When ceph-volume fails it wipes whatever carries the id of the OSD, also another
        # cluster's disk; so it gets no other disk than these.
        only = [disk.block.path for disk in slot.disks]
        environment = self._environment(slot.group)
        return Detached(f"create-{slot.data.block.name}", argv, lock, environment, only)

    def _finish(self, slot: Slot, work: Detached, lock: HostLock) -> bool:
        """Wait for ceph-volume; return whether an OSD stands on the disks now."""
        answer = work.result(self._timeout)
        if self._still_works([slot], work, answer):
            return False
        if answer.problem:
            self._add_failure(slot.data.path, answer)
            self._tidy(slot, calls.begun_osd(answer.err), lock)
            self._failed.append(slot)
            return False
        label = read_label(slot.data.block.node)
        if not label or not label["ready"]:
            self._failed.append(slot)
            self.problems.append(
                f"{slot.data.path}: ceph-volume says that all went well, but there is no OSD on "
                f"it. {_LOG}."
            )
            return False
        slot.osds = {(label["osd_id"], label["osd_uuid"]): {}}
        return True

    def _tidy(self, slot: Slot, osd_uuid: str, lock: HostLock) -> None:
        """Leave nothing of an OSD that could not be made; the disks were empty before.

        ceph-volume does so itself, unless it was killed, and forgets the directory. That may be a
        while ago: what somebody else has made on the disks since stays.
        """
        if osd_uuid:
            try:
                forget_new(osd_uuid)
            except NoAnswer as problem:
                self.problems.append(str(problem))
        node = os.path.realpath(slot.data.block.node)
        for directory in osd_directories(self._roots).values():
            mine = node in directory.devices and directory.osd_uuid in ("", osd_uuid)
            if mine and not is_alive(show_units([osd_unit(directory.osd_id)]).popitem()[1]):
                remove_directory(directory.path, self._roots.proc)
        look_at(slot.disks)
        for disk in slot.disks:
            if disk.label and disk.label["osd_uuid"] == osd_uuid:
                self._wipe(disk, lock)
            elif disk.label:
                self.problems.append(
                    f"{disk.path}: it carries an OSD that this run has not begun "
                    f"({disk.label['osd_uuid']}), which is left as it is. If nothing on it is "
                    f"needed, `ceph orch device zap HOST {disk.block.path} --force` wipes it."
                )

    def _wipe(self, disk: Disk, lock: HostLock) -> None:
        """Wipe a disk that was empty before; where that fails, say what is left on it."""
        path = disk.block.path
        argv = calls.zap_device(path)
        work = Detached(f"zap-{disk.block.name}", argv, lock, self._environment(), [path])
        answer = work.result(self._timeout)
        if work.is_running:
            self.working.append(work)
        if answer.problem:
            reason = calls.reason_of_failure(answer.err) or answer.problem
            self.problems.append(
                f"{path}: what was begun on it could not be wiped: {reason}. "
                f"`ceph orch device zap HOST {path} --force` wipes it."
            )

    def _start_raw(self, slots: List[Slot]) -> None:
        """Have the OSDs started, now and whenever the host starts."""
        slots = [slot for slot in slots if slot.method == "raw"]
        if not slots:
            return
        slots = self._still_to_start(slots)
        units = []
        for slot in slots:
            osd_id, osd_uuid = next(iter(slot.osds))
            self._startup.install(self._devices_of(slot, osd_id, osd_uuid))
            units += [UNIT % osd_id, osd_unit(osd_id)]
        if units:
            self._try(slots, lambda: act("enable", units, "--now"))
            self._report_started(slots)

    def _still_to_start(self, slots: List[Slot]) -> List[Slot]:
        """Return those slots whose OSDs may be started: making others may have taken a while.

        Those that this run has made are nowhere else. Raises ``NoAnswer``.
        """
        old = [slot for slot in slots if slot.step == START]
        problems = problems_of_start(old, self._plan.here, self._roots)
        self.problems += problems.values()
        self._failed += problems
        return [slot for slot in slots if slot not in problems]

    def _report_started(self, slots: List[Slot]) -> None:
        """Wait for the daemons of slots, and add the rows that say whether they run."""
        daemons = {osd_unit(osd_id): slot for slot in slots for osd_id, _ in slot.osds}
        self._try(slots, lambda: wait_active(list(daemons), self._wait))
        states = show_units(list(daemons))
        for slot in slots:
            done = "created" if slot.step == CREATE else "started"
            for osd_id, osd_uuid in slot.osds:
                word = done if is_alive(states[osd_unit(osd_id)]) else "not started"
                self.rows.append(_row(slot, osd_id, osd_uuid, word))

    def _devices_of(self, slot: Slot, osd_id: int, osd_uuid: str) -> Dict[str, Any]:
        others = {kind: disk.block.path for kind, disk in slot.others.items()}
        if slot.step == START:
            # The plan may not name all that the OSD has.
            others.update(find_devices(osd_uuid, ["db", "wal"], list(others.values())))
        return {"osd_id": osd_id, "osd_uuid": osd_uuid, "block": slot.data.block.path, **others}

    def _make_lvm(self, group: Mapping[str, Any], slots: List[Slot], lock: HostLock) -> None:
        if not self._are_still_free(group, slots):
            return
        disks = [slot.data for slot in slots] + self._plan.shared_by(group)
        empty = [disk for disk in disks if not disk.has_lvm]
        argv = calls.lvm_batch(group, free_ids(group, self._plan.slots))
        name = f"create-{slots[0].data.block.name}"
        work = Detached(name, argv, lock, self._environment(group))
        answer = work.result(self._timeout)
        if self._still_works(slots, work, answer):
            return
        if answer.problem:
            self._add_failure(_paths(slots), answer)
        try:
            volumes = read_volumes()
        except LvmUnreadable as problem:
            # Whether they were made is not known; the same plan finds them later.
            self.problems.append(f"{_paths(slots)}: {problem}")
            return
        here = LocalOsds(osd_directories(self._roots), volumes, {})
        for slot in slots:
            found = osds_on_volumes(here, slot.data.block.path)
            slot.osds = found
            if not found:
                self._failed.append(slot)
            if not found and not answer.problem:
                self.problems.append(f"{slot.data.path}: ceph-volume made no OSD on it. {_LOG}.")
        if answer.problem:
            self._tidy_lvm(empty, volumes, lock)
        self._report_started([slot for slot in slots if slot.osds])

    def _tidy_lvm(
        self, empty: Iterable[Disk], volumes: Mapping[str, Mapping[str, Any]], lock: HostLock
    ) -> None:
        """Take back the volume groups without volumes that a failure left on disks without LVM."""
        for disk in empty:
            if disk.block.path in unused(volumes):
                self._wipe(disk, lock)

    def _activate_lvm(self, slot: Slot, lock: HostLock) -> None:
        if not self._still_to_start([slot]):
            return
        for osd_id, osd_uuid in slot.osds:
            argv = calls.lvm_activate(osd_id, osd_uuid)
            # It starts the OSD itself.
            self._try([slot], partial(forget_starts, [osd_unit(osd_id)]))
            work = Detached(f"activate-{osd_id}", argv, lock, self._environment())
            answer = work.result(self._timeout)
            if self._still_works([slot], work, answer):
                return
            if answer.problem:
                self._add_failure(slot.data.path, answer)
        self._report_started([slot])

    def _still_works(self, slots: List[Slot], work: Detached, answer: Answer) -> bool:
        """Tell whether a program goes on although nobody waits any longer."""
        if work.is_running:
            self.working.append(work)
            self.problems.append(f"{_paths(slots)}: ceph-volume has not ended: {answer.problem}.")
        return work.is_running

    def _add_failure(self, paths: str, answer: Answer) -> None:
        reason = calls.reason_of_failure(answer.err) or answer.problem
        self.problems.append(f"{paths}: ceph-volume failed: {reason}. {_LOG}.")

    def _try(self, slots: List[Slot], action: Callable[[], None]) -> None:
        try:
            action()
        except UnitsFailed as failure:
            self.problems.append(f"{_paths(slots)}: {failure}")

    def _environment(self, group: Optional[Mapping[str, Any]] = None) -> Dict[str, str]:
        variables = {LOOP_VARIABLE: self._setting} if self._setting else {}
        if group and group["osdspec"]:
            variables[calls.AFFINITY] = group["osdspec"]
        return variables


def _paths(slots: Iterable[Slot]) -> str:
    return ", ".join(slot.data.path for slot in slots)


def _row(slot: Slot, osd_id: Optional[int], osd_uuid: str, state: str) -> Dict[str, Any]:
    return {
        "osd_id": osd_id,
        "osd_uuid": osd_uuid,
        "state": state,
        "method": slot.method,
        "data": slot.data.path,
        "db": slot.path_of("db", (osd_id, osd_uuid)),
        "wal": slot.path_of("wal", (osd_id, osd_uuid)),
        "unit": osd_unit(osd_id) if osd_id is not None else "",
    }
