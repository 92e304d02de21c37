"""The part of a fake of monitors that has OSDs and their places in CRUSH."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Set, Tuple

from adapter.interface import OrchestratorError

# The numbers of types of buckets, as new clusters have them.
TYPE_IDS = {"host": 1, "rack": 3, "datacenter": 8, "root": 11}


@dataclass
class Daemon:
    """An OSD as the monitors know it, and its disk."""

    host: str
    disk: str
    uuid: str
    up: bool = True
    destroyed: bool = False
    weight: float = 1.0
    reweight: float = 1.0
    pgs: int = 0
    affinity: str = ""
    said: bool = True
    up_from: int = 5
    flags: List[str] = field(default_factory=list)


@dataclass
class FakeCrush:
    """Answer for CRUSH. ``log`` has the commands that change something."""

    epoch: int = 10
    log: List[str] = field(default_factory=list)
    osds: Dict[int, Daemon] = field(default_factory=dict)
    # Buckets of CRUSH above hosts: type, and the names of what is in each.
    buckets: Dict[str, Tuple[str, List[str]]] = field(
        default_factory=lambda: {"default": ("root", [])}
    )
    # OSDs that CRUSH has in no place.
    placeless: Set[int] = field(default_factory=set)
    # CRUSH nodes with a flag noout of their own.
    noout: Set[str] = field(default_factory=set)
    bucket_ids: Dict[str, int] = field(default_factory=dict)
    # Weights of OSDs in further hosts of CRUSH, by the host and the OSD.
    also_in: Dict[str, Dict[int, float]] = field(default_factory=dict)
    # Where CRUSH has an OSD, if that is another host than it is on.
    crush: Dict[int, str] = field(default_factory=dict)
    # What type of bucket an OSD is under, if not a host.
    bucket_types: Dict[int, str] = field(default_factory=dict)

    def _change(self, text: str) -> str:
        self.epoch += 1
        self.log.append(text)
        return ""

    def _osd_tree(self, arguments: Dict[str, Any]) -> str:
        hosts: Dict[str, List[int]] = {}
        nodes: List[Dict[str, Any]] = []
        for osd_id, osd in self.osds.items():
            kind = self.bucket_types.get(osd_id)
            if kind:
                bucket = {"id": -100 - osd_id, "type": kind, "name": f"{kind}{osd_id}"}
                nodes.append({**bucket, "children": [osd_id]})
            elif osd.said and osd_id not in self.placeless:
                hosts.setdefault(self.crush.get(osd_id, osd.host), []).append(osd_id)
        for name, weights in self.also_in.items():
            bucket = {"id": self.bucket_id(name), "type": "host", "name": name}
            nodes.append({**bucket, "children": list(weights)})
            nodes += [{"id": k, "type": "osd", "crush_weight": v} for k, v in weights.items()]
        rows = [
            {"id": osd_id, "type": "osd", "crush_weight": osd.weight}
            for osd_id, osd in self.osds.items()
        ]
        for name, children in hosts.items():
            number = self.bucket_id(name)
            nodes.append({"id": number, "type": "host", "name": name, "children": children})
        known = {node["name"]: node["id"] for node in nodes if node["type"] == "host"}
        known.update({name: self.bucket_id(name) for name in self.buckets})
        for name, (kind, inside) in self.buckets.items():
            children = [known[each] for each in inside]
            bucket = {"id": known[name], "type": kind, "name": name, "children": children}
            bucket["type_id"] = TYPE_IDS.get(kind, 10)
            nodes.append(bucket)
        return json.dumps({"nodes": [*nodes, *rows]})

    def bucket_id(self, name: str) -> int:
        """Return the id of a bucket, which stays its own."""
        return self.bucket_ids.setdefault(name, -200 - len(self.bucket_ids))

    def rename_bucket(self, name: str, new: str) -> None:
        """Give a host's bucket another name; its flag goes with it."""
        self.bucket_ids[new] = self.bucket_id(name)
        del self.bucket_ids[name]
        self.crush.update({k: new for k, osd in self.osds.items() if osd.host == name})
        if name in self.noout:
            self.noout = {*self.noout - {name}, new}

    def _osd_crush_dump(self, arguments: Dict[str, Any]) -> str:
        hosts: Dict[str, List[Dict[str, Any]]] = {}
        for osd_id, osd in self.osds.items():
            items = hosts.setdefault(self.crush.get(osd_id, osd.host), [])
            items.append({"id": osd_id, "weight": int(osd.weight * 65536)})
        rows = [
            {"id": -2 - number, "name": name, "type_name": "host", "items": items}
            for number, (name, items) in enumerate(hosts.items())
        ]
        inside = [{"id": row["id"], "weight": 65536} for row in rows]
        rows.append({"id": -1, "name": "default", "type_name": "root", "items": inside})
        steps = [
            {"op": "take", "item": -1},
            {"op": "chooseleaf_firstn", "num": 0, "type": "host"},
            {"op": "emit"},
        ]
        rule = {"rule_id": 0, "rule_name": "replicated_rule", "steps": steps}
        return json.dumps({"buckets": rows, "rules": [rule]})

    def _osd_set_group(self, arguments: Dict[str, Any]) -> str:
        assert arguments["flags"] == "noout"
        for name in arguments["who"]:
            self._flags_of(name).add(name) if name[:4] != "osd." else self._one(name, True)
        return self._change(f"set-group noout {' '.join(arguments['who'])}")

    def _osd_unset_group(self, arguments: Dict[str, Any]) -> str:
        for name in arguments["who"]:
            self.noout.discard(name) if name[:4] != "osd." else self._one(name, False)
        return self._change(f"unset-group noout {' '.join(arguments['who'])}")

    def _flags_of(self, name: str) -> Set[str]:
        if name not in {osd.host for osd in self.osds.values()} | {*self.crush.values()}:
            raise OrchestratorError(f"unable to parse {name}", errno=-errno.EINVAL)
        return self.noout

    def _one(self, name: str, on: bool) -> None:
        osd = self.osds[int(name[4:])]
        osd.flags = [*osd.flags, "noout"] if on else [f for f in osd.flags if f != "noout"]

    def _osd_crush_reweight(self, arguments: Dict[str, Any]) -> str:
        osd_id = int(arguments["name"][4:])
        if osd_id in self.placeless:
            raise OrchestratorError("it does not appear in the crush map", errno=-errno.ENOENT)
        self.osds[osd_id].weight = arguments["weight"]
        for weights in self.also_in.values():
            weights.update({osd_id: arguments["weight"]} if osd_id in weights else {})
        return self._change(f"reweight {osd_id} {arguments['weight']}")

    def _osd_crush_set(self, arguments: Dict[str, Any]) -> str:
        osd_id, (place,) = int(arguments["id"]), arguments["args"]
        host = place.partition("host=")[2]
        if host in self.also_in:
            self.also_in[host][osd_id] = arguments["weight"]
        else:
            assert host == self.osds[osd_id].host, place
            self.osds[osd_id].weight = arguments["weight"]
        return self._change(f"crush set {osd_id} {place} {arguments['weight']}")

    def _osd_crush_remove(self, arguments: Dict[str, Any]) -> str:
        return self._change(f"crush remove {arguments['name']}")

    def _osd_crush_add_bucket(self, arguments: Dict[str, Any]) -> str:
        return self._change(f"crush add-bucket {arguments['name']} {arguments['type']}")

    def _osd_crush_move(self, arguments: Dict[str, Any]) -> str:
        if any("=" not in word for word in arguments["args"]):
            raise OrchestratorError("no location", errno=-errno.EINVAL)
        return self._change(f"crush move {arguments['name']} {' '.join(arguments['args'])}")
