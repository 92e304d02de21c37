"""What happens in one interleaving, from its seed alone: removals, and what others do meanwhile."""

from __future__ import annotations

import random
from dataclasses import dataclass

# In the order in which a removal goes through them; "gone" is when the queue has forgotten it.
STAGES = ("", "draining", "stopping", "purging", "cleaning", "gone")
HOSTS, PLACES = 3, 2
# The first host has the monitor, and the program's connection to it.
BLOCKABLE = (1, 2)

# What else happens, with how often it is chosen.
KINDS = {
    "stop": 5,
    "remove": 2,
    "out": 3,
    "in": 3,
    "reweight": 2,
    "crush-reweight": 4,
    "purge": 3,
    "destroy": 2,
    "move": 3,
    "flag": 4,
    "block": 3,
    "mgr-fail": 3,
    "kill-manager": 2,
    "kill-job": 3,
    "vanish": 4,
    "lock": 5,
}
# Of so many in a row, so many let the drive group make OSDs: they need disks that are free.
BLOCK, MANAGED = 20, 3
FLAGS = ("noout", "norebalance", "nobackfill", "norecover", "noup", "nodown")


# Events that matter when they meet, which chance alone brings together too seldom: kind, stage,
# value. They happen to the first OSD that is removed.
WITH_RECIPE = 0.4
RECIPES: tuple[tuple[tuple[str, str, str], ...], ...] = (
    # Data comes back while the job that stops the daemon waits for the host's disks.
    (("lock", "", ""), ("crush-reweight", "stopping", "0.0078")),
    (("lock", "draining", ""), ("in", "stopping", "")),
    (("lock", "draining", ""), ("stop", "stopping", "")),
    # Somebody else's purge while data cannot move.
    (("flag", "", "nobackfill,norecover"), ("purge", "draining", "")),
    (("flag", "", "nobackfill,norecover"), ("destroy", "draining", "")),
    (("vanish", "cleaning", ""), ("lock", "stopping", "")),
    (("vanish", "stopping", ""), ("mgr-fail", "stopping", "")),
    (("kill-job", "stopping", ""), ("stop", "stopping", "")),
    (("kill-job", "cleaning", ""), ("kill-manager", "cleaning", "all")),
    (("move", "draining", ""), ("flag", "", "norebalance")),
)


@dataclass(frozen=True)
class Slot:
    """An OSD by its place: the host, and which of the host's OSDs by the order of their disks."""

    host: int
    place: int

    def __str__(self) -> str:
        return f"h{self.host + 1}/{self.place + 1}"


@dataclass(frozen=True)
class Moment:
    """When something begins: so long after a removal was seen in this stage, or past it."""

    stage: str
    delay: float

    def __str__(self) -> str:
        return f"@{self.stage or 'begin'}+{self.delay:.1f}"


@dataclass(frozen=True)
class Request:
    """An ``osd rm`` of ours."""

    slot: Slot
    zap: bool
    replace: bool
    force: bool

    @property
    def options(self) -> dict[str, bool]:
        """Return what is given to the command."""
        names = ("zap", "replace", "force")
        return {name: True for name in names if getattr(self, name)}

    def __str__(self) -> str:
        return " ".join([f"rm {self.slot}", *(f"--{name}" for name in self.options)])


@dataclass(frozen=True)
class Event:
    """Something else that happens. ``seconds`` is how long a fault lasts at least."""

    kind: str
    moment: Moment
    slot: Slot
    seconds: float = 0.0
    value: str = ""

    @property
    def is_there_before(self) -> bool:
        """Tell whether it is there before removals are asked for, to hold them up."""
        return self.kind in ("flag", "lock") and self.moment == Moment("", 0.0)

    def __str__(self) -> str:
        what = f"{self.kind}{self.moment} {self.slot}"
        return f"{what} {self.value}" if self.value else what


@dataclass(frozen=True)
class Plan:
    """One interleaving. ``managed`` lets the drive group make OSDs meanwhile."""

    seed: int
    number: int
    managed: bool
    requests: tuple[Request, ...]
    events: tuple[Event, ...]

    def __str__(self) -> str:
        parts = [*map(str, self.requests), *map(str, self.events)]
        return "; ".join(["managed", *parts] if self.managed else parts)


def plan(seed: int, number: int) -> Plan:
    """Return an interleaving; the same for the same numbers."""
    chance = random.Random(f"{seed}/{number}")
    slots = [Slot(host, place) for host in range(HOSTS) for place in range(PLACES)]
    chance.shuffle(slots)
    targets = slots[: chance.choice((1, 1, 1, 2))]
    requests = tuple(_request(chance, slot) for slot in targets)
    count = chance.choice((1, 2, 2, 3, 3, 4))
    events = [_event(chance, targets, slots) for _ in range(count)]
    if chance.random() < WITH_RECIPE:
        recipe = chance.choice(RECIPES)
        events[:2] = [_meet(chance, targets[0], *each) for each in recipe]
    return Plan(seed, number, number % BLOCK >= BLOCK - MANAGED, requests, tuple(events))


def _meet(chance: random.Random, slot: Slot, kind: str, stage: str, value: str) -> Event:
    """Return an event of a recipe: sooner or later in the stage, a fault for long enough."""
    delay = chance.choice((0.0, chance.uniform(0.0, 2.0))) if stage else 0.0
    moment = Moment(stage, round(delay, 1))
    if kind == "move":
        value = f"h{(slot.host + 1) % HOSTS + 1}"
    return Event(kind, moment, slot, round(chance.uniform(8.0, 12.0), 1), value)


def _request(chance: random.Random, slot: Slot) -> Request:
    return Request(
        slot,
        zap=chance.random() < 0.75,
        replace=chance.random() < 0.35,
        force=chance.random() < 0.2,
    )


def _event(chance: random.Random, targets: list[Slot], slots: list[Slot]) -> Event:
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    stage = chance.choice(("", "draining", "draining", "stopping", "purging", "cleaning"))
    moment = Moment(stage, round(chance.choice((0.0, chance.uniform(0.0, 3.0))), 1))
    slot = chance.choice(targets) if chance.random() < 0.75 else chance.choice(slots)
    seconds = round(chance.uniform(2.0, 8.0), 1)
    value = ""
    if kind == "stop":
        slot = chance.choice(targets)
    elif kind == "remove":
        options = [name for name in ("zap", "replace") if chance.random() < 0.5]
        slot, value = chance.choice(slots), " ".join(options)
    elif kind in ("reweight", "crush-reweight"):
        value = {"reweight": "0.5", "crush-reweight": chance.choice(("0.0078", "0.004"))}[kind]
    elif kind == "move":
        value = f"h{chance.choice([each for each in range(HOSTS) if each != slot.host]) + 1}"
    elif kind == "flag":
        value = chance.choice(FLAGS)
    elif kind == "block" and slot.host not in BLOCKABLE:
        slot = Slot(chance.choice(BLOCKABLE), slot.place)
    elif kind == "kill-manager":
        value = chance.choice(("main", "all"))
    elif kind in ("lock", "vanish"):
        slot = chance.choice(targets)
    return Event(kind, moment, slot, seconds, value)
