"""Read which monitors a host's ceph.conf names, and which lines of it are ours.

Our lines stand between two marks; all others are the site's. Ceph takes sections of one name for
one, and of a key's lines in it the last.
"""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from ..system.reading import Roots, clean, read_assignments, read_lines

CONF = "ceph/ceph.conf"
MARK = "# Kept up to date by ceph-orch-ansible. Remove this line to keep the file as it is."
END = "# End of what ceph-orch-ansible keeps up to date ({}). Other lines stay as they are."
_END = re.compile(re.escape(END).replace(r"\{\}", "([0-9a-f]{8})"))
_HEADING = re.compile(r"\s*\[([^\]]*)\].*", re.DOTALL)
_KEYS = ("mon_host", "mon_addr")
# Whose settings hold for a monitor, the strongest first; what stands above all sections is global.
_SECTIONS_OF_MONS = ("mon", "global", "")
_VECTOR = r"\[v\d:[^\s;]*?/?\d*\](?=[\s,;]|$)"
_MOST = 64


class Block:
    """Which lines are ours: from ``begin`` to before ``end``, marks included.

    ``digest`` is what the end mark says of the lines between; it is empty where an earlier version
    wrote the file, which had no end mark: then all of it counts.
    """

    def __init__(self, begin: int, end: int, digest: str) -> None:
        self.begin = begin
        self.end = end
        self.digest = digest


def find_block(lines: Sequence[str]) -> Optional[Block]:
    """Return which lines are ours, or None."""
    begin = next((at for at, line in enumerate(lines) if line.strip() == MARK), None)
    if begin is None:
        return None
    for at in range(begin + 1, len(lines)):
        found = _END.fullmatch(lines[at].strip())
        if found:
            return Block(begin, at + 1, found.group(1))
    return Block(0, len(lines), "") if begin == 0 else None


def settings(lines: Iterable[str]) -> Iterator[Tuple[int, str, str, str]]:
    """Give the number, the section, the key and the value of every setting; headings as no key."""
    section = ""
    continued = False
    for at, line in enumerate(lines):
        heading = _HEADING.fullmatch(line)
        key, separator, value = re.split(r"[#;]", line, maxsplit=1)[0].partition("=")
        if continued:
            pass
        elif heading:
            section = heading.group(1).strip()
            yield at, section, "", ""
        elif separator and key.strip():
            yield at, section, _key(key), value.strip()
        continued = is_continued(line)


def is_continued(line: str) -> bool:
    """Tell whether the next line belongs to this one."""
    return line.endswith("\\")


def last_global(lines: Iterable[str], key: str) -> Tuple[Optional[int], str]:
    """Return the number and the value of the setting that Ceph takes, or None and an empty text."""
    at: Optional[int] = None
    taken = ""
    for number, section, name, value in settings(lines):
        if (section, name) == ("global", key):
            at, taken = number, value
    return at, taken


def cluster_fsid(roots: Roots) -> str:
    """Return the cluster's id from its configuration file, or an empty text."""
    return fsid_of(read_lines(os.path.join(roots.etc, CONF)))


def fsid_of(lines: Sequence[str]) -> str:
    """Return the cluster's id from the lines of a configuration, or an empty text."""
    at, value = last_global(lines, "fsid")
    if at is None:
        value = next((value for _, _, key, value in settings(lines) if key == "fsid"), "")
    return clean(value, 64)


def cluster_name(roots: Roots) -> str:
    """Return the name that Ceph's units give the cluster, which is part of many paths."""
    return read_assignments(f"{roots.etc}/default/ceph").get("CLUSTER", "ceph")


def read_conf(roots: Roots) -> Optional[Dict[str, Any]]:
    """Return ``mons`` (the monitors' addresses or names) and ``ours``; None without a file.

    ``overridden`` is there where lines of ours have no effect, for the site names others below.
    """
    path = os.path.join(roots.etc, CONF)
    if not os.path.lexists(path):
        return None
    lines = read_lines(path)
    block = find_block(lines)
    if block is None:
        return {"mons": _sorted(_named(lines).values()), "ours": False}
    mons = _sorted([_joined(lines, last_global(lines, "mon_host")[0])])
    if is_ours(lines):
        return {"mons": mons, "ours": True}
    return {"mons": mons, "ours": False, "overridden": True}


def is_ours(lines: Sequence[str]) -> bool:
    """Tell whether a file with these lines is kept by us: its monitors are those of our lines."""
    block = find_block(lines)
    if block is None:
        return False
    at, _ = last_global(lines, "mon_host")
    return at is None or at < block.end


def monitors(lines: Sequence[str]) -> List[str]:
    """Return the monitors that a monitor takes from a configuration, each as it is written there.

    Where no mon_host holds for it, all that is named anywhere may be one.
    """
    named = _named(lines)
    for section in _SECTIONS_OF_MONS:
        found = _split(named.get((section, "mon_host"), ""))
        if found:
            return found
    return [mon for value in named.values() for mon in _split(value)]


def _named(lines: Sequence[str]) -> Dict[Tuple[str, str], str]:
    """Return the values of mon_host and mon_addr by section and key, of each the last."""
    found = {}
    for at, section, key, _ in settings(lines):
        if key in _KEYS:
            found[section, key] = _joined(lines, at)
    return found


def _split(value: str) -> List[str]:
    """Divide a list of monitors; a comma between brackets divides the addresses of one."""
    value = _uncommented(value)
    found = re.findall(_VECTOR, value)
    rest = re.sub(_VECTOR, " ", value)
    return found + [word for word in re.split(r"[\s,;]+", rest) if word]


def _uncommented(value: str) -> str:
    return re.sub(r"\s[#;].*", "", value.strip())


def _joined(lines: Sequence[str], at: Optional[int]) -> str:
    """Return a setting's whole value, which may go on in the next lines."""
    if at is None:
        return ""
    text = lines[at]
    while is_continued(text) and at + 1 < len(lines):
        at += 1
        text = text[:-1] + " " + lines[at]
    return text.partition("=")[2]


def _sorted(values: Iterable[str]) -> List[str]:
    return sorted({mon for value in values for mon in addresses(value)})[:_MOST]


def _key(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def addresses(value: str) -> List[str]:
    """Return the hosts of a list of monitors: ``[v2:192.0.2.1:3300/0,v1:...] ...`` or plain."""
    found = []
    for word in re.split(r"[\s,;]+", _uncommented(value)):
        word = re.sub(r"^\[?v[12]:", "", word)
        word = re.sub(r"/\d+\]?$", "", word)
        match = re.fullmatch(r"\[([0-9a-fA-F:.%]+)\](?::\d+)?\]?|([^\[\]:]+)(?::\d+)?\]?", word)
        if match:
            found.append(clean(match.group(1) or match.group(2), 255))
        elif word.count(":") > 1:
            found.append(clean(word, 255))
    return found
