"""``orch-ansible host ok-to-stop``."""

from __future__ import annotations

from typing import Any, List

from tests.unit.cli.door import Door
from tests.unit.reconcile.fake_cluster import Cluster


def changed(kept: Door) -> List[Any]:
    return [request.operation for request in kept.requests if request.changes]


def test_a_host_that_can_be_missed_is_told(kept: Door, osds: Cluster) -> None:
    osds.monitors.can_stop = {0, 1}

    said = kept.run("host", "ok-to-stop", "h2").stdout

    assert said == ("It is presumed safe to stop host h2: osd.1 (all data stays available)\n")
    assert (changed(kept), osds.monitors.log) == ([], [])


def test_one_that_cannot_is_refused_on_one_line(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[0].up = False

    said = kept.refused("host", "ok-to-stop", "h2")

    assert said.startswith("Host 'h2' cannot be stopped now. osd.1: osd ok-to-stop: ")
    assert "3 PGs would be inactive" in said
    assert "There is no host 'h9'" in kept.refused("host", "ok-to-stop", "h9")
    assert changed(kept) == []


def test_without_a_cluster_there_is_nobody_to_ask(three: Door) -> None:
    three.refused("host", "ok-to-stop", "h1", status=1)
