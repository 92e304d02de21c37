"""What can go wrong in the interface, as exceptions that survive pickling.

::

    Exception
    +-- OrchestratorError               deployment, configuration or user error (has .errno)
    |   +-- NoOrchestrator              no backend is configured
    |   +-- OrchestratorValidationError bad input, or a feature that the backend does not support
    +-- ValueError
        +-- SpecValidationError         a spec that cannot be what was meant (has .errno)
            +-- DriveGroupValidationError   the same for an OSD spec, naming the spec

A method that a backend does not implement raises the builtin ``NotImplementedError``.

Names and meaning: reference/orchestrator_interface.txt, "Error Handling". Two deliberate
differences from Ceph's classes: ``SpecValidationError`` is also a ``ValueError`` (Ceph raises
one or the other, depending on the field), and ``errno`` is positive in every class, whichever
sign was given, so that ``-error.errno`` is a command's return value everywhere.
"""

from __future__ import annotations

import errno as errno_codes
from typing import Any, Dict, Optional, Tuple, Type

EventSubject = Tuple[str, str]


def _rebuild(cls: Type[BaseException], args: Tuple[Any, ...], state: Dict[str, Any]) -> Any:
    """Make an exception again without calling a constructor whose parameters are unknown here."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class _Picklable:
    """Pickles by content, so that subclasses may have any constructor."""

    args: Tuple[Any, ...]

    def __reduce__(self) -> Tuple[Any, ...]:
        return _rebuild, (type(self), self.args, dict(self.__dict__))


class OrchestratorError(_Picklable, Exception):
    """A deployment, configuration or user error of an orchestrator.

    Not for programming errors. ``errno`` may be given with either sign and is kept positive.
    ``event_kind_subject`` is ``(kind, subject)`` of the service or daemon event that tells the
    error, for example ``("daemon", "osd.3")``; it is kept as ``event_subject``.
    """

    def __init__(
        self,
        msg: str,
        errno: int = -errno_codes.EINVAL,
        event_kind_subject: Optional[EventSubject] = None,
    ) -> None:
        super().__init__(msg)
        self.errno = abs(errno)
        self.event_subject = event_kind_subject


class NoOrchestrator(OrchestratorError):
    """No orchestrator is configured; ``errno`` is ENOENT."""

    def __init__(
        self, msg: str = "No orchestrator configured (try `ceph orch set backend`)"
    ) -> None:
        super().__init__(msg, errno=-errno_codes.ENOENT)


class OrchestratorValidationError(OrchestratorError):
    """The input is wrong, or asks for something that the orchestrator does not support."""


class SpecValidationError(_Picklable, ValueError):
    """A spec is not valid; the message names the field, its value and what is allowed."""

    def __init__(self, msg: str, errno: int = -errno_codes.EINVAL) -> None:
        super().__init__(msg)
        self.errno = abs(errno)


class DriveGroupValidationError(SpecValidationError):
    """An OSD spec (drive group) is not valid; ``name`` is the spec's service id."""

    def __init__(self, name: Optional[str], msg: str) -> None:
        super().__init__(f'OSD spec "{name or ""}" is not valid: {msg}')
        self.name = name
