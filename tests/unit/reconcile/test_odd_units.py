"""Units on a host that no daemon of Ceph can have."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pytest

from adapter.errors import InvalidValue
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

Act = Callable[[Any], Any]
ACTS: Dict[str, Act] = {
    "remove": lambda orchestrator: orchestrator.remove_daemons(["osd.foo"]),
    "stop": lambda orchestrator: orchestrator.daemon_action("stop", "osd.foo"),
    "restart": lambda orchestrator: orchestrator.daemon_action("restart", "osd.foo"),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_osd_without_a_number_is_refused(cluster: Cluster, name: str) -> None:
    cluster.daemons["h1", "osd", "foo"] = "running"
    cluster.core.submit("get_inventory", cluster.core.hosts.all())
    cluster.settle()
    with pytest.raises(InvalidValue, match=r"osd\.foo.*not an OSD id.*systemctl on host h1"):
        raise_if_exception(ACTS[name](cluster.orchestrator))
