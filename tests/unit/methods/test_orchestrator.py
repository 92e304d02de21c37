"""``AnsibleOrchestrator`` has the marked methods of its nouns, as the interface has them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, List, Tuple

import pytest

from adapter.errors import InvalidValue, UnknownName
from adapter.interface import Orchestrator, OrchResult, PlacementSpec, ServiceSpec
from adapter.interface import raise_if_exception as call
from adapter.methods._method import marked
from adapter.orchestrator import NOUNS, AnsibleOrchestrator
from tests.tools.docs_tables import implemented
from tests.unit.methods.world import World

# What gives its value as it is (contract 2.1).
BARE = ("available", "cancel_completions", "pause", "resume")
# What is no feature in any backend.
HIDDEN = ("upgrade_available",)
MARKED = [(noun, name) for noun, each in NOUNS.items() for name in marked(each)]


def parameters(method: Any) -> List[Tuple[str, Any, Any]]:
    found = inspect.signature(method).parameters.values()
    return [(each.name, each.kind, each.default) for each in found]


def test_each_noun_is_held_by_its_name(world: World) -> None:
    held = vars(world.orchestrator)
    assert {noun: type(held[noun]) for noun in NOUNS} == NOUNS
    assert not [noun for noun in NOUNS if hasattr(Orchestrator, noun)]


def test_what_is_marked_is_the_feature_set(world: World) -> None:
    names = [name for _, name in MARKED]
    assert len(names) == len(set(names))
    assert {*names} - {*HIDDEN} == set(implemented()) - set(BARE)
    features = world.orchestrator.get_feature_set()
    there = {name for name, each in features.items() if each["available"]}
    assert there == {*names, *BARE} - {"available", *HIDDEN}


@pytest.mark.parametrize(("noun", "name"), MARKED)
def test_it_is_called_as_the_interface_says(noun: str, name: str) -> None:
    method = getattr(AnsibleOrchestrator, name)
    ours, theirs = parameters(method), parameters(getattr(Orchestrator, name))
    # A default that the interface has not, and more parameters that have one, are no harm.
    empty = inspect.Parameter.empty
    assert [each[:2] for each in ours[: len(theirs)]] == [each[:2] for each in theirs]
    assert all(mine == its or its is empty for (*_, mine), (*_, its) in zip(ours, theirs))
    assert all(default is not empty for *_, default in ours[len(theirs) :])
    assert method.__doc__ == getattr(NOUNS[noun], name).__doc__
    assert method.__doc__.strip()


def test_an_error_is_raised_inside_and_arrives_in_a_result(world: World) -> None:
    with pytest.raises(UnknownName):
        world.orchestrator.hosts.remove_host("h9")
    answer = world.orchestrator.remove_host("h9")
    assert isinstance(answer, OrchResult)
    with pytest.raises(UnknownName):
        call(answer)
    assert world.orchestrator.hosts.get_hosts() == call(world.orchestrator.get_hosts()) == []


def test_methods_call_each_other_as_functions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = InvalidValue("host", "h1", "this very one")

    def refuse(_: Any) -> str:
        raise said

    monkeypatch.setattr(world.orchestrator.services, "apply", refuse)
    spec = ServiceSpec.from_json({"service_type": "crash", "placement": PlacementSpec().to_json()})
    with pytest.raises(InvalidValue) as caught:
        world.orchestrator.kinds.apply_crash(spec)  # type: ignore[attr-defined]
    assert caught.value is said


def test_results_are_made_in_one_place() -> None:
    adapter = Path(inspect.getfile(AnsibleOrchestrator)).parent
    for path in (adapter / "methods").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "handle_orch_error" not in text, path
        assert "raise_if_exception" not in text, path
