"""One line for what ``ceph orch`` itself would answer with a traceback.

Ceph's orchestrator module reads specs before it asks any backend, and expects only two kinds of
errors there: a service type that does not exist, a host without a name or a bracket too few reach
the operator as a traceback. For what it does expect in a spec it returns the wrong sign: the
``ceph`` command prints it and ends with success.

``CleanErrors`` stands in front of the one method by which that module runs its commands, in the
memory of this ceph-mgr only. What a command takes with ``-i`` is read by our own types first:
they are what the backend reads a spec with in the end, and say what is wrong in which document.
What Ceph's code raises nevertheless becomes one line; its traceback stays in the manager's log.

Nothing here imports Ceph; ``compat`` knows which class it is, and where there is none.
"""

from __future__ import annotations

import errno
import functools
import logging
import threading
from typing import Any, Callable, Dict, List, Optional

from adapter.interface import (
    OrchestratorError,
    SpecValidationError,
    TunedProfileSpec,
    documents_from_yaml,
    json_to_generic_spec,
)
from adapter.mgr.cli_export import without_placeholders
from adapter.mgr.device_words import through_the_command

log = logging.getLogger(__name__)

Words = Dict[str, Any]

_TRACEBACK = "Traceback (most recent call last)"
_LONGEST = 400


class CleanErrors:
    """Stands in front of ``call`` of a class of commands while it is installed.

    ``commands`` is the class, None where it cannot be reached. ``wanted`` is asked at every
    command; where it says no, Ceph's own method is what is called.
    """

    def __init__(self, commands: Any, wanted: Callable[[], bool]) -> None:
        self._commands, self._wanted = commands, wanted
        self._original: Any = None
        # By thread: what the command that is under way is to be answered with. Not in a
        # `threading.local`, which Ceph gives another content when it calls another module.
        self._under_way: Dict[int, Optional[OrchestratorError]] = {}

    def refuse(self, error: OrchestratorError) -> bool:
        """Let the command that is under way in this thread end with an error.

        Tells whether there is one. For methods whose value Ceph's command does not look at, and
        whose exception the manager would take for a crash of the module.
        """
        thread = threading.get_ident()
        if thread not in self._under_way:
            return False
        self._under_way[thread] = error
        return True

    def install(self) -> None:
        """Stand in front of the class."""
        if self._commands is None:
            log.warning("the errors of ceph orch stay as this Ceph words them")
            return
        self._original = self._commands.call
        self._commands.call = self

    def remove(self) -> None:
        """Leave the class as it was, unless somebody else stands in front by now."""
        if self._commands is not None and vars(self._commands).get("call") is self:
            del self._commands.call

    def __get__(self, command: Any, owner: Optional[type] = None) -> Any:
        """Return Ceph's own method, or where it is wanted ours in front of it."""
        method = self._original.__get__(command, owner)
        try:
            in_front = command is not None and self._wanted()
        except Exception:
            log.exception("the errors of ceph orch stay as this Ceph words them")
            return method
        return functools.partial(self._answer, method) if in_front else method

    def _answer(
        self, run: Callable[..., Any], mgr: Any, words: Words, text: Optional[str] = None
    ) -> Any:
        self._under_way[threading.get_ident()] = None
        try:
            result = _answer(run, mgr, words, text)
        finally:
            error = self._under_way.pop(threading.get_ident(), None)
        if error is None:
            return result
        return -abs(error.errno or errno.EINVAL), "", " ".join(str(error).split())


def _answer(run: Callable[..., Any], mgr: Any, words: Words, text: Optional[str] = None) -> Any:
    refusal = _refusal(words, text or "")
    if refusal:
        return -errno.EINVAL, "", refusal
    try:
        result = run(mgr, through_the_command(words), text)
    except Exception as error:
        # Without this function's own frame: what is logged is Ceph's way to the error.
        trace = error.__traceback__ and error.__traceback__.tb_next
        log.error("%s failed", words.get("prefix"), exc_info=(type(error), error, trace))
        number = getattr(error, "errno", None)
        number = abs(number) if isinstance(number, int) and number else errno.EINVAL
        return -number, "", f"{words.get('prefix')}: {one_line(error)}"
    return without_placeholders(words, _with_a_negative_status(result))


def _refusal(words: Words, text: str) -> str:
    """Return why our types refuse what a command was given, or nothing."""
    try:
        _check(words, text)
    except (SpecValidationError, OrchestratorError) as error:
        return " ".join(str(error).split())
    except Exception:
        log.exception("%s: what was given cannot be checked; Ceph will", words.get("prefix"))
    return ""


def _check(words: Words, text: str) -> None:
    prefix = str(words.get("prefix"))
    read = _READERS.get(prefix)
    if read is not None and text:
        documents = documents_from_yaml(text)
        # With --continue-on-error Ceph applies the good documents and tells of the others.
        if not words.get("continue_on_error"):
            _check_documents(documents, read)
    elif prefix == "orch apply" and not text and not words.get("service_type"):
        raise SpecValidationError(
            "nothing to apply: the file given with -i is empty, or there is none;"
            " allowed: -i FILE with a spec in it, or a service type"
        )


def _check_documents(documents: List[Any], read: Callable[[Any], Any]) -> None:
    if all(document is None for document in documents):
        raise SpecValidationError(
            "no spec in the file: each document in it is empty; allowed: at least one spec"
        )
    for number, document in enumerate(documents, start=1):
        try:
            if document is not None:
                read(document)
        except (SpecValidationError, OrchestratorError) as error:
            raise SpecValidationError(f"document {number}: {error}") from None


# What reads a document of the file that a command takes with -i.
_READERS: Dict[str, Callable[[Any], Any]] = {
    "orch apply": json_to_generic_spec,
    "orch apply osd": json_to_generic_spec,
    "orch daemon add": json_to_generic_spec,
    "orch tuned-profile apply": TunedProfileSpec.from_json,
}


def one_line(error: BaseException) -> str:
    """Return an error's class and words on one line of bounded length."""
    text = str(error).strip()
    if _TRACEBACK in text:
        # What another module raised arrives as the text of its traceback; its end says what.
        text = text.splitlines()[-1]
    text = " ".join(text.split())
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _with_a_negative_status(result: Any) -> Any:
    """Return a command's answer with a status that the ``ceph`` command takes for a failure."""
    if isinstance(result, tuple) and len(result) == 3 and isinstance(result[0], int):
        return (-abs(result[0]), result[1], result[2])
    return result
