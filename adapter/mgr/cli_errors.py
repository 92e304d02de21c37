"""One line for what ``ceph orch`` itself would answer with a traceback.

Ceph's orchestrator module reads specs before it asks any backend, and expects only two kinds of
errors there: a service type that does not exist, a host without a name or a bracket too few reach
the operator as a traceback. For what it does expect in a spec it returns the wrong sign: the
``ceph`` command prints it and ends with success.

``CleanErrors`` stands in front of the one method by which that module runs its commands, in the
memory of this ceph-mgr only. What a command takes with ``-i`` is read by our own types first:
they are what the backend reads a spec with in the end, and say what is wrong in which document.
What Ceph's code raises nevertheless becomes one line; its traceback stays in the manager's log.

A dry run changes nothing: Ceph calls the backend's ``apply`` before it asks for the plan, and tells
it nothing of hosts. Whoever is called meanwhile can ask ``under_way`` what the command is.

Nothing here imports Ceph; ``compat`` knows which class it is, and where there is none.
"""

from __future__ import annotations

import errno
import functools
import logging
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional

from adapter.cluster.spec_file import Services, SpecFile, read_spec_file
from adapter.errors import abridged
from adapter.interface import (
    HostSpec,
    OrchestratorError,
    SpecValidationError,
    TunedProfileSpec,
    json_to_generic_spec,
)
from adapter.mgr.cli_export import as_specs
from adapter.mgr.device_words import through_the_command

log = logging.getLogger(__name__)

Words = Dict[str, Any]

_TRACEBACK = "Traceback (most recent call last)"
_LONGEST = 600


@dataclass
class UnderWay:
    """A command that is being answered.

    ``error`` is what it is to be answered with in place of Ceph's answer. ``refused`` says of a dry
    run what cannot be applied, ``planned`` whether anything else is left. ``hosts`` are those of
    its file, as our types read them.
    """

    words: Words
    error: Optional[OrchestratorError] = None
    refused: List[str] = field(default_factory=list)
    planned: bool = True
    hosts: Dict[str, HostSpec] = field(default_factory=dict)

    @property
    def dry_run(self) -> bool:
        """Tell whether nothing is to be changed."""
        return bool(self.words.get("dry_run"))

    @property
    def no_overwrite(self) -> bool:
        """Tell whether what is there is to be left alone."""
        return bool(self.words.get("no_overwrite"))


class CleanErrors:
    """Stands in front of ``call`` of a class of commands while it is installed.

    ``commands`` is the class, None where it cannot be reached. ``wanted`` is asked at every
    command; where it says no, Ceph's own method is what is called, without a frame of ours.
    ``services`` gives what is known of services.
    """

    def __init__(
        self,
        commands: Any,
        wanted: Callable[[], bool],
        services: Callable[[], Optional[Services]] = lambda: None,
    ) -> None:
        self._commands, self._services = commands, services
        self._wanted = wanted
        self._original: Any = None
        # By thread: the command that is under way. Not in a `threading.local`, which Ceph gives
        # another content when it calls another module.
        self._under_way: Dict[int, UnderWay] = {}

    def under_way(self) -> Optional[UnderWay]:
        """Return the command that is under way in this thread."""
        return self._under_way.get(threading.get_ident())

    def refuse(self, error: OrchestratorError) -> bool:
        """Let the command that is under way in this thread end with an error.

        Tells whether there is one. For methods whose value Ceph's command does not look at, and
        whose exception the manager would take for a crash of the module.
        """
        command = self.under_way()
        if command is None:
            return False
        command.error = error
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
        return functools.partial(self._call, method) if in_front else method

    def _call(self, run: Callable[..., Any], mgr: Any, words: Words, text: Any = None) -> Any:
        """Answer a command; while it is, it can be asked what it is."""
        command = UnderWay(words)
        self._under_way[threading.get_ident()] = command
        try:
            result = _answer(run, mgr, command, text, self._services)
        finally:
            self._under_way.pop(threading.get_ident(), None)
        error = command.error
        if error is None:
            return result
        return -abs(error.errno or errno.EINVAL), "", " ".join(str(error).split())


