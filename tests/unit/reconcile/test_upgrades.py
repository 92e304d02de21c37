"""A cluster is upgraded step by step: in order, asked before, kept before, put back after."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, List

import pytest

from adapter.cluster.upgrade_by_hand import CHANGED, RUNS, UNDER_WAY
from adapter.cluster.upgrades import RUNNING, FileSystem, Upgrade
from adapter.errors import AdapterError, InvalidValue, NotReady
from adapter.interface import OrchestratorError, raise_if_exception
from adapter.reconcile.upgrade_settings import UpgradeSettings
from tests.unit.reconcile.fake_crush import Daemon
from tests.unit.reconcile.upgraded import NEW, NEW_PACKAGES, OLD_PACKAGES, Upgraded


@pytest.fixture
def cluster() -> Upgraded:
    found = Upgraded()
    found.prepare()
    return found


def start(cluster: Upgraded, rounds: int = 60, **scope: Any) -> str:
    said = raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW, **scope))
    cluster.settle(rounds)
    return str(said)


def status(cluster: Upgraded) -> Any:
    return raise_if_exception(cluster.orchestrator.upgrade_status())


def test_all_daemons_get_the_version_in_the_order_of_kinds(cluster: Upgraded) -> None:
    assert "Initiating upgrade to 20.2.5: 15 daemons" in start(cluster)
    kinds = [names[0].partition(".")[0] for names in cluster.restarted()]
    order = list(dict.fromkeys(kind for kind in kinds if kind != "crash"))
    assert order == ["mgr", "mon", "osd"]
    managers = [names for names in cluster.restarted() if names[0].startswith("mgr")]
    assert managers == [[f"mgr.{host}", f"crash.{host}"] for host in ("h2", "h3", "h1")]
    singles = [names for names in cluster.restarted() if names[0].startswith("mon")]
    assert all(len(names) == 1 for names in singles)
    assert singles[-1] == ["mon.h1"], "the leader is last"
    assert set(cluster.monitors.versions.values()) == {NEW}
    assert len(cluster.monitors.versions) == 15
    assert cluster.kept() == {}
    assert not status(cluster).in_progress


def without_daemons(cluster: Upgraded, host: str) -> None:
    """Leave a host its packages alone."""
    for key in [each for each in cluster.daemons if each[0] == host]:
        del cluster.daemons[key]
    monitors = cluster.monitors
    monitors.pool_size, monitors.quorum_counts = 2, False
    for names in (monitors.mons, monitors.managers):
        names.remove(host)
    monitors.osds = {n: osd for n, osd in monitors.osds.items() if osd.host != host}
    cluster.report(3)
    cluster.requests.clear()


def test_hosts_without_daemons_get_the_packages_last(cluster: Upgraded) -> None:
    without_daemons(cluster, "h3")
    assert start(cluster, daemon_types=["mgr"]).startswith("Initiating")
    assert "h3" not in cluster.installed
    assert "6 daemons, in 5 steps" in start(cluster)
    assert cluster.installed == dict.fromkeys(("h1", "h2", "h3"), NEW_PACKAGES), status(cluster)
    assert cluster.requests[-1].operation == "upgrade_packages"
    assert cluster.kept() == {}
    assert "already" in start(cluster)


def test_hosts_without_daemons_alone(cluster: Upgraded) -> None:
    without_daemons(cluster, "h3")
    start(cluster)
    cluster.installed["h3"] = OLD_PACKAGES
    cluster.report(3)
    assert "0 daemons, in 1 step." in start(cluster)
    assert cluster.installed["h3"] == NEW_PACKAGES
    assert cluster.kept() == {}


def test_a_host_whose_daemons_run_the_version_gets_its_packages_all_the_same(
    cluster: Upgraded,
) -> None:
    start(cluster)
    cluster.installed["h3"] = OLD_PACKAGES
    cluster.report(3)
    cluster.requests.clear()
    said = start(cluster)
    assert "1 daemon, in 1 step." in said
    assert "Note: daemons that run 20.2.5 already are not restarted: " in said
    assert cluster.installed["h3"] == NEW_PACKAGES
    assert cluster.restarted() == [["mgr.h3", "crash.h3"]]
    assert cluster.kept() == {}
    assert "already" in start(cluster)


def test_no_manager_hands_over_to_one_whose_packages_were_left_halfway(cluster: Upgraded) -> None:
    """The manager of h2 was started with the version that its host's power took halfway."""
    cluster.installed["h2"] = NEW_PACKAGES
    cluster.monitors.versions["mgr.h2"] = NEW  # type: ignore[attr-defined]
    raise_if_exception(cluster.orchestrator.upgrade_start(None, NEW))
    cluster.halfway.append("h2")
    cluster.report(3)
    cluster.settle(60)
    installed = [
        sorted(each.hosts)
        for each in cluster.requests
        if each.operation == "upgrade_packages" and each.variables["host_upgrade_step"] == "install"
    ]
    assert installed[0] == ["h2"]
    assert cluster.kept() == {}
    assert set(cluster.monitors.versions.values()) == {NEW}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "scope",
    [
        {"hosts": ""},
        {"hosts": " "},
        {"services": []},
        {"services": [""]},
        {"daemon_types": ["mgr", ""]},
        {"daemon_types": []},
    ],
)
def test_an_empty_scope_is_not_all_of_the_cluster(cluster: Upgraded, scope: Any) -> None:
    (field,) = scope
    with pytest.raises(OrchestratorError, match=f"Invalid {field} '': it names nothing"):
        start(cluster, **scope)
    assert cluster.kept() == {}


