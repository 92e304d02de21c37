"""In which steps a cluster would be upgraded now, and what forbids it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

from adapter.cluster.mon import NoMon
from adapter.cluster.upgrade_by_hand import ByHand
from adapter.cluster.upgrade_offers import SHOWN
from adapter.cluster.upgrade_plan import MON, Cluster, Plan, make_plan
from adapter.cluster.upgrade_words import plan_data, settings_of
from adapter.cluster.upgrades import Upgrade
from adapter.core import Core
from adapter.errors import some_of
from adapter.reconcile.upgrade_view import look, strangers


def plan_of(core: Core, one: Upgrade) -> Tuple[Plan, Cluster]:
    """Return how the cluster is brought there and what forbids it, with what that is made of.

    Raises ``OrchestratorError``.
    """
    cluster = look(core)
    found = make_plan(cluster, one.target, replace(one.scope, limit=one.room))
    more = [*others_at_work(core)]
    outside = strangers(core)
    if outside:
        more.append(f"hosts that are not managed here have {some_of(outside, SHOWN)}")
    notes = (*found.notes, *_waits_for_monitors(core, found))
    return replace(found, refusals=(*found.refusals, *more), notes=notes), cluster


def _waits_for_monitors(core: Core, plan: Plan) -> List[str]:
    """Return that no monitor could be restarted for now, because others are out of the quorum.

    It is no refusal: the newer version may be what brings them back.
    """
    meant = {name.partition(".")[2] for b in plan.batches if b.kind == MON for name in b.daemons}
    if not meant:
        return []
    quorum, known = core.maps.quorum()
    out = [f"{MON}.{each}" for each in known if each not in quorum]
    if not out or not meant.intersection(quorum) or len(quorum) - 1 > len(known) // 2:
        return []
    verb = "is" if len(out) == 1 else "are"
    return [
        f"{some_of(out, SHOWN)} {verb} not in the quorum: as long as that is so no other "
        "monitor can be restarted, and the upgrade waits"
    ]


def outlook(core: Core, one: Upgrade) -> Dict[str, Any]:
    """Return the plan as data, with what is set meanwhile; raises ``OrchestratorError``."""
    plan, cluster = plan_of(core, one)
    return plan_data(plan, settings_of(plan, cluster, core.maps.file_systems()))


def others_at_work(core: Core) -> List[str]:
    """Return what else is done to hosts and daemons now; raises ``OrchestratorError``."""
    with core.lock:
        held = [each.hostname for each in core.hosts.all() if core.is_held(each.hostname)]
        drained = [each.hostname for each in core.hosts.all() if each.is_draining]
        restarts = [each.service for each in core.actions.all()]
        problems = [*core.upgrades.problems.values()]
    found = []
    if held:
        found.append(f"host {some_of(held, SHOWN)} is in maintenance")
    if drained:
        found.append(f"host {some_of(drained, SHOWN)} is being drained")
    if restarts:
        found.append(f"{some_of(restarts, SHOWN)} is being restarted")
    found += [f"the record of the upgrade before cannot be used: {each}" for each in problems]
    return [*found, *ByHand(core.mon or NoMon()).others()]
