"""Which host has which daemon follows what changes, and looks at nothing else again."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.cluster.daemon_identity import ClusterNames
from adapter.cluster.daemon_places import DaemonPlaces
from adapter.cluster.hosts import Host, Hosts
from adapter.cluster.reports import Reports
from adapter.cluster.store import MemoryStore


class World:
    """Three hosts and what they report."""

    def __init__(self) -> None:
        self.hosts = Hosts(MemoryStore())
        self.reports = Reports()
        self.places = DaemonPlaces(self.hosts, self.reports)
        for number in (1, 2, 3):
            self.hosts.save(Host(f"h{number}", f"10.0.0.{number}"))

    def report(self, host: str, *daemons: str, state: str = "running") -> None:
        rows: List[Dict[str, Any]] = []
        for daemon in daemons:
            kind, _, identity = daemon.partition(".")
            rows.append({"daemon_type": kind, "daemon_id": identity, "unit": "u", "state": state})
        self.reports.absorb(host, {"daemons": rows}, 1.0)

    def foreign(self) -> List[str]:
        return sorted(each.name for each in self.places.foreign())


@pytest.fixture
def world() -> World:
    return World()


def test_rows_come_and_go(world: World) -> None:
    world.report("h1", "mon.h1", "osd.0")
    assert world.places.hosts_of("mon.h1") == ["h1"]
    world.report("h3", "mon.h1", "osd.5")
    assert world.foreign() == ["mon.h1@h3"]
    own = [(host, row["daemon_id"]) for host, row in world.places.own()]
    assert own == [("h1", "h1"), ("h1", "0"), ("h3", "5")]
    assert world.places.hosts_of("mon.h1") == ["h1"]
    serial = world.places.serial
    world.report("h3", "mon.h1", "osd.5")
    assert world.places.serial == serial, "the same was judged to be something else"
    world.report("h3", "osd.5")
    assert world.foreign() == []
    assert world.places.serial > serial


def test_the_other_host_is_judged_again_too(world: World) -> None:
    world.report("h1", "osd.3", state="stopped")
    world.report("h3", "osd.3", state="stopped")
    assert world.foreign() == ["osd.3@h1", "osd.3@h3"]
    world.report("h3", "osd.3")
    assert world.foreign() == ["osd.3@h1"]
    world.report("h3")
    assert world.foreign() == []


def test_what_the_cluster_says_is_taken_over(world: World) -> None:
    world.report("h1", "mgr.x")
    world.places.learn(ClusterNames({"mgr.x": frozenset(("h3",))}))
    assert world.foreign() == ["mgr.x@h1"]
    assert world.places.judge("h3", "mgr.x") is None
    assert world.places.judge("h2", "mgr.x") is not None
    world.places.learn(ClusterNames())
    assert world.foreign() == []


def test_a_host_that_goes_takes_its_rows_along(world: World) -> None:
    world.report("h1", "osd.3", state="stopped")
    world.report("h3", "osd.3", state="stopped")
    assert len(world.foreign()) == 2
    world.hosts.remove("h1")
    world.reports.forget("h1")
    assert world.foreign() == []
    world.hosts.save(Host("h1", "10.0.0.1"))
    world.report("h1", "mon.h1")
    assert world.places.hosts_of("mon.h1") == ["h1"]
