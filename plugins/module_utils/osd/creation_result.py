"""What a run that makes OSDs says of them at its end."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type

from ..cluster.access import AccessRefused
from ..cluster.osd_map import NoAnswer
from ..system.host_lock import HostIsBusy
from ..system.package_manager import PackagesRefused
from ..systemd.units import UnitsFailed
from .creation import Creation
from .plan_check import PlanRefused

REFUSALS: Tuple[Type[Exception], ...] = (
    AccessRefused,
    PackagesRefused,
    PlanRefused,
    HostIsBusy,
    NoAnswer,
    UnitsFailed,
    OSError,
)


def what_came_of(
    groups: Iterable[Mapping[str, Any]],
    creations: Sequence[Creation],
    error: Optional[Exception] = None,
) -> Tuple[List[Dict[str, Any]], List[str], List[str]]:
    """Return the rows, the problems and the unfinished disks of a plan.

    ``creations`` is empty where it did not come to one, else what was made before the error is
    told all the same. Only a refusal says that nothing is under way on the disks, also of an
    earlier run.
    """
    problems = [str(error)] if error else []
    if creations:
        creation = creations[0]
        return creation.rows, [*creation.problems, *problems], creation.unfinished
    if error is None or isinstance(error, (PlanRefused, AccessRefused, PackagesRefused)):
        return [], problems, []
    return [], problems, [disk["path"] for group in groups for disk in group["data"]]


def describe(rows: Iterable[Mapping[str, Any]]) -> Dict[str, str]:
    """Return the difference that ``--diff`` shows."""
    before, after = [], []
    for row in rows:
        name = "a new OSD" if row["osd_id"] is None else f"osd.{row['osd_id']}"
        what = {"present": f"{name}, running", "created": "free", "would be created": "free"}
        before.append(f"{row['data']}: {what.get(row['state'], f'{name}, not running')}\n")
        ready = row["state"] != "not started"
        after.append(f"{row['data']}: {name}, {'running' if ready else 'not running'}\n")
    return {"before": "".join(before), "after": "".join(after)}
