# Copyright: (c) The ceph-orch-ansible developers
# SPDX-License-Identifier: Apache-2.0

"""What an upgrade by hand changes of the cluster for a while: kept in the monitors' store first.

A run that is cut off leaves the record, and the next one puts back what stands there.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .monitors import NoAnswer
from .upgrade_maps import NOOUT, Monitors, systems_of

KEY = "ceph-orch-ansible/upgrade_by_hand"


@dataclass
class Changed:
    """``nodes`` have ``noout`` from here, with their ids; ``systems`` had these settings.

    ``followers`` are by host the daemons that are restarted when its packages have changed,
    ``halfway`` those that run the version and were started while its packages were halfway.
    """

    nodes: Dict[str, int] = field(default_factory=dict)
    systems: List[Dict[str, Any]] = field(default_factory=list)
    followers: Dict[str, List[str]] = field(default_factory=dict)
    halfway: Dict[str, List[str]] = field(default_factory=dict)


class Undo:
    """Change the cluster for a while, and put it back. All methods raise ``NoAnswer``."""

    def __init__(self, monitors: Monitors) -> None:
        self._ask = monitors.ask
        self.changed = Changed()
        if KEY not in monitors.stored():
            return
        try:
            found = json.loads(self._ask("config-key", "get", KEY))
            nodes = {str(name): int(each) for name, each in found["nodes"].items()}
            systems = [
                {
                    "name": str(row["name"]),
                    "max_mds": int(row["max_mds"]),
                    "standby_replay": bool(row["standby_replay"]),
                }
                for row in found["systems"]
            ]
            followers, halfway = (_by_host(found.get(key, {})) for key in ("followers", "halfway"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NoAnswer(
                f"what an upgrade before has changed is not known: the key {KEY} is not what was "
                "written there. Look at `ceph osd dump` and `ceph fs dump`, put back what is not "
                f"as it should be, then `ceph config-key rm {KEY}`"
            ) from None
        self.changed = Changed(nodes, systems, followers, halfway)

    def _save(self) -> None:
        data = asdict(self.changed)
        if not any(data.values()):
            self._ask("config-key", "rm", KEY)
            return
        self._ask("config-key", "set", KEY, json.dumps(data))

    def expect(self, host: str, names: Sequence[str]) -> None:
        """Keep that these daemons of a host are restarted when its packages have changed."""
        there = self.changed.followers.get(host, [])
        wanted = list(dict.fromkeys([*there, *names]))
        if wanted != there:
            self.changed.followers[host] = wanted
            self._save()

    def followed(self, host: str) -> None:
        """Forget those of a host: they were restarted, or its packages stay as they are."""
        if self.changed.followers.pop(host, None):
            self._save()

    def started_halfway(self, host: str, names: Sequence[str], *, keep: bool) -> None:
        """Note that these daemons of a host are restarted, whichever version they run."""
        there = self.changed.halfway.get(host, [])
        if not set(names) <= set(there):
            self.changed.halfway[host] = list(dict.fromkeys([*there, *names]))
            if keep:
                self._save()

    def started_again(self, host: str, names: Sequence[str]) -> None:
        """Forget of daemons of a host that they are to be restarted."""
        left = [each for each in self.changed.halfway.get(host, []) if each not in names]
        if left != self.changed.halfway.get(host, []):
            self.changed.halfway[host] = left
            if not left:
                del self.changed.halfway[host]
            self._save()

    def flag(self, monitors: Monitors, ids: Sequence[str]) -> None:
        """Set ``noout`` for what holds exactly these OSDs and has it not."""
        there = monitors.flagged()
        nodes = {n: each for n, each in monitors.nodes_of(ids).items() if n not in there}
        if nodes:
            self.changed.nodes.update(nodes)
            self._save()
            self._ask("osd", "set-group", NOOUT, *sorted(nodes))

    def unflag(self, monitors: Monitors) -> bool:
        """Take ``noout`` from what has it from here; tell whether anything was to be done."""
        if not self.changed.nodes:
            return False
        left = sorted(monitors.flagged().intersection(monitors.names_of(self.changed.nodes)))
        if left:
            self._ask("osd", "unset-group", NOOUT, *left)
        self.changed.nodes = {}
        self._save()
        return True

    def narrow(self, monitors: Monitors) -> None:
        """Leave each file system one rank, and none that only follows."""
        known = {row["name"]: row for row in self.changed.systems}
        rows = [row for row in systems_of(monitors) if row["max_mds"] > 1 or row["standby_replay"]]
        # What somebody has set since the last time is what he wants to have afterwards.
        wanted = {**known, **{row["name"]: _merged(row, known.get(row["name"])) for row in rows}}
        if wanted != known:
            self.changed.systems = list(wanted.values())
            self._save()
        for row in rows:
            if row["standby_replay"]:
                self._set(row["name"], "allow_standby_replay", "false")
            if row["max_mds"] > 1:
                self._set(row["name"], "max_mds", "1")

    def widen(self, monitors: Monitors) -> bool:
        """Put the settings of file systems back; tell whether anything was to be done."""
        if not self.changed.systems:
            return False
        now = {row["name"]: row for row in systems_of(monitors)}
        for row in self.changed.systems:
            there = now.get(row["name"], row)
            # Another number than this one was set by somebody else.
            if row["max_mds"] != there["max_mds"] == 1:
                self._set(row["name"], "max_mds", str(row["max_mds"]))
            if row["standby_replay"] and not there["standby_replay"]:
                self._set(row["name"], "allow_standby_replay", "true")
        self.changed.systems = []
        self._save()
        return True

    def _set(self, system: str, name: str, value: str) -> None:
        self._ask("fs", "set", system, name, value)


def _by_host(found: Mapping[str, Any]) -> Dict[str, List[str]]:
    return {str(host): [str(each) for each in names] for host, names in found.items()}


def _merged(row: Mapping[str, Any], before: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return what a file system is to have afterwards."""
    known = before or row
    return {
        "name": row["name"],
        "max_mds": row["max_mds"] if row["max_mds"] > 1 else known["max_mds"],
        "standby_replay": row["standby_replay"] or known["standby_replay"],
    }
