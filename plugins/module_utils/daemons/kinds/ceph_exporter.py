"""The exporter of the counters of a host's daemons: each host has one at most."""

from __future__ import annotations

from typing import List

from ...system.reading import Roots
from ...systemd.drop_in import UnitSettings
from ..shapes import DaemonShape, WantedShape
from .base import Kind
from .extra import Extra

_PROGRAM = "/usr/bin/ceph-exporter"
_REASON = "The package's command gives the exporter no name, and so no key."


class Exporter(Kind):
    """An exporter of counters."""

    name = "ceph-exporter"
    unit = "ceph-exporter.service"
    entity = "client.ceph-exporter.{id}"
    program = "ceph-exporter"
    keyring = "etc/ceph/ceph.client.ceph-exporter.{id}.keyring"

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what gives it its name."""
        del conf, touch
        return ExporterFiles(roots)


class ExporterFiles(Extra):
    """The name under which the exporter asks the monitors for its configuration."""

    def __init__(self, roots: Roots) -> None:
        self._settings = UnitSettings(roots, Exporter.unit)

    def needs_setup(self, wanted: WantedShape) -> bool:
        """Tell whether the exporter would be started without a name."""
        return not self._settings.is_so(_command(wanted), _REASON)

    def setup(self, wanted: WantedShape) -> None:
        """Name the exporter."""
        self._settings.write(_command(wanted), _REASON)

    def cleanup(self, daemon: DaemonShape) -> None:
        """Take the name away."""
        del daemon
        self._settings.remove()


def _command(wanted: WantedShape) -> List[str]:
    name = wanted.daemon.entity
    return [_PROGRAM, "-f", "--name", name, "--setuser", "ceph", "--setgroup", "ceph"]


KIND = Exporter()
