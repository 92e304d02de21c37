"""What tests of hosts in maintenance do and ask."""

from __future__ import annotations

from typing import Any, Dict, List

from adapter.interface import (
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster


def enter(cluster: Cluster, host: str = "h2", rounds: int = 8, **flags: bool) -> str:
    said = raise_if_exception(cluster.orchestrator.enter_host_maintenance(host, **flags))
    cluster.settle(rounds)
    return str(said)


def leave(cluster: Cluster, host: str = "h2", rounds: int = 8, **flags: bool) -> str:
    said = raise_if_exception(cluster.orchestrator.exit_host_maintenance(host, **flags))
    cluster.settle(rounds)
    return str(said)


def status(cluster: Cluster, host: str = "h2") -> str:
    hosts = raise_if_exception(cluster.orchestrator.get_hosts())
    (found,) = [each for each in hosts if each.hostname == host]
    return str(found.status)


def kept(cluster: Cluster, host: str = "h2") -> Dict[str, Any]:
    return dict(cluster.store.get(f"maintenance.{host}") or {})


def health(cluster: Cluster) -> List[str]:
    found = cluster.orchestrator.health.checks().get("ANSIBLE_HOST_MAINTENANCE") or {}
    return list(found.get("detail") or ())


def operations(cluster: Cluster) -> List[str]:
    return [each.operation for each in cluster.requests if each.changes]
