"""The users of an SMB service: what its Samba reads of them. Pure functions.

Samba wants each of its users to be one of the system, so its unit has a list of its own in the
place of ``/etc/passwd``: hosts' own users are none of Samba's, and no host gets others. Nothing
needs to be told of a password: Samba looks into its file each time that somebody comes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Sequence

from adapter.errors import InvalidValue
from adapter.kinds._smb_hashes import nt_hash, number_of
from adapter.kinds._smb_texts import entries, read, wrong

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HASH = re.compile(r"[0-9A-Fa-f]{32}")
_MOST = 2**31 - 1000
# Who is there beside them: Samba itself, and guests.
_SYSTEM_USERS = (
    "root:x:0:0:root:/:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
)
_SYSTEM_GROUPS = "root:x:0:\nnogroup:x:65534:\n"
_TAKEN = frozenset(("root", "nobody", "nogroup"))
# The account of a person whose password stays as it is. Somebody has set it: when does not matter.
_ACCOUNT = "[UX         ]:LCT-00000001:"


@dataclass(frozen=True)
class Users:
    """The users and groups, as lines of files."""

    passwd: str
    group: str
    smbpasswd: str


@dataclass(frozen=True)
class _Entry:
    name: str
    number: int
    group: int
    secret: str = ""


def users_of(spec: Any, texts: Mapping[str, str]) -> Users:
    """Return the users of the spec's sources; raises ``InvalidValue``."""
    groups: Dict[str, _Entry] = {}
    users: Dict[str, _Entry] = {}
    for place in spec.user_sources or ():
        data = read("user_sources", place, texts)
        for row in entries(data, "groups"):
            _add(groups, _group(row), place)
        for row in entries(data, "users"):
            _add(users, _user(place, row), place)
    _check_numbers(list(users.values()), "users")
    _check_numbers(list(groups.values()), "groups")
    lines = {each.number: each.name for each in groups.values()}
    for each in users.values():
        # Who is in no group is in one of the same name.
        if each.group not in lines and each.name.lower() in groups:
            raise _refused(each.name, "a user and a group have this name")
        lines.setdefault(each.group, each.name)
    return Users(
        _SYSTEM_USERS + "".join(map(_passwd_line, users.values())),
        _SYSTEM_GROUPS + "".join(f"{name}:x:{number}:\n" for number, name in lines.items()),
        "".join(map(_smbpasswd_line, users.values())),
    )


def _passwd_line(user: _Entry) -> str:
    return f"{user.name}:x:{user.number}:{user.group}::/:/usr/sbin/nologin\n"


def _smbpasswd_line(user: _Entry) -> str:
    return f"{user.name}:{user.number}:{'X' * 32}:{user.secret}:{_ACCOUNT}\n"


def _user(place: str, row: Mapping[str, Any]) -> _Entry:
    name = _name(row)
    number = _number(row, "uid", name)
    return _Entry(name, number, _number(row, "gid", name, number), _secret(place, name, row))


def _group(row: Mapping[str, Any]) -> _Entry:
    name = _name(row)
    # Not the one of a user of this name.
    number = _number(row, "gid", f"@{name}")
    return _Entry(name, number, number)


def _name(row: Mapping[str, Any]) -> str:
    name = row.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _refused(
            name,
            "this backend takes no such name of a user or group",
            "Use at most 64 letters, digits, '.', '_' and '-'.",
        )
    if name.lower() in _TAKEN:
        raise _refused(name, "each host has one of this name")
    return name


def _number(row: Mapping[str, Any], key: str, name: str, default: int = -1) -> int:
    """Return the number of an entry: its own, or the one that follows from its name."""
    given = row.get(key)
    if given in (None, ""):
        return number_of(name) if default < 0 else default
    text = str(given)
    number = int(text) if text.isdigit() and len(text) < 12 else 0
    if not 1 <= number <= _MOST or number == 65534:
        raise _refused(given, f"it cannot be the {key} of {name}", f"Give 1 to {_MOST}.")
    return number


def _secret(place: str, name: str, row: Mapping[str, Any]) -> str:
    """Return the NT hash of a password; the password itself is in no message."""
    given, password = row.get("nt_hash"), row.get("password")
    if isinstance(given, str) and _HASH.fullmatch(given):
        return given.upper()
    if given or not isinstance(password, str) or not password:
        raise wrong("user_sources", place, f"the user {name} has no password")
    return nt_hash(password)


def _add(found: Dict[str, _Entry], entry: _Entry, place: str) -> None:
    if entry.name.lower() in found:
        raise wrong("user_sources", place, f"{entry.name} is there twice")
    found[entry.name.lower()] = entry


def _check_numbers(found: Sequence[_Entry], what: str) -> None:
    """Refuse two with one number: one would have the other's files."""
    numbers: Dict[int, List[str]] = {}
    for each in found:
        numbers.setdefault(each.number, []).append(each.name)
    for names in numbers.values():
        if len(names) > 1:
            raise _refused(
                ", ".join(names), f"these {what} have the same number", "Give one another number."
            )


def _refused(value: Any, reason: str, remedy: str = "Use another one.") -> InvalidValue:
    return InvalidValue("user_sources", value, reason, remedy)
