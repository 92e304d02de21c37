"""An upgrade that waits: for who looks for monitors, or long for what is refused."""

from __future__ import annotations

import time
from typing import Dict, List

import pytest

from adapter.cluster.upgrades import LONG
from adapter.interface import raise_if_exception
from tests.unit.reconcile.upgraded import NEW, Upgraded


@pytest.fixture
def refused() -> Upgraded:
    """Return a cluster whose monitors let no monitor be restarted."""
    cluster = Upgraded()
    cluster.prepare()
    cluster.monitors.refuse = "mon ok-to-stop"
    raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW))
    cluster.settle(60)
    return cluster


def test_osds_wait_until_all_have_found_the_monitors_again() -> None:
    cluster = Upgraded()
    cluster.prepare()
    raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW))
    when: Dict[str, float] = {}
    said = set()
    for _ in range(80):
        cluster.settle(1)
        one = cluster.core.upgrades.get()
        said.add(one.reason if one is not None else "")
        for names in cluster.restarted():
            when.setdefault(names[0], cluster.now)
    monitors = max(at for name, at in when.items() if name.startswith("mon."))
    osds = min(at for name, at in when.items() if name.startswith("osd."))
    assert osds - monitors >= 10.0
    assert "waiting until OSDs and clients have found the monitors again" in said
    assert set(cluster.monitors.versions.values()) == {NEW}


def lines(cluster: Upgraded, later: float) -> List[str]:
    return cluster.core.upgrades.waits(time.time() + later)


def test_a_step_that_is_refused_for_long_is_a_warning(refused: Upgraded) -> None:
    assert lines(refused, LONG - 60) == []
    assert "ANSIBLE_UPGRADE_WAITS" not in refused.orchestrator.health.checks()
    (line,) = lines(refused, LONG + 60)
    assert line.startswith("the upgrade to 20.2.5")
    assert "the monitors do not answer. It goes on by itself" in line
    assert "`ceph orch upgrade pause`" in line


def test_since_when_is_the_first_refusal(refused: Upgraded) -> None:
    now = time.time()
    refused.settle(20)
    assert len(refused.core.upgrades.waits(now + LONG)) == 1


def test_it_is_over_when_the_step_is_allowed(refused: Upgraded) -> None:
    refused.monitors.refuse = ""
    refused.settle(60)
    assert set(refused.monitors.versions.values()) == {NEW}
    assert lines(refused, LONG + 60) == []


def test_one_that_is_paused_does_not_wait(refused: Upgraded) -> None:
    raise_if_exception(refused.orchestrator.upgrade_pause())
    refused.settle(20)
    assert lines(refused, LONG + 60) == []
    raise_if_exception(refused.orchestrator.upgrade_resume())
    refused.settle(20)
    assert len(lines(refused, LONG + 60)) == 1
