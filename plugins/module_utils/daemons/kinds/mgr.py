"""Managers."""

from __future__ import annotations

from ...system.reading import Roots
from .base import Kind
from .extra import Extra
from .mgr_login import ManagerLogin


class Manager(Kind):
    """A manager.

    One that stands by knows no more than its version; it answers once it had the monitors'
    configuration, and ends when its key is refused.
    """

    name = "mgr"
    unit = "ceph-mgr@{id}.service"
    entity = "mgr.{id}"
    program = "ceph-mgr"
    # With the OSDs: one that stands by is missed by nobody.
    stops = 2
    data = "lib/ceph/mgr/ceph-{id}"
    socket = "ceph-mgr.{id}.asok"
    tells_version = True
    is_counted_on = True
    loads_modules = True
    question = "version"
    lack = "it runs, but has not reached the monitors"

    def make_extra(self, roots: Roots, conf: str = "", touch: bool = True) -> Extra:
        """Return what goes with the host's last manager."""
        del conf, touch
        return ManagerLogin(roots, self.data_folder, f"{self.template}.target.wants")


KIND = Manager()
