"""Which daemons go because of what somebody asks for, said in the answer."""

from __future__ import annotations

from typing import Dict, Mapping, Sequence

from adapter.cluster.schedule import NO_SCHEDULE
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.kinds import KINDS, daemon_type_of
from adapter.reconcile.conf_hold import hold_reason
from adapter.reconcile.service_floor import held_reason
from adapter.reconcile.services import ServiceReconciler
from adapter.state_lock import under_lock


@under_lock
def what_goes(core: Core, reconciler: ServiceReconciler, wanted: Wanted) -> str:
    """Return a sentence on the daemons that a service has too many, or nothing."""
    kind = daemon_type_of(wanted.spec)
    if wanted.spec.service_type not in KINDS or wanted.spec.unmanaged:
        return ""
    if wanted.deleted or core.held():
        return ""
    there = reconciler.running().get(wanted.name, [])
    diff = reconciler.diff(wanted, there, reconciler.hosts())
    if not diff.remove:
        return ""
    held = held_reason(wanted, diff, there) or hold_reason(core, wanted, diff)
    if held:
        return held[:1].upper() + held[1:]
    names = ", ".join(sorted(f"{kind}.{each.daemon_id}" for each in diff.remove))
    # Those that no host has reported yet go as well.
    known = {(each.hostname, each.daemon_id) for each in (*there, *diff.remove)}
    known |= {(host, each.daemon_id) for host, each in core.deployments.of_service(wanted.name)}
    daemons = "1 daemon" if len(known) == 1 else f"{len(known)} daemons"
    verb = "is" if len(diff.remove) == 1 else "are"
    return f"{len(diff.remove)} of {daemons} {verb} removed: {names}."


@under_lock
def gone_with_label(core: Core, reconciler: ServiceReconciler, label: str) -> Dict[str, str]:
    """Return by service what goes, of those whose placement goes by a label."""
    concerned = [
        wanted for wanted in core.specs.all() if label in (NO_SCHEDULE, wanted.spec.placement.label)
    ]
    found = {wanted.name: what_goes(core, reconciler, wanted) for wanted in concerned}
    return {name: text for name, text in found.items() if text}


@under_lock
def gone_with_labels(
    core: Core, reconciler: ServiceReconciler, labels: Sequence[str]
) -> Dict[str, str]:
    """Return by service what goes because of any of these labels."""
    found: Dict[str, str] = {}
    for label in labels:
        found.update(gone_with_label(core, reconciler, label))
    return found


@under_lock
def news_of_labels(
    core: Core, reconciler: ServiceReconciler, before: Mapping[str, str], labels: Sequence[str]
) -> str:
    """Return what goes now because of labels and did not before, as the end of an answer."""
    after = gone_with_labels(core, reconciler, labels)
    news = [f"{name}: {text}" for name, text in after.items() if text != before.get(name)]
    return f". {' '.join(news)}" if news else ""
