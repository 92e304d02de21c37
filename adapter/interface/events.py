"""An event in the life of a service or daemon, as `ceph orch ps --format yaml` shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Optional, Union

from .checks import refuse
from .errors import OrchestratorError, OrchestratorValidationError
from .times import datetime_now, datetime_to_str, str_to_datetime

_FORM = 'allowed: <time> service:<name> [INFO] "<message>" (or daemon:, or [ERROR])'


class OrchestratorEvent:
    """Something that was done to a service or daemon, or that failed.

    ``created`` is when (a time, or its text), ``kind`` is ``service`` or ``daemon``, ``subject``
    its name, ``level`` is ``INFO`` or ``ERROR``. Raises ``OrchestratorValidationError``.
    """

    INFO = "INFO"
    ERROR = "ERROR"
    _KINDS = ("service", "daemon")
    _LEVELS = (INFO, ERROR)

    __slots__ = ("created", "kind", "level", "message", "subject")

    def __init__(
        self, created: Union[str, datetime], kind: str, subject: str, level: str, message: str
    ) -> None:
        if isinstance(created, str):
            try:
                created = str_to_datetime(created)
            except ValueError as error:
                raise OrchestratorValidationError(f"event: created: {error}") from None
        if kind not in self._KINDS:
            refuse("event: kind", kind, "service or daemon", OrchestratorValidationError)
        if level not in self._LEVELS:
            refuse("event: level", level, "INFO or ERROR", OrchestratorValidationError)
        if not subject or " [" in subject:
            refuse("event: subject", subject, "a name", OrchestratorValidationError)
        self.created = created
        self.kind = kind
        self.subject = subject
        self.level = level
        self.message = message

    def kind_subject(self) -> str:
        """Give ``kind:subject``."""
        return f"{self.kind}:{self.subject}"

    def to_json(self) -> str:
        """Give one line of text (the message may hold more lines)."""
        return (
            f"{datetime_to_str(self.created)} {self.kind}:{self.subject}"
            f' [{self.level}] "{self.message}"'
        )

    def to_dict(self) -> Dict[str, Any]:
        """Give the parts by name, as the dashboard reads them."""
        return {
            "created": datetime_to_str(self.created),
            "subject": self.kind_subject(),
            "level": self.level,
            "message": self.message,
        }

    @classmethod
    def from_json(cls, data: str) -> OrchestratorEvent:
        """Read what ``to_json`` wrote; raises ``OrchestratorValidationError``."""
        if not isinstance(data, str):
            refuse("event", data, _FORM, OrchestratorValidationError)
        created, _, rest = data.partition(" ")
        kind, colon, rest = rest.partition(":")
        subject, bracket, rest = rest.partition(" [")
        level, quote, message = rest.partition('] "')
        if not (colon and bracket and quote and message.endswith('"')):
            raise OrchestratorValidationError(f"event: {data[:200]!r} is not one; {_FORM}")
        return cls(created, kind, subject, level, message[:-1])

    @classmethod
    def from_orch_error(cls, e: OrchestratorError) -> Optional[OrchestratorEvent]:
        """Make the event that tells an error, or None if the error names no subject."""
        if e.event_subject is None:
            return None
        kind, subject = e.event_subject
        return cls(datetime_now(), kind, subject, cls.ERROR, str(e))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrchestratorEvent):
            return NotImplemented
        return self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.created, self.kind, self.subject))

    def __repr__(self) -> str:
        return f"OrchestratorEvent.from_json({self.to_json()!r})"
