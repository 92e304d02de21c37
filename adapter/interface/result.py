"""How the result of an orchestrator method travels: ``OrchResult``.

Every method of the interface returns at once, with an ``OrchResult`` that holds either a result
or an exception. Between ceph-mgr modules it is pickled, so an exception is kept as pickled bytes
and as text. Source: reference/orchestrator_interface.txt and reference/ceph_contract.md, 2.1.
"""

from __future__ import annotations

import contextlib
import errno as errno_codes
import functools
import logging
import pickle
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Generic,
    Iterator,
    NamedTuple,
    Optional,
    TypeVar,
    cast,
)

from .checks import is_int
from .errors import OrchestratorError, SpecValidationError

if TYPE_CHECKING:
    from typing_extensions import ParamSpec  # for mypy only; typing has it from 3.10 on

    P = ParamSpec("P")

T = TypeVar("T")

logger = logging.getLogger(__name__)

_EXPECTED = (OrchestratorError, SpecValidationError, NotImplementedError)


class HandleCommandResult(NamedTuple):
    """The answer to a command: exit status (0 or a negative errno), output and error text."""

    retval: int = 0
    stdout: str = ""
    stderr: str = ""


def _pickled(error: Exception) -> Optional[bytes]:
    """Pickle an exception, or give None where the copy would not be the same exception."""
    try:
        data = pickle.dumps(error)
        copy = pickle.loads(data)  # noqa: S301 - our own bytes, made in the line above
        same = type(copy) is type(error) and str(copy) == str(error)
    except Exception:  # noqa: BLE001 - pickling runs the exception's own code; any failure counts
        return None
    return data if same else None


def _portable(error: Exception) -> OrchestratorError:
    """Say the same as ``error`` with a class that every receiver has."""
    code = getattr(error, "errno", None)
    subject = getattr(error, "event_subject", None)
    if not (isinstance(subject, tuple) and len(subject) == 2):
        subject = None
    return OrchestratorError(
        str(error) or type(error).__name__,
        errno=cast(int, code) if is_int(code) else errno_codes.EINVAL,
        event_kind_subject=None if subject is None else (str(subject[0]), str(subject[1])),
    )


class OrchResult(Generic[T]):
    """The result of an orchestrator method, or the exception that it ended with.

    ``result`` is the result (None if there is an exception), ``serialized_exception`` the pickled
    exception (None if there is none), ``exception_str`` its text. An exception that cannot be
    pickled, or that would come back as something else, is kept as an ``OrchestratorError`` with
    the same text.
    """

    __slots__ = ("exception_str", "result", "serialized_exception")

    def __init__(self, result: Optional[T], exception: Optional[Exception] = None) -> None:
        self.result = result
        self.serialized_exception: Optional[bytes] = None
        self.exception_str = ""
        self.set_exception(exception)

    def set_exception(self, e: Optional[Exception]) -> None:
        """Keep the exception; None removes it."""
        if e is None:
            self.serialized_exception = None
            self.exception_str = ""
            return
        self.exception_str = f"{type(e).__name__}: {e}"
        self.serialized_exception = _pickled(e) or pickle.dumps(_portable(e))

    def result_str(self) -> str:
        """Give the result as text: nothing for None, one line for each item of a list."""
        if self.result is None:
            return ""
        if isinstance(self.result, list):
            return "\n".join(str(item) for item in self.result)
        return str(self.result)

    def __repr__(self) -> str:
        if self.serialized_exception is not None:
            return f"OrchResult(exception={self.exception_str!r})"
        return f"OrchResult({self.result!r})"


def handle_orch_error(f: Callable[P, T]) -> Callable[P, OrchResult[T]]:
    """Decorate a method of the interface: what it returns or raises arrives in an ``OrchResult``.

    Expected errors (``OrchestratorError``, ``SpecValidationError``, ``NotImplementedError``) are
    logged in one line, all others with their traceback.
    """

    @functools.wraps(f)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> OrchResult[T]:
        try:
            return OrchResult(f(*args, **kwargs))
        except _EXPECTED as error:
            logger.info("%s: %s: %s", f.__name__, type(error).__name__, error)
            return OrchResult(None, exception=error)
        except Exception as error:
            logger.exception("%s failed", f.__name__)
            return OrchResult(None, exception=error)

    return wrapper


@contextlib.contextmanager
def set_exception_subject(kind: str, subject: str, overwrite: bool = False) -> Iterator[None]:
    """Let an ``OrchestratorError`` raised inside name the service or daemon that it is about.

    ``kind`` is ``service`` or ``daemon``. A subject that the error has already is kept unless
    ``overwrite``.
    """
    try:
        yield
    except OrchestratorError as error:
        if overwrite or error.event_subject is None:
            error.event_subject = (kind, subject)
        raise


def raise_if_exception(c: OrchResult[T]) -> T:
    """Give back the result, or raise the exception that the ``OrchResult`` carries.

    An exception whose class cannot be imported here is raised as ``OrchestratorError`` with its
    text; so is an ``OrchResult`` that has neither result nor exception.
    """
    if c.serialized_exception is not None:
        try:
            error = pickle.loads(c.serialized_exception)  # noqa: S301 - made by set_exception
        except Exception:  # noqa: BLE001 - unpickling runs foreign code; the text is kept
            error = OrchestratorError(c.exception_str)
        raise error
    if c.result is None:
        raise OrchestratorError("the orchestrator gave neither a result nor an error")
    return c.result


def completion_to_result(c: OrchResult[Any]) -> HandleCommandResult:
    """Turn an ``OrchResult`` into a command's answer; errors that are not expected are raised."""
    try:
        raise_if_exception(c)
    except (OrchestratorError, SpecValidationError) as error:
        return HandleCommandResult(-error.errno, stderr=str(error))
    return HandleCommandResult(0, stdout=c.result_str())
