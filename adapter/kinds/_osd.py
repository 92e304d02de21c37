"""OSDs, as far as they are daemons like others; drive groups make them, not placements."""

from __future__ import annotations

from adapter.kinds._kind import Kind


class Osds(Kind):
    """OSDs: the map names each, and the monitors say which can stop."""

    service_type = "osd"
    plural = "OSDs"
    entity = "osd.{id}"
    unit = "ceph-osd@{id}"
    section = "osd"
    in_maps = True
    reads = frozenset(("common", "osd"))


KIND = Osds()
