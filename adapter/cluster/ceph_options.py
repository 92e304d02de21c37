"""Ceph's own options, and whether a value is one of theirs. Pure functions.

What is read here is how the monitors (20.2) read a value that they are told to keep, so that one
they would refuse is refused before anything is kept.
"""

from __future__ import annotations

import math
import re
import uuid
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Tuple

from adapter.cluster.osd_map import read_json
from adapter.errors import InvalidValue
from adapter.interface import OrchestratorError
from adapter.kinds import kind_of

_SI: Dict[str, int] = {letter: 1000**power for power, letter in enumerate("BKMGTPE")}
_IEC: Dict[str, int] = {letter: 1024**power for power, letter in enumerate("BKMGTPE")}
_WHOLE = re.compile(r"([+-]?[0-9]{1,30})([BKMGTPE]?)")
_SIZE = re.compile(r"([0-9]{1,30})(?:([BKMGTPE])(?:B|iB?)?)?")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SPAN = re.compile(r"\s*([0-9]{1,12})\s*([A-Za-z]*)\s*")
_SECONDS = {
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "wk", "week", "weeks"), 604800),
    **dict.fromkeys(("mo", "month", "months"), 2592000),
    **dict.fromkeys(("y", "yr", "year", "years"), 31536000),
}
_LEVEL = re.compile(r"([0-9]{1,4})(?:/([0-9]{0,4}))?")


@dataclass(frozen=True)
class Option:
    """One option, as `ceph config help` describes it.

    ``runtime`` says that a daemon takes over a new value while it runs; ``flags`` are Ceph's own.
    """

    name: str
    type: str
    services: FrozenSet[str] = frozenset()
    choices: Tuple[str, ...] = ()
    least: str = ""
    most: str = ""
    runtime: bool = True
    flags: FrozenSet[str] = frozenset()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Option:
        """Read an answer of the monitors."""
        return cls(
            name=str(data["name"]),
            type=str(data.get("type", "str")),
            services=frozenset(map(str, data.get("services") or ())),
            choices=tuple(map(str, data.get("enum_values") or ())),
            least=str(data.get("min", "")),
            most=str(data.get("max", "")),
            runtime=bool(data.get("can_update_at_runtime")),
            flags=frozenset(map(str, data.get("flags") or ())),
        )

    @property
    def needs_restart(self) -> bool:
        """Tell whether a daemon has to be restarted for a new value.

        What only counts when a cluster or a daemon is made is not changed by a restart either.
        """
        return not self.runtime and not self.flags & {"create", "cluster_create"}

    def parse(self, text: str) -> Any:
        """Return what the monitors make of a value; raises ``ValueError`` with the reason."""
        value = _PARSERS.get(self.type, _any)(text)
        if self.choices and text not in self.choices:
            raise ValueError("it is not one of the allowed values")
        if self.name.startswith("debug_") and self.type == "str":
            value = _level(text)
        if isinstance(value, str):
            return value
        if self.least and value < float(self.least):
            raise ValueError(f"it is less than {self.least}")
        if self.most and value > float(self.most):
            raise ValueError(f"it is more than {self.most}")
        return value

    def allowed(self) -> str:
        """Return in words which values there are."""
        if self.choices:
            return f"Allowed: {', '.join(self.choices)}."
        if self.name.startswith("debug_"):
            return "Allowed: a level from 0 to 99, or two as in 1/5."
        what = _IN_WORDS.get(self.type, "a text")
        if self.least and self.most:
            return f"Allowed: {what} from {self.least} to {self.most}."
        if self.least or self.most:
            bound = f"at least {self.least}" if self.least else f"at most {self.most}"
            return f"Allowed: {what}, {bound}."
        return f"Allowed: {what}."

    def same(self, one: str, other: str) -> bool:
        """Tell whether two values mean the same to Ceph."""
        if one == other:
            return True
        try:
            return bool(self.parse(one) == self.parse(other))
        except ValueError:
            return False


