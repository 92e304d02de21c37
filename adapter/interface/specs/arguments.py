"""Parts that any service spec can have: extra arguments and files for its daemons."""

from __future__ import annotations

import enum
from typing import Any, Dict, List, Optional, Union

from ..checks import check_fields, checkers_for, refuse, require_list, require_mapping
from ..errors import SpecValidationError


class OriginalType(enum.IntEnum):
    """How an argument was written in the spec: as a mapping or as text."""

    OBJECT = 0
    STRING = 1


class ArgumentSpec:
    """An extra argument of a daemon's command line.

    Written as a mapping, ``argument`` is one argument unless ``split`` is set; written as text,
    it is split at blanks. ``origin`` remembers which, so that it is written back the same way.
    """

    OriginalType = OriginalType

    def __init__(
        self, argument: str, split: bool = False, origin: enum.IntEnum = OriginalType.OBJECT
    ) -> None:
        self.argument = argument
        self.split = bool(split)
        self.origin = origin
        self.validate()

    def validate(self) -> None:
        """Raise ``SpecValidationError`` unless the argument is text that is not empty."""
        if not isinstance(self.argument, str) or not self.argument:
            refuse("argument", self.argument, "a string that is not empty")

    def to_args(self) -> List[str]:
        """Give the arguments for the command line."""
        return self.argument.split() if self.split else [self.argument]

    def to_json(self) -> Union[str, Dict[str, Any]]:
        """Give it as it was written."""
        if self.origin == OriginalType.STRING:
            return self.argument
        return {"argument": self.argument, "split": self.split}

    @classmethod
    def from_json(cls, data: Union[str, Dict[str, Any]]) -> ArgumentSpec:
        """Read text, or ``{"argument", "split"}``; raises ``SpecValidationError``."""
        if isinstance(data, str):
            return cls(data, split=True, origin=OriginalType.STRING)
        values = require_mapping(data, "extra argument")
        check_fields(values, _ARGUMENT_FIELDS, SpecValidationError, "extra argument")
        if "argument" not in values:
            raise SpecValidationError("extra argument: argument is missing")
        return cls(values["argument"], split=values.get("split", False))

    @classmethod
    def from_general_args(cls, data: GeneralArgList) -> List[ArgumentSpec]:
        """Read a list in which each item is text, a mapping or already an ``ArgumentSpec``.

        One of Ceph's own classes is taken by its JSON form.
        """
        require_list(data, "extra arguments")
        return [
            item if isinstance(item, ArgumentSpec) else cls.from_json(_plain(item)) for item in data
        ]

    @staticmethod
    def map_json(args: Optional[List[ArgumentSpec]]) -> Optional[List[Union[str, Dict[str, Any]]]]:
        """Give the JSON form of a list, or None."""
        return None if args is None else [arg.to_json() for arg in args]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArgumentSpec):
            return NotImplemented
        return (self.argument, self.split) == (other.argument, other.split)

    def __hash__(self) -> int:
        return hash((self.argument, self.split))

    def __repr__(self) -> str:
        return f"ArgumentSpec({self.argument!r}, {self.split!r})"


def _plain(item: Any) -> Any:
    return item.to_json() if hasattr(item, "to_json") else item


GeneralArgList = List[Union[str, Dict[str, Any], ArgumentSpec]]
ArgumentList = List[ArgumentSpec]

_ARGUMENT_FIELDS = checkers_for({"argument": "str", "split": "bool"})


class CustomConfig:
    """A file for the daemons of a service: ``content`` (text) at ``mount_path``."""

    def __init__(self, content: str, mount_path: str) -> None:
        self.content = content
        self.mount_path = mount_path
        self.validate()

    def validate(self) -> None:
        """Raise ``SpecValidationError`` unless both are text and the path is not empty."""
        if not isinstance(self.content, str):
            refuse("custom_configs: content", self.content, "a string")
        if not isinstance(self.mount_path, str) or not self.mount_path:
            refuse("custom_configs: mount_path", self.mount_path, "a path")

    def to_json(self) -> Dict[str, Any]:
        """Give the JSON form."""
        return {"content": self.content, "mount_path": self.mount_path}

    @property
    def filename(self) -> str:
        """The last part of the path."""
        return self.mount_path.rpartition("/")[2]

    @classmethod
    def from_json(cls, data: Dict[str, Any]) -> CustomConfig:
        """Read ``{"content", "mount_path"}``; raises ``SpecValidationError``."""
        values = require_mapping(data, "custom_configs")
        check_fields(values, _CONFIG_FIELDS, SpecValidationError, "custom_configs")
        for key in ("mount_path", "content"):
            if key not in values:
                raise SpecValidationError(f"custom_configs: {key} is missing")
        return cls(values["content"], values["mount_path"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CustomConfig):
            return NotImplemented
        return (self.content, self.mount_path) == (other.content, other.mount_path)

    def __hash__(self) -> int:
        return hash(self.mount_path)

    def __repr__(self) -> str:
        return f"CustomConfig(mount_path={self.mount_path!r})"


_CONFIG_FIELDS = checkers_for({"content": "str", "mount_path": "str"})
