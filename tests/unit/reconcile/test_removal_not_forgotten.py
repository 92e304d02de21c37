"""A removal that somebody was told of is done to its end, whatever became of its job."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any, Dict, List, Tuple

import pytest

from adapter.interface import MDSSpec, PlacementSpec, RGWSpec, ServiceSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.over_monitors import KeptCluster

Key = Tuple[str, str, str]
BUSY = "/var/lib/ceph/mds/ceph-data: Device or resource busy."


class Halfway(KeptCluster):
    """A removal stops and disables the unit first; where ``busy`` says so it fails then."""

    busy: Dict[str, str]

    def __init__(self) -> None:
        self.busy = {}
        super().__init__()

    def _answer(self, request: Any) -> Any:
        if request.operation == "remove_daemons":
            for target in request.targets:
                if target.name in self.busy:
                    self.halve(target.name, request.variables["daemon_remove_daemons"])
            self.mute["remove_daemons"] = dict(self.busy)
        return super()._answer(request)

    def halve(self, host: str, rows: Any) -> None:
        """Let the daemons of a host be stopped and disabled, and their directories be there."""
        for row in rows[host]:
            key = (host, row["daemon_type"], row["daemon_id"])
            self.daemons[key], self.said[key] = "stopped", {"enabled": False}


@pytest.fixture
def cluster() -> Halfway:
    return Halfway().serving()


def apply(cluster: Cluster, *hosts: str, kind: str = "mds") -> None:
    placement = PlacementSpec(hosts=list(hosts))
    spec = MDSSpec(service_id="data", placement=placement)
    if kind == "rgw":
        spec = RGWSpec(service_id="data", placement=placement)
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(20)


def there(cluster: Cluster, kind: str = "mds") -> List[Key]:
    return sorted(key for key in cluster.daemons if key[1] == kind)


def keys(cluster: Cluster, word: str = "mds.") -> List[str]:
    return [key for key in cluster.monitors.keys if word in key]


def records(cluster: Cluster) -> List[str]:
    kinds = ("unused_key", "removed_mon")
    return [f"{kind}.{name}" for kind in kinds for name in cluster.core.store.items(kind)]


def health(cluster: Cluster) -> str:
    return str(
        cluster.orchestrator.health.checks().get("ANSIBLE_SERVICE_FAILED", {"detail": ""})["detail"]
    )


def removals(cluster: Cluster) -> int:
    return sum(each.operation == "remove_daemons" for each in cluster.requests)


def jobs_of_others_end(cluster: Cluster, seconds: float) -> None:
    """Let jobs of a manager before be over so soon: their end is told by the machine's clock."""
    cluster.orchestrator.reconciler.services.jobs.keys.others_end = seconds


def after_pauses(cluster: Cluster) -> None:
    # Failures are noted with the machine's own clock.
    cluster.now = max(cluster.now, time.monotonic()) + 700
    cluster.report(40)


@pytest.mark.parametrize("kind", ["mds", "rgw"])
def test_a_placement_that_moves_takes_the_daemon_along_in_the_end(
    cluster: Halfway, kind: str
) -> None:
    apply(cluster, "h2", "h3", kind=kind)
    cluster.busy["h3"] = BUSY
    apply(cluster, "h2", kind=kind)
    cluster.report(30)
    assert f"{kind}.data on host h3 failed" in health(cluster)
    assert "resource busy" in health(cluster)
    assert len(there(cluster, kind)) == len(keys(cluster, f"{kind}.")) == 2

    before = removals(cluster)
    cluster.now = time.monotonic()
    cluster.settle(20)
    assert 0 < removals(cluster) - before <= 4, "the pauses do not grow"
    cluster.busy.clear()
    after_pauses(cluster)
    assert [host for host, _, _ in there(cluster, kind)] == ["h2"]
    assert len(keys(cluster, f"{kind}.")) == 1
    assert (records(cluster), health(cluster)) == ([], "")
    assert [host for host, _ in cluster.core.deployments.all()] == ["h2"]
    if kind == "rgw":
        assert len(cluster.monitors.config) == 1


@pytest.mark.parametrize("managed", [True, False])
def test_the_pauses_grow_although_the_host_reports_after_each_try(
    cluster: Halfway, managed: bool
) -> None:
    apply(cluster, "h2", "h3")
    cluster.busy["h3"] = BUSY
    (key,) = [each for each in there(cluster) if each[0] == "h3"]
    if managed:
        apply(cluster, "h2")
    else:
        raise_if_exception(cluster.orchestrator.set_unmanaged("mds.data", True))
        raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{key[2]}"]))
    cluster.now = time.monotonic()
    tries = []
    for _ in range(30):
        # Another report comes at once, as after each job that failed.
        cluster.report(1)
        cluster.settle(1)
        assert "on host h3 failed" in health(cluster)
        tries.append(removals(cluster))
    assert tries[-1] <= 5, tries
    assert tries[-1] >= 3, tries


@pytest.mark.parametrize("service", ["unmanaged", "unknown", "removed"])
def test_a_daemon_whose_service_nobody_keeps_goes_too(cluster: Halfway, service: str) -> None:
    if service == "unknown":
        cluster.daemons["h3", "mds", "old"] = "running"
        cluster.monitors.keys.append("mds.old")
        cluster.report()
    else:
        apply(cluster, "h3")
        raise_if_exception(cluster.orchestrator.set_unmanaged("mds.data", True))
    cluster.busy["h3"] = BUSY
    ((_, _, daemon_id),) = there(cluster)
    if service == "removed":
        raise_if_exception(cluster.orchestrator.remove_service("mds.data"))
    else:
        raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{daemon_id}"]))
    cluster.report(30)
    assert "on host h3 failed" in health(cluster)
    assert keys(cluster)

    cluster.busy.clear()
    after_pauses(cluster)
    cluster.report(40)
    assert (there(cluster), keys(cluster), records(cluster)) == ([], [], [])
    assert health(cluster) == ""


