"""Write the table of docs/reliability.md: ``python -m tests.soak.table RESULTS``.

RESULTS is what ``pytest --results`` has filled; nothing else fills the table.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one table per group, in the order of their names."""
    groups: Dict[str, List[str]] = {}
    for name, row in sorted(rows.items()):
        cells = [name, str(row["tried"]), _outcomes(row), _longest(row), _releases(row)]
        groups.setdefault(row["group"], []).append(f"| {' | '.join(cells)} |")
    text = ""
    for group, lines in sorted(groups.items()):
        text += f"\n### {group}\n\n| fault | tried | outcome | at most | with |\n"
        text += "|---|---|---|---|---|\n"
        text += "\n".join(lines) + "\n"
    return text + "\n"


def _outcomes(row: Mapping[str, Any]) -> str:
    found = [
        outcome if len(row["outcomes"]) == 1 and not row["failed"] else f"{times} x {outcome}"
        for outcome, times in sorted(row["outcomes"].items())
    ]
    return ", ".join(found + [f"**{row['failed']} x not as it should be**"] * bool(row["failed"]))


def _longest(row: Mapping[str, Any]) -> str:
    longest = row.get("longest") or {}
    return ", ".join(f"{what}: {seconds} s" for what, seconds in sorted(longest.items()))


def _releases(row: Mapping[str, Any]) -> str:
    ceph = f", Ceph {row['ceph']}" if row.get("ceph") else ""
    return f"ansible-core {row['ansible_core']}{ceph}" if row["ansible_core"] else ceph[2:]


def main(results: Path) -> None:
    """Put the table of these results into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = json.loads(results.read_text(encoding="utf-8"))
    PAGE.write_text(f"{before}{BEGIN}{table(rows)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
