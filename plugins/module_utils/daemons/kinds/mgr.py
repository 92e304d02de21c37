"""Managers."""

from __future__ import annotations

from .base import Kind


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


KIND = Manager()
