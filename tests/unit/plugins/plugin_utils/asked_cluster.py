"""A cluster as an upgrade by hand asks for it: what monitors answer, and what they were told."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Tuple

from plugins.plugin_utils.upgrade_maps import Monitors

OLD, NEW = "18.2.7", "20.2.4"


class Cluster:
    """A cluster of three hosts with a monitor and two OSDs each, two managers and two MDS."""

    def __init__(self) -> None:
        self.versions = {
            **{f"mon.h{n}": OLD for n in (1, 2, 3)},
            **{f"mgr.h{n}": OLD for n in (1, 2)},
            **{f"osd.{n}": OLD for n in range(6)},
            **{f"mds.fs.h{n}": OLD for n in (1, 2)},
        }
        self.active, self.standbys = "h1", ["h2"]
        self.down: List[int] = []
        self.required = "reef"
        self.max_mds, self.replay = 2, True
        self.flags: Dict[str, List[str]] = {}
        self.host_names = {-2: "h1", -3: "h2", -4: "h3"}
        self.store: Dict[str, str] = {}
        self.said: List[Tuple[str, ...]] = []
        # What others do right before a command is.
        self.before: Callable[[Tuple[str, ...]], None] = lambda words: None

    def ask(self, *words: str) -> str:
        if words[-2:] == ("--format", "json"):
            return json.dumps(self._read(words[:-2]))
        self.before(words)
        self.said.append(words)
        if words[:2] == ("config-key", "get"):
            return self.store[words[2]]
        if words[:2] == ("config-key", "set"):
            self.store[words[2]] = words[3]
        elif words[:2] == ("config-key", "rm"):
            self.store.pop(words[2], None)
        elif words[:2] == ("osd", "set-group"):
            self.flags.update({name: ["noout"] for name in words[3:]})
        elif words[:2] == ("osd", "unset-group"):
            for name in words[3:]:
                del self.flags[name]
        elif words[:2] == ("fs", "set"):
            if words[3] == "max_mds":
                self.max_mds = int(words[4])
            else:
                self.replay = words[4] == "true"
        return ""

    def _read(self, words: Tuple[str, ...]) -> Any:
        if words[:2] == ("config-key", "dump"):
            return {key: text for key, text in self.store.items() if key.startswith(words[2])}
        if words[1:] == ("metadata",):
            kind, key = words[0], "id" if words[0] == "osd" else "name"
            names = {n.partition(".")[2]: v for n, v in self.versions.items() if n[:3] == kind}
            return [
                {key: int(name) if key == "id" else name, "ceph_version_short": version}
                for name, version in names.items()
            ]
        hosts = {-2: [0, 1], -3: [2, 3], -4: [4, 5]}
        osds = [{"osd": n, "up": int(n not in self.down), "state": ["up"]} for n in range(6)]
        info = {
            "gid_1": {"name": "fs.h1", "state": "up:active", "rank": 0},
            "gid_2": {"name": "fs.h2", "state": "up:standby-replay", "rank": 0},
        }
        system = {
            "fs_name": "fs",
            "max_mds": self.max_mds,
            "in": [0],
            "info": info,
            "flags_state": {"allow_standby_replay": self.replay},
        }
        return {
            ("mgr", "dump"): {
                "active_name": self.active,
                "standbys": [{"name": name} for name in self.standbys],
            },
            ("quorum_status",): {
                "quorum_names": ["h1", "h2", "h3"],
                "quorum_leader_name": "h2",
                "monmap": {"min_mon_release_name": "reef"},
            },
            ("osd", "dump"): {
                "osds": osds,
                "require_osd_release": self.required,
                "crush_node_flags": self.flags,
            },
            ("osd", "tree"): {
                "nodes": [
                    {"id": each, "name": self.host_names[each], "type": "host", "children": ids}
                    for each, ids in hosts.items()
                ]
                + [{"id": n, "name": f"osd.{n}", "type": "osd"} for n in range(6)]
            },
            ("fs", "dump"): {"standbys": [], "filesystems": [{"mdsmap": system}]},
            ("fsid",): {"fsid": "F51D"},
            ("config-key", "ls"): [*self.store],
        }[words]

    @property
    def monitors(self) -> Monitors:
        """Return what asks anew."""
        return Monitors(self.ask)


def row(name: str, state: str = "running", version: str = NEW) -> Dict[str, str]:
    kind, _, identity = name.partition(".")
    return {"daemon_type": kind, "daemon_id": identity, "state": state, "version": version}


def names(rows: Any) -> List[str]:
    return [f"{each['daemon_type']}.{each['daemon_id']}" for each in rows]
