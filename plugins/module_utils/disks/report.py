"""Decide where the report's devices come from, and get them."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ..system.command import Command
from ..system.host_lock import CREATION, is_at_work
from ..system.json_cache import JsonCache
from ..system.reading import Roots, read_assignments
from ..system.subprocess_worker import run_apart
from . import ceph_volume
from .block import LOOP_VARIABLE, Block, allows_loop_devices, has_device_mapper, own_blocks
from .inventory import describe_devices, inspections, osds_on, second_opinions
from .lvm import LvmUnreadable, read_volumes
from .names import read_links

# A healthy disk answers in milliseconds; one that does not is not fit for an OSD.
CONTENT_TIMEOUT = 5.0


class DeviceReport:
    """The devices of a host, read in two steps: ceph-volume may work between them.

    ``kept`` holds ceph-volume's last answer; ``mode`` is ``auto`` or ``never``.
    """

    def __init__(
        self, roots: Roots, kept: JsonCache, mode: str = "auto", timeout: float = 120.0
    ) -> None:
        self.source = "module"
        self.error = ""
        # First: whoever begins later is not what made a disk that is seen blank.
        self._at_work = roots.real and any(is_at_work(part) for part in ("disks", CREATION))
        self._roots = roots
        self._timeout = timeout
        self._kept = kept
        self._rows: Optional[List[Dict[str, Any]]] = None
        self._command: Optional[Command] = None
        self._setting = loop_setting(roots)
        self._blocks = own_blocks(roots, allows_loop_devices(self._setting))
        self._contents = self._look(self._blocks)
        self._mark = ""
        # ceph-volume knows one place for everything, and works for root alone.
        its_own = roots.real and roots.sys == "/sys" and os.geteuid() == 0
        if mode == "auto" and its_own and ceph_volume.program():
            self._ask_ceph_volume()

    def rows(self) -> List[Dict[str, Any]]:
        """Return the devices; ``source`` and ``error`` tell where they come from."""
        if self._command is not None:
            self._rows, self.error = ceph_volume.finish(self._command, self._timeout)
            if self._rows is not None:
                self._rows = with_doubts(self._roots, self._rows, self._blocks, self._contents)
                self._kept.save(self._mark, self._rows)
        if self._rows is not None:
            self.source = "ceph-volume"
            return self._with_osds(ceph_volume.only_own(self._rows, self._blocks))
        return self._with_osds(self._own_rows())

    def storage(self) -> Dict[str, Any]:
        """Return what else a plan for OSDs needs to know: other names of disks, and LVM."""
        return {
            "device_mapper": has_device_mapper(self._roots),
            "links": read_links(self._roots, self._blocks),
            "at_work": self._at_work,
        }

    def _with_osds(self, rows: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        """Add to each disk the OSDs that it says it belongs to."""
        blocks = {block.path: block for block in self._blocks}
        for row in rows:
            block = blocks.get(row["path"])
            volumes = row.get("lvs") or ()
            row["osds"] = osds_on(block, self._contents, volumes) if block is not None else []
        return rows

    def _look(self, blocks: Sequence[Block]) -> Dict[str, Dict[str, Any]]:
        pieces = [piece for block in blocks for piece in block.pieces]
        return run_apart(inspections(pieces), CONTENT_TIMEOUT)

    def _ask_ceph_volume(self) -> None:
        self._mark = ceph_volume.fingerprint(
            self._roots, self._blocks, self._contents, self._setting
        )
        self._rows = self._kept.load(self._mark)
        if self._rows is None:
            self._command = ceph_volume.start(self._setting)

    def _own_rows(self) -> List[Dict[str, Any]]:
        contents = second_opinions(self._blocks, self._contents)
        has_lvm = any(content.get("type") == "LVM2_member" for content in contents.values())
        volumes: Dict[str, Dict[str, Any]] = {}
        if has_lvm and self._roots.real:
            try:
                volumes = read_volumes()
            except LvmUnreadable as problem:
                # A disk of LVM's is not free all the same.
                self.error = " ".join(filter(None, [self.error, str(problem)]))
        return describe_devices(self._roots, self._blocks, contents, volumes)


def with_doubts(
    roots: Roots,
    rows: Sequence[Dict[str, Any]],
    blocks: Sequence[Block],
    contents: Mapping[str, Dict[str, Any]],
) -> List[Dict[str, Any]]:
    """Return ceph-volume's rows with disks available only where nothing else is found on them.

    It calls a disk available on which there is data of a format that it does not know.
    """
    free = {row["path"] for row in rows if row.get("available")}
    seen = [block for block in blocks if block.path in free]
    found = describe_devices(roots, seen, second_opinions(seen, contents), {})
    own = {row["path"]: row for row in found if not row["available"]}
    keys = ("available", "rejected_reasons")
    return [{**row, **{key: own.get(row["path"], row)[key] for key in keys}} for row in rows]


def loop_setting(roots: Roots) -> str:
    """Return the value of ceph-volume's variable for loop devices: environment, then /etc."""
    name = LOOP_VARIABLE
    kept = read_assignments(os.path.join(roots.etc, "environment"))
    return os.environ.get(name) or kept.get(name, "")
