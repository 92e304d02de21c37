"""While what runs the jobs begins none: what is shown, what is refused, what waits."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict

import pytest

from adapter.engine.base import Away
from adapter.errors import EngineAway
from adapter.interface import HostSpec, ServiceSpec, raise_if_exception
from adapter.loop import Loop
from adapter.orchestrator import NOUNS, WITHOUT_ENGINE, marked
from tests.unit.methods.world import World

WHY = "AWX at https://awx.example.org does not answer: Connection refused."

READS: Dict[str, Callable[[Any], Any]] = {
    "host ls": lambda orchestrator: orchestrator.get_hosts(),
    "device ls": lambda orchestrator: orchestrator.get_inventory(),
    "ps": lambda orchestrator: orchestrator.list_daemons(),
    "ls": lambda orchestrator: orchestrator.describe_service(),
    "facts": lambda orchestrator: orchestrator.get_facts(),
    "upgrade status": lambda orchestrator: orchestrator.upgrade_status(),
}
CHANGES: Dict[str, Callable[[Any], Any]] = {
    "host rm": lambda orchestrator: orchestrator.remove_host("h1"),
    "label add": lambda orchestrator: orchestrator.add_host_label("h1", "a"),
    "apply": lambda orchestrator: orchestrator.apply([ServiceSpec("crash")]),
    "action": lambda orchestrator: orchestrator.service_action("restart", "crash"),
}


@pytest.fixture
def away() -> World:
    world = World()
    raise_if_exception(world.orchestrator.add_host(HostSpec("h1", "10.0.0.1")))
    while world.engine.poll():
        pass
    world.engine.is_away = Away(WHY)
    world.requests.clear()
    return world


@pytest.mark.parametrize("name", READS)
def test_what_is_known_is_shown(away: World, name: str) -> None:
    raise_if_exception(READS[name](away.orchestrator))


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_refused_and_nothing_is_kept(away: World, name: str) -> None:
    before = dict(away.store.items("host")), dict(away.store.items("spec"))
    with pytest.raises(EngineAway, match="Connection refused"):
        raise_if_exception(CHANGES[name](away.orchestrator))
    assert (dict(away.store.items("host")), dict(away.store.items("spec"))) == before
    while away.engine.poll():
        pass
    assert away.requests == []


def test_a_change_is_taken_where_changes_wait(away: World) -> None:
    away.engine.is_away = Away(WHY, queues=True)
    raise_if_exception(away.orchestrator.add_host_label("h1", "a"))
    assert away.core.hosts.get("h1").labels == ("a",)


def test_why_it_is_not_available_is_told_once(away: World) -> None:
    assert away.orchestrator.available() == (False, WHY, {})
    checks = away.orchestrator.health.checks()
    (line,) = checks["ANSIBLE_AWX_UNAVAILABLE"]["detail"]
    assert line.startswith(f"{WHY} Until this is over no job begins, and changes are refused;")
    assert "ANSIBLE_NOT_READY" not in checks
    away.engine.is_away = None
    assert away.orchestrator.health.checks() == {}
    assert away.orchestrator.available()[0]


def test_nothing_is_begun_by_itself_and_nothing_has_failed(away: World) -> None:
    """Without the look in the loop hosts are said to have failed, and rounds too."""
    away.core.refresh.want(["h1"])
    loop = Loop(away.core, away.orchestrator.reconciler)
    loop.step()
    away.orchestrator.reconciler.step(time.monotonic())
    loop.close()
    assert away.requests == []
    assert loop.problems() == []
    assert set(away.orchestrator.health.checks()) == {"ANSIBLE_AWX_UNAVAILABLE"}


def test_each_method_that_is_answered_is_one() -> None:
    assert {name for noun in NOUNS.values() for name in marked(noun)} >= WITHOUT_ENGINE
