"""How far an upgrade is."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from .checks import check_fields, checkers_for, require_mapping
from .errors import OrchestratorValidationError


class UpgradeStatusSpec:
    """The state of an upgrade, as `ceph orch upgrade status` and the dashboard show it.

    ``in_progress``: one is running. ``target_image``: what to. ``services_complete``: the service
    types that are done. ``which``: what it is restricted to, in words. ``progress``: for example
    ``3/12 daemons upgraded``. ``message``: what happens, or what is wrong. ``is_paused``: it waits
    for `ceph orch upgrade resume`.
    """

    _CHECKERS = checkers_for(
        {
            "target_image": "Optional[str]",
            "in_progress": "bool",
            "which": "str",
            "services_complete": "List[str]",
            "progress": "Optional[str]",
            "message": "str",
            "is_paused": "bool",
        }
    )

    def __init__(self) -> None:
        self.in_progress = False
        self.target_image: Optional[str] = None
        self.services_complete: List[str] = []
        self.which = "<unknown>"
        self.progress: Optional[str] = None
        self.message = ""
        self.is_paused = False

    def to_json(self) -> Dict[str, Any]:
        """Give all seven fields."""
        return {
            "target_image": self.target_image,
            "in_progress": self.in_progress,
            "which": self.which,
            "services_complete": self.services_complete,
            "progress": self.progress,
            "message": self.message,
            "is_paused": self.is_paused,
        }

    def to_dict(self) -> Dict[str, Any]:
        """Give all seven fields."""
        return self.to_json()

    @staticmethod
    def yaml_representer(dumper: Any, data: UpgradeStatusSpec) -> Any:
        """Represent it for a PyYAML dumper."""
        return dumper.represent_dict(data.to_json().items())

    @classmethod
    def from_json(cls, data: Dict[str, Any]) -> UpgradeStatusSpec:
        """Read the JSON form; raises ``OrchestratorValidationError``."""
        values = require_mapping(data, "upgrade status", OrchestratorValidationError)
        check_fields(values, cls._CHECKERS, OrchestratorValidationError, "upgrade status")
        status = cls()
        status.__dict__.update(values)
        return status

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UpgradeStatusSpec):
            return NotImplemented
        return self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"UpgradeStatusSpec({self.to_json()!r})"
