"""Where hosts and monitors stand in CRUSH, as specs and the monitors say it. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence

from adapter.cluster.osd_map import read_json
from adapter.errors import InvalidValue

# The names of buckets and of their types, as CRUSH takes them.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,250}")
_ALLOWED = "Use letters, digits, '.', '_' and '-', e.g. {root: default, rack: r1}."


def bucket_of(hostname: str) -> str:
    """Return the name of a host's bucket: its OSDs stand below the short name."""
    return hostname.partition(".")[0]


def words_of(hostname: str, location: Optional[Mapping[str, str]]) -> List[str]:
    """Return a host's location as ``root=default``, the order as given; raises ``InvalidValue``."""
    words = []
    for kind, name in (location or {}).items():
        for text in (kind, name):
            if not isinstance(text, str) or not _NAME.fullmatch(text):
                reason = f"it is not a valid CRUSH bucket that '{hostname}' can be in"
                raise InvalidValue("location", text, reason, _ALLOWED)
        if kind in ("host", "osd"):
            raise InvalidValue(
                "location",
                f"{kind}={name}",
                f"the bucket of host '{hostname}' is the {kind} itself",
                "Name what it is in, e.g. {rack: r1}.",
            )
        words.append(f"{kind}={name}")
    return words


@dataclass(frozen=True)
class CrushTree:
    """The buckets of CRUSH: the type of each, and what it is in."""

    types: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)

    @property
    def roots(self) -> List[str]:
        """Return the names of all roots."""
        return sorted(name for name, kind in self.types.items() if kind == "root")

    def root_of(self, name: str) -> str:
        """Return the root that a bucket is below, empty where it is below none."""
        while name in self.parents:
            name = self.parents[name]
        return name if self.types.get(name) == "root" else ""


def read_tree(osd_tree: str) -> CrushTree:
    """Read `osd tree`."""
    nodes = read_json(osd_tree, "osd tree").get("nodes") or ()
    names = {node["id"]: str(node["name"]) for node in nodes if node.get("type") != "osd"}
    return CrushTree(
        {names[node["id"]]: str(node.get("type")) for node in nodes if node["id"] in names},
        {
            names[child]: names[node["id"]]
            for node in nodes
            for child in node.get("children") or ()
            if child in names and node["id"] in names
        },
    )


def place_of(hostname: str, location: Mapping[str, str], tree: CrushTree) -> List[str]:
    """Return where a host goes, with the root that it is below then.

    A location without a root means the one that its buckets, or the host, are below now: what is
    below none gets no data. Raises ``InvalidValue``.
    """
    words = words_of(hostname, location)
    inner = {kind: name for kind, name in location.items() if kind != "root"}
    root = location.get("root") or _root_meant(hostname, inner, tree)
    if root not in tree.roots:
        raise InvalidValue(
            "location",
            ", ".join(words),
            f"CRUSH has no root '{root}', and a new one would get no data",
            f"Its roots: {', '.join(tree.roots)}. `ceph osd crush add-bucket {root} root` makes "
            "another one.",
        )
    for kind, name in inner.items():
        if name in tree.types and not tree.root_of(name):
            raise InvalidValue(
                "location",
                f"{kind}={name}",
                "this bucket is below no root, so what is in it gets no data",
                f"Move it first, with all that is in it: `ceph osd crush move {name} root={root}`.",
            )
    return [f"root={root}", *(word for word in words if not word.startswith("root="))]


def _root_meant(hostname: str, inner: Mapping[str, str], tree: CrushTree) -> str:
    found = {tree.root_of(name) for name in inner.values()} - {""}
    if len(found) > 1:
        raise InvalidValue(
            "location",
            ", ".join(f"{kind}={name}" for kind, name in inner.items()),
            f"these buckets are below different roots ({', '.join(sorted(found))})",
            "Name the root too, e.g. {root: default, rack: r1}.",
        )
    return next(iter(found), "") or tree.root_of(bucket_of(hostname)) or "default"


def mon_location(name: str, given: Sequence[str]) -> List[str]:
    """Return a monitor's location as ``datacenter=a``; raises ``InvalidValue``."""
    words = [word for text in given for word in re.split(r"[,\s]+", text.strip()) if word]
    for word in words:
        kind, _, where = word.partition("=")
        if not _NAME.fullmatch(kind) or not _NAME.fullmatch(where):
            raise InvalidValue(
                "crush_locations",
                word,
                f"it is not a valid CRUSH bucket that '{name}' can be in",
                _ALLOWED,
            )
    kinds = [word.partition("=")[0] for word in words]
    twice = next((kind for kind in kinds if kinds.count(kind) > 1), "")
    if twice:
        raise InvalidValue(
            "crush_locations",
            ", ".join(words),
            f"'{name}' would be in two buckets of the type {twice}",
            "Name one of each type.",
        )
    return words


def read_mon_locations(mon_dump: str) -> Dict[str, FrozenSet[str]]:
    """Return where CRUSH has each mon by its name, from `mon dump`."""
    return locations_in(read_json(mon_dump, "mon dump"))


def locations_in(monmap: Mapping[str, Any]) -> Dict[str, FrozenSet[str]]:
    """Return where CRUSH has each mon by its name."""
    found = {}
    for mon in monmap.get("mons") or ():
        said = mon.get("crush_location")
        if isinstance(said, list):
            words = [f"{each.get('key')}={each.get('val')}" for each in said]
        else:
            words = re.split(r"[,\s]+", str(said or "").strip("{} "))
        found[str(mon["name"])] = frozenset(filter(None, words))
    return found
