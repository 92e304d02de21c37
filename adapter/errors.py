"""The project's own errors, below the interface's ``OrchestratorError``.

::

    OrchestratorError                 (adapter.interface)
    └── AdapterError                  message + remedy + errno
        ├── InvalidValue              a field has a value that is not allowed          EINVAL
        ├── UnknownName               a host, job, device ... that is not known        ENOENT
        ├── JobElsewhere          a job whose record is on another manager's host      ENOENT
        ├── AlreadyExists             a host that is there already                     EEXIST
        ├── HostUnreachable           a host cannot be used through ssh                EHOSTUNREACH
        ├── NotReady                  no key, no hosts, not installed ...              EAGAIN
        │   ├── UnreadableRecord      a kept record says nothing that can be used
        │   └── ReportAwaited         a host is asked first, its answer is still to come
        ├── NotApplied                specs of a file that were not applied          the first's own
        ├── NotKept                   a record that could not be written             the store's own
        └── JobError                  a job did not succeed                            EIO
            ├── JobFailed             hosts failed
            ├── JobCancelled          somebody cancelled it                            ECANCELED
            ├── JobTimedOut           its deadline passed                              ETIMEDOUT
            └── JobLost               the process that ran it is gone                  ECONNABORTED

Every error is one line: what is wrong, then the remedy. All survive pickling. ``errno`` is
positive; the packages that speak to Ceph turn the sign.
"""

from __future__ import annotations

import errno
from typing import Any, Dict, Iterable, Sequence, Tuple, Type

from adapter.interface import OrchestratorError
from adapter.interface.confidential import without_secrets

_SHOWN_LENGTH = 80


def shown(value: object, field: str = "") -> str:
    """Return a value as it may stand in a message: quoted, on one line, of bounded length.

    ``field`` is what it is called; a password is not shown.
    """
    value = without_secrets(value, field)
    text = repr(value)
    if len(text) > _SHOWN_LENGTH:
        text = f"{text[:_SHOWN_LENGTH]}... ({len(str(value))} characters)"
    return text


def abridged(text: str, most: int) -> str:
    """Return a message of at most ``most`` characters; what is left out is in its middle.

    A message ends with what to do about it: nobody is helped by one that is cut before that.
    """
    if len(text) <= most:
        return text
    half = (most - 5) // 2
    head, tail = text[: most - 5 - half], text[len(text) - half :]
    head, tail = head.rpartition(" ")[0] or head, tail.partition(" ")[2] or tail
    return f"{head} ... {tail}"


