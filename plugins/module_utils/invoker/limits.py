"""What root allows beyond what is always allowed: ``/etc/ceph-orch-invoker.json``.

Only root can have written it, or nothing is run at all. Without it nothing more is allowed.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Dict, NamedTuple, Tuple

from .document import Refused

PATH = "/etc/ceph-orch-invoker.json"
_MOST_BYTES = 1 << 16
_REMEDY = "As root, correct it or remove it"


class Limits(NamedTuple):
    """What is allowed in addition.

    ``packages`` are names, ``kernel_settings`` names of sysctl, ``light_commands`` whole commands
    as lists of words, ``sysfs_roots`` other directories for /sys. ``clusters`` are the fsids that
    may be named; where it is empty, all may.
    """

    packages: Tuple[str, ...] = ()
    kernel_settings: Tuple[str, ...] = ()
    light_commands: Tuple[Tuple[str, ...], ...] = ()
    sysfs_roots: Tuple[str, ...] = ()
    clusters: Tuple[str, ...] = ()


def read_limits(path: str = PATH) -> Limits:
    """Return what root allows; raises ``Refused`` for a file that cannot be used."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return Limits()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}. {_REMEDY}.") from None
    with os.fdopen(descriptor, "rb") as stream:
        problem = problem_of(os.fstat(stream.fileno()))
        if problem:
            raise Refused(f"{path} {problem}. {_REMEDY}.")
        return limits_of(stream.read(_MOST_BYTES + 1), path)


def problem_of(state: os.stat_result) -> str:
    """Return why somebody else than root may have written a file, or an empty text."""
    if not stat.S_ISREG(state.st_mode):
        return "is not a file"
    if state.st_uid != 0:
        return "does not belong to root"
    return "may be written by others than root" if state.st_mode & 0o022 else ""


def limits_of(data: bytes, path: str = PATH) -> Limits:
    """Read the text of the file; raises ``Refused``."""
    try:
        found = json.loads(data.decode("utf-8")) if len(data) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(f"{path} does not hold a JSON object. {_REMEDY}.")
    values: Dict[str, Any] = {}
    for key, value in found.items():
        if key not in Limits._fields:
            known = ", ".join(Limits._fields)
            raise Refused(f"{path} has the key {key!a:.60}; there are {known}. {_REMEDY}.")
        if key == "light_commands" and isinstance(value, list):
            values[key] = tuple(_texts(path, key, each) for each in value)
        else:
            values[key] = _texts(path, key, value)
    return Limits(**values)


def _texts(path: str, key: str, value: Any) -> Tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        what = (
            "a list of commands, each a list of words"
            if key == "light_commands"
            else "a list of texts"
        )
        raise Refused(f"{key} in {path} does not hold {what}. {_REMEDY}.")
    return tuple(value)
