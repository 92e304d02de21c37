"""NFS services: keys of their own, the pool they share, and what `ceph nfs cluster` asks for."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.interface import NFSServiceSpec, PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


@pytest.fixture
def cluster(cluster: Cluster) -> Cluster:
    cluster.serving()
    return cluster


def create(cluster: Cluster, name: str, placement: str, **fields: Any) -> str:
    """Ask for a service as `ceph nfs cluster create` does."""
    spec = NFSServiceSpec(
        service_id=name, placement=PlacementSpec.from_string(placement), **{"port": 2049, **fields}
    )
    said = str(raise_if_exception(cluster.orchestrator.apply_nfs(spec)))
    cluster.settle(30)
    return said


def jobs(cluster: Cluster) -> List[Any]:
    return [each for each in cluster.requests if each.operation == "apply_nfs"]


def rows(request: Any) -> Dict[str, Dict[str, Any]]:
    found: Dict[str, Dict[str, Any]] = request.variables["daemon_deploy_daemons"]
    return {host: row for host, (row,) in found.items()}


def there(cluster: Cluster) -> List[str]:
    return sorted(
        f"{name.rpartition('.')[0]}" for _, kind, name in cluster.daemons if kind == "nfs"
    )


def remove(cluster: Cluster, name: str) -> str:
    return str(raise_if_exception(cluster.orchestrator.remove_service(name)))


def test_one_job_brings_a_cluster_to_its_hosts(cluster: Cluster) -> None:
    assert create(cluster, "a", "h1 h2").startswith("Scheduled nfs.a update...")

    assert there(cluster) == ["a.h1", "a.h2"]
    (job,) = jobs(cluster)
    for row in rows(job).values():
        assert row["settings"] == {"namespace": "a"}
        assert row["port"] == 2049
        assert row["keyring_file"] in job.secrets
        assert f"client.nfs.{row['id']}" in cluster.monitors.keys


def test_the_pool_is_made_where_there_is_none(cluster: Cluster) -> None:
    create(cluster, "a", "h1")
    create(cluster, "b", "h2")

    assert cluster.monitors.made_pools == {".nfs": "nfs"}
    remove(cluster, "nfs.a")
    cluster.settle(30)
    assert cluster.monitors.made_pools == {".nfs": "nfs"}


def test_applied_again_nothing_is_done(cluster: Cluster) -> None:
    create(cluster, "a", "h1 h2")
    create(cluster, "a", "h1 h2")
    cluster.start_anew()
    cluster.settle(20)

    assert len(jobs(cluster)) == 1


def test_another_port_restarts_one_after_the_other(cluster: Cluster) -> None:
    create(cluster, "a", "h1 h2")
    create(cluster, "a", "h1 h2", port=2050)

    _, *more = jobs(cluster)
    assert len(more) == 2
    assert sorted(host for each in more for host in rows(each)) == ["h1", "h2"]
    assert all(row["port"] == 2050 and row["since"] for each in more for row in rows(each).values())


def test_two_clusters_on_a_host_need_two_ports(cluster: Cluster) -> None:
    create(cluster, "a", "h1 h2")

    with pytest.raises(Exception, match=r"Invalid port 2049: nfs\.a has it on host 'h1'"):
        create(cluster, "b", "h1 h2")

    assert len(jobs(cluster)) == 1
    create(cluster, "b", "h1 h2", port=2050)
    assert there(cluster) == ["a.h1", "a.h2", "b.h1", "b.h2"]


def test_a_cluster_that_goes_leaves_no_key(cluster: Cluster) -> None:
    create(cluster, "a", "h1 h2")

    # `ceph nfs cluster rm` asks for both, also where there is no ingress.
    assert remove(cluster, "ingress.nfs.a") == "There is no service ingress.nfs.a"
    remove(cluster, "nfs.a")
    cluster.settle(30)
    cluster.report(12)

    assert there(cluster) == []
    assert not any("nfs" in key for key in cluster.monitors.keys)
    assert raise_if_exception(cluster.orchestrator.describe_service(service_type="nfs")) == []


def test_what_the_module_of_ceph_reads_is_there(cluster: Cluster) -> None:
    create(cluster, "a", "h1 h2")

    (service,) = raise_if_exception(cluster.orchestrator.describe_service(service_type="nfs"))
    assert (service.spec.service_id, service.ports) == ("a", [2049])
    daemons = raise_if_exception(cluster.orchestrator.list_daemons(daemon_type="nfs"))
    assert {each.service_name() for each in daemons} == {"nfs.a"}


def test_each_keeps_a_number_of_its_own(cluster: Cluster) -> None:
    def ranks() -> Dict[str, Any]:
        daemons = raise_if_exception(cluster.orchestrator.list_daemons(daemon_type="nfs"))
        return {each.hostname: each.rank for each in daemons}

    create(cluster, "a", "h1 h2")
    before = ranks()
    assert sorted(before.values()) == [0, 1]
    create(cluster, "a", "h2 h3", port=2051)
    cluster.report(12)

    assert ranks()["h2"] == before["h2"]
    assert ranks()["h3"] != before["h2"]
    cluster.start_anew()
    assert ranks()["h2"] == before["h2"]


def test_it_waits_for_osds(cluster: Cluster) -> None:
    cluster.monitors.osds.clear()
    cluster.orchestrator.reconciler.read_maps()

    create(cluster, "a", "h1")

    assert jobs(cluster) == []
    cluster.serving()
    cluster.settle(20)
    assert there(cluster) == ["a.h1"]


def test_a_cluster_is_restarted_as_config_set_asks_for(cluster: Cluster) -> None:
    create(cluster, "a", "h1 h2")

    asked = cluster.orchestrator.service_action(action="restart", service_name="nfs.a")

    assert raise_if_exception(asked)
    cluster.settle(30)
    names = [each for each in cluster.requests if each.operation == "service_action"]
    assert len(names) == 2, "one after the other"


def test_a_spec_of_a_file_needs_no_port(cluster: Cluster) -> None:
    spec = ServiceSpec.from_json(
        {"service_type": "nfs", "service_id": "a", "placement": {"hosts": ["h1"]}}
    )
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(30)

    (job,) = jobs(cluster)
    assert rows(job)["h1"]["port"] == 2049
