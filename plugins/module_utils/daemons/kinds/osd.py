"""OSDs, as the list of daemons has them: they are made and removed by modules of their own."""

from __future__ import annotations

import os

from ...cluster.conf import cluster_name
from ...system.reading import Roots, read_text
from .base import Kind


class Osd(Kind):
    """An OSD."""

    name = "osd"
    unit = "ceph-osd@{id}.service"
    entity = "osd.{id}"
    program = "ceph-osd"
    stops = 2
    data = "lib/ceph/osd/ceph-{id}"
    is_deployed = False
    tells_version = True

    def own_fsid(self, roots: Roots, daemon_id: str) -> str:
        """Return the cluster that it belongs to: its own word counts, not the configuration's."""
        place = f"{self.data_folder}/{cluster_name(roots)}-{daemon_id}/ceph_fsid"
        return read_text(os.path.join(roots.var, place), limit=64)


KIND = Osd()