def check_value(option: Option, value: Any, kind: str) -> None:
    """Raise ``InvalidValue`` for a value of ``config`` that cannot be a daemon's of a kind."""
    field = f"config {option.name}"
    if "no_mon_update" in option.flags:
        raise InvalidValue(
            field,
            value,
            "the monitors keep no value of this option",
            "Leave it out, and set it in /etc/ceph/ceph.conf of the hosts.",
        )
    services = frozenset(("mgr",)) if option.name.startswith("mgr/") else option.services
    if services and not services & kind_of(kind).reads:
        raise InvalidValue(
            field,
            value,
            f"it is an option of {', '.join(sorted(services))}, a {kind} daemon does not read it",
            "Leave it out, or give it to the service that it is for.",
        )
    try:
        option.parse(value_text(field, value))
    except ValueError as error:
        raise InvalidValue(field, value, str(error), option.allowed()) from None


def value_text(field: str, value: Any) -> str:
    """Return a value of ``config`` as the monitors are told it; raises ``InvalidValue``."""
    if value is None or isinstance(value, (dict, list, tuple, set)):
        raise InvalidValue(field, value, "it is not a single value", "Give a text or a number.")
    return str(value)


def read_option(answer: str) -> Option:
    """Read an answer of `config help`; raises ``OrchestratorError``."""
    data = read_json(answer, "config help")
    if not isinstance(data, dict) or "name" not in data:
        raise OrchestratorError("config help: the answer names no option")
    return Option.read(data)


def read_settings(rows: Any) -> Dict[Tuple[str, str], str]:
    """Return the values of `config dump` by section and option, without those of a mask."""
    found: Dict[Tuple[str, str], str] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and not row.get("mask"):
            found[str(row.get("section")), str(row.get("name"))] = str(row.get("value", ""))
    return found


def _bool(text: str) -> bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError("it is neither true nor false")
    return bool(int(text))


def _int(text: str) -> int:
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise ValueError("it is not a whole number")
    value = int(found.group(1)) * _SI[found.group(2) or "B"]
    if not -(2**63) <= value < 2**63:
        raise ValueError("it does not fit into 64 bits")
    return value


def _uint(text: str) -> int:
    value = _int(text)
    if value < 0:
        raise ValueError("it is negative")
    return value


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError("it is not a size")
    value = int(found.group(1)) * _IEC[found.group(2) or "B"]
    if value >= 2**63:
        raise ValueError("it does not fit into 64 bits")
    return value


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError("it is not a number")
    value = float(text)
    if math.isinf(value):
        raise ValueError("it is too large")
    # The monitors keep six digits.
    return round(value, 6)


def _seconds(text: str) -> int:
    total, place = 0, 0
    while place < len(text):
        found = _SPAN.match(text, place)
        if found is None or found.group(2) not in _SECONDS:
            raise ValueError("it is not a duration")
        total += int(found.group(1)) * _SECONDS[found.group(2)]
        place = found.end()
    if not text.strip():
        raise ValueError("it is not a duration")
    return total


def _milliseconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValueError("it is not a whole number of milliseconds")
    return int(text)


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("it is not a UUID") from None


def _level(text: str) -> str:
    found = _LEVEL.fullmatch(text)
    if found is None:
        raise ValueError("it is neither a level nor two levels as in 1/5")
    levels: List[int] = [int(found.group(1)), int(found.group(2) or found.group(1))]
    if max(levels) > 99:
        raise ValueError("a level is more than 99")
    return f"{levels[0]}/{levels[1]}"


def _any(text: str) -> str:
    return text


_PARSERS: Dict[str, Callable[[str], Any]] = {
    "bool": _bool,
    "int": _int,
    "uint": _uint,
    "size": _size,
    "float": _float,
    "secs": _seconds,
    "millisecs": _milliseconds,
    "uuid": _uuid,
}
_IN_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "uint": "a whole number that is not negative",
    "size": "a size in bytes, as in 4096, 64K or 4G",
    "float": "a number",
    "secs": "a number of seconds, or a time as in 5m or 1h",
    "millisecs": "a whole number of milliseconds",
    "addr": "an address",
    "addrvec": "addresses",
    "uuid": "a uuid",
}
