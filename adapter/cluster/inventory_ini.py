"""An Ansible inventory in INI: ``[group]``, ``[group:children]``, ``[group:vars]``. Pure."""

from __future__ import annotations

import re
import shlex
from typing import Dict, List, Tuple

from adapter.cluster.inventory_groups import UNGROUPED, Groups
from adapter.cluster.inventory_ranges import expanded
from adapter.errors import InvalidValue

_SECTION = re.compile(r"\[([^\]:]+)(?::([^\]]*))?\]\s*(?:[#;].*)?")
_PORT = re.compile(r"(?P<name>[^:]+|\[[0-9A-Fa-f:]+\]):(?P<port>[0-9]{1,5})")
_QUOTED = re.compile(r"(['\"])(.*)\1")
_REMEDY = "Correct the file, or give what `ansible-inventory -i FILE --list` prints."


def read_ini(text: str) -> Groups:
    """Read an inventory; raises ``InvalidValue`` with the number of the line."""
    groups, section, what = Groups(), UNGROUPED, "hosts"
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            head = _SECTION.fullmatch(line)
            if head is None or (head.group(2) or "hosts") not in ("hosts", "children", "vars"):
                raise _wrong(number, line, "it is no [group], [group:children] or [group:vars]")
            section, what = head.group(1).strip(), head.group(2) or "hosts"
            groups.group(section)
        elif what == "vars":
            name, value = _variable(number, line)
            groups.group(section).variables[name] = value
        elif what == "children":
            groups.group(section).children.add(_words(number, line)[0])
        else:
            names, variables = _host(number, line)
            for name in names:
                groups.add(section, name, variables)
    return groups


def _host(number: int, line: str) -> Tuple[List[str], Dict[str, str]]:
    """Return the hosts that a line means, and their variables."""
    pattern, *rest = _words(number, line)
    variables: Dict[str, str] = {}
    outside = re.sub(r"\[[^\]]*\]", "x", pattern)
    port = _PORT.fullmatch(outside)
    if port is not None:
        pattern = pattern.rpartition(":")[0]
        variables["ansible_port"] = port.group("port")
    for word in rest:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise _wrong(number, line, f"{word!r} is no NAME=VALUE")
        variables[name] = value
    try:
        return expanded(pattern), variables
    except InvalidValue as error:
        raise InvalidValue("inventory", f"line {number}", str(error), "") from None


def _variable(number: int, line: str) -> Tuple[str, str]:
    name, separator, value = line.partition("=")
    if not separator or not name.strip():
        raise _wrong(number, line, "it is no NAME=VALUE")
    value = value.strip()
    quoted = _QUOTED.fullmatch(value)
    return name.strip(), quoted.group(2) if quoted else value


def _words(number: int, line: str) -> List[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        raise _wrong(number, line, "a quotation mark has no second one") from None
    if not words:
        raise _wrong(number, line, "it is empty")
    return words


def _wrong(number: int, line: str, reason: str) -> InvalidValue:
    # What stands in a line may be a password: only its first word is shown.
    first = re.split(r"[\s=]", line, maxsplit=1)[0][:60]
    return InvalidValue("inventory", f"line {number}: {first}", reason, _REMEDY)
