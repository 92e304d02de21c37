"""Whether a host can be missed: all of its daemons at once, with numbers and what would help."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from adapter.errors import AdapterError, UnknownName
from adapter.interface import raise_if_exception
from adapter.reconcile.host_stops import HostNeeded
from tests.unit.reconcile.fake_cluster import Cluster


def ask(cluster: Cluster, host: str) -> str:
    return str(raise_if_exception(cluster.orchestrator.host_ok_to_stop(host)))


def refused(cluster: Cluster, host: str) -> str:
    with pytest.raises(HostNeeded) as caught:
        ask(cluster, host)
    assert caught.value.errno == errno.EBUSY
    return str(caught.value)


def test_a_host_that_can_be_missed_is_told_with_what_is_left(whole: Cluster) -> None:
    assert ask(whole, "h2") == (
        "It is presumed safe to stop host h2: mon.h2 (2 of 3 are left); mgr.h2 (mgr.h1 is "
        "active); osd.2, osd.3 (all data stays available)"
    )


def test_all_osds_of_a_host_are_one_question(whole: Cluster) -> None:
    asked = []
    whole.monitors.before_stop = lambda: asked.append(True)
    ask(whole, "h3")
    assert asked == [True]


def test_where_the_active_manager_is_another_one_takes_over(whole: Cluster) -> None:
    assert "mgr.h1 is active (mgr.h2 or mgr.h3 takes over)" in ask(whole, "h1")


def test_the_last_manager_cannot_be_missed(whole: Cluster) -> None:
    whole.monitors.managers = ["h1"]
    assert "mgr.h1: no manager would be left. Let another one run" in refused(whole, "h1")


def test_everything_that_speaks_against_it_is_told_at_once(whole: Cluster) -> None:
    whole.monitors.out_of_quorum = ["h3"]
    whole.monitors.can_stop = set()
    whole.monitors.pools = [{"pool": 1, "pool_name": "data", "size": 2, "min_size": 2}]
    whole.monitors.together = [(2, 4)]

    text = refused(whole, "h2")

    assert text.startswith("Host 'h2' cannot be stopped now. mon.h2: 1 of 3 monitors would be in")
    assert "the quorum (mon.h1), 2 are needed. Start a monitor on another host" in text
    assert "`ceph` does not answer: no command of `ceph orch` ends the maintenance" in text
    assert "osd.2, osd.3: osd ok-to-stop" not in text
    assert (
        "osd.2, osd.3: 3 PGs would be inactive (too few copies: pool data (size 2, min_size 2): 1 "
        "placement group). Give the pools more copies on other hosts (`ceph osd pool set data size "
        "N`)." in text
    )


def test_a_file_system_without_another_server_is_named(whole: Cluster) -> None:
    whole.daemons["h2", "mds", "a"] = "running"
    whole.monitors.elsewhere["mds.a"] = "h2"
    whole.monitors.filesystems = {"fs": ["a"]}
    whole.report(3)

    text = refused(whole, "h2")

    assert "mds.a serves file system fs: 0 standby on other hosts" in text
    assert "`ceph fs set fs max_mds N`" in text
    whole.monitors.standbys = {77: "b"}
    assert "mds.a (others take over)" in ask(whole, "h2")


@pytest.mark.parametrize("kind", ["rgw", "rbd-mirror", "cephfs-mirror"])
def test_the_only_one_of_a_service_is_named(whole: Cluster, kind: str) -> None:
    one, two = f"web.h2.{'a' * 6}", f"web.h3.{'b' * 6}"
    whole.daemons["h2", kind, one] = "running"
    whole.monitors.elsewhere[f"{kind}.{one}"] = "h2"
    whole.report(3)
    service = "rgw.web" if kind == "rgw" else kind

    text = refused(whole, "h2")

    assert f"{kind}.{one}: no other daemon of service {service} runs. Let another one" in text
    whole.daemons["h3", kind, two] = "running"
    whole.monitors.elsewhere[f"{kind}.{two}"] = "h3"
    whole.report(3)
    assert f"{kind}.{one} (1 more of {service})" in ask(whole, "h2")


def test_one_on_a_host_that_is_offline_is_no_other_one(whole: Cluster) -> None:
    for host in ("h2", "h3"):
        name = f"web.{host}.{'a' * 6}"
        whole.daemons[host, "rgw", name] = "running"
        whole.monitors.elsewhere[f"rgw.{name}"] = host
    whole.report(3)
    whole.offline("h3")
    whole.now += 100.0
    assert "no other daemon of service rgw.web runs" in refused(whole, "h2")


def test_what_jobs_stop_counts_as_down(whole: Cluster) -> None:
    raise_if_exception(whole.orchestrator.daemon_action("stop", "mon.h3"))
    assert "mon.h2: 1 of 3 monitors would be in the quorum" in refused(whole, "h2")


def test_monitors_that_do_not_answer_are_no_yes(whole: Cluster) -> None:
    whole.monitors.silent = True
    with pytest.raises(Exception, match="the monitors do not answer"):
        ask(whole, "h2")


@pytest.mark.parametrize("name", ["", "h9", "h1;id", "../h1", "h1\nh2", 5, None])
def test_a_host_that_is_not_managed_is_refused(whole: Cluster, name: Any) -> None:
    with pytest.raises(UnknownName, match="There is no host"):
        ask(whole, name)


def test_a_host_without_daemons_can_be_missed(cluster: Cluster) -> None:
    assert ask(cluster, "h3").endswith("host h3; it runs nothing of Ceph")


def test_a_standby_that_could_not_manage_hosts_is_no_successor(whole: Cluster) -> None:
    whole.orchestrator.reconciler.absence = object()  # type: ignore[assignment]
    whole.monitors.without_module = ["h2"]
    with pytest.raises(AdapterError, match="does not hand over"):
        ask(whole, "h1")


def test_the_own_conf_of_the_host_is_in_nobodys_way(whole: Cluster) -> None:
    whole.confs["h1"] = {"mons": ["10.0.0.1"], "ours": False}
    whole.report(3)
    assert "mon.h1 (2 of 3 are left)" in ask(whole, "h1")
    whole.confs["h2"] = {"mons": ["10.0.0.1"], "ours": False}
    whole.report(3)
    assert "mon.h1 is the only monitor that /etc/ceph/ceph.conf names on h2" in refused(whole, "h1")


def test_an_offline_host_is_called_so(whole: Cluster) -> None:
    whole.offline("h2")
    assert "the host is offline" in ask(whole, "h2")


def test_the_only_monitor_that_may_lead_cannot_be_missed(whole: Cluster) -> None:
    """`mon ok-to-stop` counts monitors and calls it safe."""
    whole.monitors.barred = ["h1", "h3"]
    said = "mon.h2: Without mon.h2 there would be no quorum: none of the monitors that are left (h1"
    assert said in refused(whole, "h2")
    with pytest.raises(AdapterError, match="rm disallowed_leader h1` lets"):
        raise_if_exception(whole.orchestrator.daemon_action("stop", "mon.h2"))
    assert ask(whole, "h3").startswith("It is presumed safe to stop host h3: mon.h3")
