"""Write words of a command as systemd reads them in a unit's file."""

from __future__ import annotations

import re
from typing import Iterable

_PLAIN = re.compile(r"[A-Za-z0-9_./:=,+@-]+")


def unit_words(argv: Iterable[str]) -> str:
    """Return a command line that systemd splits into these words, and changes in none of them.

    They must not have control characters: a line would end there.
    """
    return " ".join(word if _PLAIN.fullmatch(word) else _quoted(word) for word in argv)


def _quoted(word: str) -> str:
    for mark, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(mark, written)
    return f'"{word}"'
