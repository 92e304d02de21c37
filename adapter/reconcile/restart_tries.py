"""What became of a batch of a restart: who is tried again, who is given up. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Mapping, Sequence, Tuple

from adapter.cluster.service_actions import ServiceAction
from adapter.engine.model import HostOutcome
from adapter.kinds import kind_of

# So often a daemon is restarted that does not start.
TRIES = 3
# So long (seconds) a daemon may take to be back in the cluster's maps, and a host to answer again.
BACK_WITHIN = 300.0


def failed_in(
    outcomes: Mapping[str, HostOutcome], units: Mapping[str, Mapping[str, str]]
) -> Dict[str, str]:
    """Return the daemons that a job did not bring to run, with the reason.

    ``units`` are the daemons of the job by host and unit. A host that does not say which of its
    units run is taken to mean all of them.
    """
    failed: Dict[str, str] = {}
    for host, daemons in units.items():
        outcome = outcomes.get(host, HostOutcome())
        if outcome.status.good:
            continue
        rows = outcome.result.get("units")
        states = {
            str(row.get("unit")): row.get("state")
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, dict)
        }
        found = [name for unit, name in daemons.items() if states.get(unit) != "active"]
        reason = outcome.message or outcome.status.value
        failed.update(dict.fromkeys(found or daemons.values(), f"{host}: {reason}"))
    return failed


def after(action: ServiceAction, failed: Sequence[str]) -> Tuple[ServiceAction, List[str]]:
    """Return a restart after a job in which these failed, and those that are given up.

    Those that failed come last: nobody waits for them who can go on. Of gateways and mirrors nobody
    says whether another one can be missed, so they come first, and when one is given up the others
    are left as they are.
    """
    tries = {name: action.tries.get(name, 0) + 1 for name in failed if name in action.doing}
    gone = [name for name, count in tries.items() if count >= TRIES]
    again = tuple(name for name in tries if name not in gone)
    known = {name: count for name, count in action.tries.items() if name in action.left}
    doing = tuple(name for name in action.doing if name not in tries)
    kept = {**known, **{name: tries[name] for name in again}}
    left = (*action.left, *again)
    if not is_judged(action.service):
        left = () if gone else (*again, *action.left)
    return replace(action, left=left, doing=doing, tries=kept), gone


def is_judged(service: str) -> bool:
    """Tell whether the monitors say of a service's daemons whether they can be missed."""
    return kind_of(service.partition(".")[0]).in_maps
