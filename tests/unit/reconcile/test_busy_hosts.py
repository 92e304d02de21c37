"""A host that is at something holds up no other one."""

from __future__ import annotations

from typing import Any, List

from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, drive_group


def done(cluster: Cluster, operation: str) -> List[Any]:
    return [hosts for name, hosts in cluster.operations() if name == operation]


def occupy(cluster: Cluster, *hosts: str) -> None:
    """Let a job that changes something go on on each of these hosts."""
    cluster.engine.held.update(hosts)
    for host in hosts:
        parameters = {"action": "start", "units": {host: ["ceph-crash.service"]}}
        cluster.core.submit("service_action", [cluster.core.hosts.get(host)], parameters=parameters)


def test_osds_are_made_on_the_hosts_that_have_time(cluster: Cluster) -> None:
    occupy(cluster, "h2")
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle(3)
    assert sorted(done(cluster, "create_osds")) == [["h1", "h3"]]
    assert sorted({osd.host for osd in cluster.monitors.osds.values()}) == ["h1", "h3"]
    cluster.engine.held.clear()
    cluster.settle(3)
    assert sorted(done(cluster, "create_osds")) == [["h1", "h3"], ["h2"]]


def test_hosts_that_are_at_the_same_job_stay_together(cluster: Cluster) -> None:
    cluster.engine.held.update(("h1", "h2"))
    hosts = [cluster.core.hosts.get(name) for name in ("h1", "h2")]
    units = {"h1": ["a.service"], "h2": ["a.service"]}
    cluster.core.submit("service_action", hosts, parameters={"action": "start", "units": units})
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle(3)
    assert done(cluster, "create_osds") == [["h3"]]
    cluster.engine.held.clear()
    cluster.settle(3)
    assert done(cluster, "create_osds") == [["h3"], ["h1", "h2"]]


def test_daemons_are_deployed_on_the_hosts_that_have_time(cluster: Cluster) -> None:
    occupy(cluster, "h2")
    spec = MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*"))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(3)
    assert done(cluster, "apply_mds") == [["h1", "h3"]]
    cluster.engine.held.clear()
    cluster.settle(4)
    assert done(cluster, "apply_mds") == [["h1", "h3"], ["h2"]]


def test_daemons_go_from_the_hosts_that_have_time(cluster: Cluster) -> None:
    spec = MDSSpec(service_id="data", placement=PlacementSpec(host_pattern="*"))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()
    occupy(cluster, "h1")
    raise_if_exception(cluster.orchestrator.remove_service("mds.data"))
    cluster.settle(3)
    assert done(cluster, "remove_daemons") == [["h2", "h3"]]
    cluster.engine.held.clear()
    cluster.settle()
    assert done(cluster, "remove_daemons") == [["h2", "h3"], ["h1"]]


def test_files_are_brought_up_to_date_on_the_hosts_that_have_time(cluster: Cluster) -> None:
    old = {"ours": True, "mons": ["10.9.9.9"], "fsid": "F51D"}
    cluster.confs = {name: dict(old) for name in ("h1", "h2", "h3")}
    occupy(cluster, "h3")
    cluster.core.submit("get_inventory", cluster.core.hosts.all())
    cluster.settle(3)
    assert sorted(each for hosts in done(cluster, "update_conf") for each in hosts) == ["h1", "h2"]
    cluster.engine.held.clear()
    cluster.settle(20)
    assert done(cluster, "update_conf")[-1] == ["h3"]
