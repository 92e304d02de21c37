"""A ceph.conf that is ours names the monitors that there are; another one is only talked about."""

from __future__ import annotations

import pytest

from adapter.cluster.host_conf import HostConf, only_way
from adapter.interface import (
    OrchestratorError,
    PlacementSpec,
    ServiceSpec,
    raise_if_exception,
)
from tests.unit.reconcile.fake_cluster import Cluster


def place_mons(cluster: Cluster, *hosts: str) -> None:
    spec = ServiceSpec("mon", placement=PlacementSpec(hosts=list(hosts)))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(60)


def updates(cluster: Cluster) -> list[list[str]]:
    return [list(r.hosts) for r in cluster.requests if r.operation == "update_conf"]


def test_our_files_follow_the_monitors(cluster: Cluster) -> None:
    cluster.confs = {
        "h1": {"mons": ["10.0.0.1"], "ours": False},
        "h2": {"mons": ["10.0.0.1"], "ours": True},
        "h3": {"mons": ["10.0.0.1"], "ours": True},
    }
    cluster.start_anew()
    cluster.settle()
    assert updates(cluster) == []

    place_mons(cluster, "h1", "h2")
    assert updates(cluster) == [["h2", "h3"]]
    assert cluster.confs["h3"]["mons"] == ["10.0.0.1", "10.0.0.2"]
    assert cluster.confs["h1"]["mons"] == ["10.0.0.1"]
    assert "ANSIBLE_HOST_CONF" not in cluster.orchestrator.health.checks()


def test_a_monitor_stays_where_a_host_knows_no_other(cluster: Cluster) -> None:
    cluster.confs = {"h1": {"mons": ["10.0.0.1"], "ours": False}}
    cluster.start_anew()
    place_mons(cluster, "h1", "h2", "h3")
    place_mons(cluster, "h2", "h3")

    assert sorted(cluster.monitors.mons) == ["h1", "h2", "h3"]
    (line,) = [
        event.message
        for event in cluster.core.events.of("mon")
        if "the only monitor that /etc/ceph/ceph.conf names on h1" in event.message
    ]
    assert "generate-minimal-conf" in line

    cluster.confs["h1"]["mons"] = ["10.0.0.1", "10.0.0.2"]
    cluster.start_anew()
    cluster.settle(20)
    assert sorted(cluster.monitors.mons) == ["h2", "h3"]


@pytest.mark.parametrize("down", [False, True], ids=["named alone", "the other one is down"])
def test_a_monitor_that_a_host_knows_alone_is_not_stopped(cluster: Cluster, down: bool) -> None:
    """The host that made the cluster names its own monitor; `ceph` hung there without it."""
    cluster.confs = {"h1": {"mons": ["10.0.0.1", "10.0.0.2"][: 1 + down], "ours": False}}
    cluster.start_anew()
    place_mons(cluster, "h1", "h2", "h3")
    if down:
        cluster.monitors.out_of_quorum.append("h2")

    def act(action: str, force: bool = False) -> str:
        answer = cluster.orchestrator.daemon_action(action, "mon.h1", force=force)
        return str(raise_if_exception(answer))

    with pytest.raises(OrchestratorError, match=r"only monitor that \S+ names on h1"):
        act("stop")
    act("restart")
    cluster.settle(5)
    assert "Scheduled to stop mon.h1" in act("stop", force=True)


def test_a_file_that_leads_nowhere_is_a_warning(cluster: Cluster) -> None:
    cluster.confs = {"h2": {"mons": ["10.9.9.9"], "ours": False}}
    cluster.start_anew()
    cluster.settle()

    (line,) = cluster.orchestrator.health.checks()["ANSIBLE_HOST_CONF"]["detail"]
    assert line.startswith("host h2: /etc/ceph/ceph.conf names no monitor that there is, only 10.9")
    assert updates(cluster) == []


def test_a_file_that_cannot_be_written_is_tried_again_later(cluster: Cluster) -> None:
    cluster.break_on["update_conf"] = {"h2": "no space left"}
    cluster.confs = {"h2": {"mons": ["10.9.9.9"], "ours": True}}
    cluster.start_anew()
    cluster.settle(30)

    assert 1 < len(updates(cluster)) < 6
    cluster.break_on.clear()
    cluster.settle(60)
    assert cluster.confs["h2"]["mons"] == ["10.0.0.1"]


def test_a_file_that_is_set_again_below_ours_is_a_warning_when_it_is_old(cluster: Cluster) -> None:
    """Ceph takes the last mon_host; what is kept up to date above it has no effect."""
    cluster.confs = {"h2": {"mons": ["10.0.0.1"], "ours": False, "overridden": True}}
    cluster.start_anew()
    cluster.settle()
    assert "ANSIBLE_HOST_CONF" not in cluster.orchestrator.health.checks()

    place_mons(cluster, "h1", "h3")
    (line,) = cluster.orchestrator.health.checks()["ANSIBLE_HOST_CONF"]["detail"]
    assert "sets mon_host again below the lines that are kept up to date" in line
    assert "10.0.0.1" in line
    assert updates(cluster) == []


def test_names_are_given_the_benefit_of_the_doubt() -> None:
    assert not HostConf(("mon.example.org",), False).is_cut_off({"10.0.0.1"})
    assert not HostConf((), False).is_cut_off({"10.0.0.1"})
    assert only_way({"h1": HostConf(("10.0.0.1",), True)}, "10.0.0.1", {"10.0.0.2"}) == []


def test_what_holds_a_monitor_is_in_health_and_in_the_answers(cluster: Cluster) -> None:
    cluster.confs = {"h1": {"mons": ["10.0.0.1"], "ours": False}}
    cluster.start_anew()
    place_mons(cluster, "h1", "h2", "h3")
    spec = ServiceSpec("mon", placement=PlacementSpec(hosts=["h2", "h3"]))
    text = "the only monitor that /etc/ceph/ceph.conf names on h1"
    assert text in str(raise_if_exception(cluster.orchestrator.plan([spec])))
    (said,) = raise_if_exception(cluster.orchestrator.apply([spec]))
    assert text in said
    assert "is then removed within" in said
    cluster.settle(5)
    assert text in str(cluster.orchestrator.health.checks()["ANSIBLE_SERVICE_HELD"])


def test_a_host_that_was_mended_is_asked_and_the_monitor_goes(cluster: Cluster) -> None:
    cluster.confs = {"h1": {"mons": ["10.0.0.1"], "ours": False}}
    cluster.start_anew()
    place_mons(cluster, "h1", "h2", "h3")
    place_mons(cluster, "h2", "h3")
    assert len(cluster.monitors.mons) == 3
    cluster.confs["h1"]["mons"] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    for _ in range(40):
        due = [h for h in ("h1", "h2", "h3") if cluster.core.refresh.pending(h)]
        if due:
            cluster.core.submit("get_inventory", [cluster.core.hosts.get(h) for h in due])
        cluster.step()
    assert sorted(cluster.monitors.mons) == ["h2", "h3"]
    assert "ANSIBLE_SERVICE_HELD" not in cluster.orchestrator.health.checks()


def test_of_two_hosts_both_are_named(cluster: Cluster) -> None:
    cluster.confs = {h: {"mons": ["10.0.0.1"], "ours": False} for h in ("h1", "h3")}
    cluster.start_anew()
    place_mons(cluster, "h1", "h2", "h3")
    place_mons(cluster, "h2", "h3")
    assert "names on h1, h3." in str(cluster.orchestrator.health.checks()["ANSIBLE_SERVICE_HELD"])
