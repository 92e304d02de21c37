"""What is asked of hosts that take daemons away, and what they say that they did."""

from __future__ import annotations

from typing import Any, Container, List, Mapping, Sequence, Set, Tuple

from adapter.cluster.report_rows import text, texts
from adapter.core import Core
from adapter.engine.completion import Completion
from adapter.engine.model import HostOutcome
from adapter.errors import NotKept, UnreadableRecord


def unit_of(core: Core, hostname: str, daemon: str) -> Tuple[str, bool]:
    """Return the unit of a daemon as its host reported it, and whether it was made by hand.

    The unit is empty where the host has not reported the daemon.
    """
    with core.lock:
        if not core.places.reports(hostname, daemon):
            return "", False
        row = core.places.row(hostname, daemon)
    return str(row.get("unit") or ""), bool(row.get("by_hand"))


def stays(outcomes: Mapping[str, HostOutcome], names: Container[str]) -> str:
    """Return what hosts have left of the daemons of these names, to be added to a sentence.

    That is what belongs to those that were made by hand, and masks that are other units' as well.
    """
    found: List[str] = []
    masks: Set[str] = set()
    for hostname in sorted(outcomes):
        rows: Any = outcomes[hostname].result.get("removed")
        for row in rows if isinstance(rows, list) else ():
            if not isinstance(row, dict):
                continue
            if f"{row.get('daemon_type')}.{row.get('daemon_id')}" not in names:
                continue
            left, mask = texts(row.get("left")), text(row.get("mask"))
            masks |= {f"{mask} on {hostname}"} if mask else set()
            if left:
                found.append(f"{', '.join(left)} on {hostname}")
    said = f"; made by hand, and left: {'; '.join(found)}" if found else ""
    return said + (f"; the mask {', '.join(sorted(masks))} stays" if masks else "")


def forget_without_keys(
    core: Core, job: Completion, rows: Mapping[str, Sequence[Mapping[str, str]]]
) -> None:
    """Drop the records of daemons that are gone and have no key of their own, such as monitors."""
    if not job.status.final:
        return
    for hostname, daemons in rows.items():
        if not job.outcomes.get(hostname, HostOutcome()).status.good:
            continue
        names = [f"{row['daemon_type']}.{row['daemon_id']}" for row in daemons]
        with core.lock:
            try:
                core.deployments.forget(hostname, names)
            except NotKept as error:
                core.unkept.note(error)
            except UnreadableRecord:
                # Health names it; who repairs it repairs this too.
                continue
