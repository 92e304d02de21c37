"""The inventory and the variables of a job as files in which data stays data.

Ansible takes every string that it reads from an inventory or a variables file for a template; the
tag ``!unsafe`` is what tells it not to. So every string is tagged, however deep it stands, but for
those that YAML takes for something else than a string where they have no quotes: ansible-core 2.19
and later read a tagged string as if it had none, so ``true`` would be a truth value and ``*`` an
error. No template is among those. (A tag on what holds the strings empties it before 2.19.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

import yaml

from adapter.engine.files import write_private
from adapter.engine.model import Request, Target
from adapter.engine.processes import REMOTE_MARK

try:
    from yaml import CSafeDumper as _SafeDumper
except ImportError:  # PyYAML built without libyaml: slower, the same text
    from yaml import SafeDumper as _SafeDumper  # type: ignore[assignment]


class _Text(str):
    """A string that is written with the tag ``!unsafe``."""

    __slots__ = ()


class _Dumper(_SafeDumper):
    """Write ``_Text`` tagged and repeat what occurs twice instead of referring to it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_STRING = "tag:yaml.org,2002:str"
_RESOLVER: Any = yaml.resolver.Resolver()


def _unsafe(dumper: Any, text: _Text) -> Any:
    plain = _RESOLVER.resolve(yaml.ScalarNode, str(text), (True, False))
    tag = "!unsafe" if plain == _STRING else _STRING
    return dumper.represent_scalar(tag, str(text), style='"')


_Dumper.add_representer(_Text, _unsafe)


def write_inventory(path: Path, request: Request, marker: str) -> None:
    """Write the inventory: exactly the request's hosts, each with how it is reached.

    ``marker`` goes into the environment of everything that Ansible starts on the hosts: closing
    the connection does not end it there, so a cancelled job's processes are found by it.
    """
    hosts = {
        target.name: {key: _tagged(value) for key, value in host_variables(target, marker).items()}
        for target in request.targets
    }
    write_private(path, _dump({"all": {"hosts": hosts}}))


def write_variables(path: Path, variables: Mapping[str, Any]) -> None:
    """Write the variables; keys are names, values anything that JSON can hold."""
    write_private(path, _dump({str(name): _tagged(value) for name, value in variables.items()}))


def mode_flags(request: Request) -> List[str]:
    """Return ansible-playbook's options for check and diff mode."""
    return ["--check"] * request.check + ["--diff"] * request.diff


def host_variables(target: Target, marker: str) -> Dict[str, Any]:
    """Return the inventory's variables of a host; ``check_target`` has seen what is in them."""
    values: Dict[str, Any] = {
        "ansible_connection": target.connection,
        "ansible_python_interpreter": target.python,
    }
    if target.connection != "local":
        # Processes on this machine have the mark from the worker.
        values["ansible_shell_executable"] = f"/usr/bin/env {REMOTE_MARK}={marker} /bin/sh"
        values["ansible_host"] = target.addr
        values["ansible_port"] = target.port
        values["ansible_user"] = target.user
        if target.invoker:
            values["ceph_orch_invoker"] = True
            values["ceph_orch_invoker_mark"] = marker
        elif target.user != "root":
            values["ansible_become"] = True
    return values


def _tagged(value: Any) -> Any:
    if isinstance(value, str):
        return _Text(value)
    if isinstance(value, Mapping):
        return {_tagged(key): _tagged(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_tagged(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _Text(value)


def _dump(data: Any) -> str:
    text: str = yaml.dump(
        data, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, sort_keys=False
    )
    return text
