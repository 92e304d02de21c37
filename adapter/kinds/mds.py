"""Metadata servers of CephFS."""

from __future__ import annotations

from typing import ClassVar, List, Mapping

from adapter.interface import ServiceSpec
from adapter.kinds._kind import RANKS, Kind, Setting


class MetadataServers(Kind):
    """Metadata servers of one file system: some have a rank, others stand by."""

    service_type = "mds"
    plural = "metadata servers"
    entity = "mds.{id}"
    unit = "ceph-mds@{id}"
    caps = (
        ("mon", "profile mds"),
        ("osd", "allow rw tag cephfs *=*"),
        ("mds", "allow"),
        ("mgr", "profile mds"),
    )
    section = "mds.{service_id}"
    count = 2
    many_on_a_host = True
    needs_osds = True
    guard = RANKS
    in_maps = True
    reads = frozenset(("common", "mds"))
    field_of: ClassVar[Mapping[str, str]] = {"mds_join_fs": "service_id"}

    def settings(self, spec: ServiceSpec) -> List[Setting]:
        """Return the file system that they belong to."""
        return [(self.section_of(spec), "mds_join_fs", str(spec.service_id))]


KIND = MetadataServers()
