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
PLACEMENT_EVERY = 0.5
# How long the last look may take.
PATIENCE = 60.0
LABEL = b"bluestore block device\n"
# Words of a placement group's state with which not each OSD that acts for it has all of it.
INCOMPLETE = frozenset(
    ("degraded", "undersized", "peering", "peered", "down", "incomplete", "unknown", "stale")
)
Disk = tuple[str, str]
Placement = Mapping[str, Mapping[str, Any]]


class Holders:
    """Who has all of each placement group, from one look at them to the next.

    Nothing is written in an interleaving: an OSD that once had all of a group keeps it until the
    group is complete elsewhere. ``needed`` is how many OSDs it takes to read a group, by pool id;
    one where a pool is not named.
    """

    def __init__(self, needed: Mapping[str, int]) -> None:
        self._needed = needed
        self._complete: dict[str, frozenset[int]] = {}
        # Who acted since: one of these sets may have become complete and not be seen so.
        self._since: dict[str, set[frozenset[int]]] = {}

    def look(self, placement: Placement) -> None:
        """Take in where data is now."""
        for pgid, row in placement.items():
            acting = _osds(row["acting"])
            if is_complete(row):
                self._complete[pgid] = acting
                self._since[pgid] = set()
            else:
                self._since.setdefault(pgid, set()).add(acting)

    def of(self, pgid: str) -> str:
        """Return in words who had all of a group, and who acted since."""
        since = sorted(sorted(each) for each in self._since.get(pgid, ()))
        return f"complete on {sorted(self._complete.get(pgid, ()))}, since on {since}"

    def may_be_lost(self, gone: Iterable[int]) -> set[str]:
        """Return the groups that may not be readable any more without the OSDs that are gone."""
        out = set(gone)
        found = set()
        for pgid, since in self._since.items():
            needed = self._needed.get(pgid.partition(".")[0], 1)
            known = self._complete.get(pgid)
            # Who has the last copy of one that was never seen complete is not known.
            may = [*since] if known is None else [known, *since]
            if any(each & out and (known is None or len(each - out) < needed) for each in may):
                found.add(pgid)
        return found


def _osds(numbers: Iterable[int]) -> frozenset[int]:
    """Return a set without the number that stands for no OSD."""
    return frozenset(each for each in numbers if 0 <= each < 1 << 30)


def is_complete(row: Mapping[str, Any]) -> bool:
    """Tell whether each OSD that acts for a placement group has all of it."""
    words = set(row["state"].split("+"))
    whole = "active" in words and not words & INCOMPLETE
    return bool(whole and row["fresh"] and not row["missing"])


def is_clean(placement: Placement) -> bool:
    """Tell whether all placement groups are active and clean, as the newest map has them."""
    return bool(placement) and all(map(_good, placement.values()))


def _good(row: Mapping[str, Any]) -> bool:
    return bool(row["fresh"] and {"active", "clean"} <= set(row["state"].split("+")))


def is_active(placement: Placement) -> bool:
    """Tell whether all placement groups serve their objects."""
    return all(row["fresh"] and "active" in row["state"] for row in placement.values())


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
    """One removal that was asked for; one that was ``stopped`` may be ``out`` of the map before."""

    osd_id: int
    uuid: str
    zap: bool
    replace: bool
    force: bool
    stopped: bool = False
    out: bool = False


@dataclass
class Seen:
    """What was seen last."""

    osds: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    queue: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    answered: float = 0.0
    rounds: int = 0


class Oracle:
    """Watch maps, queue and disks in a thread, from the beginning to the end of an interleaving."""

    def __init__(
        self, agent: Agent, disks: Disks, needed: Mapping[str, int], patience: float = PATIENCE
    ) -> None:
        self._agent = agent
        self._patience = patience
        self._disks = disks
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
        self.wiped: list[str] = []
        self._holders = Holders(needed)
        self._looked = 0.0
        self._labels = disks.labels()
        self._look()

    def __enter__(self) -> Oracle:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(self._patience)
        if self._thread.is_alive():
            self.wrong.append(f"the watcher has not ended within {self._patience:.0f} s")

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

    def look(self) -> None:
        """Look at everything now: what was done until here."""
        with self._lock:
            self._look()

    def was_stopped(self, osd_id: int, uuid: str, *, out: bool) -> None:
        """Remember that a removal was taken back; ``out`` says that only the disks were left."""
        with self._lock:
            self._judge_placement()
            self.asked[uuid].stopped, self.asked[uuid].out = True, out
            if not out and uuid not in self.foreign:
                self.gone.discard(osd_id)

    # What it sees.

    def told(self, pgids: Iterable[str]) -> list[str]:
        """Return who had placement groups, in words."""
        with self._lock:
            return [f"{pgid}: {self._holders.of(pgid)}" for pgid in pgids]

    def stage(self, osd_id: int) -> int:
        """Return how far a removal was seen, as the place in STAGES."""
        row = self.seen.queue.get(osd_id)
        if row is None:
            return STAGES.index("gone")
        word = str(row["drain_status"]).partition(":")[0].strip().replace("destroying", "purging")
        return STAGES.index(word) if word in STAGES else 1

    def _watch(self) -> None:
        try:
            while not self._end.wait(EVERY):
                with self._lock:
                    self._look()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody watches any more
            self.wrong.append(f"the watcher ended: {type(error).__name__}: {error}")

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
        if time.monotonic() - self._looked > PLACEMENT_EVERY:
            self._judge_placement()
        for disk, uuid in self._labels.items():
            if labels.get(disk) != uuid:
                self._judge_wipe(disk, uuid)
        self._labels = labels

    def _judge_placement(self) -> None:
        placement = self._agent.placement()
        self._looked = time.monotonic()
        # Without a manager nobody knows more than before.
        if placement:
            self._holders.look(placement)
        self.lossy |= self._holders.may_be_lost(self.gone)
        if placement and is_clean(placement):
            exists = {row["uuid"] for row in self.seen.osds.values()}
            for uuid in self.foreign:
                self.foreign[uuid] = self.foreign[uuid] or uuid not in exists

    def _judge_wipe(self, disk: Disk, uuid: str) -> None:
        where, asked = f"{disk[0]}:{disk[1]}", self.asked.get(uuid)
        placement = self._agent.placement() or {}
        odd = [f"{p} {r['state']} on {r['acting']}" for p, r in placement.items() if not _good(r)]
        self.wiped.append(f"{where} was wiped; not active and clean were: {odd or 'none'}")
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
