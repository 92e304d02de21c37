"""The collectors of crash reports."""

from __future__ import annotations

from adapter.kinds._kind import Kind


class CrashCollectors(Kind):
    """The crash collector: one on each host."""

    service_type = "crash"
    plural = "crash collectors"
    entity = "client.crash.{id}"
    unit = "ceph-crash"
    caps = (("mon", "profile crash"), ("mgr", "profile crash"))
    section = "client.crash"
    count = None
    named_by_host = True


KIND = CrashCollectors()
