"""What a spec class declares about its fields, worked out once when the class is defined."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Callable, Dict, FrozenSet, List, Tuple, Type, TypeVar, cast

from ..checks import Kind, checkers_for, is_int
from ..errors import SpecValidationError
from ..placement import PlacementSpec

SpecClass = TypeVar("SpecClass", bound=type)

NO_PLACEMENT = cast(PlacementSpec, None)
"""Default of ``placement`` parameters; the spec's attribute is then an empty placement."""

NO_STRINGS = cast(List[str], None)
"""Default of list parameters; the spec's attribute is then an empty list."""

COMMON = frozenset(
    [
        "custom_configs",
        "extra_container_args",
        "extra_entrypoint_args",
        "networks",
        "placement",
        "service_id",
        "service_type",
        "unmanaged",
    ]
)
"""Fields that stand at the top of the JSON form; all others stand under ``spec``."""

_DIGITS = re.compile(r"-?[0-9]{1,18}")
_INTEGERS = ("int", "Optional[int]")
_FLOATS = ("float", "Optional[float]", "Union[int, float, None]")


class SpecFields:
    """The fields of one spec class: which there are, their types, what is written to JSON."""

    def __init__(self, cls: type) -> None:
        defaults, annotations = _declared(cls)
        resting: Dict[str, Any] = cast(Any, cls)._resting
        self.names: FrozenSet[str] = frozenset(defaults)
        self.checkers: Dict[str, Kind] = checkers_for(annotations)
        readers: Dict[str, Any] = cast(Any, cls)._readers
        none = type(None)
        # a value of such a class is taken as it is; lists and mappings are looked into
        self.plain: Dict[str, FrozenSet[type]] = {
            name: kind.exact - {none, list, dict}
            for name, kind in self.checkers.items()
            if name not in readers
        }
        self.written: Tuple[Tuple[str, Any], ...] = tuple(
            (name, resting.get(name, defaults[name]))
            for name in sorted(defaults)
            if name not in COMMON | {"count"}
        )
        self.integers = frozenset(name for name, text in annotations.items() if text in _INTEGERS)
        self.numbers = tuple(
            name for name in sorted(annotations) if annotations[name] in (*_INTEGERS, *_FLOATS)
        )
        self.ports = tuple(
            name
            for name in sorted(self.integers)
            if name.endswith("port") and not name.startswith("only_")
        )

    def coerced(self, name: str, value: Any) -> Any:
        """Turn digits into the integer that a field wants, and an integer into a service id."""
        if name in self.integers and isinstance(value, str) and _DIGITS.fullmatch(value):
            return int(value)
        if name == "service_id" and is_int(value) and abs(value) < 10**18:
            return str(value)
        return value


def _declared(cls: type) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """Read defaults and annotation texts from the dataclass fields or the constructor."""
    if is_dataclass(cls):
        return (
            {one.name: _default(one) for one in fields(cls)},
            {one.name: str(one.type) for one in fields(cls)},
        )
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    return (
        {one.name: one.default for one in parameters},
        {one.name: str(one.annotation) for one in parameters},
    )


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


CLASSES: Dict[str, type] = {}
"""The spec class of each service type that has one of its own."""


def register(*service_types: str) -> Callable[[SpecClass], SpecClass]:
    """Decorate a spec class: it is the class of these service types."""

    def decorate(cls: SpecClass) -> SpecClass:
        cast(Any, cls)._fields = SpecFields(cls)
        for service_type in service_types:
            CLASSES[service_type] = cls
        return cls

    return decorate


def copied(value: Any, levels: int = 40) -> Any:
    """Copy lists and mappings, so that a spec shares nothing with the JSON it came from."""
    if levels == 0:
        raise SpecValidationError("spec: nested too deeply; allowed: 40 levels")
    if isinstance(value, dict):
        return {key: copied(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item, levels - 1) for item in value]
    return value


def reader_of_list(cls: Type[Any]) -> Callable[[Any], Any]:
    """Make a function that reads a list of JSON forms of ``cls``."""

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [cls.from_json(copied(item)) for item in value]

    return read
