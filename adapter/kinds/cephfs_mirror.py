"""Daemons that mirror directories of CephFS to another cluster."""

from __future__ import annotations

from adapter.kinds._kind import SERVING, Kind


class FileSystemMirrors(Kind):
    """CephFS mirror daemons."""

    service_type = "cephfs-mirror"
    plural = "CephFS mirror daemons"
    entity = "client.cephfs-mirror.{id}"
    unit = "cephfs-mirror@cephfs-mirror.{id}"
    caps = (
        ("mon", "profile cephfs-mirror"),
        ("mds", "allow r"),
        ("osd", "allow rw tag cephfs metadata=*, allow r tag cephfs data=*"),
        ("mgr", "allow r"),
    )
    section = "client.cephfs-mirror"
    many_on_a_host = True
    named_freely = True
    needs_osds = True
    guard = SERVING
    in_service_map = True
    reads = frozenset(("common", "mds_client", "cephfs-mirror"))


KIND = FileSystemMirrors()
