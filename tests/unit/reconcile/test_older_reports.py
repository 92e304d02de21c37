"""A report that was read before a job changed a host does not take the place of its outcome."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.engine.model import HostOutcome, Request, Target
from adapter.interface import PlacementSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.twin import Cluster


class Slow(Cluster):
    """Hosts whose daemons are read long before the report arrives."""

    def __init__(self) -> None:
        self.read: List[Dict[str, HostOutcome]] = []
        super().__init__()

    def _answer(self, request: Request) -> Dict[str, HostOutcome]:
        if request.operation == "get_inventory" and self.read:
            return self.read.pop()
        return super()._answer(request)

    def states(self) -> Dict[str, Any]:
        found = raise_if_exception(self.orchestrator.list_daemons(daemon_type="crash"))
        return {daemon.name(): daemon.status_desc for daemon in found}


@pytest.mark.parametrize("read_before", [True, False])
def test_what_a_job_has_brought_to_run_is_not_shown_stopped(read_before: bool) -> None:
    cluster = Slow()
    crash = ServiceSpec("crash", placement=PlacementSpec(hosts=["h2"]))
    raise_if_exception(cluster.orchestrator.apply([crash]))
    before = cluster._answer(Request("get_inventory", (Target("h2", "10.0.0.2"),)))
    cluster.orchestrator.reconciler.step(cluster.now)
    cluster.core.submit("get_inventory", [cluster.core.hosts.get("h2")])
    # The deployment ends first, then the report arrives.
    cluster.read = [before] if read_before else []
    cluster.engine.poll()
    assert cluster.states() == {"crash.h2": "running"}
    assert cluster.core.refresh.pending("h2")
    cluster.settle(2)
    assert cluster.states() == {"crash.h2": "running"}
