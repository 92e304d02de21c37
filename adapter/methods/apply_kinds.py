"""The methods of the interface that apply a service of one kind, each by its name."""

from __future__ import annotations

from typing import Callable, List, Tuple

from adapter.errors import AdapterError, InvalidValue
from adapter.interface import APPLY_METHODS, ServiceSpec
from adapter.kinds import KINDS, Kind
from adapter.methods._method import method
from adapter.methods.services import ServiceMethods


class KindMethods:
    """``apply_KIND`` is ``apply`` with one spec, and refuses another kind than its own.

    There is one for each kind of which the interface has such a method.
    """

    def __init__(self, services: ServiceMethods) -> None:
        self._services = services

    def _apply(self, kind: Kind, spec: ServiceSpec) -> str:
        if spec.service_type != kind.service_type:
            raise InvalidValue(
                "service_type",
                spec.service_type,
                f"this applies {kind.service_type} services",
                "Use `apply`.",
            )
        try:
            return self._services.apply([spec])[0]
        except AdapterError as error:
            said = self._left_without(kind, spec)
            if not said:
                raise
            raise error.also(said) from None

    def _left_without(self, kind: Kind, spec: ServiceSpec) -> str:
        core = self._services.core
        with core.lock:
            kept = {each.name for each in core.specs.all() if not each.deleted}
        return "" if spec.service_name() in kept else kind.left_without(spec, kept)


def _apply_one(kind: Kind, name: str) -> Callable[[KindMethods, ServiceSpec], str]:
    """Return the method that applies services of a kind."""

    def apply_one(self: KindMethods, spec: ServiceSpec) -> str:
        return self._apply(kind, spec)

    apply_one.__name__ = name
    apply_one.__qualname__ = f"{KindMethods.__name__}.{name}"
    apply_one.__doc__ = f"Keep {kind.plural}."
    return method(apply_one)


def _of_interface() -> List[Tuple[str, Kind]]:
    return [(APPLY_METHODS[name], kind) for name, kind in KINDS.items() if name in APPLY_METHODS]


for _name, _kind in _of_interface():
    setattr(KindMethods, _name, _apply_one(_kind, _name))
