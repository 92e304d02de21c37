"""Managers."""

from __future__ import annotations

from adapter.kinds._kind import MANAGERS, Kind
from adapter.kinds.mon import CORE_OPTIONS


class Managers(Kind):
    """Managers: one is active, and who takes over must have this backend."""

    service_type = "mgr"
    plural = "managers"
    entity = "mgr.{id}"
    unit = "ceph-mgr@{id}"
    caps = (("mon", "profile mgr"), ("osd", "allow *"), ("mds", "allow *"))
    section = "mgr"
    count = 2
    named_by_host = named_freely = True
    cluster_needs = True
    guard = MANAGERS
    in_maps = True
    reads = CORE_OPTIONS | {"rgw", "mds_client"}
    roles_before = ("orchestrator_backend",)

    def least(self, had: int) -> int:
        """Return one: a cluster without a manager cannot be managed."""
        return 1


KIND = Managers()