def test_flags_are_set_for_the_time_of_the_restart_alone(cluster: Upgraded) -> None:
    start(cluster)
    log = [line for line in cluster.monitors.log if "noout" in line]
    hosts = [line.rpartition(" ")[2] for line in log]
    assert sorted(set(hosts)) == ["h1", "h2", "h3"]
    assert cluster.monitors.noout == set()
    assert cluster.monitors.required == "tentacle"


def test_a_manager_is_active_on_no_host_whose_packages_change(cluster: Upgraded) -> None:
    seen: List[Any] = []
    act = cluster._on_upgrade_packages

    def note(host: str, variables: Any) -> Any:
        if variables["host_upgrade_step"] == "install":
            seen.append((host, cluster.monitors.managers[0]))
        return act(host, variables)

    cluster.acts["upgrade_packages"] = note
    from adapter.reconcile.absence import Absence

    cluster.orchestrator.reconciler.absence = Absence.__new__(Absence)
    cluster.orchestrator.reconciler._pause_after_absence = lambda now: None  # type: ignore
    start(cluster)
    # The standbys' hosts have just reported with the jobs that restarted these.
    assert [each.operation for each in cluster.requests if not each.changes] == []
    assert sorted(host for host, _ in seen) == ["h1", "h2", "h3"]
    assert all(host != active for host, active in seen), seen
    assert cluster.kept() == {}


@pytest.mark.parametrize("after", range(14))
def test_a_manager_that_ends_anywhere_is_followed_by_one_that_goes_on(
    cluster: Upgraded, after: int
) -> None:
    start(cluster, after)
    cluster.start_anew(keep_jobs=bool(after % 2))
    cluster.settle(120)
    assert cluster.kept() == {}
    assert set(cluster.monitors.versions.values()) == {NEW}
    assert len(cluster.monitors.versions) == 15
    assert cluster.monitors.noout == set()


def test_what_no_host_has_reported_yet_is_not_done(cluster: Upgraded) -> None:
    start(cluster, 6)
    cluster.start_anew()
    with cluster.core.lock:
        cluster.core.reports._reports.clear()  # type: ignore[attr-defined]
    cluster.step()
    assert cluster.kept()["stage"] == "running"
    assert "has not reported" in status(cluster).message


