"""Upgrades of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    from ..result import OrchResult
    from ..upgrades import UpgradeStatusSpec


class UpgradeMethods:
    """Moving the cluster to another version, in the background."""

    def upgrade_check(self, image: Optional[str], version: Optional[str]) -> OrchResult[str]:
        """Say, as JSON text, which daemons an upgrade to image or version would change."""
        raise NotImplementedError

    def upgrade_ls(
        self, image: Optional[str], tags: bool, show_all_versions: Optional[bool] = False
    ) -> OrchResult[Dict[Any, Any]]:
        """List the versions (``tags``: the image tags) that can be upgraded to."""
        raise NotImplementedError

    def upgrade_start(
        self,
        image: Optional[str],
        version: Optional[str],
        daemon_types: Optional[List[str]],
        hosts: Optional[str],
        services: Optional[List[str]],
        limit: Optional[int],
    ) -> OrchResult[str]:
        """Start an upgrade to an image or version.

        ``daemon_types``, ``hosts`` (a placement as text) or ``services`` restrict it,
        ``limit`` is how many daemons at most.
        """
        raise NotImplementedError

    def upgrade_pause(self) -> OrchResult[str]:
        """Pause the upgrade."""
        raise NotImplementedError

    def upgrade_resume(self) -> OrchResult[str]:
        """Go on with a paused upgrade."""
        raise NotImplementedError

    def upgrade_stop(self) -> OrchResult[str]:
        """Stop the upgrade for good."""
        raise NotImplementedError

    def upgrade_status(self) -> OrchResult[UpgradeStatusSpec]:
        """Report how far the upgrade is."""
        raise NotImplementedError

    def upgrade_available(self) -> OrchResult[Any]:
        """List the versions that can be upgraded to (no known caller; see ``upgrade_ls``)."""
        raise NotImplementedError
