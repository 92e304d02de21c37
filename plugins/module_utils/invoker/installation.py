"""Put the invoker on a host, with the one rule of sudo for it, or take both away."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ..system.command import find_program, last_line, run
from ..system.reading import clean
from .document import Refused
from .limits import PATH as LIMITS
from .limits import limits_of
from .surroundings import who_may_write

INVOKER = "/usr/local/libexec/ceph-orch-invoker"
RULE = "/etc/sudoers.d/ceph-orch-invoker"
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_TIMEOUT = 20.0
# The rule as `sudo -l` shows it.
_OWN = f'(root) NOPASSWD: {INVOKER} ""'
# Settings of sudo with which a program of root reads variables that the user has set.
_OPEN = re.compile(
    r"""(?<![\w!])(?:!env_reset|setenv|env_keep\+?="?[^",]*(?:LD_|PYTHON|PATH|\*)[^",]*"?|!secure_path)(?!\w)"""
)
_MODES = {INVOKER: 0o700, RULE: 0o440, LIMITS: 0o644}


class CannotInstall(Exception):
    """Say why the invoker cannot be installed."""


class File(NamedTuple):
    """A file as it shall be; ``content`` None is for one that shall not be there."""

    path: str
    content: Optional[bytes]

    @property
    def verb(self) -> str:
        """Return what has to be done for it: make, change, remove or nothing."""
        try:
            state = os.lstat(self.path)
        except FileNotFoundError:
            return "make" if self.content is not None else ""
        if self.content is None:
            return "remove"
        as_wanted = (state.st_uid, state.st_gid, state.st_mode & 0o7777) == (0, 0, self.mode)
        if os.path.islink(self.path) or not as_wanted or _read(self.path) != self.content:
            return "change"
        return ""

    @property
    def mode(self) -> int:
        """Return its permissions."""
        return _MODES[self.path]

    def put(self) -> None:
        """Write it so that nobody sees half of it, or remove it; raises ``OSError``."""
        if self.content is None:
            os.unlink(self.path)
            return
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        # sudo reads no file with a dot in its name, so a half-written rule never holds.
        temporary = f"{self.path}.{os.getpid()}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as stream:
                stream.write(self.content)
                os.fchown(stream.fileno(), 0, 0)
                os.fchmod(stream.fileno(), self.mode)
                stream.flush()
                os.fsync(stream.fileno())
            if self.path == RULE:
                _check_rule(temporary)
            os.replace(temporary, self.path)
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)


def rule_of(user: str) -> str:
    """Return the only line of sudo's rule; the empty text at its end forbids arguments."""
    return f'{user} ALL=(root) NOPASSWD: {INVOKER} ""\n'


def digest_of(path: str = INVOKER) -> str:
    """Return the digest of the installed invoker, an empty text where there is none."""
    content = _read(path)
    return hashlib.sha256(content).hexdigest() if content is not None else ""


def check_user(user: str) -> None:
    """Refuse what cannot be the user that logs in; raises ``CannotInstall``."""
    if not _USER.fullmatch(user) or user == "root":
        raise CannotInstall(
            f"Invalid user {clean(user)!r}: give the user that logs in to this host, not root."
        )


def check_host(python: str) -> None:
    """Refuse a host without sudo, or whose interpreter others can replace."""
    if not find_program("visudo"):
        raise CannotInstall("There is no sudo on this host. Install the package sudo.")
    problem = who_may_write(os.path.realpath(python))
    if problem:
        raise CannotInstall(f"{clean(python)} cannot run the invoker: {problem}.")
    place = os.path.dirname(INVOKER)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    problem = who_may_write(place)
    if problem:
        raise CannotInstall(f"{INVOKER} cannot be installed there: {problem}.")


def wanted_limits(limits: Optional[Mapping[str, Any]]) -> List[File]:
    """Return the file of what root allows besides; none where nothing was said of it."""
    if limits is None:
        return []
    text = json.dumps(limits, indent=2, sort_keys=True) + "\n"
    try:
        limits_of(text.encode())
    except Refused as refused:
        raise CannotInstall(f"Invalid limits: {refused}") from None
    return [File(LIMITS, text.encode())]


def other_rules(user: str) -> List[str]:
    """Return what else sudo lets a user do, as sudo lists it; nothing where it does not tell."""
    return read_other_rules(run([find_program("sudo"), "-n", "-l", "-U", user], _TIMEOUT).out)


def read_other_rules(listed: str) -> List[str]:
    """Return from the list of sudo what is not the invoker's own rule, each whole.

    Settings are among them that let the user's environment reach what sudo runs.
    """
    defaults, found, rest = listed.partition("may run the following commands")
    lines = [" ".join(line.split()) for line in rest.splitlines()[1:]] if found else []
    rules = [line for line in lines if line and line != _OWN]
    _, _, settings = " ".join(defaults.split()).partition("Defaults entries for ")
    named = [f"Defaults {each}" for each in _OPEN.findall(settings)]
    return [clean(line) for line in [*rules, *named]]


def describe(files: List[File]) -> List[str]:
    """Return a line for each file that has to be changed."""
    return [f"{file.verb} {file.path}" for file in files if file.verb]


def _check_rule(path: str) -> None:
    answer = run([find_program("visudo"), "-c", "-f", path], _TIMEOUT)
    if answer.problem:
        said = clean(last_line(answer.err) or last_line(answer.out) or answer.problem)
        raise CannotInstall(f"sudo does not accept the rule for {RULE}: {said}.")


def _read(path: str) -> Optional[bytes]:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def states(changes: List[str], absent: bool, check_mode: bool) -> Dict[str, Any]:
    """Return what is published of it."""
    done = "removed" if absent else "installed"
    state = ("would be " if check_mode else "") + done
    return {"state": state if changes else ("absent" if absent else "present"), "changes": changes}
