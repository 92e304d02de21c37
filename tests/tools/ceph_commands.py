"""Which commands a Ceph cluster with this backend knows, and whether a given one is among them.

The list is recorded from the lab (Ceph 20.2): ``LAB=demo python -m tests.tools.ceph_commands``
writes it anew. One line per command: its words, then `NAME` for what it needs, `[NAME]` for what
it may have, `NAME...` for a list, `NAME=a|b` for a choice, `--name=` for what has to be named, and
`--name` for what is on or off.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "fixtures" / "ceph_commands.txt"
LAB = ROOT / "tests" / "lab" / "lab"
# Of the manager's module rgw, which is in a package that the lab does not have.
OF_RGW = (
    "rgw realm bootstrap [--realm_name=] [--zonegroup_name=] [--zone_name=] [--port=] "
    "[--placement=]",
    "rgw realm tokens",
    "rgw zone create",
)
# What the program `ceph` takes itself, with how many values.
OWN_OPTIONS = {
    "--connect-timeout": 1,
    "--format": 1,
    "--in-file": 1,
    "--out-file": 1,
    "--status": 0,
    "-f": 1,
    "-i": 1,
    "-o": 1,
    "-s": 0,
}
# A value that stands for any other one: ID, osd.NAME, {path}.
_PLACEHOLDER = re.compile(r".*([A-Z]{1,}|\{\w+\}).*")
_ASK = (
    "import json, rados; r = rados.Rados(conffile='/etc/ceph/ceph.conf'); r.connect(); "
    "print(r.mon_command(json.dumps({'prefix': 'get_command_descriptions', "
    "'format': 'json'}), b'')[1].decode())"
)


@dataclass(frozen=True)
class Argument:
    """An argument of a command. ``values`` are those that it can have; none: any."""

    name: str
    needed: bool = True
    many: bool = False
    named: bool = False
    flag: bool = False
    values: Tuple[str, ...] = ()

    def __str__(self) -> str:
        values = "|".join(self.values)
        if self.named or self.flag:
            text = f"--{self.name}" + ("" if self.flag else f"={values}")
        else:
            text = self.name.upper() + (f"={values}" if values else "")
        text += "..." if self.many else ""
        return text if self.needed else f"[{text}]"


@dataclass(frozen=True)
class Signature:
    """A command with its arguments."""

    words: Tuple[str, ...]
    arguments: Tuple[Argument, ...] = ()

    def __str__(self) -> str:
        return " ".join([*self.words, *map(str, self.arguments)])

    def problem(self, given: Sequence[str], *, whole: bool) -> str:
        """Return why these words, those of the command aside, are not one of it.

        ``whole`` says that nothing may be missing.
        """
        rest, options = list(given), {each.name: each for each in self.arguments}
        values: List[str] = []
        seen: List[str] = []
        while rest:
            word = rest.pop(0)
            if word in OWN_OPTIONS:
                del rest[: OWN_OPTIONS[word]]
            elif word.startswith("--"):
                name, has_value, _ = word[2:].replace("-", "_").partition("=")
                if name not in options:
                    return f"there is no option --{name}"
                seen.append(name)
                if not options[name].flag and not has_value:
                    del rest[:1]
            else:
                values.append(word)
        return self._of_values(values, seen, whole=whole)

    def _of_values(self, values: List[str], seen: List[str], *, whole: bool) -> str:
        for each in self.arguments:
            if each.named or each.flag or each.name in seen:
                continue
            taken = values[:] if each.many else values[:1]
            del values[: len(taken)]
            if each.needed and whole and not taken:
                return f"{each.name} is missing"
            for value in taken:
                if each.values and value not in each.values and not _PLACEHOLDER.match(value):
                    return f"{each.name} cannot be {value}"
        return f"{values[0]} is one word too many" if values else ""


def of_ceph(rows: Mapping[str, Any]) -> List[Signature]:
    """Return the signatures of what Ceph's ``get_command_descriptions`` answers."""
    found = []
    for each in rows.values():
        words = tuple(word for word in each["sig"] if isinstance(word, str))
        arguments = tuple(_argument(row) for row in each["sig"] if not isinstance(row, str))
        found.append(Signature(words, arguments))
    return sorted(found, key=str)


