"""Tuned profiles: sets of kernel settings (sysctl) on hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING:
    from ..result import OrchResult
    from ..specs.tuned_profile import TunedProfileSpec


class TunedProfileMethods:
    """Kernel settings that are kept on hosts."""

    def apply_tuned_profiles(
        self, specs: List[TunedProfileSpec], no_overwrite: bool
    ) -> OrchResult[str]:
        """Add profiles; ``no_overwrite`` leaves those that exist as they are."""
        raise NotImplementedError

    def rm_tuned_profile(self, profile_name: str) -> OrchResult[str]:
        """Remove a profile."""
        raise NotImplementedError

    def tuned_profile_ls(self) -> OrchResult[List[TunedProfileSpec]]:
        """List the profiles."""
        raise NotImplementedError

    def tuned_profile_add_setting(
        self, profile_name: str, setting: str, value: str
    ) -> OrchResult[str]:
        """Add or change one setting of a profile."""
        raise NotImplementedError

    def tuned_profile_add_settings(
        self, profile_name: str, setting: Dict[str, Any]
    ) -> OrchResult[str]:
        """Add or change several settings of a profile (20.2)."""
        raise NotImplementedError

    def tuned_profile_rm_setting(self, profile_name: str, setting: str) -> OrchResult[str]:
        """Remove one setting of a profile."""
        raise NotImplementedError

    def tuned_profile_rm_settings(self, profile_name: str, settings: List[str]) -> OrchResult[str]:
        """Remove several settings of a profile (20.2)."""
        raise NotImplementedError
