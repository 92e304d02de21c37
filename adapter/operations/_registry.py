"""How an operation is declared, and how all of them are found."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from adapter.engine.model import Request, Target
from adapter.errors import UnknownName

# So many hosts are served side by side; each one more has its turn later. What it costs the
# controller: 0.14 s of processor time with a new connection, twice that on a busy machine.
_AT_A_TIME = 50
_SECONDS_PER_HOST = 0.3

Variables = Dict[str, Any]
VariablesOf = Callable[..., Variables]


@dataclass(frozen=True)
class Operation:
    """What runs for one method of the interface.

    ``name`` is the method and the playbook's stem. ``phases`` are the playbook's roles
    in order. ``changes`` says that it takes the writer's lease of its hosts. ``timeout`` is in
    seconds, for as many hosts as are served at a time. ``summary`` is the docstring's first line.
    """

    name: str
    variables: VariablesOf = field(repr=False)
    phases: Tuple[str, ...]
    changes: bool
    timeout: float
    summary: str

    def request(
        self,
        targets: Sequence[Target],
        *,
        actor: str,
        parameters: Optional[Mapping[str, Any]] = None,
        summary: str = "",
        check: bool = False,
    ) -> Request:
        """Return the engine's request for these hosts and parameters."""
        return Request(
            operation=self.name,
            targets=tuple(targets),
            variables=self.variables(**dict(parameters or {})),
            phases=self.phases,
            check=check,
            diff=check,
            timeout=self.timeout + _SECONDS_PER_HOST * max(0, len(targets) - _AT_A_TIME),
            changes=self.changes and not check,
            actor=actor,
            summary=summary or self.summary,
        )


REGISTRY: Dict[str, Operation] = {}


def register(
    name: str,
    variables: VariablesOf,
    *,
    phases: Tuple[str, ...],
    changes: bool,
    timeout: float,
    summary: str,
) -> None:
    """Register an operation."""
    REGISTRY[name] = Operation(name, variables, phases, changes, timeout, summary)


def operation(
    *, phases: Tuple[str, ...], changes: bool, timeout: float
) -> Callable[[VariablesOf], VariablesOf]:
    """Register a function that turns a method's parameters into playbook variables."""

    def declare(function: VariablesOf) -> VariablesOf:
        summary = (function.__doc__ or "").strip().splitlines()[0].rstrip(".")
        register(
            function.__name__,
            function,
            phases=phases,
            changes=changes,
            timeout=timeout,
            summary=summary,
        )
        return function

    return declare


def discover(package: str, path: Sequence[str]) -> List[str]:
    """Import every operation file of the package; return their names."""
    found = [name for _, name, _ in pkgutil.iter_modules(path) if not name.startswith("_")]
    for name in found:
        importlib.import_module(f"{package}.{name}")
    return found


def get(name: str) -> Operation:
    """Return an operation; raises ``UnknownName``."""
    try:
        return REGISTRY[name]
    except KeyError:
        known = ", ".join(sorted(REGISTRY))
        raise UnknownName("operation", name, f"Known operations: {known}.") from None
