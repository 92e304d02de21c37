"""Text tables for terminals: columns as wide as their widest cell, two spaces between."""

from __future__ import annotations

from typing import List, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Return a table; ``right`` names columns that are aligned to the right."""
    lines: List[Sequence[str]] = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "".join(
            (cell.rjust(width) if name in right else cell.ljust(width)) + "  "
            for name, cell, width in zip(head, line, widths)
        )
        for line in lines
    )
