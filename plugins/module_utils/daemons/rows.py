"""What a run says of daemons: whether it changed any, and the difference that it made."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

UNCHANGED = ("present", "absent")


def changes(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a daemon was changed, or would be."""
    return any(row["state"] not in UNCHANGED for row in rows)


def describe(rows: Sequence[Mapping[str, Any]]) -> Dict[str, str]:
    """Return the difference that ``--diff`` shows."""
    before, after = [], []
    for row in rows:
        name = f"{row['daemon_type']}.{row['daemon_id']}"
        state = row["state"].replace("would be ", "")
        if state in UNCHANGED:
            continue
        was = {"created": "", "started": f"{name}: not running\n"}.get(state, f"{name}: running\n")
        is_now = {
            "removed": "",
            "restarted": f"{name}: running (restarted)\n",
            "reconfigured": f"{name}: running (reconfigured)\n",
        }
        before.append(was)
        after.append(is_now.get(state, f"{name}: running\n"))
    return {"before": "".join(before), "after": "".join(after)}