def test_packages_that_fail_pause_with_host_and_cause(cluster: Upgraded) -> None:
    cluster.mute["upgrade_packages"] = {"h2": "ceph-mds: its script failed."}
    start(cluster)
    found = status(cluster)
    assert found.is_paused
    assert "host h2: ceph-mds: its script failed" in found.message
    assert "UPGRADE_FAILED_PULL" in cluster.orchestrator.health.checks()
    assert "ANSIBLE_JOB_FAILED" not in cluster.orchestrator.health.checks(), "it is told once"
    assert cluster.restarted() == [], "nothing was begun on the first host"
    cluster.mute.clear()
    raise_if_exception(cluster.orchestrator.upgrade_resume())
    assert "UPGRADE_FAILED_PULL" not in cluster.orchestrator.health.checks()
    cluster.settle(60)
    assert cluster.kept() == {}


def test_a_daemon_that_does_not_come_back_pauses_it(cluster: Upgraded) -> None:
    cluster.stuck = ["osd.2"]
    start(cluster, 240)
    found = status(cluster)
    assert found.is_paused
    assert "osd.2 runs 20.2.4" in found.message
    assert "docs/upgrades.md says how to go on and back" in found.message
    assert cluster.monitors.noout == set(), "what is down is not kept from recovering"
    assert "UPGRADE_REDEPLOY_DAEMON" in cluster.orchestrator.health.checks()
    cluster.stuck = []
    raise_if_exception(cluster.orchestrator.upgrade_resume())
    cluster.settle(60)
    assert cluster.kept() == {}


def test_pause_ends_what_was_begun_and_begins_nothing(cluster: Upgraded) -> None:
    start(cluster, 7)
    assert raise_if_exception(cluster.orchestrator.upgrade_pause()) == "Paused upgrade to 20.2.5"
    cluster.settle(5)
    count = len(cluster.requests)
    cluster.settle(20)
    assert len([each for each in cluster.requests[count:] if each.changes]) == 0
    assert cluster.monitors.noout == set()
    assert "NotReady" not in str(status(cluster).message)
    raise_if_exception(cluster.orchestrator.upgrade_resume())
    cluster.settle(60)
    assert cluster.kept() == {}


def test_it_is_not_done_while_a_host_that_was_removed_meanwhile_has_old_daemons(
    cluster: Upgraded,
) -> None:
    start(cluster, 7)
    raise_if_exception(cluster.orchestrator.upgrade_pause())
    cluster.settle(6)
    with cluster.core.lock:
        cluster.core.hosts.remove("h3")
    raise_if_exception(cluster.orchestrator.upgrade_resume())
    cluster.settle(80)
    said = status(cluster).message
    assert status(cluster).is_paused
    assert "UPGRADE_OFFLINE_HOST: hosts that are not managed here have " in said
    assert "on h3" in said
    assert "on h1" not in said
    versions = cluster.monitors.versions
    for row in said.partition(" have ")[2].partition(". ")[0].split(", "):
        versions[row.split()[0]] = NEW
    raise_if_exception(cluster.orchestrator.upgrade_resume())
    cluster.settle(20)
    assert cluster.kept() == {}


@pytest.mark.parametrize("fresh", [False, True])
def test_the_id_that_an_osd_has_left_holds_up_nothing(cluster: Upgraded, fresh: bool) -> None:
    osd = Daemon("h2", "/dev/sdz", "U9", up=False, destroyed=not fresh)
    osd.flags, osd.up_from = (["new"], 0) if fresh else ([], 5)
    cluster.monitors.osds[9] = osd
    assert "15 daemons" in start(cluster)


def test_stop_leaves_daemons_and_puts_the_rest_back(cluster: Upgraded) -> None:
    start(cluster, 7)
    said = raise_if_exception(cluster.orchestrator.upgrade_stop())
    assert "Stopped upgrade to 20.2.5" in said
    cluster.settle(20)
    assert cluster.kept() == {}
    assert cluster.monitors.noout == set()
    versions = dict(cluster.monitors.versions)
    cluster.settle(20)
    assert cluster.monitors.versions == versions
    start(cluster)
    assert len(cluster.monitors.versions) == 15


def test_a_stop_that_is_kept_is_no_error_where_versions_are_not_known(cluster: Upgraded) -> None:
    start(cluster, 6)
    cluster.start_anew()
    with cluster.core.lock:
        cluster.core.reports._reports.clear()  # type: ignore[attr-defined]
    said = raise_if_exception(cluster.orchestrator.upgrade_stop())
    assert said.startswith("Stopped upgrade to 20.2.5.")
    assert "is not known now: Host h1, h2, h3 has not reported to this manager yet." in said
    assert cluster.kept()["stage"] == "stopping"


