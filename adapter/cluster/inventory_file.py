"""An Ansible inventory as hosts are taken over from it. Pure functions.

One file, in INI or YAML, or what `ansible-inventory --list` prints. No template is evaluated, no
vault is opened, no program is run: what would need that is named.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple

from adapter import names
from adapter.cluster.inventory_groups import Groups
from adapter.cluster.inventory_ini import read_ini
from adapter.cluster.inventory_ranges import MOST
from adapter.cluster.inventory_yaml import Encrypted, read_yaml
from adapter.cluster.report_rows import text
from adapter.errors import InvalidValue, some_of
from adapter.kinds import KINDS

LONGEST = 4 * 1024 * 1024
# Where ssh is asked for, whatever name it goes by.
_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh")
_HOST, _PORT, _USER, _CONNECTION = (
    ("ansible_host", "ansible_ssh_host"),
    ("ansible_port", "ansible_ssh_port"),
    ("ansible_user", "ansible_ssh_user"),
    ("ansible_connection",),
)
# Of these nothing is lost: Python is looked for on the host.
_NEEDLESS = frozenset(("ansible_python_interpreter", "ansible_become"))
# ceph-ansible's groups (mons, rbdmirrors), as the kinds of daemons are called.
_KIND_OF_GROUP = {f"{kind.replace('-', '')}s": kind for kind in (*KINDS, "osd")}
_YAML_LINE = re.compile(r"[^\s\[\]=#]+\s*:(\s.*)?|['\"].*['\"]\s*:(\s.*)?")
_LIST = "give what `ansible-inventory -i FILE --list` prints"


@dataclass(frozen=True)
class Listed:
    """A host of an inventory.

    ``addr`` is where Ansible reaches it, empty where that is its name. ``labels`` come from its
    groups. ``refused`` says why it cannot be reached as the inventory says.
    """

    name: str
    addr: str = ""
    labels: Tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Inventory:
    """The hosts by name; ``notes`` name what of the file is not kept."""

    hosts: Mapping[str, Listed] = field(default_factory=dict)
    notes: Tuple[str, ...] = ()


def read_inventory(given: str, user: str) -> Inventory:
    """Read an inventory; raises ``InvalidValue``. ``user`` is who logs in to hosts."""
    groups = _read(given)
    found, lost = groups.hosts(), _Lost(user)
    if not found:
        raise InvalidValue("inventory", "the file", "it has no host", f"Or {_LIST}.")
    if len(found) > MOST:
        raise InvalidValue("inventory", "the file", f"it has more than {MOST} hosts")
    hosts = {}
    for name in found:
        variables, own = groups.variables_of(name), groups.groups_of(name)
        lost.see(variables, own)
        labels = tuple(dict.fromkeys(_KIND_OF_GROUP.get(each, each) for each in own))
        hosts[name] = Listed(
            name,
            addr=_address(variables),
            labels=tuple(each for each in labels if _may_be_label(each)),
            refused=_refusal(name, variables),
        )
    return Inventory(hosts, tuple(lost.notes()))


def _read(given: str) -> Groups:
    if len(given) > LONGEST:
        raise InvalidValue("inventory", "the file", f"it is longer than {LONGEST} bytes")
    lines = (line.strip() for line in given.splitlines())
    first = next((line for line in lines if line and line[0] not in "#;" and line != "---"), "")
    if given.lstrip().startswith("$ANSIBLE_VAULT"):
        raise InvalidValue(
            "inventory", "the file", "ansible-vault has encrypted it", f"Instead {_LIST}."
        )
    if given.startswith("#!"):
        raise InvalidValue("inventory", "the file", "it is a program", f"Instead {_LIST}.")
    is_yaml = first.startswith("{") or bool(_YAML_LINE.fullmatch(first))
    groups = read_yaml(given) if is_yaml else read_ini(given)
    groups.settle()
    return groups


def _first(variables: Mapping[str, Any], wanted: Tuple[str, ...]) -> Any:
    return next((variables[name] for name in wanted if variables.get(name) is not None), None)


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _address(variables: Mapping[str, Any]) -> str:
    given = _first(variables, _HOST)
    return given.strip() if isinstance(given, str) and not _is_template(given) else ""


def _refusal(name: str, variables: Mapping[str, Any]) -> str:
    """Return why a host cannot be reached as the inventory says, or nothing."""
    for wanted in (_HOST, _PORT, _CONNECTION):
        value = _first(variables, wanted)
        if isinstance(value, Encrypted):
            return f"its {wanted[0]} is encrypted; {_LIST}"
        if _is_template(value):
            return f"its {wanted[0]} is a template, which nobody evaluates here; {_LIST}"
    port = _first(variables, _PORT)
    if port is not None and str(port).strip() != "22":
        return f"its {_PORT[0]} is {str(port)[:10]}, and hosts are reached on port 22"
    connection = _first(variables, _CONNECTION)
    if connection is not None and str(connection) not in _SSH:
        return f"its {_CONNECTION[0]} is {str(connection)[:30]}, and hosts are reached through ssh"
    address = _first(variables, _HOST)
    try:
        names.check_address(name if address is None else str(address).strip())
    except InvalidValue as error:
        return str(error)
    return ""


def _may_be_label(group: str) -> bool:
    """Tell whether a group can be a label: those that begin with _ have a meaning here."""
    try:
        return not names.check_label(group).startswith("_")
    except InvalidValue:
        return False


class _Lost:
    """What of an inventory is not kept, counted."""

    def __init__(self, user: str) -> None:
        self._user = user
        self._users: Counter[str] = Counter()
        self._variables: Counter[str] = Counter()
        self._groups: Dict[str, None] = {}

    def see(self, variables: Mapping[str, Any], groups: List[str]) -> None:
        """Look at a host."""
        user = _first(variables, _USER)
        if isinstance(user, str) and not _is_template(user) and user != self._user:
            self._users[user] += 1
        known = {*_HOST, *_PORT, *_CONNECTION, *_NEEDLESS}
        known |= set() if isinstance(user, Encrypted) or _is_template(user) else set(_USER)
        self._variables.update(name for name in variables if name not in known)
        self._groups.update(dict.fromkeys(each for each in groups if not _may_be_label(each)))

    def notes(self) -> List[str]:
        """Return what is not kept, in sentences."""
        found = [
            f"ansible_user {text(user)} of {_hosts(count)} is not kept: hosts are "
            f"managed as {self._user}"
            for user, count in sorted(self._users.items())
        ]
        if self._variables:
            said = (f"{text(name)} ({_hosts(n)})" for name, n in self._ordered())
            found.append(f"not kept of the inventory: {some_of(said, 12)}")
        if self._groups:
            said = (text(each) for each in self._groups)
            found.append(f"groups that are no labels here: {some_of(said, 12)}")
        return found

    def _ordered(self) -> List[Tuple[str, int]]:
        return sorted(self._variables.items())


def _hosts(count: int) -> str:
    return f"{count} host{'s' if count > 1 else ''}"
