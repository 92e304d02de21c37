"""Put a key into a keyring's file, and leave the keys of others in it as they are."""

from __future__ import annotations

import re

from .reading import read_bytes

_SECTION = re.compile(r"\s*\[([^\]]+)\]\s*")


def read_keyring(path):
    """Return a file's text, empty where there is none."""
    return read_bytes(path).decode("utf-8", "surrogateescape")


def with_section(old, new):
    """Return the text of a keyring with the sections of ``new`` instead of its own of that name."""
    wanted = _sections(new)
    names = {name for name, _ in wanted}
    result, placed = [], False
    for name, text in _sections(old):
        if name not in names:
            result.append(text if text.endswith("\n") else text + "\n")
        elif not placed:
            result.append(new)
            placed = True
    return "".join(result if placed else [*result, new])


def _sections(text):
    """Return the parts of a text from one heading to the next, each with its name."""
    parts = []
    for line in text.splitlines(keepends=True):
        head = _SECTION.fullmatch(line)
        if head:
            parts.append([head.group(1), ""])
        if parts:
            parts[-1][1] += line
    return [tuple(part) for part in parts]
