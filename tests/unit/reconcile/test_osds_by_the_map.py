"""OSDs are judged by the map: one that is down does not run, one that is purged is not repaired."""

from __future__ import annotations

import pytest

from adapter.errors import InvalidValue
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster


def told(full: Cluster, number: int) -> str:
    (row,) = raise_if_exception(
        full.orchestrator.list_daemons(daemon_type="osd", daemon_id=str(number))
    )
    return str(row.status_desc)


def test_one_that_the_map_has_down(full: Cluster) -> None:
    full.report()
    full.monitors.osds[3].up = False
    full.monitors.epoch += 1
    full.settle(2)
    assert told(full, 3) == "down in the map"
    assert told(full, 2) == "running"

    full.monitors.osds[3].up = True
    full.settle(2)
    assert told(full, 3) == "running"


def test_one_that_was_purged_and_is_in_error(full: Cluster) -> None:
    full.daemons["h2", "osd", "7"] = "error"
    full.report()
    checks = full.orchestrator.health.checks()
    (line,) = checks["ANSIBLE_DAEMON_FAILED"]["detail"]
    assert line == (
        "osd.7 on host h2 is in error: this OSD is no longer in the cluster; `ceph orch device zap "
        "h2 DEVICE --force` erases what is left of it"
    )


@pytest.mark.parametrize("action", ["start", "restart"])
def test_what_is_left_of_a_purged_osd_is_not_started(full: Cluster, action: str) -> None:
    full.daemons["h2", "osd", "77"] = "error"
    full.report()
    with pytest.raises(InvalidValue, match="this OSD is no longer in the cluster"):
        raise_if_exception(full.orchestrator.daemon_action(action, "osd.77"))
    raise_if_exception(full.orchestrator.daemon_action("stop", "osd.77", force=True))
