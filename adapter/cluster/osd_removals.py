"""The queue of OSDs that leave: one record each, written before the step that it describes.

::

    draining ──> stopping ──> purging ──> cleaning ──> (no record)
       ^            |            |
       +────────────+────────────+        keeping ──> (no record)

``draining`` moves the data away; ``stopping`` ends the daemon on its host, if it says that it holds
nothing; ``purging`` asks once more, and purges the OSD, or marks it destroyed when it comes back on
a new disk (it is shown as ``destroying`` then); ``cleaning`` removes its unit and directory and
wipes its disks. An OSD that holds data after all goes back to ``draining``, and is started again
for that. ``keeping`` is an OSD whose removal was stopped, until it is up again. Every step can be
taken again: a manager that ends anywhere is followed by one that begins with the same step.
"""

from __future__ import annotations

import datetime
import enum
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from adapter.cluster.fields import LAST_ID, Fields, are_texts
from adapter.cluster.store import Store, Unusable, read_records
from adapter.names import check_device_path

KIND = "osd_removal"
# What is said of an OSD in the stage ``keeping``, after its name.
KEPT = "is being started again, as its removal was stopped"
MOST_WEIGHT = 1e6


class Stage(str, enum.Enum):
    """What is being done with an OSD that leaves."""

    DRAINING = "draining"
    STOPPING = "stopping"
    PURGING = "leaving"  # the word in records, which every version reads
    CLEANING = "cleaning"
    KEEPING = "keeping"

    def shown(self, replace: bool) -> str:
        """Return the word that an operator sees; ``replace`` is for an OSD that keeps its id."""
        if self is Stage.PURGING:
            return "destroying" if replace else "purging"
        return str(self.value)


@dataclass(frozen=True)
class Removal:
    """One OSD that leaves. Times are seconds since the epoch, or None.

    ``uuid`` says which OSD had the id when its removal was asked for. ``epoch`` is that of the
    map that showed it, ``hostname`` what its host called itself then. ``crush_weight`` and
    ``was_in`` are what it gets back when the removal is stopped, ``weights`` those by the ids of
    the CRUSH buckets under which it stood. ``disks`` are the keys of its disks, ``places`` their
    paths and device ids. ``reason`` says why it has not moved, ``pgs`` how many placement groups
    are left.

    ``asked_stop`` says that a job was told to stop it, ``stopped`` that its host has done so, and
    ``empty`` that it said right before that it holds nothing; this is true for as long as the map
    shows ``up_from``. ``taken`` says that somebody else took it out of the map before. ``label`` is
    the uuid on the disks of an OSD that was destroyed before, which the map has forgotten. ``left``
    is the epoch of the last map that had it. ``cleaned`` says that its host has nothing of it any
    more, ``asked_wipe`` that a job was told to wipe its disks and its host has not answered since.
    """

    osd_id: int
    uuid: str
    host: str
    stage: Stage = Stage.DRAINING
    replace: bool = False
    force: bool = False
    zap: bool = False
    no_destroy: bool = False
    service: str = ""
    disks: Tuple[str, ...] = ()
    crush_weight: float = 0.0
    was_in: bool = True
    epoch: int = 0
    asked: float = 0.0
    drain_started: Optional[float] = None
    drain_done: Optional[float] = None
    asked_stop: bool = False
    stopped: bool = False
    empty: bool = False
    up_from: int = 0
    taken: bool = False
    label: str = ""
    left: int = 0
    asked_wipe: bool = False
    cleaned: bool = False
    places: Tuple[Tuple[str, str], ...] = ()
    weights: Tuple[Tuple[int, float], ...] = ()
    drain: str = ""
    hostname: str = ""
    pgs_before: int = -1
    pgs: int = -1
    reason: str = ""
    tries: int = 0

    def to_json(self) -> Dict[str, Any]:
        """Return the record."""
        lists: Dict[str, Any] = {
            "disks": list(self.disks),
            "places": [list(each) for each in self.places],
            "weights": [list(each) for each in self.weights],
        }
        return {**asdict(self), "stage": self.stage.value, **lists}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Removal:
        """Read what ``to_json`` wrote, or raise; unknown keys of a later version are left out."""
        read = Fields(data)
        pairs = read.each("places", _is_pair, "a list of paths, each with a device id")
        weights = read.each("weights", _is_weight, "a list of CRUSH buckets, each with a weight")
        return cls(
            osd_id=read.whole("osd_id", most=LAST_ID),
            uuid=read.text("uuid"),
            host=read.text("host"),
            stage=Stage(read.choice("stage", [each.value for each in Stage])),
            replace=read.flag("replace", False),
            force=read.flag("force", False),
            zap=read.flag("zap", False),
            no_destroy=read.flag("no_destroy", False),
            service=read.text("service", ""),
            disks=read.texts("disks"),
            crush_weight=read.number("crush_weight", 0.0),
            was_in=read.flag("was_in", True),
            epoch=read.whole("epoch", 0),
            asked=read.time("asked"),
            drain_started=read.time("drain_started", None),
            drain_done=read.time("drain_done", None),
            asked_stop=read.flag("asked_stop", False),
            stopped=read.flag("stopped", False),
            empty=read.flag("empty", False),
            up_from=read.whole("up_from", 0),
            taken=read.flag("taken", False),
            label=read.text("label", ""),
            left=read.whole("left", 0),
            asked_wipe=read.flag("asked_wipe", False),
            cleaned=read.flag("cleaned", False),
            places=tuple((check_device_path(path), name) for path, name in pairs),
            weights=tuple((each[0], float(each[1])) for each in weights if len(each) == 2),
            drain=read.text("drain", ""),
            hostname=read.text("hostname", ""),
            pgs_before=read.whole("pgs_before", -1, least=-1),
            pgs=read.whole("pgs", -1, least=-1),
            reason=read.text("reason", ""),
            tries=read.whole("tries", 0),
        )

    @property
    def drain_status(self) -> str:
        """Return the state as `ceph orch osd rm status` shows it."""
        stage = self.stage.shown(self.replace)
        return f"{stage}: {self.reason}" if self.reason else stage


