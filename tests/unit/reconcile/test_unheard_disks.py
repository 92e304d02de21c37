"""A manager that took over does not know yet which disks hosts have: that is not "none"."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pytest

from adapter.errors import InvalidValue, ReportAwaited
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, device_on


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def take_over(cluster: Cluster, *, again: bool = False) -> None:
    """Let another manager begin, which has not heard of h2 yet, or not in this turn (``again``)."""
    old = {host: cluster._report(host) for host in ("h1", "h2", "h3")}
    old["h2"] = {**old["h2"], "devices": []}
    cluster.start_anew(before=old if again else None)
    if not again:
        cluster.core.reports.forget("h2")


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("verb", ["add", "zap", "replace"])
def test_what_needs_a_disk_waits_for_the_report(cluster: Cluster, verb: str, again: bool) -> None:
    take_over(cluster, again=again)
    orchestrator = cluster.orchestrator
    acts: Dict[str, Callable[[], Any]] = {
        "add": lambda: orchestrator.create_osds(device_on("h2", "/dev/sdb")),
        "zap": lambda: orchestrator.zap_device("h2", "/dev/sdb"),
        "replace": lambda: orchestrator.replace_device("h2", "/dev/sdb"),
    }
    with pytest.raises(ReportAwaited, match="Host 'h2' has not said yet which disks it has"):
        raise_if_exception(acts[verb]())
    assert "h2" in cluster.core.refresh.due(cluster.now)


def test_a_command_that_is_sent_again_finds_what_is_made(cluster: Cluster) -> None:
    """The `ceph` client sends it to the next manager where the first one has not answered."""
    cluster.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
    take_over(cluster)
    with pytest.raises(InvalidValue, match="an OSD is being made on it"):
        raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
