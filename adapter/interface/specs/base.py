"""``ServiceSpec``: what all service specs have in common.

Source: reference/orchestrator_interface.txt "Services", reference/ceph_contract.md 3.2.
"""

from __future__ import annotations

import contextlib
import enum
import re
import threading
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    Iterator,
    List,
    NoReturn,
    Optional,
    Sequence,
    Type,
    TypeVar,
)

from ..addresses import is_network
from ..checks import declare, refuse, require_mapping, shown
from ..errors import SpecValidationError
from ..placement import PlacementSpec
from ..service_names import KNOWN_SERVICE_TYPES, REQUIRES_SERVICE_ID
from .arguments import ArgumentSpec, CustomConfig
from .fields import CLASSES, NO_PLACEMENT, NO_STRINGS, SpecFields, copied, reader_of_list, register
from .json_form import flattened, options

ServiceSpecT = TypeVar("ServiceSpecT", bound="ServiceSpec")

_SERVICE_ID = re.compile(r"[a-zA-Z0-9_.-]+")
_UNPRINTABLE = re.compile(r"[^ -~]")
_KNOWN = frozenset(KNOWN_SERVICE_TYPES)
_WITH_ID = frozenset([*REQUIRES_SERVICE_ID, "osd"])
_PLAIN = (bool, dict, float, int, str)
_lenient = threading.local()

declare(PlacementSpec, "a PlacementSpec")
declare(ArgumentSpec, "an ArgumentSpec")
declare(CustomConfig, "a CustomConfig")


@contextlib.contextmanager
def service_spec_allow_invalid_from_json() -> Iterator[None]:
    """Let ``from_json`` skip ``validate`` inside, in this thread (to read what was stored once)."""
    before = getattr(_lenient, "on", False)
    _lenient.on = True
    try:
        yield
    finally:
        _lenient.on = before


