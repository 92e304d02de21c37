"""What applying a spec would change beside daemons that come and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from adapter.cluster.schedule import Difference
from adapter.cluster.set_options import Pair
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import some_of
from adapter.interface import OrchestratorError, ServiceSpec
from adapter.reconcile import Reconciler
from adapter.state_lock import under_lock

# So many daemons are named in an answer.
NAMED = 5


@dataclass(frozen=True)
class Changes:
    """Options that are set and removed, and daemons that are restarted, each in words."""

    settings: Tuple[str, ...] = ()
    restarts: Tuple[str, ...] = ()

    def lines(self) -> List[str]:
        """Return all, the options first."""
        return [*self.settings, *self.restarts]


def predicted(
    core: Core,
    reconciler: Reconciler,
    spec: ServiceSpec,
    diff: Difference,
    before: Optional[Wanted],
) -> Changes:
    """Return what applying a spec would change; raises ``OrchestratorError``.

    ``before`` is the service as it is kept, if it is.
    """
    if spec.unmanaged:
        return Changes()
    services, wanted = reconciler.services, Wanted(spec)
    settings = services.jobs.settings.changes(wanted, core.maps.settings())
    behind = services.changes.behind(wanted, diff.kept, before)
    restarts = [each.describe(spec.service_type) for each in behind]
    return Changes(tuple(settings.describe()), tuple(restarts))


def describe_replaced(core: Core, reconciler: Reconciler, spec: ServiceSpec) -> str:
    """Return which values of others a spec replaces, for the answer to `apply`, or nothing."""
    if spec.unmanaged:
        return ""
    try:
        settings = reconciler.services.jobs.settings
        replaced = settings.changes(Wanted(spec), core.maps.settings()).replaced
    except OrchestratorError:
        return ""
    if not replaced:
        return ""
    return (
        f"It replaces values that were set before: {_named(replaced)}; they are put back when the "
        "service or the option goes."
    )


@under_lock
def describe_put_back(core: Core, service: str) -> List[str]:
    """Return what of others comes back with a service's removal, for its answer."""
    before = core.set_options.get(service).before
    return [f"values that were set before it come back: {_named(sorted(before))}"] if before else []


def _named(pairs: Sequence[Pair]) -> str:
    return some_of([f"{option} of {section}" for section, option in pairs], NAMED)


def describe_restarts(
    reconciler: Reconciler, spec: ServiceSpec, diff: Difference, before: Optional[Wanted]
) -> str:
    """Return the restarts that follow from a spec, for the answer to `apply`."""
    if before is None or spec.unmanaged:
        return ""
    try:
        behind = reconciler.services.changes.behind(Wanted(spec), diff.kept, before)
    except OrchestratorError:
        return ""
    words = [each.describe(spec.service_type) for each in behind]
    if not words:
        return ""
    more = f"; and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return f" One after the other: {'; '.join(words[:NAMED])}{more}"


def with_warning(row: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Return a row of a plan, and what `ceph orch` prints above its table.

    The table has columns for daemons that come and go alone.
    """
    lines = [f"would {line}" for line in row.get("change") or ()]
    lines += [str(row[key]) for key in ("stays", "kept") if row.get(key)]
    if not lines:
        return [row]
    text = "".join(f"{row['service_name']}: {line}\n" for line in lines)
    return [row, {"warning": text}]
