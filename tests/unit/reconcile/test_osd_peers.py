"""No OSD is stopped while one that keeps other copies of its data does not answer."""

from __future__ import annotations

import pytest

from adapter.errors import AdapterError
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


@pytest.fixture
def sharing(full: Cluster) -> Cluster:
    """Return a cluster in which osd.0 has data together with an OSD of another host."""
    other = next(k for k, v in full.monitors.osds.items() if v.host != full.monitors.osds[0].host)
    full.monitors.together = [(0, other)]
    full.monitors.mute = {other}
    return full


def act(cluster: Cluster, action: str, *, force: bool = False) -> str:
    return str(raise_if_exception(cluster.orchestrator.daemon_action(action, "osd.0", force=force)))


@pytest.mark.parametrize("action", ["stop", "restart"])
def test_it_stays_while_a_peer_does_not_answer(sharing: Cluster, action: str) -> None:
    (lost,) = sharing.monitors.mute
    host = sharing.monitors.osds[lost].host
    with pytest.raises(AdapterError) as error:
        act(sharing, action)
    text = (
        rf"osd.0 cannot be stopped now: osd.{lost} on host {host} (10.0.0.1:{6800 + lost}) holds "
        "copies of the same data and does not answer, though the map still shows it up. Wait until "
        "the cluster is well, or give --force."
    )
    assert str(error.value) == text
    sharing.settle(2)
    assert sharing.requests == []


def test_with_force_nobody_is_asked(sharing: Cluster) -> None:
    assert act(sharing, "stop", force=True).startswith("Scheduled")


def test_an_osd_without_common_data_is_in_nobodys_way(sharing: Cluster) -> None:
    sharing.monitors.together = []
    assert act(sharing, "stop").startswith("Scheduled")


def test_a_peer_that_is_down_in_the_map_is_the_monitors_matter(sharing: Cluster) -> None:
    for lost in sharing.monitors.mute:
        sharing.monitors.osds[lost].up = False
    with pytest.raises(AdapterError, match="3 PGs would be inactive"):
        act(sharing, "stop")


def test_nothing_follows_where_nobody_here_reaches_osds(sharing: Cluster) -> None:
    sharing.monitors.out_of_reach = True
    assert act(sharing, "stop").startswith("Scheduled")


def test_one_that_hangs_itself_can_be_restarted(sharing: Cluster) -> None:
    sharing.monitors.mute = {0}
    assert act(sharing, "restart").startswith("Scheduled")


def test_the_restart_of_a_service_waits_for_a_peer(sharing: Cluster) -> None:
    raise_if_exception(sharing.orchestrator.service_action("restart", "osd.all"))
    sharing.settle(2)
    units = str([request.variables for request in sharing.requests])
    assert "osd@0" not in units
    sharing.monitors.mute.clear()
    sharing.settle(40)
    units = str([request.variables for request in sharing.requests])
    assert "osd@0" in units


def test_it_is_asked_again_when_its_turn_comes(sharing: Cluster) -> None:
    lost = sharing.monitors.mute
    sharing.monitors.mute = set()
    sharing.engine.held.add("h1")
    assert act(sharing, "stop").startswith("Scheduled")
    sharing.monitors.mute = lost
    sharing.engine.held.clear()
    sharing.settle(2)
    assert [each.operation for each in sharing.requests] == []