def test_what_speaks_against_it_is_said_before_anything_is_done(cluster: Upgraded) -> None:
    cluster.offline("h3")
    cluster.monitors.managers = ["h1"]
    with pytest.raises(AdapterError) as caught:
        start(cluster)
    assert "h3: no answer" in str(caught.value)
    assert "the only one is mgr.h1" in str(caught.value)
    assert cluster.kept() == {}
    assert [each for each in cluster.requests if each.changes] == []


def test_scopes_that_cannot_be(cluster: Upgraded) -> None:
    for scope in ({"daemon_types": ["x"]}, {"hosts": "h9"}, {"limit": 0}, {"hosts": "label:no"}):
        with pytest.raises(InvalidValue):
            start(cluster, **scope)
    with pytest.raises(AdapterError, match=r"mgr.h1.* come first"):
        start(cluster, daemon_types=["osd"])


def test_a_limit_and_kinds(cluster: Upgraded) -> None:
    start(cluster, daemon_types=["mgr"])
    kinds = {name.partition(".")[0] for name in cluster.monitors.versions}
    assert kinds == {"mgr", "crash"}, "what follows the packages is restarted with them"
    assert cluster.kept() == {}
    said = start(cluster, daemon_types=["mon"], limit=1)
    assert "1 daemon, in 1 step." in said, "those that the limit leaves are not counted"
    assert "leaves 2 daemons for later" in said
    assert len([name for name in cluster.monitors.versions if name.startswith("mon")]) == 1
    assert cluster.kept() == {}


def test_other_work_waits_while_it_runs_and_not_while_it_is_paused(cluster: Upgraded) -> None:
    start(cluster, 4)
    with pytest.raises(NotReady, match="under way"):
        raise_if_exception(cluster.orchestrator.enter_host_maintenance("h2"))
    with pytest.raises(NotReady, match="under way"):
        raise_if_exception(cluster.orchestrator.daemon_action("restart", "osd.0"))
    raise_if_exception(cluster.orchestrator.upgrade_pause())
    cluster.settle(6)
    raise_if_exception(cluster.orchestrator.enter_host_maintenance("h2"))
    with pytest.raises(AdapterError, match="h2 is in maintenance"):
        raise_if_exception(cluster.orchestrator.upgrade_resume())


def test_the_same_again_and_another_one(cluster: Upgraded) -> None:
    start(cluster, 4)
    assert "in progress" in start(cluster, 0)
    with pytest.raises(AdapterError, match="is under way"):
        start(cluster, 0, daemon_types=["mgr"])
    raise_if_exception(cluster.orchestrator.upgrade_pause())
    assert "Resumed" in start(cluster, 0)


RUN = {"user": "root", "machine": "h1", "pid": 4711, "since": 1.0}


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        (f"{RUNS}1", json.dumps(RUN), "at work, by root on h1 (process 4711) since 1970-01-01"),
        (f"{RUNS}1", json.dumps({**RUN, "since": 1e300}), "by somebody whose key cannot be read"),
        (f"{RUNS}1", "", "by somebody whose key cannot be read"),
        (CHANGED, json.dumps({"nodes": {"h1": -2}, "systems": []}), "was cut off"),
        (CHANGED, "[]", "was cut off"),
    ],
)
def test_an_upgrade_by_a_playbook_forbids_another_one(
    cluster: Upgraded, key: str, text: str, said: str
) -> None:
    cluster.monitors.keys[key] = text
    with pytest.raises(AdapterError, match="is not begun") as refused:
        start(cluster)
    assert said in str(refused.value)
    assert f"`ceph config-key rm {key}`".replace("'", "") in str(refused.value).replace("'", "")
    assert cluster.restarted() == []
    assert cluster.kept() == {}
    assert cluster.monitors.keys == {key: text}