def some_of(names: Iterable[str], most: int) -> str:
    """Return the first ``most`` names, and how many more there are; nothing where there is none."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f"{', '.join(listed[:most])}{more}"


def _ended(text: str, *, more: bool) -> str:
    """Return a message with one mark at its end; what others said of a reason may have had one.

    Before ``more`` words there has to be one.
    """
    text = text.rstrip()
    if text.endswith("..."):
        return text
    for twice, once in (("?.", "?"), ("!.", "!"), ("..", ".")):
        if text.endswith(twice):
            return text[: -len(twice)] + once
    return text if not more or not text or text.endswith((".", "?", "!", ":", ";")) else f"{text}."


def _rebuild(cls: Type[AdapterError], message: str, state: Dict[str, Any]) -> AdapterError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class AdapterError(OrchestratorError):
    """Say what is wrong and what to do about it.

    ``message`` and ``remedy`` are sentences; ``str()`` gives both on one line.
    """

    code: int = errno.EINVAL

    def __init__(self, message: str, remedy: str = "") -> None:
        message = _ended(message, more=bool(remedy))
        text = " ".join(f"{message} {remedy}".split())
        super().__init__(text, errno=-self.code)
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> Tuple[Any, ...]:
        return _rebuild, (type(self), str(self), dict(self.__dict__))

    def also(self, more: str) -> AdapterError:
        """Return the same error with a sentence more at its end."""
        remedy = f"{self.remedy} {more}".strip()
        text = " ".join(f"{_ended(self.message, more=True)} {remedy}".split())
        return _rebuild(type(self), text, {**self.__dict__, "remedy": remedy})


class Defect(AdapterError):
    """Say that a method ended with an error that nobody has foreseen; ``error`` is what it was."""

    code = errno.EIO

    def __init__(self, method: str, error: BaseException) -> None:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        super().__init__(
            f"An internal error ended {method} ({said}).",
            "Its traceback is in the log of the active manager: please report it. Look at what has "
            "been done before you try again.",
        )


class InvalidValue(AdapterError):
    """Refuse a value: name the field, the value, why, and what is allowed."""

    def __init__(self, field: str, value: object, reason: str, remedy: str = "") -> None:
        super().__init__(f"Invalid {field} {shown(value, field)}: {reason}.", remedy)
        self.field = field


class UnknownName(AdapterError):
    """Say that a name is not known, and how to see those that are."""

    code = errno.ENOENT

    def __init__(self, kind: str, name: object, remedy: str = "") -> None:
        super().__init__(f"There is no {kind} {shown(name)}.", remedy)


class JobElsewhere(AdapterError):
    """Say on which host the record of a job is, what is known of it, and what shows it there."""

    code = errno.ENOENT

    def __init__(self, job: str, host: str, known: str, command: str) -> None:
        super().__init__(f"Job {job} is on host {host} ({known}).", f"`{command}` shows it there.")
        self.job = job


class AlreadyExists(AdapterError):
    """Refuse to make what is there already."""

    code = errno.EEXIST


class HostUnreachable(AdapterError):
    """Say that a host cannot be used through ssh, and why."""

    code = errno.EHOSTUNREACH

    def __init__(self, host: str, reason: str, remedy: str = "", addr: str = "") -> None:
        where = f" at {shown(addr)}" if addr else ""
        super().__init__(f"Host {shown(host)}{where} cannot be reached: {reason}.", remedy)
        self.host = host


class NotReady(AdapterError):
    """Say what is missing before anything can be done."""

    code = errno.EAGAIN


class EngineAway(NotReady):
    """Say that nothing is changed while what runs the jobs does not begin any."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Nothing was changed, because jobs cannot begin: {reason.rstrip('.')}.",
            "Try again when this is over; `ceph health detail` tells.",
        )


class UnreadableRecord(NotReady):
    """Say that a kept record cannot be used; ``key`` is its name, ``reason`` why."""

    def __init__(self, key: str, reason: str, remedy: str = "") -> None:
        super().__init__(f"The record {key} cannot be used: {reason.rstrip('.')}.", remedy)
        self.key, self.reason = key, reason


class ReportAwaited(NotReady):
    """Say that hosts have been asked for a report that decides, and have not answered yet."""


class JustTakenOver(AdapterError):
    """Say that the cluster's maps may not show yet what the manager before has stopped."""


class NotKept(AdapterError):
    """Say that a record was not written; never what is in it.

    Nothing was changed then, except where the store does not answer: the remedy says so.
    ``code`` is the errno of the store's refusal.
    """

    def __init__(
        self, key: str, size: int, reason: str, remedy: str, code: int = errno.EIO
    ) -> None:
        self.code = code
        how = f" ({size} bytes)" if size else ""
        super().__init__(f"The record {key}{how} is not kept: {reason.rstrip('.')}.", remedy)
        self.key = key


class NotApplied(AdapterError):
    """Say which specs were not applied and why, and which were. ``code`` is the first one's."""

    def __init__(
        self, refused: Sequence[str], applied: Sequence[str] = (), code: int = errno.EINVAL
    ) -> None:
        self.code = code
        done = f"Applied: {'; '.join(applied)}." if applied else "Nothing of the file was applied."
        super().__init__(f"Not applied: {'; '.join(each.rstrip('.') for each in refused)}.", done)


class JobError(AdapterError):
    """Say that a job did not succeed; ``job`` is its id."""

    code = errno.EIO

    def __init__(self, job: str, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.job = job


class JobFailed(JobError):
    """Say which hosts failed and why."""


class JobCancelled(JobError):
    """Say that somebody cancelled a job."""

    code = errno.ECANCELED


class JobTimedOut(JobError):
    """Say that a job passed its deadline."""

    code = errno.ETIMEDOUT


class JobLost(JobError):
    """Say that the process that ran a job is gone without a result."""

    code = errno.ECONNABORTED