class Removals:
    """All OSDs that leave. Callers hold the orchestrator's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._removals: Dict[int, Removal] = {}
        self.problems: Dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read all records; one that cannot be read is named in ``problems`` and kept."""
        found, self.problems = read_records(self._store, KIND, _read)
        before = self._removals
        self._removals = {
            each.osd_id: _newer(before.get(each.osd_id), each) for each in found.values()
        }

    def look(self) -> None:
        """Name the records that cannot be read, and go on with the others as they are known."""
        self.problems = read_records(self._store, KIND, _read)[1]
        self._removals = {k: v for k, v in self._removals.items() if str(k) not in self.problems}

    def all(self) -> List[Removal]:
        """Return the OSDs that leave, by id."""
        return [self._removals[osd_id] for osd_id in sorted(self._removals)]

    def get(self, osd_id: int) -> Optional[Removal]:
        """Return the removal of an OSD, or None."""
        return self._removals.get(osd_id)

    def leaves(self, osd_id: int) -> bool:
        """Tell whether an OSD is being removed."""
        removal = self._removals.get(osd_id)
        return removal is not None and removal.stage is not Stage.KEEPING

    def keeps(self, daemon: str) -> bool:
        """Tell whether a daemon is an OSD whose removal was stopped, until it is known to run."""
        return any(
            f"osd.{each.osd_id}" == daemon and each.stage is Stage.KEEPING
            for each in self._removals.values()
        )

    def save(self, removal: Removal) -> None:
        """Keep a removal; what only tells how far it is is not worth a write."""
        before = self._removals.get(removal.osd_id)
        if before is None or _lasting(before) != _lasting(removal):
            self._store.set(f"{KIND}.{removal.osd_id}", removal.to_json())
        self._removals[removal.osd_id] = removal
        self.problems.pop(str(removal.osd_id), None)

    def remove(self, osd_id: int) -> None:
        """End a removal."""
        self._store.set(f"{KIND}.{osd_id}", None)
        self._removals.pop(osd_id, None)
        self.problems.pop(str(osd_id), None)


