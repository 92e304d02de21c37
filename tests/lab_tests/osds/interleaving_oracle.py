"""What may be lost in an interleaving, and what is wiped in it; watched the whole time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab_tests.lab_client import Lab
from tests.lab_tests.osds.interleaving_agent import Agent, Refused
from tests.lab_tests.osds.interleaving_plan import STAGES

EVERY = 0.2
LABEL = b"bluestore block device\n"
# Words of a placement group's state with which not each OSD that acts for it has all of it.
INCOMPLETE = frozenset(
    [
        "degraded",
        "undersized",
        "peering",
        "peered",
        "down",
        "incomplete",
        "unknown",
        "stale",
        "creating",
        "recovering",
        "recovery_wait",
        "recovery_unfound",
    ]
)
Disk = tuple[str, str]
Placement = Mapping[str, Mapping[str, Any]]


def may_be_lost(
    placement: Placement, gone: Iterable[int], parity: Mapping[str, int], seen: Placement
) -> set[str]:
    """Return the placement groups of which the last copy may be on OSDs that are ``gone``.

    ``parity`` is how many copies or shards a group of a pool can lose, by pool id; those that are
    not named have copies. Where copies are missing, or the statistics are older than the map, each
    OSD that was ``seen`` to have a part may have the last one.
    """
    out, found = set(gone), set()
    for pgid, row in placement.items():
        lost = parity.get(pgid.partition(".")[0])
        acting = [osd for osd in row["acting"] if 0 <= osd < 1 << 30]
        hit = [osd for osd in acting if osd in out]
        if is_complete(row):
            if hit and len(hit) > (len(acting) - 1 if lost is None else lost):
                found.add(pgid)
            continue
        before = seen.get(pgid, {})
        holders = {*acting, *row["up"], *row["old"], *before.get("acting", ())}
        if holders & out:
            found.add(pgid)
    return found


def is_complete(row: Mapping[str, Any]) -> bool:
    """Tell whether each OSD that acts for a placement group has all of it."""
    words = set(row["state"].split("+"))
    whole = "active" in words and not words & INCOMPLETE
    return bool(whole and row["fresh"] and not row["missing"])


def is_clean(placement: Placement) -> bool:
    """Tell whether all placement groups are active and clean, as the newest map has them."""
    return bool(placement) and all(
        row["fresh"] and {"active", "clean"} <= set(row["state"].split("+"))
        for row in placement.values()
    )


class Disks:
    """The labels on the disks, read from below the hosts: nothing there can hide them."""

    def __init__(self, lab: Lab) -> None:
        files = Path(lab.ssh_config).parent / "disks"
        self.files: dict[Disk, Path] = {
            (name, path): files / f"{name}d{number}.img"
            for name, machine in lab.machines.items()
            for number, path in enumerate(machine.disks, 1)
        }

    def labels(self) -> dict[Disk, str]:
        """Return the uuid of the OSD on each disk that carries one."""
        found = {}
        for disk, file in self.files.items():
            with file.open("rb") as handle:
                head = handle.read(64)
            if head.startswith(LABEL):
                found[disk] = head[len(LABEL) :][:36].decode()
        return found


@dataclass
class Asked:
    """One removal that was asked for."""

    osd_id: int
    uuid: str
    zap: bool
    replace: bool
    force: bool
    stopped: bool = False


@dataclass
class Seen:
    """What was seen last."""

    osds: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    queue: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    answered: float = 0.0
    rounds: int = 0


class Oracle:
    """Watch maps, queue and disks in a thread, from the beginning to the end of an interleaving."""

    def __init__(self, agent: Agent, disks: Disks, parity: Mapping[str, int]) -> None:
        self._agent = agent
        self._disks = disks
        self._parity = parity
        self._lock = threading.RLock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.asked: dict[str, Asked] = {}
        self.seen = Seen()
        # What was forced, by us or by another administrator; the latter's by uuid as well.
        self.gone: set[int] = set()
        self.foreign: dict[str, bool] = {}
        self.lossy: set[str] = set()
        self.wrong: list[str] = []
        self._clean: Placement = agent.placement() or {}
        self._labels = disks.labels()
        self.first_labels = dict(self._labels)
        self._look()

    def __enter__(self) -> Oracle:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(60)

    # What the program tells it.

    def will_remove(self, asked: Asked) -> None:
        """Remember a removal before it is asked for."""
        with self._lock:
            self.asked[asked.uuid] = asked
            if asked.force:
                self.will_force(asked.osd_id)

    def was_refused(self, asked: Asked) -> None:
        """Take back a removal that was refused."""
        with self._lock:
            del self.asked[asked.uuid]
            self.gone.discard(asked.osd_id)

    def will_force(self, osd_id: int, uuid: str = "") -> None:
        """Remember that the monitors are overridden; ``uuid`` where another administrator did."""
        with self._lock:
            self.gone.add(osd_id)
            if uuid:
                self.foreign[uuid] = False
            self._judge_placement()

    def was_stopped(self, osd_id: int, uuid: str) -> None:
        """Remember that a removal was taken back."""
        with self._lock:
            self._judge_placement()
            self.asked[uuid].stopped = True
            if uuid not in self.foreign:
                self.gone.discard(osd_id)

    # What it sees.

    def stage(self, osd_id: int) -> int:
        """Return how far a removal was seen, as the place in STAGES."""
        row = self.seen.queue.get(osd_id)
        if row is None:
            return STAGES.index("gone")
        word = str(row["drain_status"]).partition(":")[0].strip()
        return STAGES.index(word) if word in STAGES else 1

    def _watch(self) -> None:
        while not self._end.wait(EVERY):
            with self._lock:
                self._look()

    def _look(self) -> None:
        labels = self._disks.labels()
        seen = self.seen
        osds = {row["osd"]: row for row in self._agent.ask("osd dump")["osds"]}
        try:
            rows = self._agent.orch("orch osd rm status", timeout=3)
            queue = {row["osd_id"]: row for row in rows} if isinstance(rows, list) else {}
            answered = time.monotonic()
        except (Refused, json.JSONDecodeError):
            queue, answered = seen.queue, seen.answered
        self.seen = Seen(osds, queue, answered, seen.rounds + 1)
        if self.gone:
            self._judge_placement()
        for disk, uuid in self._labels.items():
            if labels.get(disk) != uuid:
                self._judge_wipe(disk, uuid)
        self._labels = labels

    def _judge_placement(self) -> None:
        placement = self._agent.placement()
        if placement is None:
            # Nobody knows where data is: what was not complete before may be lost.
            placement = {pgid: {**row, "fresh": False} for pgid, row in self._clean.items()}
        self.lossy |= may_be_lost(placement, self.gone, self._parity, self._clean)
        if is_clean(placement):
            self._clean = placement
            exists = {row["uuid"] for row in self.seen.osds.values()}
            for uuid in self.foreign:
                self.foreign[uuid] = self.foreign[uuid] or uuid not in exists

    def _judge_wipe(self, disk: Disk, uuid: str) -> None:
        where, asked = f"{disk[0]}:{disk[1]}", self.asked.get(uuid)
        alive = [
            osd
            for osd, row in self.seen.osds.items()
            if row["uuid"] == uuid and "destroyed" not in row["state"]
        ]
        if asked is None or not asked.zap:
            self.wrong.append(f"{where} was wiped, and nobody asked for it")
        elif asked.stopped:
            self.wrong.append(f"{where} of osd.{asked.osd_id} was wiped after `osd rm stop`")
        elif alive:
            self.wrong.append(f"{where} was wiped while osd.{alive[0]} was in the map")
        elif uuid in self.foreign and not asked.force and not self._is_clean_again(uuid):
            self.wrong.append(
                f"{where} of osd.{asked.osd_id} was wiped after somebody else's purge, before "
                "all placement groups were active and clean"
            )

    def _is_clean_again(self, uuid: str) -> bool:
        return self.foreign[uuid] or is_clean(self._agent.placement() or {})
