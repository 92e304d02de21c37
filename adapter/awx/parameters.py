"""The parameters of a playbook, as the argument specifications of its roles declare them."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

import yaml

from adapter.operations import REGISTRY

_COLLECTION = "ceph_orch.ansible."
# How Ansible's documents mark commands, options and values, as in C(ceph -s).
_MARKUP = re.compile(r"\b[A-Z]\(([^()]*)\)")
_IMPORTS = ("ansible.builtin.import_role", "ansible.builtin.include_role")
# Their default is read from the job's own files where an orchestrator runs it; by hand it is none.
_KEYRING = "_keyring_file"
# Files of the machine that runs Ansible: there are none in an execution environment.
_OF_CONTROLLER = ("orchestrator_backend_package",)


@dataclass(frozen=True)
class Parameter:
    """A variable that a playbook takes.

    ``type`` is Ansible's (str, int, bool, dict, raw ...), ``elements`` that of a list's elements.
    ``default`` is None where the parameter is required.
    """

    name: str
    type: str
    description: str
    required: bool = False
    default: Any = None
    choices: Tuple[str, ...] = ()
    elements: str = ""


@dataclass(frozen=True)
class Playbook:
    """A playbook: its name without ``.yml``, what it does, if it changes hosts, what it takes."""

    name: str
    title: str
    changes: bool
    roles: Tuple[str, ...]
    parameters: Tuple[Parameter, ...] = field(repr=False)


def read_playbooks(content: Path) -> List[Playbook]:
    """Return all playbooks below ``content``, by name."""
    return [_playbook(content, path) for path in sorted((content / "playbooks").glob("*.yml"))]


def _playbook(content: Path, path: Path) -> Playbook:
    plays: List[Mapping[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    roles: List[str] = []
    found: Dict[str, Parameter] = {}
    fixed: Set[str] = set()
    for play in plays:
        for name, entry, variables in _roles(play):
            fixed |= set(variables)
            roles += [name] if name not in roles else []
            for parameter in _options(content / "roles" / name, entry):
                found.setdefault(parameter.name, parameter)
    operation = REGISTRY.get(path.stem)
    reads = all(play.get("check_mode") is True for play in plays)
    return Playbook(
        name=path.stem,
        title=str(plays[-1]["name"]),
        changes=operation.changes if operation else not reads,
        roles=tuple(roles),
        parameters=tuple(each for name, each in found.items() if name not in fixed),
    )


def _roles(play: Mapping[str, Any]) -> List[Tuple[str, str, Mapping[str, Any]]]:
    """Return name, entry point and fixed variables of the roles of a play."""
    rows = [(row["role"], "main", row.get("vars") or {}) for row in play.get("roles") or ()]
    for task in play.get("tasks") or ():
        for key in _IMPORTS:
            if key in task:
                entry = task[key].get("tasks_from", "main")
                rows.append((task[key]["name"], entry, task.get("vars") or {}))
    return [(name.replace(_COLLECTION, "", 1), entry, fixed) for name, entry, fixed in rows]


@functools.cache
def _specs(role: Path) -> Any:
    """Return what a role declares: many playbooks have the same one."""
    text = (role / "meta/argument_specs.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["argument_specs"]


def _options(role: Path, entry: str) -> List[Parameter]:
    options = _specs(role)[entry]["options"]
    return [
        _parameter(name, spec)
        for name, spec in options.items()
        if name not in _OF_CONTROLLER and (name.endswith(_KEYRING) or not _is_template(spec))
    ]


def _is_template(spec: Mapping[str, Any]) -> bool:
    """Tell whether a default is worked out when the playbook runs: nobody can be shown it."""
    return "{{" in str(spec.get("default", ""))


def _parameter(name: str, spec: Mapping[str, Any]) -> Parameter:
    required = bool(spec.get("required"))
    default = "" if _is_template(spec) else spec.get("default")
    return Parameter(
        name=name,
        type=str(spec.get("type", "str")),
        description=_text(spec["description"]),
        required=required,
        default=None if required else default,
        choices=tuple(str(each) for each in spec.get("choices") or ()),
        elements=str(spec.get("elements", "")),
    )


def _text(description: Any) -> str:
    lines: Sequence[str] = [description] if isinstance(description, str) else description
    return _MARKUP.sub(r"\1", " ".join(" ".join(lines).split()))
