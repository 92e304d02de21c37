"""The service that somebody specified, or why there is none."""

from __future__ import annotations

from adapter.cluster.specs import Wanted
from adapter.core import Core
from adapter.errors import UnknownName
from adapter.reconcile.services import ServiceReconciler
from adapter.state_lock import under_lock


@under_lock
def kept_service(core: Core, reconciler: ServiceReconciler, name: str) -> Wanted:
    """Return a service that is kept.

    Raises ``UnreadableRecord``, and ``UnknownName``, which says it where the service is only listed
    for its daemons.
    """
    core.specs.check_readable(name)
    runs = name in reconciler.running() or core.owners.of_service(name)
    if core.specs.find(name) is not None or not runs:
        return core.specs.get(name)
    raise UnknownName(
        "specification of the service",
        name,
        "It is listed because its daemons run: `ceph orch apply` gives it one, `ceph orch daemon "
        "rm` and `ceph orch osd rm` remove daemons.",
    )
