"""What haproxy and keepalived of an ingress service have in common: where their files are."""

from __future__ import annotations

import os
from typing import List

from ...system.reading import Roots, list_dir
from .program import Program

# Below /etc; each service has a directory there, named by its daemon's id.
FOLDER = "ceph-orch-ansible/ingress"
# What says whose the directory is.
MARK = "ours"


class OfIngress(Program):
    """A program of an ingress service; several are on a host, each with the service's id."""

    makes_unit = True

    def mark_path(self, roots: Roots, daemon_id: str) -> str:
        """Return the file that says that the files of a service are ours."""
        return os.path.join(roots.etc, FOLDER, daemon_id, MARK)

    def is_here(self, roots: Roots) -> bool:
        """Tell whether the host is in such a service."""
        return bool(self.instances(roots))

    def instances(self, roots: Roots) -> List[str]:
        """Return the ids of the services' daemons."""
        names = list_dir(os.path.join(roots.etc, FOLDER))
        return [each for each in names if os.path.lexists(self.mark_path(roots, each))]