@pytest.mark.parametrize("enabled", [True, False])
def test_the_next_manager_goes_on_where_the_job_was_cut(cluster: Halfway, enabled: bool) -> None:
    apply(cluster, "h3")
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.data", True))
    (key,) = there(cluster)
    raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{key[2]}"]))
    # The power goes: the job has come as far as this, and nobody hears of it.
    cluster.daemons[key], cluster.said[key] = "stopped", {"enabled": enabled}
    cluster.start_anew()
    jobs_of_others_end(cluster, 0.1)
    time.sleep(0.2)
    cluster.settle(2)
    assert cluster.core.refresh.pending("h3"), "the host is not asked"
    cluster.report(60)
    assert (there(cluster), keys(cluster), records(cluster)) == ([], [], [])


def removed_in_vain(cluster: Halfway) -> Tuple[str, str, str]:
    """Remove the only daemon of an unmanaged service, which its host cannot; return it."""
    apply(cluster, "h3")
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.data", True))
    (key,) = there(cluster)
    cluster.busy["h3"] = BUSY
    raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{key[2]}"]))
    cluster.report(10)
    return key


def test_a_host_that_does_not_answer_is_waited_for(cluster: Halfway) -> None:
    removed_in_vain(cluster)
    cluster.offline("h3")
    cluster.busy.clear()
    before = removals(cluster)
    cluster.now = time.monotonic() + 700
    cluster.settle(20)
    assert removals(cluster) == before
    assert records(cluster)
    cluster.core.liveness.seen("h3", cluster.now)
    after_pauses(cluster)
    assert (there(cluster), keys(cluster), records(cluster)) == ([], [], [])


def test_who_starts_it_again_keeps_it(cluster: Halfway) -> None:
    key = removed_in_vain(cluster)
    started = datetime.now(timezone.utc).isoformat()
    cluster.daemons[key], cluster.said[key] = "running", {"started": started}
    cluster.report(10)
    assert (records(cluster), health(cluster)) == ([], "")
    before = removals(cluster)
    cluster.busy.clear()
    after_pauses(cluster)
    assert removals(cluster) == before
    assert there(cluster) == [key]
    assert keys(cluster)


def test_one_that_was_never_stopped_is_named_and_left(cluster: Halfway) -> None:
    """Its host refused before anything was done."""
    apply(cluster, "h3")
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.data", True))
    (key,) = there(cluster)
    cluster.break_on["remove_daemons"] = {"h3": "/srv is mounted below it"}
    raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{key[2]}"]))
    cluster.report(30)
    assert "/srv is mounted below it" in health(cluster)
    assert cluster.daemons[key] == "running"
    assert keys(cluster)
    assert records(cluster) == []


def test_one_whose_job_was_cut_before_it_began_is_removed_by_the_next_manager(
    cluster: Halfway,
) -> None:
    apply(cluster, "h3")
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.data", True))
    (key,) = there(cluster)
    cluster.said[key] = {"started": "2020-01-01T00:00:00+00:00"}
    cluster.report(5)
    cluster.engine.held.add("h3")
    raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{key[2]}"]))
    cluster.start_anew()
    jobs_of_others_end(cluster, 0.0)
    cluster.engine.held.clear()
    cluster.report(5)
    after_pauses(cluster)
    assert key not in there(cluster)
    assert records(cluster) == []


def test_a_service_that_wants_it_again_deploys_it(cluster: Halfway) -> None:
    apply(cluster, "h3")
    (key,) = there(cluster)
    cluster.busy["h3"] = BUSY
    raise_if_exception(cluster.orchestrator.remove_daemons([f"mds.{key[2]}"]))
    cluster.report(30)
    cluster.now = time.monotonic() + 700
    cluster.daemons.pop(key, None)
    cluster.said.pop(key, None)
    cluster.report(30)
    assert there(cluster) == [key]
    assert cluster.daemons[key] == "running"
    assert len(keys(cluster)) == 1
    assert (records(cluster), health(cluster)) == ([], "")


def test_a_monitor_that_cannot_be_moved_is_removed_later(cluster: Halfway) -> None:
    for hosts in (["h1", "h2", "h3"], ["h1", "h2"]):
        spec = ServiceSpec("mon", placement=PlacementSpec(hosts=hosts))
        raise_if_exception(cluster.orchestrator.apply([spec]))
        cluster.settle(20)
        cluster.busy["h3"] = "mon.h3: the store cannot be moved"
    cluster.report(20)
    assert cluster.monitors.mons == ["h1", "h2"]
    assert "mon on host h3 failed" in health(cluster)
    assert records(cluster) == ["removed_mon.mon.h3"]

    cluster.start_anew()
    jobs_of_others_end(cluster, 0.0)
    cluster.busy.clear()
    cluster.report(60)
    assert [host for host, _, _ in there(cluster, "mon")] == ["h1", "h2"]
    assert (records(cluster), health(cluster)) == ([], "")
    assert "mon." not in [key.rpartition("/")[2] for key in cluster.monitors.log if "auth" in key]


def test_the_key_goes_also_where_the_host_is_removed_meanwhile(cluster: Halfway) -> None:
    removed_in_vain(cluster)
    raise_if_exception(cluster.orchestrator.remove_host("h3", force=True))
    cluster.settle(10)
    assert (keys(cluster), records(cluster)) == ([], [])
    assert health(cluster) == ""
