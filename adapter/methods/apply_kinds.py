"""The methods of the interface that apply a service of one kind, each by its name."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple

from adapter.errors import InvalidValue
from adapter.interface import APPLY_METHODS, OrchResult, ServiceSpec, handle_orch_error
from adapter.interface import raise_if_exception as value_of
from adapter.kinds import KINDS, Kind


class KindMethods:
    """``apply_KIND`` is ``apply`` with one spec, and refuses another kind than its own.

    There is one for each kind of which the interface has such a method.
    """

    # The class beside this one has it.
    apply: Callable[..., OrchResult[List[str]]]


def _method(kind: Kind, name: str) -> Callable[[Any, ServiceSpec], OrchResult[str]]:
    """Return the method that applies services of a kind."""

    def apply_one(self: KindMethods, spec: ServiceSpec) -> str:
        if spec.service_type != kind.service_type:
            raise InvalidValue(
                "service_type",
                spec.service_type,
                f"this applies {kind.service_type} services",
                "Use `apply`.",
            )
        return str(value_of(self.apply([spec]))[0])

    apply_one.__name__ = name
    apply_one.__qualname__ = f"{KindMethods.__name__}.{name}"
    apply_one.__doc__ = f"Keep {kind.plural}."
    return handle_orch_error(apply_one)


def _of_interface() -> List[Tuple[str, Kind]]:
    return [(APPLY_METHODS[name], kind) for name, kind in KINDS.items() if name in APPLY_METHODS]


for _name, _kind in _of_interface():
    setattr(KindMethods, _name, _method(_kind, _name))
