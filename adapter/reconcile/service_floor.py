"""A change of labels or hosts does not take most of the monitors, or all managers.

Whoever applies a spec says how many there shall be. A label that is taken from its hosts says
nothing of the kind: what a service had is remembered with its record, and what would go below is
held until the spec is applied again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from adapter.cluster.schedule import Daemon, Difference
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import NotKept
from adapter.kinds import daemon_type_of, kind_of


def hold(
    core: Core, wanted: Wanted, diff: Difference, there: Sequence[Daemon], stays: str = ""
) -> bool:
    """Tell whether nothing of a service is removed now, and let health say why.

    ``stays`` says why some of its daemons stay besides.
    """
    reason = "" if wanted.deleted else held_reason(wanted, diff, there)
    with core.lock:
        core.watch.hold(wanted.name, " ".join(filter(None, [reason, stays])))
    return bool(reason)


def is_short(wanted: Wanted, diff: Difference, unwell: Sequence[Daemon]) -> bool:
    """Tell whether a monitor or manager that a placement wants is not well yet.

    Those that are too many stay until then. ``unwell`` are daemons that run and are of no use.
    """
    if wanted.deleted or not kind_of(wanted.spec.service_type).cluster_needs:
        return False
    return bool(unwell) or any(not each.ok or not each.runs for each in diff.kept)


def held_reason(wanted: Wanted, diff: Difference, there: Sequence[Daemon]) -> str:
    """Return why nothing of a service is removed now, or an empty text."""
    kind = daemon_type_of(wanted.spec)
    had = wanted.had or len(there)
    floor = kind_of(kind).least(had)
    names = ", ".join(f"{kind}.{each.daemon_id}" for each in diff.remove)
    empty = sorted(set(diff.offline) - {each.hostname for each in diff.kept})
    if diff.remove and kind_of(kind).cluster_needs and empty:
        return (
            f"{names} not removed: host {', '.join(empty)} of the placement has no {kind} yet and "
            "is offline. Bring it back, or apply the service without it."
        )
    if not diff.remove or diff.size >= floor:
        return ""
    placement = wanted.spec.placement.pretty_str()
    anyway = f"`ceph orch apply {kind} --placement='{placement}'` does it anyway"
    if not diff.size:
        anyway = f"`ceph orch apply {kind} --placement=...` with other hosts moves them"
    return (
        f"its placement ({placement}) leaves {diff.size} of the {had} daemon(s) that it had, and "
        f"at least {floor} are kept: {names} not removed. Restore the labels or hosts (with "
        f"`ceph orch set-unmanaged {wanted.name}` until all are back: {floor} are enough), "
        f"or apply the service again: {anyway}."
    )


def remember_size(core: Core, wanted: Wanted, diff: Difference) -> None:
    """Note with the record of a service how many daemons it had, when it is as it shall be."""
    if wanted.deleted or not kind_of(wanted.spec.service_type).cluster_needs:
        return
    settled = not diff.add and not diff.remove and all(each.ok and each.runs for each in diff.kept)
    if not settled or len(diff.kept) <= wanted.had:
        return
    with core.lock:
        # One that was applied meanwhile says by itself how many there shall be.
        if core.specs.find(wanted.name) is not wanted:
            return
        try:
            core.specs.save(replace(wanted, had=len(diff.kept)))
        except NotKept as error:
            core.unkept.note(error)
