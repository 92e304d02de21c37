"""Keys of removed daemons go, whoever is the manager by then; those that are needed stay."""

from __future__ import annotations

from typing import List

import pytest

from adapter.interface import MDSSpec, PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


@pytest.fixture
def removing(cluster: Cluster) -> Cluster:
    """Return a cluster with an unmanaged mds that a job is taking from h2."""
    spec = MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle()
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.data", True))
    assert keys(cluster)
    raise_if_exception(cluster.orchestrator.remove_daemons([name(cluster)]))
    return cluster


def name(cluster: Cluster) -> str:
    (identity,) = [each for _, kind, each in cluster.daemons if kind == "mds"]
    return f"mds.{identity}"


def keys(cluster: Cluster) -> List[str]:
    return [key for key in cluster.monitors.keys if key.startswith("mds.")]


def test_a_manager_that_ends_after_the_removal_is_followed_by_one_that_drops_the_key(
    removing: Cluster,
) -> None:
    removing.engine.poll()
    assert [key for key in removing.daemons if key[1] == "mds"] == []
    assert keys(removing)
    removing.start_anew()
    removing.report()
    assert keys(removing) == []
    assert removing.store.items("unused_key") == {}


def test_a_job_of_another_managers_host_may_still_take_the_daemon(removing: Cluster) -> None:
    """The report that the next manager gets first shows the daemon; then it is taken."""
    removing.start_anew()
    removing.report()
    assert keys(removing)
    assert removing.store.items("unused_key")
    daemon = next(key for key in removing.daemons if key[1] == "mds")
    del removing.daemons[daemon]
    removing.report()
    assert keys(removing) == []
    assert removing.store.items("unused_key") == {}


def test_monitors_that_do_not_answer_are_asked_again(removing: Cluster) -> None:
    removing.monitors.refuse = "auth rm"
    removing.settle()
    assert keys(removing)
    assert removing.store.items("unused_key")
    removing.monitors.refuse = ""
    removing.settle()
    assert keys(removing) == []
    assert removing.store.items("unused_key") == {}


def test_a_removal_that_fails_costs_no_key(removing: Cluster) -> None:
    removing.break_on["remove_daemons"] = {"h2": "the unit does not stop"}
    removing.settle()
    removing.report()
    assert removing.store.items("unused_key") == {}
    # Whatever takes it from the report later: nobody asked for that.
    del removing.daemons["h2", "mds", name(removing)[4:]]
    removing.report()
    assert keys(removing)


def test_a_daemon_that_is_made_again_keeps_its_key(removing: Cluster) -> None:
    removing.engine.poll()
    assert removing.store.items("unused_key")
    call = removing.orchestrator
    spec = MDSSpec(service_id="data", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(call.add_daemon(spec))
    removing.settle()
    assert keys(removing)[-1] == name(removing)
    assert removing.store.items("unused_key") == {}


def test_the_key_stays_where_the_cluster_has_the_daemon_on_another_host(
    removing: Cluster,
) -> None:
    daemon = name(removing)
    removing.engine.poll()
    removing.monitors.elsewhere[daemon] = "h3"
    removing.settle()
    assert keys(removing) == [daemon]
    assert removing.store.items("unused_key") == {}


def test_an_id_that_no_daemon_can_have_is_refused(cluster: Cluster) -> None:
    cluster.daemons["h2", "rbd-mirror", "../../x"] = "running"
    cluster.report()
    with pytest.raises(Exception, match="no daemon can have it"):
        raise_if_exception(cluster.orchestrator.remove_daemons(["rbd-mirror.../../x"]))
    assert "remove_daemons" not in [each for each, _ in cluster.operations()]


def test_a_record_that_cannot_be_read_is_named(cluster: Cluster) -> None:
    cluster.store.set("unused_key.mds.x", {"daemon_type": "mds"})
    cluster.store.set("unused_key.zz.x", {"daemon_type": "zz", "daemon_id": "x", "host": "h1"})
    cluster.start_anew()
    cluster.settle()
    lines = str(cluster.orchestrator.health.checks()["ANSIBLE_BAD_RECORD"]["detail"])
    assert "unused_key.mds.x" in lines
    assert "unused_key.zz.x" in lines


def test_a_mon_has_no_key_of_its_own(cluster: Cluster) -> None:
    for hosts in (["h1", "h2", "h3"], ["h1", "h2"]):
        spec = ServiceSpec("mon", placement=PlacementSpec(hosts=hosts))
        raise_if_exception(cluster.orchestrator.apply([spec]))
        cluster.settle(20)
    assert cluster.monitors.mons == ["h1", "h2"]
    assert cluster.store.items("unused_key") == {}