def _answer(
    run: Callable[..., Any],
    mgr: Any,
    command: UnderWay,
    text: Optional[str],
    services: Callable[[], Optional[Services]],
) -> Any:
    try:
        file = _read_file(command.words, text, services)
    except (SpecValidationError, OrchestratorError) as error:
        return -errno.EINVAL, "", _in_one_line(str(error))
    if file is None:
        return _with_more(_run(run, mgr, command.words, text), command, [])
    in_spite = bool(command.words.get("continue_on_error"))
    if file.errors and not command.dry_run and not in_spite:
        return -errno.EINVAL, "", "\n".join(map(_in_one_line, file.errors))
    command.refused += file.errors if command.dry_run else []
    command.hosts = {each.hostname: each for each in file.specs if isinstance(each, HostSpec)}
    result: Any = (0, "", "")
    if file.specs or in_spite:
        result = _run(run, mgr, command.words, file.text(refused=in_spite))
    return _with_more(result, command, file.notes)


def _run(run: Callable[..., Any], mgr: Any, words: Words, text: Optional[str]) -> Any:
    """Let Ceph answer a command; what it raises becomes one line."""
    try:
        result = run(mgr, through_the_command(words), text)
    except Exception as error:
        # Without this function's own frame: what is logged is Ceph's way to the error.
        trace = error.__traceback__ and error.__traceback__.tb_next
        log.error("%s failed", words.get("prefix"), exc_info=(type(error), error, trace))
        number = getattr(error, "errno", None)
        number = abs(number) if isinstance(number, int) and number else errno.EINVAL
        return -number, "", f"{words.get('prefix')}: {one_line(error)}"
    return as_specs(words, _with_a_negative_status(result))


def _with_more(result: Any, command: UnderWay, notes: List[str]) -> Any:
    """Return a command's answer with what was refused, or with what was passed over.

    The `ceph` command prints what there is for the others, and the errors beside it.
    """
    if not isinstance(result, tuple) or len(result) != 3 or result[0] < 0:
        return result
    if command.refused:
        shown = result[1] if command.planned else ""
        return -errno.EINVAL, shown, "\n".join(map(_in_one_line, command.refused))
    if not notes:
        return result
    return result[0], result[1], "\n".join([*filter(None, [result[2]]), *notes])


def _read_file(
    words: Words, text: Optional[str], services: Callable[[], Optional[Services]]
) -> Optional[SpecFile]:
    """Return the file that a command was given; None where it takes none, or Ceph is to read it.

    Raises what speaks against the file as a whole.
    """
    prefix = str(words.get("prefix"))
    read = _READERS.get(prefix)
    if read is None or not text:
        if prefix == "orch apply" and not text and not words.get("service_type"):
            raise SpecValidationError(
                "nothing to apply: the file given with -i is empty, or there is none;"
                " allowed: -i FILE with a spec in it, or a service type"
            )
        return None
    try:
        known = services()
        # With --continue-on-error what Ceph refuses is left to Ceph, document by document.
        check = known.config_problem if known and not words.get("continue_on_error") else _nothing
        file = read_spec_file(text, read=read, services=known, check=check)
    except (SpecValidationError, OrchestratorError):
        raise
    except Exception:
        log.exception("%s: the input cannot be checked here, only by Ceph", prefix)
        return None
    if not file.documents and not words.get("continue_on_error"):
        raise SpecValidationError(
            "no spec in the file: each document in it is empty; allowed: at least one spec"
        )
    return file


# What reads a document of the file that a command takes with -i.
_READERS: Dict[str, Callable[[Any], Any]] = {
    "orch apply": json_to_generic_spec,
    "orch apply osd": json_to_generic_spec,
    "orch daemon add": json_to_generic_spec,
    "orch tuned-profile apply": TunedProfileSpec.from_json,
}


def _nothing(spec: Any) -> str:
    """Return that nothing is wrong with a spec."""
    return ""


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def one_line(error: BaseException) -> str:
    """Return an error's class and words on one line of bounded length."""
    text = str(error).strip()
    if _TRACEBACK in text:
        # What another module raised arrives as the text of its traceback; its end says what.
        text = text.splitlines()[-1]
    text = " ".join(text.split())
    text = abridged(text, _LONGEST)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _with_a_negative_status(result: Any) -> Any:
    """Return a command's answer with a status that the ``ceph`` command takes for a failure."""
    if isinstance(result, tuple) and len(result) == 3 and isinstance(result[0], int):
        return (-abs(result[0]), result[1], result[2])
    return result
