"""Signatures and feature set against what was recorded for 16.2, 18.2 and 20.2."""

from __future__ import annotations

import dataclasses
import errno
import inspect
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

import adapter.interface as interface
from adapter.interface import Orchestrator
from adapter.interface.orchestrator import FEATURES, HIDDEN_FEATURES

RECORDED = Path(__file__).parent / "recorded"
RELEASES = ["16.2", "18.2", "20.2"]


def recorded(name: str) -> Dict[str, Any]:
    data: Dict[str, Any] = yaml.safe_load((RECORDED / f"{name}.yml").read_text(encoding="utf-8"))
    return data


def parameters(function: Any) -> List[str]:
    found = list(inspect.signature(function).parameters.values())[1:]
    return [
        one.name if one.default is one.empty else f"{one.name}={one.default!r}" for one in found
    ]


def ours() -> Dict[str, List[str]]:
    names = [name for name in dir(Orchestrator) if not name.startswith("_")]
    return {name: parameters(inspect.unwrap(getattr(Orchestrator, name))) for name in names}


@pytest.mark.parametrize("release", RELEASES)
def test_methods(release: str) -> None:
    theirs, mine = recorded(f"methods_{release}"), ours()
    differing = {name for name in {*theirs, *mine} if theirs.get(name) != mine.get(name)}
    deliberate = dict(recorded("deliberate_methods")[release])
    if release == "16.2":
        deliberate.update(recorded("deliberate_methods")["18.2"])

    assert differing == set(deliberate)
    assert all(deliberate.values())


@pytest.mark.parametrize(("release", "methods"), [("16.2", 60), ("18.2", 85), ("20.2", 109)])
def test_recorded_data_is_complete(release: str, methods: int) -> None:
    assert len(recorded(f"methods_{release}")) == methods


@pytest.mark.parametrize("release", ["18.2", "20.2"])
def test_a_caller_of_a_release_can_call_ours(release: str) -> None:
    """Every call that a release's signature allows by keyword is allowed by ours."""
    mine = ours()
    for name, theirs in recorded(f"methods_{release}").items():
        names = [text.partition("=")[0] for text in theirs]
        own = {text.partition("=")[0] for text in mine[name]}
        needed = {text for text in mine[name] if "=" not in text}
        assert set(names) <= own, name
        assert needed <= set(names), name


@pytest.mark.parametrize(("release", "count"), [("18.2", 81), ("20.2", 105)])
def test_feature_set(release: str, count: int) -> None:
    theirs = set(recorded(f"methods_{release}")) - set(HIDDEN_FEATURES)

    assert len(theirs) == count
    assert theirs <= set(FEATURES)
    assert set(FEATURES) - set(recorded("methods_20.2")) == {"service_discovery_dump_cert"}
    assert list(Orchestrator().get_feature_set()) == list(FEATURES)


def test_the_page() -> None:
    """The page is of 19.x; what 20.2 added to a method has a default, or stands in 18.2's list."""
    changed = set(recorded("deliberate_methods")["18.2"])
    for name, theirs in recorded("methods_page").items():
        mine = ours()[name]
        assert name in changed or mine == theirs, name
        assert [text for text in mine if "=" not in text] == [
            text for text in theirs if "=" not in text
        ]


def default_of(text: str) -> Any:
    names = {
        "errno": errno,
        "PatternType": interface.PatternType,
        "OriginalType": interface.OriginalType,
    }
    return eval(text, names)


def constructor(cls: Any) -> Dict[str, Any]:
    found = {}
    factories = {
        one.name: one.default_factory
        for one in (dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ())
        if one.default_factory is not dataclasses.MISSING
    }
    signature = inspect.signature(cls.__init__ if not issubclass(cls, tuple) else cls.__new__)
    for one in list(signature.parameters.values())[1:]:
        found[one.name] = factories[one.name]() if one.name in factories else one.default
    return found


LOCATIONS = recorded("constructors_20.2")


@pytest.mark.parametrize("name", sorted(set(LOCATIONS) - {"OrchestratorValidationError"}))
def test_constructor(name: str) -> None:
    cls = getattr(interface, name)
    deliberate = recorded("deliberate_constructors").get(name, {})
    theirs = {}
    for text in LOCATIONS[name]:
        parameter, equals, default = text.partition("=")
        theirs[parameter] = default_of(default) if equals else inspect.Parameter.empty
    mine = constructor(cls)

    order = [parameter for parameter in mine if parameter in theirs]
    assert order == list(theirs)
    differing = {
        one
        for one in {*theirs, *mine}
        if one not in theirs or one not in mine or theirs[one] != mine[one]
    }
    factories = {
        one for one in deliberate if one in theirs and one in mine and theirs[one] == mine[one]
    }
    assert differing == set(deliberate) - factories
    assert all("a new one for each spec" in deliberate[one] for one in factories)
