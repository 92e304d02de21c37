"""What is looked at before a job is made of a request. Nothing is written here."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Set

from adapter.engine.model import Request
from adapter.engine.ssh_files import check_target
from adapter.errors import InvalidValue

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_SECRET = re.compile(r"[a-z][A-Za-z0-9._-]*")
_VARIABLE = re.compile(r"(?!ansible_)[A-Za-z_][A-Za-z0-9_]*")


def check_request(request: Request, content: Path) -> None:
    """Refuse what no job can be made of. Raises ``InvalidValue``."""
    if not _NAME.fullmatch(request.operation):
        raise InvalidValue("operation", request.operation, "it is not an operation's name")
    playbook = content / "playbooks" / f"{request.operation}.yml"
    if not playbook.is_file():
        raise InvalidValue("operation", request.operation, f"there is no {playbook}")
    if not request.targets:
        raise InvalidValue("hosts", [], "an operation needs at least one host", "Add a host first.")
    seen: Set[str] = set()
    for target in request.targets:
        check_target(target)
        if target.name in seen:
            raise InvalidValue("hosts", target.name, "it is named twice")
        seen.add(target.name)
    _check_names(request)
    if not 0 < request.timeout < math.inf:
        raise InvalidValue("timeout", request.timeout, "it is not a positive number of seconds")


def _check_names(request: Request) -> None:
    for name in request.secrets:
        if not _SECRET.fullmatch(name):
            raise InvalidValue("secret", name, "it is not a plain file name")
    for name in request.variables:
        if not _VARIABLE.fullmatch(str(name)):
            raise InvalidValue("variable", name, "it is not a name that playbooks may be given")
