"""An Ansible inventory in YAML, or as `ansible-inventory --list` prints it. Nothing is run."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Tuple

import yaml

from adapter.cluster.inventory_groups import ALL, Groups
from adapter.cluster.inventory_ranges import MOST, expanded
from adapter.errors import InvalidValue

_DEEPEST = 50
_REMEDY = "Correct the file, or give what `ansible-inventory -i FILE --list` prints."
_ENCRYPTED, _UNSAFE = "__ansible_vault", "__ansible_unsafe"


class Encrypted:
    """Stand for a value that ansible-vault has encrypted."""


class _Loader(yaml.SafeLoader):
    """Read plain YAML with the two tags that Ansible has of its own."""


def _encrypted(loader: _Loader, node: Any) -> Encrypted:
    return Encrypted()


def _unsafe(loader: _Loader, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return None


_Loader.add_constructor("!vault", _encrypted)
_Loader.add_constructor("!vault-encrypted", _encrypted)
_Loader.add_constructor("!unsafe", _unsafe)


def read_yaml(text: str) -> Groups:
    """Read an inventory; raises ``InvalidValue``."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 -- a SafeLoader with two tags more
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "the file"
        reason = str(getattr(error, "problem", None) or "it is not YAML")
        raise InvalidValue("inventory", where, reason, _REMEDY) from None
    except (RecursionError, ValueError):
        raise InvalidValue("inventory", "the file", "it cannot be read", _REMEDY) from None
    groups = Groups()
    walk = _Walk(groups)
    top = _mapping(data, "the file")
    meta = top.get("_meta")
    for name, group in top.items():
        if name != "_meta":
            walk.group(_text(name, "group"), group, 0)
    variables = _mapping(_mapping(meta, "_meta").get("hostvars"), "_meta: hostvars")
    for host, each in variables.items():
        groups.tell(_text(host, "host"), _variables(each, f"host {host}"))
    return groups


class _Walk:
    """Take groups over, however they are nested; references may make few lines endless."""

    def __init__(self, groups: Groups) -> None:
        self._groups, self._steps = groups, 0

    def group(self, name: str, data: Any, depth: int) -> None:
        """Take over a group with what is in it."""
        self._steps += 1
        if depth > _DEEPEST or self._steps > MOST:
            raise InvalidValue("group", name, "groups are nested without measure", _REMEDY)
        given = _mapping(data, f"group {name}")
        group = self._groups.group(name)
        group.variables.update(_variables(given.get("vars"), f"vars of group {name}"))
        for pattern, variables in _pairs(given.get("hosts"), f"hosts of group {name}"):
            found = _variables(variables, f"host {pattern}")
            for host in expanded(pattern):
                self._steps += 1
                self._groups.add(name, host, found)
        for child, below in _pairs(given.get("children"), f"children of group {name}"):
            if name != ALL:
                group.children.add(child)
            self.group(child, below, depth + 1)


def _pairs(data: Any, where: str) -> Iterator[Tuple[str, Any]]:
    """Yield names with what is said of them: of a mapping, a list or a single name."""
    if data is None:
        return
    if isinstance(data, str):
        yield data, None
    elif isinstance(data, list):
        names: List[Any] = data
        for each in names:
            yield _text(each, where), None
    else:
        for name, each in _mapping(data, where).items():
            yield _text(name, where), each


def _variables(data: Any, where: str) -> Dict[str, Any]:
    found = _mapping(data, where)
    return {str(name): _plain(each) for name, each in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping) and _ENCRYPTED in value:
        return Encrypted()
    if isinstance(value, Mapping) and _UNSAFE in value:
        return value[_UNSAFE]
    return value


def _mapping(data: Any, where: str) -> Mapping[Any, Any]:
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise InvalidValue("inventory", where, "it is no mapping", _REMEDY)
    return data


def _text(name: Any, where: str) -> str:
    # YAML reads a host called 10 as a number.
    if isinstance(name, bool) or not isinstance(name, (str, int, float)):
        raise InvalidValue("inventory", where, f"{name!r} is no name", _REMEDY)
    return str(name)
