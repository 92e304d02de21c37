"""A gateway whose host was removed and added again is left as it is; where it is off it is told."""

from __future__ import annotations

from adapter.interface import HostSpec, PlacementSpec, RGWSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def apply(cluster: Cluster, port: int) -> None:
    placement = PlacementSpec(host_pattern="h[12]")
    spec = RGWSpec(service_id="s3", placement=placement, rgw_frontend_port=port)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)


def said(cluster: Cluster) -> str:
    return " ".join(each.message for each in cluster.core.events.of("rgw.s3"))


def come_back(cluster: Cluster, port: int) -> str:
    """Remove the gateway's host, change its spec, and add the host again; return its name."""
    apply(cluster, 8000)
    (key,) = [key for key in cluster.daemons if key[:2] == ("h2", "rgw")]
    cluster.said[key] = {"ports": [8000]}
    raise_if_exception(cluster.orchestrator.remove_host("h2", force=True))
    apply(cluster, port)
    raise_if_exception(cluster.orchestrator.add_host(HostSpec("h2", "10.0.0.2")))
    cluster.report(20)
    return f"rgw.{key[2]}"


def test_it_is_told_with_what_brings_it_to_its_spec(cluster: Cluster) -> None:
    """Seen: it went on with the old port, without a word."""
    name = come_back(cluster.serving(), 8080)
    text = f"{name} on host h2 listens on port 8000, and its spec says 8080: it was not deployed"
    assert text in said(cluster)
    assert f"`ceph orch daemon redeploy {name}` brings it to its spec" in said(cluster)
    assert said(cluster).count(text) == 1


def test_one_that_is_as_its_spec_says_is_not_named(cluster: Cluster) -> None:
    come_back(cluster.serving(), 8000)
    assert "brings it to its spec" not in said(cluster)
