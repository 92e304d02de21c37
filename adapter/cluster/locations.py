"""Where hosts and monitors stand in CRUSH, as specs and the monitors say it. Pure functions."""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, List, Mapping, Optional, Sequence

from adapter.cluster.osd_map import read_json
from adapter.errors import InvalidValue

# The names of buckets and of their types, as CRUSH takes them.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,250}")
_ALLOWED = "Letters, digits, '.', '_' and '-', e.g. {root: default, rack: r1}."


def bucket_of(hostname: str) -> str:
    """Return the name of a host's bucket: its OSDs stand below the short name."""
    return hostname.partition(".")[0]


def words_of(hostname: str, location: Optional[Mapping[str, str]]) -> List[str]:
    """Return a host's location as ``root=default``, the order as given; raises ``InvalidValue``."""
    words = []
    for kind, name in (location or {}).items():
        for text in (kind, name):
            if not isinstance(text, str) or not _NAME.fullmatch(text):
                reason = f"it is no bucket of CRUSH that '{hostname}' can be in"
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


def mon_location(name: str, given: Sequence[str]) -> List[str]:
    """Return a monitor's location as ``datacenter=a``; raises ``InvalidValue``."""
    words = [word for text in given for word in re.split(r"[,\s]+", text.strip()) if word]
    for word in words:
        kind, _, where = word.partition("=")
        if not _NAME.fullmatch(kind) or not _NAME.fullmatch(where):
            raise InvalidValue(
                "crush_locations", word, f"it is no bucket that '{name}' can be in", _ALLOWED
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
    found = {}
    for mon in read_json(mon_dump, "mon dump").get("mons") or ():
        said = mon.get("crush_location")
        if isinstance(said, list):
            words = [f"{each.get('key')}={each.get('val')}" for each in said]
        else:
            words = re.split(r"[,\s]+", str(said or "").strip("{} "))
        found[str(mon["name"])] = frozenset(filter(None, words))
    return found
