"""Say of a cluster that holds no data yet that it does: who needs pools waits for it in vain."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

from ..system.command import find_program, run
from ..system.reading import to_int

_CONNECT_SECONDS = 5


def storage_lack(entity: str, keyring: str) -> str:
    """Return what a cluster lacks to keep data, asked with a daemon's own key; else nothing.

    Monitors that do not answer say nothing of it.
    """
    ask = _Asker(entity, keyring)
    lack = osds_lack(ask("osd", "stat"))
    return lack or placement_lack(ask("pg", "stat"))


def osds_lack(stat: Mapping[str, Any]) -> str:
    """Return what `osd stat` shows to be missing, or nothing."""
    if "num_osds" not in stat:
        return ""
    there, up = to_int(stat.get("num_osds")), to_int(stat.get("num_up_osds"))
    if not there:
        return "the cluster has no OSD yet; make OSDs first (`ceph orch apply osd`)"
    return "" if up else f"none of {there} OSDs is up (`ceph osd tree`)"


def placement_lack(stat: Mapping[str, Any]) -> str:
    """Return whether `pg stat` shows that no placement group is active, or nothing."""
    summary = stat.get("pg_summary")
    rows = summary.get("num_pg_by_state") if isinstance(summary, dict) else None
    if not isinstance(rows, list) or not rows:
        return ""
    if any("active" in str(row.get("name")).split("+") for row in rows):
        return ""
    groups = sum(to_int(row.get("num")) for row in rows)
    return f"none of {groups} placement groups is active (`ceph health detail`)"


class _Asker:
    """Ask the monitors a question in the name of a daemon."""

    def __init__(self, entity: str, keyring: str) -> None:
        self._argv = [find_program("ceph") or "ceph", "--connect-timeout", str(_CONNECT_SECONDS)]
        self._argv += ["--name", entity, "--keyring", keyring, "--format", "json"]

    def __call__(self, *words: str) -> Dict[str, Any]:
        """Return the answer, an empty mapping where there is none."""
        answer = run([*self._argv, *words], 2.0 * _CONNECT_SECONDS)
        try:
            found = json.loads(answer.out) if not answer.problem else {}
        except ValueError:
            found = {}
        return found if isinstance(found, dict) else {}
