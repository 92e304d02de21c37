"""What tests of drained hosts do and ask."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.interface import (
    OrchestratorError,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster

BOTH = ("_no_schedule", "_no_conf_keyring")


def drain(cluster: Cluster, host: str = "h3", **options: bool) -> str:
    return str(raise_if_exception(cluster.orchestrator.drain_host(host, **options)))


def stop(cluster: Cluster, host: str = "h3") -> str:
    return str(raise_if_exception(cluster.orchestrator.stop_drain_host(host)))


def refused(result: Any) -> str:
    with pytest.raises(OrchestratorError) as caught:
        raise_if_exception(result)
    return str(caught.value)


def labels(cluster: Cluster, host: str = "h3") -> List[str]:
    return list(cluster.core.hosts.get(host).labels)


def listed(cluster: Cluster, host: str = "h3") -> str:
    hosts = raise_if_exception(cluster.orchestrator.get_hosts())
    return str(next(each.status for each in hosts if each.hostname == host))


def on(cluster: Cluster, host: str = "h3") -> List[int]:
    return sorted(k for k, osd in cluster.monitors.osds.items() if osd.host == host)


def queue(cluster: Cluster) -> Dict[str, Any]:
    return dict(cluster.store.items("osd_removal"))


def busy(full: Cluster, pgs: int = 4) -> None:
    """Let the OSDs of h3 have placement groups that stay for now."""
    for osd_id in on(full):
        full.monitors.osds[osd_id].pgs = pgs


def left(cluster: Cluster, host: str = "h3") -> List[str]:
    with cluster.core.lock:
        return list(cluster.core.drain_watch.left(host))
