"""A plan of an upgrade as data, for ``upgrade check`` and ``upgrade plan``. Pure functions."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from adapter.cluster.fs_map import FileSystemState
from adapter.cluster.packages import number
from adapter.cluster.upgrade_plan import MDS, OSD, RELEASES, Batch, Cluster, Plan
from adapter.cluster.upgrade_speed import seconds_of

# What Ceph raises from release 20 on for keys that an older release has made.
OLD_KEYS = (
    "AUTH_INSECURE_CLIENT_KEY_TYPE",
    "AUTH_INSECURE_KEYS_ALLOWED",
    "AUTH_INSECURE_KEYS_CREATABLE",
    "AUTH_INSECURE_ROTATING_SERVICE_KEY_TYPE",
    "AUTH_INSECURE_SERVICE_KEY_TYPE",
    "AUTH_INSECURE_SERVICE_TICKETS",
)
FIRST_WITH_NEW_KEYS = 20


def plan_data(plan: Plan, settings: Sequence[str]) -> Dict[str, Any]:
    """Return a plan; ``settings`` are the sentences about what is set meanwhile.

    ``seconds`` is how long it takes where nothing has to be waited for.
    """
    return {
        "target": plan.target,
        "steps": [batch_data(each) for each in plan.batches],
        "settings": list(settings),
        "refusals": list(plan.refusals),
        "notes": list(plan.notes),
        "seconds": round(seconds_of(plan)),
    }


def batch_data(batch: Batch) -> Dict[str, Any]:
    """Return a step of a plan."""
    return {
        "kind": batch.kind,
        "daemons": list(batch.daemons),
        "packages_first": list(batch.hosts),
        "hands_over": batch.hands_over,
    }


def settings_of(plan: Plan, cluster: Cluster, systems: Sequence[FileSystemState]) -> List[str]:
    """Return what is set in the cluster while a plan is carried out, and at its end."""
    kinds = {each.kind for each in plan.batches}
    found = []
    if OSD in kinds:
        found.append("noout for the OSDs that are restarted, until they are back")
    if MDS in kinds:
        found += _narrowed(systems)
    if _mutes(plan, cluster.releases):
        found.append(
            "muted until the end, where release 20 raises them for keys of older releases: "
            + ", ".join(OLD_KEYS)
        )
    release = _required(plan, cluster)
    if release:
        found.append(f"at the end require_osd_release is {release}")
    return found


def _narrowed(systems: Sequence[FileSystemState]) -> List[str]:
    found = []
    for each in systems:
        if each.max_mds > 1:
            found.append(
                f"file system {each.name} has max_mds 1 until all metadata servers are upgraded, "
                f"then {each.max_mds} again"
            )
        if each.standby_replay:
            found.append(
                f"file system {each.name} has no standby-replay until all metadata servers are "
                "upgraded"
            )
    return found


def _mutes(plan: Plan, releases: Mapping[str, str]) -> bool:
    now = RELEASES.get(releases.get("min_mon_release", ""), FIRST_WITH_NEW_KEYS)
    return now < FIRST_WITH_NEW_KEYS <= number(plan.target)[0]


def _required(plan: Plan, cluster: Cluster) -> str:
    """Return the release that all OSDs have afterwards, if it is not required yet."""
    planned = {name for each in plan.batches for name in each.daemons}
    osds = [each for each in cluster.daemons if each.kind == OSD]
    target = number(plan.target)[0]
    now = RELEASES.get(cluster.releases.get("require_osd_release", ""), target)
    done = (each.name in planned or number(each.version)[:1] == (target,) for each in osds)
    if not osds or now >= target or not all(done):
        return ""
    return next((name for name, each in RELEASES.items() if each == target), "")