@register()
class ServiceSpec:
    """A service: its type, its daemons' placement, and settings of its type.

    ``service_type`` is one of ``KNOWN_SERVICE_TYPES``; ``service_id`` names one of several
    services of a type and is needed (and kept) only for the types in ``REQUIRES_SERVICE_ID`` and
    for osd. ``placement`` says where. ``unmanaged``: leave the service as it is. ``preview_only``:
    this is a dry run, do nothing. ``networks``: bind only to these (``10.0.0.0/16``). ``config``:
    configuration options to set for the daemons. ``targets``: addresses of other clusters'
    monitoring. ``extra_container_args`` and ``extra_entrypoint_args``: arguments added to the
    daemons' command lines. ``custom_configs``: files for the daemons. ``count`` is Ceph's
    parameter and has no effect; use the placement's.

    ``ServiceSpec("rgw", ...)`` makes an ``RGWSpec``; so for every type that has a class.
    """

    KNOWN_SERVICE_TYPES: ClassVar[List[str]] = KNOWN_SERVICE_TYPES
    REQUIRES_SERVICE_ID: ClassVar[List[str]] = REQUIRES_SERVICE_ID
    MANAGED_CONFIG_OPTIONS: ClassVar[List[str]] = ["mds_join_fs"]

    _fields: ClassVar[SpecFields]
    _ignored: ClassVar[Sequence[str]] = ()
    _renamed: ClassVar[Dict[str, str]] = {}
    _resting: ClassVar[Dict[str, Any]] = {"targets": []}  # what __post_init__ makes of None
    _readers: ClassVar[Dict[str, Callable[[Any], Any]]] = {
        "placement": PlacementSpec.from_json,
        "extra_container_args": ArgumentSpec.from_general_args,
        "extra_entrypoint_args": ArgumentSpec.from_general_args,
        "custom_configs": reader_of_list(CustomConfig),
    }

    service_type: str
    service_id: Optional[str]
    placement: PlacementSpec
    config: Optional[Dict[str, Any]]
    unmanaged: bool
    preview_only: bool
    networks: List[str]
    targets: List[str]
    extra_container_args: Optional[List[ArgumentSpec]]
    extra_entrypoint_args: Optional[List[ArgumentSpec]]
    custom_configs: Optional[List[CustomConfig]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance of the service type's own class."""
        if cls is ServiceSpec:
            service_type = args[0] if args else kwargs.get("service_type")
            if isinstance(service_type, str):
                cls = CLASSES.get(service_type, cls)
        return object.__new__(cls)

    def __init__(
        self,
        service_type: str,
        service_id: Optional[str] = None,
        placement: PlacementSpec = NO_PLACEMENT,
        count: Optional[int] = None,
        config: Optional[Dict[str, Any]] = None,
        unmanaged: bool = False,
        preview_only: bool = False,
        networks: List[str] = NO_STRINGS,
        targets: List[str] = NO_STRINGS,
        extra_container_args: Optional[List[ArgumentSpec]] = None,
        extra_entrypoint_args: Optional[List[ArgumentSpec]] = None,
        custom_configs: Optional[List[CustomConfig]] = None,
    ) -> None:
        self.service_type = service_type
        self.service_id = service_id
        self.placement = placement
        self.config = config
        self.unmanaged = unmanaged
        self.preview_only = preview_only
        self.networks = networks
        self.targets = targets
        self.extra_container_args = extra_container_args
        self.extra_entrypoint_args = extra_entrypoint_args
        self.custom_configs = custom_configs
        self.__post_init__()

    def __post_init__(self) -> None:
        """Bring what all specs have into its normal form."""
        values = self.__dict__
        service_type = values["service_type"]
        if not isinstance(service_type, str) or service_type not in _KNOWN:
            refuse("service_type", service_type, ", ".join(KNOWN_SERVICE_TYPES))
        if service_type not in _WITH_ID:
            values["service_id"] = None
        if values["placement"] is None:
            values["placement"] = PlacementSpec()
        values.setdefault("preview_only", False)
        values["networks"] = values.get("networks") or []
        values["targets"] = values.get("targets") or []
        values["custom_configs"] = values.get("custom_configs") or None
        config = values.get("config")
        values["config"] = (
            options(config) if config and isinstance(config, dict) else config or None
        )
        for name in ("extra_container_args", "extra_entrypoint_args"):
            given = values.get(name)
            values[name] = ArgumentSpec.from_general_args(given) if given else None

    # reading

    @classmethod
    def from_json(cls: Type[ServiceSpecT], json_spec: Dict[str, Any]) -> ServiceSpecT:
        """Read a spec's JSON form, old style (all in one mapping) or new style (with ``spec``).

        ``status`` and ``events`` (from `ceph orch ls`) are left out. Raises
        ``SpecValidationError``; the result is valid, except inside
        ``service_spec_allow_invalid_from_json``.
        """
        data = flattened(require_mapping(json_spec, "service spec"))
        service_type = data.get("service_type") or cls._own_type()
        if not service_type:
            raise SpecValidationError(
                f'Spec needs a "service_type" key; allowed: {", ".join(KNOWN_SERVICE_TYPES)}'
            )
        if not isinstance(service_type, str) or service_type not in _KNOWN:
            refuse("service_type", service_type, ", ".join(KNOWN_SERVICE_TYPES))
        data["service_type"] = service_type
        spec_class: Any = CLASSES.get(service_type, ServiceSpec)
        spec: ServiceSpecT = spec_class._from_json_impl(data)
        if not getattr(_lenient, "on", False):
            spec._validate_values()
        return spec

    @staticmethod
    def normalize_json(json_spec: Dict[str, Any]) -> Dict[str, Any]:
        """Make a single network a list of one."""
        data = dict(require_mapping(json_spec, "service spec"))
        if isinstance(data.get("networks"), str):
            data["networks"] = [data["networks"]]
        return data

    @classmethod
    def _own_type(cls) -> Optional[str]:
        """Give the type of a class that has only one, for specs that leave it out."""
        types = [name for name, one in CLASSES.items() if one is cls]
        return types[0] if len(types) == 1 else None

    @classmethod
    def _from_json_impl(cls: Type[ServiceSpecT], data: Dict[str, Any]) -> ServiceSpecT:
        """Make the spec from its fields in JSON form; each is checked against its type."""
        fields = cls._fields
        plain, readers = fields.plain, cls._readers
        values: Dict[str, Any] = {}
        for name, value in data.items():
            allowed = plain.get(name)
            if allowed is not None and value.__class__ in allowed:
                values[name] = value
                continue
            name = cls._renamed.get(name, name)
            if value is None or name in cls._ignored:
                continue
            if name in readers and name in fields.names:
                value = readers[name](value)
            values[name] = cls._checked(data["service_type"], name, value)
        return cls(**values)

    @classmethod
    def _checked(cls, what: str, name: str, value: Any) -> Any:
        """Give a field's value as the constructor takes it, or refuse it."""
        fields = cls._fields
        kind = fields.checkers.get(name)
        if kind is None:
            raise SpecValidationError(
                f"{what}: {shown(name)} is an unexpected keyword;"
                f" allowed: {', '.join(sorted(fields.names))}"
            )
        if not kind.test(value):
            value = fields.coerced(name, value)
            if not kind.test(value):
                refuse(f"{what}: {name}", value, kind.words)
        return copied(value) if value.__class__ in (list, dict) else value

    # writing

    def to_json(self) -> Dict[str, Any]:
        """Give the JSON form, new style.

        Fields that are empty are left out, except where the default is something else: then an
        empty or false value is written, so that ``from_json(spec.to_json()) == spec``.
        """
        out: Dict[str, Any] = {"service_type": self.service_type}
        if self.service_id:
            out["service_id"] = self.service_id
        out["service_name"] = self.service_name()
        placement = self.placement.to_json()
        if placement:
            out["placement"] = placement
        if self.unmanaged:
            out["unmanaged"] = self.unmanaged
        if self.networks:
            out["networks"] = self.networks
        if self.extra_container_args:
            out["extra_container_args"] = ArgumentSpec.map_json(self.extra_container_args)
        if self.extra_entrypoint_args:
            out["extra_entrypoint_args"] = ArgumentSpec.map_json(self.extra_entrypoint_args)
        if self.custom_configs:
            out["custom_configs"] = [config.to_json() for config in self.custom_configs]
        spec = self._spec_json()
        if spec:
            out["spec"] = spec
        return out

    def _spec_json(self) -> Dict[str, Any]:
        values = self.__dict__
        out = {}
        for name, default in self._fields.written:
            value = values[name]
            if value or (value is not None and value != default):
                out[name] = value if value.__class__ in _PLAIN else _json_value(value)
        return out

    @staticmethod
    def yaml_representer(dumper: Any, data: ServiceSpec) -> Any:
        """Represent it for a PyYAML dumper."""
        return dumper.represent_dict(data.to_json().items())

    # validating

    def validate(self) -> None:
        """Raise ``SpecValidationError`` with a message that names field, value and what is allowed.

        The constructor does not call it, ``from_json`` does.
        """
        checkers = self._fields.checkers
        for name, value in vars(self).items():
            kind = checkers.get(name)
            if kind is not None and not kind.test(value):
                self._refuse(name, kind.words)
        self._validate_values()

    def _validate_values(self) -> None:
        """Check what the types do not tell; subclasses go on from here."""
        self._validate_id()
        self.placement.validate()
        if self.config:
            for option in self.MANAGED_CONFIG_OPTIONS:
                if option in self.config:
                    self._refuse("config", f"not {option}, which the orchestrator manages")
        for network in self.networks:
            if not is_network(network):
                self._refuse("networks", "networks such as 10.0.0.0/16", network)
        values = self.__dict__
        for name in self._fields.ports:
            port = values[name]
            if port is not None and not 0 <= port <= 65535:
                self._refuse(name, "a port, 1 to 65535")

    def _validate_id(self) -> None:
        if self.service_type in _WITH_ID:
            if not self.service_id:
                if self.service_type != "osd":
                    self._missing("service_id", "a-z, A-Z, 0-9, _ . -")
            elif not _SERVICE_ID.fullmatch(self.service_id):
                self._refuse("service_id", "a-z, A-Z, 0-9, _ . -")

    def _refuse(self, field: str, allowed: str, *value: Any) -> NoReturn:
        """Raise the error for a field; its value is the attribute's unless given."""
        shown_value = value[0] if value else getattr(self, field)
        refuse(f"{self._label()}: {field}", shown_value, allowed)

    def _label(self) -> str:
        """Give the name for messages: in one line and not long, whatever the id is."""
        return _UNPRINTABLE.sub("?", self.service_name()[:80])

    def _missing(self, field: str, allowed: str) -> NoReturn:
        raise SpecValidationError(
            f"Cannot add Service: {self._label()}: {field} is required; allowed: {allowed}"
        )

    def _one_of(self, field: str, *allowed: str) -> None:
        """Check a field that, if it is set, has one of a few values."""
        value = getattr(self, field)
        if value is not None and value not in allowed:
            self._refuse(field, ", ".join(allowed))

    # telling

    def service_name(self) -> str:
        """Give ``type`` or ``type.id``."""
        if self.service_id:
            return f"{self.service_type}.{self.service_id}"
        return self.service_type

    def get_port_start(self) -> List[int]:
        """Give the ports that the service's daemons listen on."""
        return []

    def get_virtual_ip(self) -> Optional[str]:
        """Give the address under which the service is reached, whichever host it runs on."""
        return None

    def one_line_str(self) -> str:
        """Name the spec in one line."""
        return f"<{type(self).__name__} for service_name={self.service_name()}>"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for service_name={self.service_name()}, {self.placement!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ServiceSpec):
            return NotImplemented
        return self.__class__ is other.__class__ and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


def _json_value(value: Any) -> Any:
    """Give the JSON form of a field's value."""
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value.to_json() if hasattr(value, "to_json") else value
