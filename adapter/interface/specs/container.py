"""Custom containers. Specs of them are read and kept; packaged clusters cannot run them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Dict, List, Optional

from ..checks import check_fields, checkers_for, declare, require_mapping
from ..errors import SpecValidationError
from ..placement import PlacementSpec
from .arguments import ArgumentSpec, CustomConfig
from .base import ServiceSpec
from .fields import NO_PLACEMENT, NO_STRINGS, copied, reader_of_list, register


class InitContainerSpec:
    """A container that runs before another one starts; at least one field is set."""

    _names = ("image", "entrypoint", "volume_mounts", "envs", "privileged", "entrypoint_args")

    def __init__(
        self,
        image: Optional[str] = None,
        entrypoint: Optional[str] = None,
        entrypoint_args: Optional[List[Any]] = None,
        volume_mounts: Optional[Dict[str, str]] = None,
        envs: Optional[List[str]] = None,
        privileged: Optional[bool] = None,
    ) -> None:
        self.image = image
        self.entrypoint = entrypoint
        self.entrypoint_args: Optional[List[ArgumentSpec]] = (
            ArgumentSpec.from_general_args(entrypoint_args) if entrypoint_args else None
        )
        self.volume_mounts = volume_mounts
        self.envs = envs
        self.privileged = privileged
        self.validate()

    def validate(self) -> None:
        """Raise ``SpecValidationError`` if nothing is set."""
        if all(getattr(self, name) is None for name in self._names):
            raise SpecValidationError(
                f"init container: at least one of {', '.join(self._names)} must be set"
            )

    def to_json(self) -> Dict[str, Any]:
        """Give what is set."""
        data = {name: getattr(self, name) for name in self._names}
        data["entrypoint_args"] = ArgumentSpec.map_json(self.entrypoint_args)
        return {name: value for name, value in data.items() if value is not None}

    @classmethod
    def from_json(cls, data: Any) -> InitContainerSpec:
        """Read the JSON form; raises ``SpecValidationError``."""
        if isinstance(data, cls):
            return data
        values = require_mapping(data, "init container")
        check_fields(values, _INIT_FIELDS, SpecValidationError, "init container")
        return cls(**copied(values))

    @classmethod
    def import_values(cls, values: List[Any]) -> List[InitContainerSpec]:
        """Read a list of JSON forms."""
        return [cls.from_json(value) for value in values]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, InitContainerSpec):
            return NotImplemented
        return self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"InitContainerSpec(image={self.image!r})"


_INIT_FIELDS = checkers_for(
    {
        "image": "Optional[str]",
        "entrypoint": "Optional[str]",
        "entrypoint_args": "Optional[list]",
        "volume_mounts": "Optional[Dict[str, str]]",
        "envs": "Optional[List[str]]",
        "privileged": "Optional[bool]",
    }
)
declare(InitContainerSpec, "an init container")


@register("container")
@dataclass(eq=False, repr=False)
class CustomContainerSpec(ServiceSpec):
    """A container of any image, with its files, directories, ports and environment."""

    _readers: ClassVar[Dict[str, Callable[[Any], Any]]] = {
        **ServiceSpec._readers,
        "args": ArgumentSpec.from_general_args,
        "init_containers": reader_of_list(InitContainerSpec),
    }

    service_type: str = "container"
    service_id: Optional[str] = None
    config: Optional[Dict[str, Any]] = None
    networks: List[str] = NO_STRINGS
    placement: PlacementSpec = NO_PLACEMENT
    unmanaged: bool = False
    preview_only: bool = False
    image: Optional[str] = None
    entrypoint: Optional[str] = None
    uid: Optional[int] = None
    gid: Optional[int] = None
    volume_mounts: Optional[Dict[str, str]] = field(default_factory=dict)
    args: Optional[List[ArgumentSpec]] = field(default_factory=list)
    envs: Optional[List[str]] = field(default_factory=list)
    privileged: Optional[bool] = False
    bind_mounts: Optional[List[List[str]]] = None
    ports: Optional[List[int]] = field(default_factory=list)
    dirs: Optional[List[str]] = field(default_factory=list)
    files: Optional[Dict[str, Any]] = field(default_factory=dict)
    extra_container_args: Optional[List[ArgumentSpec]] = None
    extra_entrypoint_args: Optional[List[ArgumentSpec]] = None
    custom_configs: Optional[List[CustomConfig]] = None
    init_containers: Optional[List[InitContainerSpec]] = None

    def __post_init__(self) -> None:
        """Read arguments and init containers from whatever form they have."""
        super().__post_init__()
        self.args = ArgumentSpec.from_general_args(list(self.args)) if self.args else []
        if self.init_containers:
            self.init_containers = InitContainerSpec.import_values(self.init_containers)

    def config_json(self) -> Dict[str, Any]:
        """Give what the deployment of the container needs."""
        names = (
            "image",
            "entrypoint",
            "uid",
            "gid",
            "args",
            "envs",
            "volume_mounts",
            "privileged",
            "bind_mounts",
            "ports",
            "dirs",
            "files",
        )
        data = {name: getattr(self, name) for name in names}
        data["args"] = ArgumentSpec.map_json(self.args)
        return {name: value for name, value in data.items() if value is not None}

    def _validate_values(self) -> None:
        super()._validate_values()
        if not self.image:
            self._missing("image", "the name of a container image")
        if self.args and self.extra_container_args:
            self._refuse("args", "args or extra_container_args, not both")
        if self.files and self.custom_configs:
            self._refuse("files", "files or custom_configs, not both")
