"""What is acknowledged while nothing is done by itself says so."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, drive_group

NOTE = "It is paused: this is done after `ceph orch resume`."
MDS = ServiceSpec("mds", "fs", placement=PlacementSpec(hosts=["h1"]))
ASKED = {
    "apply": lambda o: o.apply([MDS]),
    "apply osd": lambda o: o.apply([drive_group("more", "h2")]),
    "restart": lambda o: o.service_action("restart", "mds.fs"),
    "rm": lambda o: o.remove_service("mds.fs"),
    "osd rm": lambda o: o.remove_osds(["0"]),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("paused", [True, False])
def test_an_answer_says_that_it_waits(cluster: Cluster, asked: str, paused: bool) -> None:
    raise_if_exception(cluster.orchestrator.apply([MDS, drive_group("all", "h1")]))
    cluster.settle(20)
    if paused:
        cluster.orchestrator.pause()
    ask: Callable[[Any], Any] = ASKED[asked]
    said = str(raise_if_exception(ask(cluster.orchestrator)))
    assert (NOTE in said) is paused


def said_of(cluster: Cluster, service: str) -> str:
    """Return what the events of a service say, as `ceph orch ls` shows them."""
    (found,) = raise_if_exception(cluster.orchestrator.describe_service(service_name=service))
    return " ".join(event.message for event in found.events)


def test_the_list_of_services_says_what_waits(cluster: Cluster) -> None:
    cluster.serving()
    raise_if_exception(cluster.orchestrator.apply([MDS]))
    cluster.settle(20)
    cluster.orchestrator.pause()
    wanted = ServiceSpec("mds", "fs", placement=PlacementSpec(hosts=["h1", "h2"]))
    raise_if_exception(cluster.orchestrator.apply([wanted]))
    cluster.settle(3)
    text = "paused: nothing is done by itself until `ceph orch resume`"
    assert f"{text}; daemons would be deployed on h2" in said_of(cluster, "mds.fs")
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.fs", True))
    assert text not in said_of(cluster, "mds.fs"), "nothing is done to it anyway"
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.fs", False))
    cluster.orchestrator.resume()
    assert text not in said_of(cluster, "mds.fs")
