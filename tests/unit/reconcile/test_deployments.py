"""What is kept of the daemons that are deployed."""

from __future__ import annotations

import errno
from typing import List

from adapter.cluster.deployments import Deployments
from adapter.interface import MDSSpec, PlacementSpec, RGWSpec, raise_if_exception
from tests.unit.reconcile.fake_crush import Daemon
from tests.unit.reconcile.over_monitors import KeptCluster


def mds_of(cluster: KeptCluster) -> List[str]:
    return sorted(host for host, kind, _ in cluster.daemons if kind == "mds")


def test_a_daemon_is_known_before_its_job_ends() -> None:
    cluster = KeptCluster()
    cluster.monitors.osds[0] = Daemon("h1", "/dev/sdb", "uuid-0")
    cluster.orchestrator.reconciler.read_maps()
    spec = RGWSpec(service_id="a", placement=PlacementSpec(hosts=["h1"]), rgw_frontend_port=8001)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.orchestrator.reconciler.step(0.0)

    (host, found), *more = Deployments(cluster.kept).all()
    assert (host, found.service, found.ports, more) == ("h1", "rgw.a", (8001,), [])
    assert found.options == ("rgw_frontends",)
    assert found.daemon.startswith("rgw.a.h1.")
    assert (found.digest, found.configured) == ("", 0.0)


def test_nothing_is_deployed_that_could_not_be_recorded() -> None:
    cluster = KeptCluster()
    spec = MDSSpec("mds", service_id="a", placement=PlacementSpec(hosts=["h1"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.refuse(errno.ETIMEDOUT, only="deployed.")
    cluster.settle()
    assert mds_of(cluster) == []

    cluster.refuse(0)
    cluster.orchestrator.reconciler.services.forget_backoff("mds.a")
    cluster.settle()
    assert mds_of(cluster) == ["h1"]


def test_records_of_a_host_are_not_written_over_while_they_cannot_be_read() -> None:
    cluster = KeptCluster()
    cluster.spoil("deployed.h1")
    spec = MDSSpec("mds", service_id="a", placement=PlacementSpec(host_pattern="h[12]"))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()
    assert cluster.value("deployed.h1") == "xx"
    assert "deployed.h1" in cluster.bad_records()
    assert mds_of(cluster) == ["h2"]
