"""A host that is forgotten while it is away: nothing false is said, and what stays is named."""

from __future__ import annotations

from adapter.cluster.osd_removals import Stage
from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.removals import at, remove


def forget(cluster: Cluster, host: str) -> str:
    cluster.offline(host)
    cluster.settle(3)
    text = cluster.orchestrator.remove_host(host, force=True, offline=True)
    return str(raise_if_exception(text))


def test_a_host_that_is_removed_does_not_answer_again(full: Cluster) -> None:
    spec = ServiceSpec("crash", placement=PlacementSpec(hosts=["h1", "h2"]))
    raise_if_exception(full.orchestrator.apply([spec]))
    full.settle()
    full.offline("h2")
    full.settle(3)
    assert "h2: the host is offline" in " ".join(e.message for e in full.core.events.of("crash"))
    forget(full, "h2")
    full.settle(5)
    assert "answers again" not in " ".join(e.message for e in full.core.events.of("crash"))


def test_a_host_that_comes_back_still_says_so(full: Cluster) -> None:
    spec = ServiceSpec("crash", placement=PlacementSpec(hosts=["h1", "h2"]))
    raise_if_exception(full.orchestrator.apply([spec]))
    full.settle()
    full.offline("h2")
    full.settle(3)
    full.core.liveness.seen("h2", full.now)
    full.settle(3)
    said = " ".join(e.message for e in full.core.events.of("crash"))
    assert "h2: the host answers again" in said


def test_what_stays_in_the_clusters_maps_is_named_with_what_removes_it(full: Cluster) -> None:
    raise_if_exception(
        full.orchestrator.apply([ServiceSpec("mon", placement=PlacementSpec(hosts=["h1", "h2"]))])
    )
    full.settle(20)
    osds = sorted(n for n, osd in full.monitors.osds.items() if osd.host == "h2")
    text = forget(full, "h2")
    names = ", ".join(f"osd.{n}" for n in osds)
    assert f"The cluster's maps still have mon.h2, {names}" in text
    assert "`ceph mon rm h2`" in text
    assert f"`ceph osd purge {osds[0]} --yes-i-really-mean-it`" in text
    assert "mon names this host" in text


def test_a_host_without_a_report_has_what_the_cluster_says(full: Cluster) -> None:
    full.core.reports.forget("h2")
    assert "The cluster's maps still have osd." in forget(full, "h2")


def test_nothing_of_the_kind_is_said_of_a_host_that_has_none(full: Cluster) -> None:
    for n in [n for n, osd in full.monitors.osds.items() if osd.host == "h3"]:
        del full.monitors.osds[n]
    full.report(3)
    assert "maps" not in forget(full, "h3")


def test_osds_that_are_being_removed_are_named_with_what_happens_to_them(full: Cluster) -> None:
    """Seen: they stayed in the queue for ever, without a word."""
    ids = sorted(n for n, osd in full.monitors.osds.items() if osd.host == "h2")
    for each in ids:
        full.monitors.osds[each].pgs = 9
    raise_if_exception(full.orchestrator.remove_osds([str(each) for each in ids]))
    full.settle(3)
    text = raise_if_exception(full.orchestrator.remove_host("h2", force=True))
    names = ", ".join(f"osd.{n}" for n in ids)
    assert f"In the removal queue stay {names}: while the host is not managed" in text
    assert f"`ceph orch osd rm stop {' '.join(map(str, ids))}`" in text
    assert "was told before" not in text
    raise_if_exception(full.orchestrator.stop_remove_osds([str(each) for each in ids]))
    assert "removal queue" not in raise_if_exception(
        full.orchestrator.remove_host("h1", force=True)
    )


def test_what_a_host_was_told_before_is_named_too(full: Cluster) -> None:
    """A job that had begun wiped a disk of which "no disk is wiped" was said."""
    osd_id = next(n for n, osd in full.monitors.osds.items() if osd.host == "h2")
    full.break_on["remove_osds"] = {"h2": ""}
    raise_if_exception(full.orchestrator.remove_osds([str(osd_id)], zap=True))
    full.settle(9)
    text = raise_if_exception(full.orchestrator.remove_host("h2", force=True))
    assert f"The host was told before to stop or wipe osd.{osd_id}, and may still do so" in text


def test_a_wipe_that_may_go_on_is_not_said_to_be_none(full: Cluster) -> None:
    """`osd rm stop` was offered, and refused; and then the disks "were not wiped"."""
    osd_id = next(n for n, osd in full.monitors.osds.items() if osd.host == "h2")
    remove(full, str(osd_id), zap=True)
    at(full, Stage.CLEANING, asked_wipe=True)
    full.offline("h2")
    text = raise_if_exception(full.orchestrator.remove_host("h2", force=True, offline=True))
    assert "takes them out of the queue" not in text
    del full.monitors.osds[osd_id]
    full.monitors.epoch += 1
    full.settle(9)
    said = [each.message for each in full.core.events.of("osd.all")]
    assert "it was told before to wipe them, and has not said" in said[-1]
