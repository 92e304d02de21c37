"""What is kept of a daemon before it is deployed: whether it was there before that, for one."""

from __future__ import annotations

from adapter.cluster.deployments import Deployment
from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.kinds import daemon_type_of
from adapter.state_lock import under_lock


@under_lock
def known_or_found(core: Core, hostname: str, wanted: Wanted, daemon_id: str) -> Deployment:
    """Return what is kept of a service's daemon, or a record that says whether its host has it."""
    kind = daemon_type_of(wanted.spec)
    name = f"{kind}.{daemon_id}"
    known = core.deployments.get(hostname, name)
    found = core.places.reports(hostname, name)
    return known or Deployment(kind, daemon_id, wanted.name, found=found)
