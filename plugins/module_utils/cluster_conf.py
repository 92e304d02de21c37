"""Read which monitors a host's ceph.conf names, and whether the file is ours."""

from __future__ import annotations

import os
import re

from .reading import clean, read_lines

CONF = "ceph/ceph.conf"
MARK = "# Kept up to date by ceph-orch-ansible. Remove this line to keep the file as it is."
_KEYS = ("mon_host", "mon_addr")
_MOST = 64


def read_conf(roots):
    """Return ``mons`` (the monitors' addresses or names) and ``ours``; None without a file."""
    path = os.path.join(roots.etc, CONF)
    if not os.path.lexists(path):
        return None
    lines = read_lines(path)
    mons = set()
    for line in lines:
        key, separator, value = line.partition("=")
        if separator and re.sub(r"[\s-]+", "_", key.strip().lower()) in _KEYS:
            mons.update(addresses(value))
    return {"mons": sorted(mons)[:_MOST], "ours": is_ours(lines)}


def is_ours(lines):
    """Tell whether a file with these lines was written by us."""
    return bool(lines) and lines[0].strip() == MARK


def addresses(value):
    """Return the hosts of a list of monitors: ``[v2:192.0.2.1:3300/0,v1:...] ...`` or plain."""
    found = []
    for word in re.split(r"[\s,;]+", re.sub(r"\s[#;].*", "", value.strip())):
        word = re.sub(r"^\[?v[12]:", "", word)
        word = re.sub(r"/\d+\]?$", "", word)
        match = re.fullmatch(r"\[([0-9a-fA-F:.%]+)\](?::\d+)?\]?|([^\[\]:]+)(?::\d+)?\]?", word)
        if match:
            found.append(clean(match.group(1) or match.group(2), 255))
        elif word.count(":") > 1:
            found.append(clean(word, 255))
    return found