def test_daemons_that_a_playbook_has_still_to_restart_forbid_nothing(cluster: Upgraded) -> None:
    left = {"nodes": {}, "systems": [], "followers": {"h1": ["crash.h1"]}}
    cluster.monitors.keys[CHANGED] = json.dumps(left)
    start(cluster)
    assert set(cluster.monitors.versions.values()) == {NEW}


def test_a_playbook_that_begins_at_the_same_moment_pauses_it(cluster: Upgraded) -> None:
    start(cluster, 0)
    cluster.monitors.keys[f"{RUNS}1"] = json.dumps(RUN)
    cluster.settle(20)
    assert "by root on h1" in status(cluster).message
    assert cluster.requests == []
    with pytest.raises(AdapterError, match="by root on h1"):
        raise_if_exception(cluster.orchestrator.upgrade_resume())
    del cluster.monitors.keys[f"{RUNS}1"]
    raise_if_exception(cluster.orchestrator.upgrade_resume())
    cluster.settle(60)
    assert set(cluster.monitors.versions.values()) == {NEW}


def test_a_playbook_sees_an_upgrade_from_its_first_step_to_its_end(cluster: Upgraded) -> None:
    start(cluster, 8)
    assert cluster.monitors.keys == {UNDER_WAY: NEW}
    raise_if_exception(cluster.orchestrator.upgrade_pause())
    cluster.settle(20)
    assert cluster.monitors.keys == {UNDER_WAY: NEW}
    raise_if_exception(cluster.orchestrator.upgrade_stop())
    cluster.settle(20)
    assert cluster.monitors.keys == {}


def test_monitors_that_do_not_say_whether_a_playbook_is_at_it_forbid_it(cluster: Upgraded) -> None:
    cluster.monitors.refuse = "config-key dump"
    with pytest.raises(OrchestratorError):
        start(cluster)
    assert cluster.kept() == {}


def test_without_one(cluster: Upgraded) -> None:
    assert raise_if_exception(cluster.orchestrator.upgrade_stop()) == "No upgrade in progress"
    for verb in (cluster.orchestrator.upgrade_pause, cluster.orchestrator.upgrade_resume):
        with pytest.raises(AdapterError, match="No upgrade is under way"):
            raise_if_exception(verb())


def test_file_systems_keep_what_somebody_sets_meanwhile(cluster: Upgraded) -> None:
    settings, one = UpgradeSettings(cluster.core), Upgrade("20.2.5", RUNNING, 1.0)
    cluster.monitors.filesystems["fs"] = ["a", "b"]
    known = cluster.monitors.settings["fs"] = {"max_mds": 2, "replay": True}

    def narrow(one: Upgrade) -> Upgrade:
        kept = [one]

        def save(systems: Any) -> Upgrade:
            kept.append(replace(one, systems=systems))
            return kept[-1]

        settings.narrow_file_systems(one, save)
        assert known == {"max_mds": 1, "replay": False}
        return kept[-1]

    one = narrow(narrow(one))
    assert one.systems == (FileSystem("fs", 2, True),)
    known["max_mds"] = 3
    one = narrow(one)
    settings.widen_file_systems(one)
    assert known == {"max_mds": 3, "replay": True}
    one = narrow(one)
    known["max_mds"] = 4
    settings.widen_file_systems(one)
    assert known == {"max_mds": 4, "replay": True}


def test_a_bucket_that_is_renamed_meanwhile_loses_the_flag_too(cluster: Upgraded) -> None:
    settings, osds = UpgradeSettings(cluster.core), cluster.monitors.osds
    here = [osd_id for osd_id, osd in osds.items() if osd.host == "h2"]
    one, lacking = settings.flagged(Upgrade("20.2.5", RUNNING, 1.0), here)
    settings.flag(lacking)
    assert cluster.monitors.noout == {"h2"}
    cluster.monitors.rename_bucket("h2", "moved")
    settings.unflag(Upgrade.from_json(one.to_json()))
    assert cluster.monitors.noout == set()


