"""What tests of removals of OSDs ask for and look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List

from adapter.cluster.osd_removals import Stage
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def remove(cluster: Cluster, *ids: str, **flags: Any) -> str:
    return str(raise_if_exception(cluster.orchestrator.remove_osds(list(ids), **flags)))


def status(cluster: Cluster) -> Any:
    return raise_if_exception(cluster.orchestrator.remove_osds_status())


def keep(cluster: Cluster, *ids: str) -> str:
    return str(raise_if_exception(cluster.orchestrator.stop_remove_osds(list(ids))))


def steps(cluster: Cluster) -> List[str]:
    """Return what hosts were asked to do with OSDs that leave."""
    return [
        str(request.variables["osd_remove_step"])
        for request in cluster.requests
        if request.operation == "remove_osds"
    ]


def said(cluster: Cluster) -> str:
    (row,) = status(cluster)
    return str(row["drain_status"])


def at(cluster: Cluster, stage: Stage, **values: Any) -> None:
    """Let the removal that was asked for have come to this stage."""
    removal = cluster.core.removals.all()[0]
    cluster.core.removals.save(replace(removal, stage=stage, **values))
