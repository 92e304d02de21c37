"""OrchResult carries a result or an exception, whatever the exception is."""

from __future__ import annotations

import errno
import pickle
import threading
from typing import Any, Callable, List, Optional

import pytest

from adapter.interface import (
    DriveGroupValidationError,
    HandleCommandResult,
    OrchestratorError,
    OrchestratorValidationError,
    OrchResult,
    SpecValidationError,
    completion_to_result,
    handle_orch_error,
    raise_if_exception,
    set_exception_subject,
)


class WithLock(OrchestratorError):
    """Holds what cannot be pickled."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg, errno=errno.EBUSY, event_kind_subject=("daemon", "osd.1"))
        self.lock = threading.Lock()


class TwoArguments(Exception):
    """Pickles, and cannot be unpickled."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


class Doubling(Exception):
    """Comes back from pickling with another text."""

    def __init__(self, msg: str) -> None:
        super().__init__(f"[{msg}]")


class Malicious(Exception):
    """Fails when it is pickled, in its own way."""

    def __reduce__(self) -> Any:
        raise RuntimeError("no")


def through(error: Optional[Exception]) -> Any:
    """Send a result as ceph-mgr does."""
    return pickle.loads(pickle.dumps(OrchResult(None, exception=error)))


def test_result() -> None:
    result: OrchResult[List[str]] = pickle.loads(pickle.dumps(OrchResult(["a", "b"])))

    assert raise_if_exception(result) == ["a", "b"]
    assert result.exception_str == ""
    assert result.serialized_exception is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ("x", "x"), (["a", 1], "a\n1"), ([], ""), ({"a": 1}, "{'a': 1}")],
)
def test_result_str(value: Any, text: str) -> None:
    assert OrchResult(value).result_str() == text


@pytest.mark.parametrize("empty", [[], "", {}, 0, False])
def test_empty_is_a_result(empty: Any) -> None:
    assert raise_if_exception(OrchResult(empty)) == empty


def test_none_is_not_a_result() -> None:
    with pytest.raises(OrchestratorError, match="neither a result nor an error"):
        raise_if_exception(OrchResult(None))


@pytest.mark.parametrize(
    "error",
    [
        OrchestratorError("x", errno=errno.EPERM, event_kind_subject=("service", "mgr")),
        OrchestratorValidationError("x"),
        SpecValidationError("x"),
        DriveGroupValidationError("hdds", "no devices"),
        NotImplementedError("x"),
        KeyError("x"),
        OSError(2, "gone"),
        ValueError(),
    ],
    ids=repr,
)
def test_exceptions_arrive_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        raise_if_exception(through(error))

    assert type(caught.value) is type(error)
    assert str(caught.value) == str(error)
    assert caught.value.__dict__ == error.__dict__


def local() -> Exception:
    class Local(Exception):
        pass

    return Local("defined in a function")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: WithLock("x"), "x"),
        (lambda: TwoArguments("a", "b"), "a and b"),
        (lambda: Doubling("x"), "[x]"),
        (lambda: Malicious("x"), "x"),
        (lambda: Malicious(), "Malicious"),
        (local, "defined in a function"),
        (lambda: OSError("x", threading.Lock()), "[Errno x]"),
    ],
)
def test_what_cannot_be_pickled_arrives_as_orchestrator_error(
    make: Callable[[], Exception], text: str
) -> None:
    with pytest.raises(OrchestratorError) as caught:
        raise_if_exception(through(make()))

    assert type(caught.value) is OrchestratorError
    assert text in str(caught.value)


def test_conversion_keeps_errno_and_subject() -> None:
    with pytest.raises(OrchestratorError) as caught:
        raise_if_exception(through(WithLock("x")))

    assert caught.value.errno == errno.EBUSY
    assert caught.value.event_subject == ("daemon", "osd.1")


def test_class_that_is_not_known_here() -> None:
    result = through(KeyError("x"))
    result.serialized_exception = result.serialized_exception.replace(b"KeyError", b"KeyTerror")
    result.exception_str = "KeyTerror: 'x'"

    with pytest.raises(OrchestratorError, match="KeyTerror: 'x'"):
        raise_if_exception(result)


def test_exception_can_be_set_and_removed() -> None:
    result: OrchResult[str] = OrchResult("x")
    result.set_exception(ValueError("v"))
    assert result.exception_str == "ValueError: v"

    result.set_exception(None)
    assert raise_if_exception(result) == "x"


class Backend:
    """Raises what it is told."""

    @handle_orch_error
    def method(self, error: Optional[Exception], result: str = "done") -> str:
        """Say something."""
        if error is not None:
            raise error
        return result


def test_handle_orch_error() -> None:
    assert raise_if_exception(Backend().method(None, result="x")) == "x"
    assert Backend.method.__name__ == "method"
    assert Backend.method.__doc__ == "Say something."
    with pytest.raises(ValueError, match="v"):
        raise_if_exception(Backend().method(ValueError("v")))


@pytest.mark.parametrize(
    "error", [OrchestratorError("x"), SpecValidationError("x"), NotImplementedError("x")], ids=repr
)
def test_expected_errors_are_logged_without_traceback(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    Backend().method(error)

    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert not caplog.records[0].exc_info
    assert "method" in caplog.text


def test_other_errors_are_logged_with_traceback(caplog: pytest.LogCaptureFixture) -> None:
    Backend().method(ZeroDivisionError("z"))

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "Traceback" in caplog.text


def test_keyboard_interrupt_is_not_a_result() -> None:
    with pytest.raises(KeyboardInterrupt):
        Backend().method(KeyboardInterrupt())  # type: ignore[arg-type]


def test_completion_to_result() -> None:
    assert completion_to_result(OrchResult("x")) == HandleCommandResult(0, "x", "")
    assert completion_to_result(OrchResult(["a", "b"])).stdout == "a\nb"
    assert completion_to_result(through(OrchestratorError("x", errno=5))) == (-5, "", "x")
    with pytest.raises(ValueError, match="v"):
        completion_to_result(through(ValueError("v")))


def test_set_exception_subject() -> None:
    with pytest.raises(OrchestratorError) as caught, set_exception_subject("service", "mgr"):
        raise OrchestratorError("x")
    assert caught.value.event_subject == ("service", "mgr")


def test_set_exception_subject_keeps_the_inner_one() -> None:
    def raise_inside(overwrite: bool) -> None:
        with set_exception_subject("service", "mgr", overwrite=overwrite):
            raise OrchestratorError("x", event_kind_subject=("daemon", "mgr.a"))

    with pytest.raises(OrchestratorError) as caught:
        raise_inside(False)
    assert caught.value.event_subject == ("daemon", "mgr.a")
    with pytest.raises(OrchestratorError) as caught:
        raise_inside(True)
    assert caught.value.event_subject == ("service", "mgr")


def test_set_exception_subject_leaves_other_errors_alone() -> None:
    with pytest.raises(ValueError, match="v"), set_exception_subject("service", "mgr"):
        raise ValueError("v")
