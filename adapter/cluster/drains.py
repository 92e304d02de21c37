"""Hosts that are emptied: what is kept of the drain of a host.

It stands in the record of the host (``host.NAME``, key ``drain``), beside the labels that
it set: both are written at once, and go with the host. Each OSD that it has removed has a record of
its own (``osd_removal.ID``), which names the host as ``drain``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Collection, Dict, Mapping, Optional, Tuple

from adapter import names
from adapter.cluster.fields import LAST_ID, Fields
from adapter.cluster.schedule import NO_SCHEDULE


@dataclass(frozen=True)
class Drain:
    """What was asked for at ``asked`` (epoch seconds), and what came of it so far.

    ``labels`` are those that it put on the host: an administrator may have had one there before.
    ``osds`` are ids and uuids of those that it has removed; until it has ``begun`` they may not all
    be in the queue. ``zap`` says that their disks are wiped. ``done`` is when nothing was left, 0.0
    until then.
    """

    asked: float = 0.0
    labels: Tuple[str, ...] = ()
    osds: Tuple[Tuple[int, str], ...] = ()
    zap: bool = False
    begun: bool = False
    done: float = 0.0

    def without_labels(self, labels: Collection[str]) -> Optional[Drain]:
        """Return the drain of a host from which somebody took labels.

        One that had come to its end is over when daemons may be placed there again.
        """
        if self.done and NO_SCHEDULE in labels:
            return None
        return replace(self, labels=tuple(each for each in self.labels if each not in labels))

    def to_json(self) -> Dict[str, Any]:
        """Return what the host's record says of it."""
        return {
            "asked": self.asked,
            "labels": list(self.labels),
            "osds": [{"id": osd_id, "uuid": uuid} for osd_id, uuid in self.osds],
            "zap": self.zap,
            "begun": self.begun,
            "done": self.done,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Drain:
        """Read what ``to_json`` wrote, or raise."""
        read = Fields(data, "drain")
        return cls(
            asked=read.time("asked"),
            labels=tuple(names.check_labels(read.texts("labels"))),
            osds=read.rows("osds", _osd),
            zap=read.flag("zap", False),
            begun=read.flag("begun", False),
            done=read.time("done"),
        )


def _osd(read: Fields) -> Tuple[int, str]:
    return read.whole("id", most=LAST_ID), str(read.text("uuid", ""))