def _read(name: str, record: Mapping[str, Any]) -> Removal:
    removal = Removal.from_json(record)
    if name != str(removal.osd_id):
        raise Unusable(f"it is the removal of osd.{removal.osd_id}")
    return removal


def _newer(before: Optional[Removal], found: Removal) -> Removal:
    """Return what is known of a removal; how far it is may not have been worth a write."""
    same = before is not None and _lasting(before) == _lasting(found)
    return before if same and before is not None else found


def _is_weight(value: Any) -> bool:
    """Tell whether a value is the id of a bucket and a weight.

    An earlier version kept type and name of a bucket instead, which may be another one's now.
    """
    if not isinstance(value, (list, tuple)) or len(value) not in (2, 3):
        return False
    is_bucket = are_texts(list(value[:-1])) if len(value) == 3 else _is_bucket(value[0])
    weight = value[-1]
    is_number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    return is_bucket and is_number and 0 <= weight < MOST_WEIGHT


def _is_bucket(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value < 0


def _is_pair(value: Any) -> bool:
    return are_texts(value) and len(value) == 2


def _lasting(removal: Removal) -> Dict[str, Any]:
    data = removal.to_json()
    for key in ("pgs", "reason", "tries"):
        del data[key]
    return data


class OsdRemovalRow(Dict[str, Any]):
    """A row of `ceph orch osd rm status`: a mapping whose keys are attributes as well.

    The commands of 20.2 read keys, those of 18.2 and the dashboard attributes and methods
    (contract 3.3).
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (dict(self),)

    def drain_status_human(self) -> str:
        """Return the state."""
        return str(self["drain_status"])

    def get_pg_count(self) -> int:
        """Return the number of placement groups that are left; -1 is not known."""
        return int(self["pg_count"])

    def to_json(self) -> Dict[str, Any]:
        """Return plain data."""
        return dict(self)


def progress_of(removal: Removal, now: float) -> str:
    """Return how far an OSD has drained, and about how long that takes as it went so far.

    ``now`` is in epoch seconds. Nothing where it is not known.
    """
    left, before = removal.pgs, removal.pgs_before
    moved, seconds = before - left, now - (removal.drain_started or now)
    if removal.stage is not Stage.DRAINING or left < 0 or moved <= 0:
        return ""
    text = f"{moved} of {before} PGs moved"
    if not left or seconds <= 0:
        return text
    return f"{text}, about {_duration(left * seconds / moved)} left"


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(1, round(seconds))} s"


def shown_status(removal: Removal, now: float) -> str:
    """Return the state of an OSD with its cause, how far it is, and what it waits for."""
    cause = f"drain of host {removal.drain}" if removal.drain else ""
    parts = (cause, progress_of(removal, now), removal.reason)
    stage = removal.stage.shown(removal.replace)
    return ": ".join(filter(None, (stage, "; ".join(filter(None, parts)))))


def removal_row(removal: Removal, now: float) -> OsdRemovalRow:
    """Return the row of an OSD that leaves; ``now`` is in epoch seconds."""
    return OsdRemovalRow(
        osd_id=removal.osd_id,
        hostname=removal.host,
        started=True,
        draining=removal.stage is Stage.DRAINING,
        stopped=removal.stopped,
        replace=removal.replace,
        force=removal.force,
        zap=removal.zap,
        drain_status=shown_status(removal, now),
        pg_count=removal.pgs,
        drain_started_at=_time(removal.drain_started),
        drain_stopped_at=None,
        drain_done_at=_time(removal.drain_done),
        process_started_at=_time(removal.asked),
        original_weight=removal.crush_weight,
        drain_of_host=removal.drain,
    )


def _time(epoch: Optional[float]) -> Optional[str]:
    if epoch is None:
        return None
    moment = datetime.datetime.fromtimestamp(epoch, tz=datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
