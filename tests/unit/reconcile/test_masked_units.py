"""Daemons whose unit is masked: listed as such, deployed again in vain with a word, and removed."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.engine.model import HostOutcome
from adapter.interface import MDSSpec, PlacementSpec, raise_if_exception
from adapter.reconcile.removed_daemons import stays
from tests.unit.reconcile.fake_cluster import Cluster

MASK = "/etc/systemd/system/ceph-mds@.service"
REASON = "ceph-mds@x is masked on this host and cannot be started. Run `systemctl unmask x` there"


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    spec = MDSSpec(service_id="a", placement=PlacementSpec(hosts=["h1"]))
    raise_if_exception(found.orchestrator.apply([spec]))
    found.settle()
    found.report()
    return found


def mask(cluster: Cluster, state: str = "stopped") -> str:
    (key,) = [each for each in cluster.daemons if each[1] == "mds"]
    cluster.daemons[key] = state
    cluster.said[key] = {"enabled": False, "load": "masked"}
    cluster.break_on["apply_mds"] = {"h1": REASON}
    cluster.report()
    return f"mds.{key[2]}"


def described(cluster: Cluster) -> Any:
    (row,) = raise_if_exception(cluster.orchestrator.list_daemons(daemon_type="mds"))
    return row.status_desc


def test_what_is_masked_is_listed_as_masked_and_what_runs_as_running(cluster: Cluster) -> None:
    assert described(cluster) == "running"
    mask(cluster)
    assert described(cluster) == "masked"
    mask(cluster, "running")
    assert described(cluster) == "running"


def test_health_says_the_remedy(cluster: Cluster) -> None:
    mask(cluster)
    cluster.settle()
    (line,) = cluster.orchestrator.health.checks()["ANSIBLE_SERVICE_FAILED"]["detail"]
    assert "systemctl unmask" in line


@pytest.mark.parametrize("of", ["service", "daemon"])
def test_a_removal_goes_to_the_end(cluster: Cluster, of: str) -> None:
    daemon = mask(cluster)
    if of == "service":
        raise_if_exception(cluster.orchestrator.remove_service("mds.a"))
    else:
        raise_if_exception(cluster.orchestrator.remove_daemons([daemon]))
    cluster.settle(20)
    cluster.report()
    assert [each for each in cluster.daemons if each[1] == "mds"] == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"left": [], "mask": ""}, ""),
        ({"left": [], "mask": MASK}, f"; the mask {MASK} on h1 stays"),
        ({"mask": 5}, ""),
        ({"left": ["/k"], "mask": MASK}, f"left: /k on h1; the mask {MASK} on h1 stays"),
    ],
)
def test_a_mask_that_stays_is_named(row: Any, said: str) -> None:
    named = {"daemon_type": "mds", "daemon_id": "a", **row}
    outcome = HostOutcome(result={"removed": [named, {**named, "daemon_id": "b"}, 5]})
    text = stays({"h1": outcome}, ["mds.a"])
    assert text.endswith(said) if said else text == ""
    assert stays({"h1": outcome}, ["mds.c"]) == ""
