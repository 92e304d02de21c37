"""Daemons that mirror images to another cluster."""

from __future__ import annotations

from adapter.kinds._kind import SERVING, Kind


class ImageMirrors(Kind):
    """RBD mirror daemons: one leads, the others take over."""

    service_type = "rbd-mirror"
    plural = "RBD mirror daemons"
    entity = "client.rbd-mirror.{id}"
    unit = "ceph-rbd-mirror@rbd-mirror.{id}"
    caps = (("mon", "profile rbd-mirror"), ("osd", "profile rbd"))
    section = "client.rbd-mirror"
    count = 2
    many_on_a_host = True
    named_freely = True
    needs_osds = True
    guard = SERVING
    in_service_map = True
    reads = frozenset(("common", "rbd", "rbd-mirror"))


KIND = ImageMirrors()
