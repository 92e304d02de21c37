"""What an upgrade does in one job, and what the next step need not wait for."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.cluster.upgrade_plan import Cluster as Data
from adapter.cluster.upgrade_plan import Daemon
from adapter.errors import ReportAwaited
from adapter.interface import raise_if_exception
from adapter.reconcile.upgrade_acts import BACK_WITHIN
from adapter.reconcile.upgrade_view import check_reports
from adapter.reconcile.upgrades import first_hosts
from tests.unit.reconcile.test_upgrades import start, status
from tests.unit.reconcile.upgraded import NEW, Upgraded


@pytest.fixture
def cluster() -> Upgraded:
    found = Upgraded()
    found.prepare()
    return found


def test_managers_are_restarted_in_the_job_that_changes_their_packages(cluster: Upgraded) -> None:
    start(cluster)
    asked = [each for each in cluster.requests if each.variables.get("host_upgrade_units")]
    assert [each.hosts for each in asked] == [["h2"], ["h3"], ["h1"]]
    assert [each.variables["host_upgrade_units"] for each in asked] == [
        {host: [f"mgr@{host}", f"crash@{host}"]} for host in ("h2", "h3", "h1")
    ]
    singly = [each for each in cluster.requests if each.operation == "daemon_action"]
    units = [
        unit for each in singly for row in each.variables.values() for unit in str(row).split()
    ]
    assert not any("mgr@" in unit or "crash@" in unit for unit in units)


def test_a_host_with_a_monitor_alone_changes_its_packages_beside_the_first_manager(
    cluster: Upgraded,
) -> None:
    cluster.monitors.managers = ["h1", "h2"]
    del cluster.daemons["h3", "mgr", "h3"]
    cluster.report(3)
    start(cluster, 80)
    assert cluster.kept() == {}
    asked = [each for each in cluster.requests if each.variables.get("host_upgrade_units")]
    assert [each.hosts for each in asked] == [["h2", "h3"], ["h1"]]
    assert asked[0].variables["host_upgrade_units"] == {
        "h2": ["mgr@h2", "crash@h2"],
        "h3": ["crash@h3"],
    }


def test_what_was_not_restarted_with_the_packages_is_restarted_by_itself(
    cluster: Upgraded,
) -> None:
    """Somebody else has changed the packages before the job could."""
    act = cluster._on_upgrade_packages

    def nothing(host: str, variables: Any) -> Any:
        stuck, cluster.stuck = cluster.stuck, [f"mgr.{host}", f"crash.{host}"]
        found = act(host, variables)
        cluster.stuck = stuck
        return {"upgrade": {**found["upgrade"], "restarted": []}}

    cluster.acts["upgrade_packages"] = nothing
    start(cluster, 80)
    assert cluster.kept() == {}
    assert len(cluster.monitors.versions) == 15
    singly = [each for each in cluster.requests if each.operation == "daemon_action"]
    named = str([each.variables["daemon_action_units"] for each in singly])
    assert all(f"mgr@{host}" in named and f"crash@{host}" in named for host in ("h1", "h2", "h3"))


def test_a_manager_counts_as_down_while_packages_of_its_host_change(cluster: Upgraded) -> None:
    seen: List[Any] = []
    act = cluster._on_upgrade_packages

    def note(host: str, variables: Any) -> Any:
        if variables["host_upgrade_units"]:
            with cluster.core.lock:
                going = cluster.core.going_down
                seen.append((host, going.of("mgr")))
                # That it is not in the map is no news for which its host would be asked.
                assert f"mgr.{host}" in going.at_work_on()
        return act(host, variables)

    cluster.acts["upgrade_packages"] = note
    start(cluster)
    assert seen == [(host, [host]) for host in ("h2", "h3", "h1")], "and no longer than that"


def test_the_next_is_not_kept_waiting_when_the_maps_have_shown_the_last_one(
    cluster: Upgraded,
) -> None:
    seen: List[Any] = []

    def note(host: str, variables: Any) -> Any:
        with cluster.core.lock:
            seen.append(cluster.core.going_down.of("mon"))
        return cluster._on_daemon_action(host, variables)

    cluster.acts["daemon_action"] = note
    start(cluster)
    assert [each for each in seen if each] == [["h2"], ["h3"], ["h1"]]


def test_how_long_a_job_takes_does_not_count_as_time_that_daemons_need(cluster: Upgraded) -> None:
    """A command takes no step while it waits for a job."""
    late: List[str] = []

    def slow(act: Any) -> Any:
        def run(host: str, variables: Any) -> Any:
            cluster.now += 2 * BACK_WITHIN
            before = dict(cluster.monitors.versions)  # type: ignore[attr-defined]
            found = act(host, variables)
            after = cluster.monitors.versions  # type: ignore[attr-defined]
            # They are not told at once.
            for name in [each for each in after if after[each] != before.get(each)]:
                after[name] = before.get(name, "")
                late.append(name)
            return found

        return run

    for operation in ("upgrade_packages", "daemon_action"):
        cluster.acts[operation] = slow(getattr(cluster, f"_on_{operation}"))
    raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW))
    for _ in range(150):
        cluster.settle(2)
        assert not status(cluster).is_paused, status(cluster).message
        cluster.monitors.versions.update(dict.fromkeys(late, NEW))  # type: ignore[attr-defined]
    assert cluster.kept() == {}
    assert {"mgr.h2", "osd.2"} <= set(late)


def test_a_report_that_is_under_way_is_not_asked_for_twice(cluster: Upgraded) -> None:
    hosts = ["h1", "h2", "h3"]
    cluster.start_anew(before={host: cluster._report(host) for host in hosts})
    core = cluster.core
    with core.lock:
        core.refresh.started(hosts[:2], "job")
    with pytest.raises(ReportAwaited):
        check_reports(core)
    with core.lock:
        for host in hosts[:2]:
            core.refresh.reported(host, cluster.now)
        assert [core.refresh.pending(host) for host in hosts] == [False, False, True]


def test_packages_change_under_no_active_manager(cluster: Upgraded) -> None:
    daemons = tuple(Daemon("mgr", host, host, NEW, first=host == "h1") for host in ("h1", "h2"))
    there = Data(daemons, {})
    assert first_hosts(there, ["h1", "h2", "h3"]) == ["h2", "h3"]
    assert first_hosts(there, ["h1"]) == ["h1"], "another one takes over then"
