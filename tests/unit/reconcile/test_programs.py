"""Daemons that are none of Ceph's: no key, a port of the spec's, gone without a trace."""

from __future__ import annotations

from typing import Any, Dict, List

from adapter.interface import ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def apply(cluster: Cluster, **fields: Any) -> str:
    data = {"service_type": "node-exporter", "placement": {"host_pattern": "*"}, **fields}
    said = raise_if_exception(cluster.orchestrator.apply([ServiceSpec.from_json(data)]))
    cluster.settle(20)
    return str(said[0])


def deployed(cluster: Cluster) -> List[Dict[str, Any]]:
    """Return the rows of each job, by host."""
    return [
        request.variables["daemon_deploy_daemons"]
        for request in cluster.requests
        if request.operation == "apply_node_exporter"
    ]


def there(cluster: Cluster) -> List[str]:
    return sorted(host for host, kind, _ in cluster.daemons if kind == "node-exporter")


def test_one_job_brings_them_to_all_hosts_without_a_key(cluster: Cluster) -> None:
    apply(cluster)
    assert there(cluster) == ["h1", "h2", "h3"]
    (rows,) = deployed(cluster)
    assert sorted(rows) == ["h1", "h2", "h3"]
    assert {row["keyring_file"] for of_host in rows.values() for row in of_host} == {""}
    assert not [name for name in cluster.monitors.keys if "exporter" in name]
    request = cluster.requests[-1]
    assert request.secrets == {}


def test_a_changed_port_restarts_one_after_the_other(cluster: Cluster) -> None:
    apply(cluster)
    assert "port changed" in apply(cluster, spec={"port": 9199})
    jobs = deployed(cluster)[1:]
    assert sorted(host for rows in jobs for host in rows) == ["h1", "h2", "h3"]
    assert len(jobs) == 3
    assert all(row["port"] == 9199 and row["since"] for rows in jobs for (row,) in rows.values())
    apply(cluster, spec={"port": 9199})
    assert len(deployed(cluster)) == 4


def test_nothing_is_left_of_a_service_that_goes(cluster: Cluster) -> None:
    apply(cluster)
    raise_if_exception(cluster.orchestrator.remove_service("node-exporter"))
    cluster.settle(20)
    assert there(cluster) == []
    assert list(cluster.core.deployments.all()) == []
    assert cluster.core.removed_mons.all() == []
    assert cluster.core.specs.all() == []


def test_a_next_manager_asks_for_nothing(cluster: Cluster) -> None:
    apply(cluster)
    cluster.start_anew()
    cluster.settle(20)
    assert len(deployed(cluster)) == 1


def test_an_upgrade_of_ceph_does_not_count_them(cluster: Cluster) -> None:
    apply(cluster)
    running = cluster.orchestrator.upgrades.running()
    assert sorted(each.name for each in running) == ["mgr.h1", "mon.h1"]