def test_what_an_upgrade_left_on_a_host_is_put_back_when_it_answers(cluster: Upgraded) -> None:
    """A host that was off when the upgrade ended, or one whose transaction was cut by hand."""
    cluster.said_of["h2"] = {"upgrade_left": True}
    cluster.report(3)
    asked = [each for each in cluster.requests if each.operation == "upgrade_packages"]
    assert [(each.hosts, each.variables["host_upgrade_step"]) for each in asked] == [
        (["h2"], "put_back")
    ]
    cluster.settle(40)
    asked = [each for each in cluster.requests if each.operation == "upgrade_packages"]
    assert len(asked) == 2, "it is tried again where its host still has it, and not at once"
    cluster.said_of.clear()
    cluster.report(3)
    cluster.settle(60)
    assert len([each for each in cluster.requests if each.operation == "upgrade_packages"]) == 2


RAISED = "AUTH_INSECURE_SERVICE_KEY_TYPE"
OLDER = "AUTH_INSECURE_KEYS_ALLOWED"


def raise_with_new_monitors(cluster: Upgraded) -> None:
    """Raise a check as soon as monitors have the new version."""
    act = cluster._on_daemon_action

    def note(host: str, variables: Any) -> Any:
        found = act(host, variables)
        if "mon.h1" in cluster.monitors.versions:
            cluster.monitors.raised.add(RAISED)
        return found

    cluster.acts["daemon_action"] = note


@pytest.mark.parametrize("cut", [False, True])
def test_checks_of_old_keys_that_it_raises_are_muted_until_its_end(
    cluster: Upgraded, cut: bool
) -> None:
    cluster.monitors.raised = {OLDER, "OSDMAP_FLAGS"}
    raise_with_new_monitors(cluster)
    start(cluster, 7)
    while not cluster.monitors.muted:
        cluster.step()
    if cut:
        cluster.start_anew()
    cluster.settle(100)
    assert cluster.kept() == {}
    assert f"mute {RAISED}" in cluster.monitors.log
    assert not any(OLDER in line or "OSDMAP" in line for line in cluster.monitors.log)
    assert cluster.monitors.muted == set()
    with cluster.core.lock:
        said = cluster.core.events.of("mon")[-1].message
    assert said == (
        f"the upgrade to 20.2.5 has ended; health checks of old keys that it raised: {RAISED}"
    )


def test_what_is_muted_is_shown_again_by_stop_but_for_what_somebody_has_muted(
    cluster: Upgraded,
) -> None:
    cluster.monitors.muted = {OLDER}
    raise_with_new_monitors(cluster)
    start(cluster, 7)
    while RAISED not in cluster.monitors.muted:
        cluster.step()
    raise_if_exception(cluster.orchestrator.upgrade_stop())
    cluster.settle(20)
    assert cluster.kept() == {}
    assert cluster.monitors.muted == {OLDER}


def test_a_check_shows_the_plan_and_all_that_a_start_refuses(cluster: Upgraded) -> None:
    def check() -> Any:
        cluster.core.answer_wait = 0.0
        return json.loads(raise_if_exception(cluster.orchestrator.upgrade_check(None, NEW)))

    found = check()
    steps = found["plan"]["steps"]
    assert [each["kind"] for each in steps[:6]] == ["mgr"] * 3 + ["mon"] * 3
    assert steps[0]["packages_first"] == ["h2"]
    assert sum(len(each["daemons"]) for each in steps) == 15
    assert "noout" in found["plan"]["settings"][0]
    assert found["plan"]["refusals"] == []
    cluster.monitors.managers = ["h1"]
    found = check()
    assert any("the only one is mgr.h1" in line for line in found["obstacles"])
    assert cluster.kept() == {}


@pytest.mark.parametrize("after", [4, 7, 10])
def test_a_host_that_goes_off_pauses_it_whoever_is_next(cluster: Upgraded, after: int) -> None:
    start(cluster, after)
    cluster.offline("h3")
    count = len([each for each in cluster.requests if each.changes])
    cluster.settle(20)
    found = status(cluster)
    assert found.is_paused
    assert "UPGRADE_OFFLINE_HOST: host h3 does not answer" in found.message
    assert cluster.monitors.noout == set()
    assert len([each for each in cluster.requests if each.changes]) <= count + 1
