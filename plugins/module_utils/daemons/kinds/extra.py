"""What a kind of daemon may need besides a key and a directory; nothing, unless it says so."""

from __future__ import annotations

from typing import FrozenSet, List

from ..shapes import DaemonShape, WantedShape


class Extra:
    """The further needs of a kind of daemon."""

    def refuse(self, wanted: WantedShape) -> List[str]:
        """Return sentences that speak against a daemon."""
        del wanted
        return []

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether there is something to set up."""
        del wanted
        return False

    def needs_reload(self, wanted: WantedShape) -> bool:
        """Tell whether something has changed that a daemon takes over while it runs."""
        del wanted
        return False

    def hangs(self, wanted: WantedShape) -> bool:
        """Tell whether a daemon runs and does not answer."""
        del wanted
        return False

    def setup(self, wanted: WantedShape) -> None:
        """Set it up."""

    def reload(self, wanted: WantedShape) -> None:
        """Have a daemon that runs take over what has changed."""

    def data_of(self, daemon: DaemonShape) -> str:
        """Return the directory with a daemon's data that stays when it is removed, or nothing."""
        del daemon
        return ""

    def cleanup(self, daemon: DaemonShape) -> None:
        """Clean up when the daemon is removed."""

    def is_unfinished(self, wanted: WantedShape) -> bool:
        """Tell whether a daemon that runs is still to be waited for."""
        del wanted
        return False

    def others(self, wanted: WantedShape) -> FrozenSet[str]:
        """Return the names of those of whom the daemon must have found one."""
        del wanted
        return frozenset()

    def is_seen(self, wanted: WantedShape) -> bool:
        """Tell whether the cluster has a daemon that could not be asked itself."""
        del wanted
        return False

    def finish(self, wanted: WantedShape) -> str:
        """Do what is left when the daemon works; return a sentence if that went wrong."""
        del wanted
        return ""

    def take_down(self, daemon: DaemonShape) -> None:
        """Do what must be done before the daemon is stopped for good."""

    def give_up(self, wanted: WantedShape) -> str:
        """Do what must be done when the daemon does not work; return a sentence to add."""
        del wanted
        return ""


# What most kinds have.
NONE = Extra()
