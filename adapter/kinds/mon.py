"""Monitors."""

from __future__ import annotations

from adapter.kinds._kind import QUORUM, Kind

# Monitors and managers read the options of the daemons that the cluster itself consists of.
CORE_OPTIONS = frozenset(("common", "mon", "mgr", "osd", "mds"))


class Monitors(Kind):
    """Monitors: a majority of those in the map must be there."""

    service_type = "mon"
    plural = "monitors"
    # All have the same key.
    entity = "mon."
    unit = "ceph-mon@{id}"
    has_own_key = False
    section = "mon"
    count = 5
    named_by_host = named_freely = True
    addressed = True
    cluster_needs = True
    one_by_one = True
    guard = QUORUM
    in_maps = True
    fields = frozenset(("networks", "crush_locations"))
    reads = CORE_OPTIONS
    fixed_ports = (3300, 6789)

    def least(self, had: int) -> int:
        """Return a majority of them."""
        return had // 2 + 1


KIND = Monitors()
