"""Provide what the exporter of Ceph's counters needs besides its key."""

from __future__ import annotations

from ...systemd.drop_in import UnitSettings
from .extra import Extra

_PROGRAM = "/usr/bin/ceph-exporter"
_REASON = "The package's command gives the exporter no name, and so no key."


class ExporterFiles(Extra):
    """The name under which the exporter asks the monitors for its configuration."""

    def __init__(self, roots):
        self._settings = UnitSettings(roots, "ceph-exporter.service")

    def lacks(self, wanted):
        """Tell whether the exporter would be started without a name."""
        return not self._settings.is_so(_command(wanted), _REASON)

    def provide(self, wanted):
        """Name the exporter."""
        self._settings.write(_command(wanted), _REASON)

    def forget(self, daemon):
        """Take the name away."""
        del daemon
        self._settings.remove()


def _command(wanted):
    name = wanted.daemon.entity
    return [_PROGRAM, "-f", "--name", name, "--setuser", "ceph", "--setgroup", "ceph"]
