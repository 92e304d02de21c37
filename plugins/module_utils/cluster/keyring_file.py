"""Put a key into a keyring's file, and leave the keys of others in it as they are."""

from __future__ import annotations

import re
from typing import Iterable, List, Optional, Tuple

# Ceph takes a heading with a comment behind it as well.
SECTION = re.compile(r"\s*\[([^\]]+)\]\s*(?:[#;].*)?\s*")
_KEY = re.compile(r"\s*key\s*=\s*\"?([A-Za-z0-9+/]{20,200}={0,2})\"?\s*")
_NOTE = re.compile(r"\s*(?:[#;].*)?\s*")


def with_section(old: str, new: str) -> str:
    """Return the text of a keyring with the sections of ``new`` instead of its own of that name."""
    wanted = _sections(new)
    names = {name for name, _ in wanted}
    result, placed = _preamble(old), False
    for name, text in _sections(old):
        if name not in names:
            result.append(_ended(text))
        elif not placed:
            result.append(new)
            placed = True
    return "".join(result if placed else [*result, new])


def key_of(lines: Iterable[str], entity: str) -> str:
    """Return an entity's key from the lines of a keyring, or an empty text."""
    section = ""
    for line in lines:
        head = SECTION.fullmatch(line)
        if head:
            section = head.group(1)
        found = _KEY.fullmatch(line)
        if found and section == entity:
            return found.group(1)
    return ""


def without_section(text: str, entity: str) -> Optional[str]:
    """Return what else is in a keyring whose first line is a mark; None where that is nothing."""
    kept, section = [], ""
    for line in text.splitlines(keepends=True)[1:]:
        head = SECTION.fullmatch(line)
        section = head.group(1) if head else section
        if section != entity:
            kept.append(line)
    return "".join(kept) if "".join(kept).strip() else None


def _preamble(text: str) -> List[str]:
    """Return the comments before the first heading; Ceph reads no file with anything else there."""
    kept = []
    for line in text.splitlines(keepends=True):
        if SECTION.fullmatch(line):
            break
        if _NOTE.fullmatch(line):
            kept.append(_ended(line))
    return kept


def _sections(text: str) -> List[Tuple[str, str]]:
    """Return the parts of a text from one heading to the next, each with its name."""
    parts = []
    for line in text.splitlines(keepends=True):
        head = SECTION.fullmatch(line)
        if head:
            parts.append([head.group(1), ""])
        if parts:
            parts[-1][1] += line
    return [(name, body) for name, body in parts]


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
