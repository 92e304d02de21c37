"""Tuned profiles: kernel settings (sysctl) for hosts."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ..checks import check_fields, checkers_for, refuse, require_mapping
from ..errors import SpecValidationError
from ..placement import PlacementSpec


class TunedProfileSpec:
    """``settings`` (name to value) that hosts selected by ``placement`` (all) shall have."""

    def __init__(
        self,
        profile_name: str,
        placement: Optional[PlacementSpec] = None,
        settings: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.profile_name = profile_name
        self.placement = placement or PlacementSpec(host_pattern="*")
        self.settings: Dict[str, Any] = settings or {}
        self._last_updated = ""

    @classmethod
    def from_json(cls, spec: Dict[str, Any]) -> TunedProfileSpec:
        """Read the JSON form; raises ``SpecValidationError``."""
        values = require_mapping(spec, "tuned profile")
        check_fields(values, _FIELDS, SpecValidationError, "tuned profile")
        if "profile_name" not in values:
            raise SpecValidationError('Tuned profile spec must include "profile_name" field')
        if not values["profile_name"]:
            refuse("tuned profile: profile_name", values["profile_name"], "a name")
        placement = values.get("placement")
        return cls(
            values["profile_name"],
            PlacementSpec.from_json(placement) if placement else None,
            dict(values.get("settings") or {}),
        )

    def to_json(self) -> Dict[str, Any]:
        """Give the JSON form."""
        return {
            "profile_name": self.profile_name,
            "placement": self.placement.to_json(),
            "settings": self.settings,
        }

    def copy(self) -> TunedProfileSpec:
        """Give a copy that shares nothing."""
        return TunedProfileSpec.from_json(self.to_json())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TunedProfileSpec):
            return NotImplemented
        return (self.profile_name, self.placement, self.settings) == (
            other.profile_name,
            other.placement,
            other.settings,
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"TunedProfileSpec({self.profile_name!r}, {self.placement!r}, {self.settings!r})"


_SCALAR = "Union[None, bool, int, float, str]"
_FIELDS = checkers_for(
    {
        "profile_name": "str",
        "placement": "Optional[dict]",
        "settings": f"Optional[Dict[str, {_SCALAR}]]",
    }
)
