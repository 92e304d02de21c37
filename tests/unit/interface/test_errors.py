"""Errors keep what they carry, through pickling too."""

from __future__ import annotations

import copy
import errno
import pickle
from typing import Any, List

import pytest

from adapter.interface import (
    DriveGroupValidationError,
    NoOrchestrator,
    OrchestratorError,
    OrchestratorValidationError,
    SpecValidationError,
)


class OtherConstructor(OrchestratorError):
    """A subclass whose constructor is quite different."""

    def __init__(self, host: str, *, port: int) -> None:
        super().__init__(f"{host}:{port}", errno=errno.ENOENT, event_kind_subject=("daemon", "x"))
        self.host, self.port = host, port


class SpecOfTwo(SpecValidationError):
    """The same for spec errors."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)
        self.two = two


EXAMPLES: List[Any] = [
    OrchestratorError("x"),
    OrchestratorError("x", errno=errno.EPERM),
    OrchestratorError("x", -errno.EPERM, ("service", "mgr")),
    NoOrchestrator(),
    NoOrchestrator("nothing here"),
    OrchestratorValidationError("x", errno=errno.ENOTSUP),
    SpecValidationError("x"),
    SpecValidationError("x", -5),
    DriveGroupValidationError("hdds", "no devices"),
    DriveGroupValidationError(None, "no devices"),
    OtherConstructor("h1", port=3),
    SpecOfTwo("a", "b"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(error: Any, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(error, protocol))

    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
    assert again.__dict__ == error.__dict__


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
def test_copy(error: Any) -> None:
    assert copy.copy(error).__dict__ == error.__dict__
    assert str(copy.deepcopy(error)) == str(error)


def test_every_class_is_an_example() -> None:
    def below(cls: type) -> List[type]:
        return [cls, *(one for sub in cls.__subclasses__() for one in below(sub))]

    classes = {
        cls
        for root in (OrchestratorError, SpecValidationError)
        for cls in below(root)
        if cls.__module__.startswith("adapter.interface")
    }
    assert classes <= {type(error) for error in EXAMPLES}


@pytest.mark.parametrize("given", [22, -22])
def test_errno_takes_both_signs(given: int) -> None:
    assert OrchestratorError("x", errno=given).errno == 22
    assert OrchestratorError("x", given).errno == 22
    assert SpecValidationError("x", given).errno == 22


def test_defaults() -> None:
    assert OrchestratorError("x").errno == errno.EINVAL
    assert OrchestratorError("x").event_subject is None
    assert NoOrchestrator().errno == errno.ENOENT
    assert str(NoOrchestrator()) == "No orchestrator configured (try `ceph orch set backend`)"
    assert isinstance(OrchestratorValidationError("x"), OrchestratorError)


def test_spec_errors_can_be_caught_by_kind() -> None:
    """Ceph raises ValueError for some fields and SpecValidationError for others."""
    assert issubclass(SpecValidationError, ValueError)
    assert issubclass(DriveGroupValidationError, SpecValidationError)


def test_drive_group_error_names_the_spec() -> None:
    error = DriveGroupValidationError("hdds", "no devices")

    assert "hdds" in str(error)
    assert "no devices" in str(error)
    assert error.name == "hdds"
