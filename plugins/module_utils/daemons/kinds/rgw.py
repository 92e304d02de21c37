"""Provide what an object gateway needs besides its key: time to finish its requests."""

from __future__ import annotations

from ...systemd.drop_in import DropIn
from .extra import Extra

_REASON = "Gives a stopping gateway time to finish its requests (rgw_exit_timeout_secs)."


class GatewayFiles(Extra):
    """How long systemd waits for a gateway that stops. It is read anew without a restart."""

    def __init__(self, roots):
        self._roots = roots

    def is_unfinished(self, wanted):
        """Tell whether systemd would end the gateway at another time."""
        return not self._drop_in(wanted.daemon).has(_lines(wanted), _REASON)

    def provide(self, wanted):
        """Tell systemd."""
        self._drop_in(wanted.daemon).put(_lines(wanted), _REASON)

    def forget(self, daemon):
        """Take the file away."""
        self._drop_in(daemon).remove()

    def _drop_in(self, daemon):
        return DropIn(self._roots, daemon.unit)


def _lines(wanted):
    return [f"TimeoutStopSec={wanted.stop_timeout}"] if wanted.stop_timeout else []
