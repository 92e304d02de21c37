"""keepalived of an ingress service: it comes and goes with the service's haproxy."""

from __future__ import annotations

from typing import Optional

from ...system.reading import Roots
from ..shapes import WatchedShape
from .of_ingress import OfIngress


class Keepalived(OfIngress):
    """keepalived, which nobody can ask for its work but its unit."""

    name = "keepalived"
    unit = "ceph-orch-keepalived@{id}.service"
    program = "keepalived"
    is_deployed = False

    def works(self, watched: WatchedShape, proc: str) -> Optional[bool]:
        """Say nothing: that it stays is all that can be seen."""
        del watched, proc
        return None

    def state_of(self, roots: Roots, daemon_id: str, state: str) -> str:
        """Return the unit's state."""
        del roots, daemon_id
        return state


KIND = Keepalived()
