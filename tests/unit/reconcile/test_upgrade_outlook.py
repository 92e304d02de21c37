"""What is said before an upgrade begins: what it would wait for, and when it cannot begin."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapter.errors import AdapterError
from adapter.interface import raise_if_exception
from tests.unit.reconcile.upgraded import NEW, Upgraded


@pytest.fixture
def cluster() -> Upgraded:
    found = Upgraded()
    found.prepare()
    return found


def notes(cluster: Upgraded) -> Any:
    cluster.core.answer_wait = 0.0
    found = raise_if_exception(cluster.orchestrator.upgrade_check(None, NEW))
    return json.loads(found)["plan"]["notes"]


def test_a_monitor_that_is_away_is_said_before_others_wait_for_it(cluster: Upgraded) -> None:
    said = (
        "mon.h2 is not in the quorum: as long as that is so no other monitor can be restarted, "
        "and the upgrade waits"
    )
    assert said not in notes(cluster)
    cluster.monitors.out_of_quorum = ["h2"]
    assert said in notes(cluster)
    begun = raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW))
    assert f" Note: {said}." in begun


def test_one_of_five_is_not_waited_for(cluster: Upgraded) -> None:
    cluster.monitors.mons += ["h4", "h5"]
    cluster.monitors.out_of_quorum = ["h5"]
    assert not any("quorum" in each for each in notes(cluster))


def test_nor_is_one_where_all_run_the_version(cluster: Upgraded) -> None:
    cluster.monitors.versions.update({f"mon.{host}": NEW for host in ("h1", "h2", "h3")})  # type: ignore[attr-defined]
    cluster.monitors.out_of_quorum = ["h2"]
    assert not any("quorum" in each for each in notes(cluster))


def test_one_that_is_being_stopped_is_not_said_to_go_on(cluster: Upgraded) -> None:
    raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW))
    cluster.core.answer_wait = 0.0
    raise_if_exception(cluster.orchestrator.upgrade_stop())
    with pytest.raises(AdapterError, match=r"upgrade to 20\.2\.5 is being stopped\. Begin again"):
        raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW))
    cluster.settle(20)
    assert cluster.kept() == {}
    assert "Initiating" in raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW))