def _argument(row: Mapping[str, Any]) -> Argument:
    flag = row["type"] == "CephBool"
    return Argument(
        row["name"],
        needed=row.get("req", True) not in (False, "false"),
        many=row.get("n") == "N",
        named=row.get("positional", True) in (False, "false") and not flag,
        flag=flag,
        values=tuple(value for value in row.get("strings", "").split("|") if value),
    )


def read(text: str) -> List[Signature]:
    """Return the signatures of a recorded list."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [_read_line(line) for line in lines]


def _read_line(line: str) -> Signature:
    parts = line.split()
    is_word = [re.fullmatch("[a-z0-9_][a-z0-9_.-]*", part) is not None for part in parts]
    count = len(parts) if all(is_word) else is_word.index(False)
    return Signature(tuple(parts[:count]), tuple(_read_argument(part) for part in parts[count:]))


def _read_argument(part: str) -> Argument:
    bare = part.strip("[]")
    name, is_given, values = bare.removesuffix("...").partition("=")
    has_dashes = name.startswith("--")
    return Argument(
        name[2:] if has_dashes else name.lower(),
        needed=not part.startswith("["),
        many=bare.endswith("..."),
        named=has_dashes and bool(is_given),
        flag=has_dashes and not is_given,
        values=tuple(value for value in values.split("|") if value),
    )


def recorded() -> List[Signature]:
    """Return the signatures of the recorded list, and those of the module rgw."""
    return [*read(RECORDED.read_text(encoding="utf-8")), *map(_read_line, OF_RGW)]


def problem(words: Sequence[str], known: Sequence[Signature], *, whole: bool) -> str:
    """Return why ``ceph WORDS`` is no command that is known.

    Without ``whole`` the beginning of a command is enough, as in a sentence about it.
    """
    bare = [word for word in words if word]
    while bare and bare[0] in OWN_OPTIONS:
        del bare[: 1 + OWN_OPTIONS[bare[0]]]
    if not bare:
        return ""
    if not whole and any(list(each.words[: len(bare)]) == bare for each in known):
        return ""
    fitting = [each for each in known if list(each.words) == bare[: len(each.words)]]
    if not fitting:
        return "there is no such command"
    reasons: Dict[str, int] = {}
    for each in fitting:
        reason = each.problem(bare[len(each.words) :], whole=whole)
        if not reason:
            return ""
        reasons[reason] = max(reasons.get(reason, 0), len(each.words))
    return max(reasons, key=lambda reason: reasons[reason])


def verbs_of(words: Sequence[str], known: Sequence[Signature]) -> List[str]:
    """Return the words of the commands that these may be, the longest first."""
    found = {each.words for each in known if list(each.words) == list(words[: len(each.words)])}
    return [" ".join(each) for each in sorted(found, key=len, reverse=True)]


def of_lab(name: str = "") -> List[Signature]:
    """Return the signatures of a running lab, by default of the one that LAB names."""
    return of_ceph(described(name))


def described(name: str = "") -> Dict[str, Any]:
    """Return how a running lab's cluster describes its commands, by numbers."""
    argv = [sys.executable, str(LAB), "--name", name or os.environ.get("LAB") or "demo"]
    done = subprocess.run(
        [*argv, "ssh", "h1", "--", "python3", "-c", _ASK],
        capture_output=True,
        text=True,
        check=True,
    )
    rows: Dict[str, Any] = json.loads(done.stdout)
    return rows


def as_text(found: Sequence[Signature]) -> str:
    """Return the list as it is recorded."""
    head = "# The commands of a Ceph 20.2 with this backend; see tests/tools/ceph_commands.py.\n"
    return head + "".join(f"{each}\n" for each in found)


if __name__ == "__main__":
    RECORDED.write_text(as_text(of_lab()), encoding="utf-8")
