"""The turn of a host in an upgrade by hand: what is done to it, and beside whom it is not."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import Any, Dict, List, Mapping, Tuple

import pytest

from plugins.plugin_utils.upgrade_maps import UNDER_WAY
from plugins.plugin_utils.upgrade_runs import RUNS
from plugins.plugin_utils.upgrade_undo import KEY
from tests.unit.plugins.plugin_utils.asked_cluster import NEW, OLD, Cluster

ACTION: Any = importlib.import_module("plugins.action.daemon_upgrade")
CHANGED = {"ceph-common": NEW}


class Killed(Exception):
    """The run ends here."""


class Host:
    """The host h3: a monitor, two OSDs and a crash collector."""

    def __init__(self, cluster: Cluster, *, check: bool = False) -> None:
        self.cluster, self._task = cluster, SimpleNamespace(check_mode=check)
        self.states = {"mon.h3": "running", "osd.4": "running", "osd.5": "running"}
        self.states["crash.h3"] = "running"
        self.packages: Dict[str, str] = CHANGED
        self.done: List[Tuple[str, Any]] = []
        self.killed_at = ""
        self.unfinished: Dict[str, str] = {}
        self.target = NEW
        self.older: List[bool] = []

    def module(self, name: str, arguments: Mapping[str, Any], variables: Any) -> Dict[str, Any]:
        if name == "host_report":
            rows = [self._row(each) for each in self.states]
            packages = {"installed": {"ceph-osd": NEW}, "unfinished": dict(self.unfinished)}
            return {"ceph_orch_result": {"daemons": rows, "packages": packages}}
        if name == "host_upgrade":
            self.done.append((arguments["step"], arguments["units"] or ""))
            self.older.append(arguments["older"])
            packages, self.packages = self.packages, {}
            if not self._task.check_mode:
                self.unfinished.clear()
            again = arguments["units"] if packages else []
            self.cluster.versions.update({each: self.target for each in again})
            result = {"upgrade": {"packages": packages, "restarted": again}}
            return {"changed": bool(packages), "ceph_orch_result": result}
        units = arguments["units"]
        if self.killed_at in units:
            raise Killed
        self.done.append((name, units))
        self.cluster.versions.update({each: self.target for each in units})
        return {"changed": True}

    def _row(self, name: str) -> Dict[str, Any]:
        kind, _, identity = name.partition(".")
        version = self.cluster.versions.get(name, NEW)
        row = {"daemon_type": kind, "daemon_id": identity, "unit": name, "version": version}
        return {**row, "state": self.states[name], "fsid": "F51D"}

    def turn(
        self, *kinds: str, step: str = "restart", last: str = "h3", older: bool = False
    ) -> Any:
        known = {"inventory_hostname": "h3", "ansible_play_hosts_all": ["h1", last]}
        turn = ACTION.Turn(self, known, self.target, 1.0, self.cluster.ask, older=older)
        is_over = turn.take(step, kinds, True)
        if is_over:
            turn.release()
        return turn


@pytest.fixture
def host() -> Host:
    cluster = Cluster()
    done = ("mgr.", "mon.h1", "mon.h2")
    cluster.versions.update({name: NEW for name in cluster.versions if name.startswith(done)})
    return Host(cluster)


def runs(cluster: Cluster) -> List[str]:
    return [key for key in cluster.store if key.startswith(RUNS)]


def test_what_follows_packages_is_restarted_with_them(host: Host) -> None:
    turn = host.turn("mon")
    assert host.done == [
        ("install", ""),
        ("daemon_action", ["crash.h3"]),
        ("daemon_action", ["mon.h3"]),
    ]
    assert turn.restarted == ["crash.h3", "mon.h3"]
    assert KEY not in host.cluster.store


def test_what_follows_packages_is_restarted_after_a_run_that_was_cut_off(host: Host) -> None:
    host.killed_at = "crash.h3"
    with pytest.raises(Killed):
        host.turn("mon")
    assert json.loads(host.cluster.store[KEY])["followers"] == {"h3": ["crash.h3"]}
    host.killed_at, host.states["crash.h3"] = "", "error"
    host.turn("mon")
    assert host.done[-2:] == [("daemon_action", ["crash.h3"]), ("daemon_action", ["mon.h3"])]
    assert KEY not in host.cluster.store


def test_what_follows_packages_and_was_stopped_meanwhile_stays_so(host: Host) -> None:
    host.killed_at = "crash.h3"
    with pytest.raises(Killed):
        host.turn("mon")
    host.killed_at, host.states["crash.h3"] = "", "stopped"
    host.turn("mon")
    assert host.done[-1] == ("daemon_action", ["mon.h3"])
    assert KEY not in host.cluster.store


def with_manager(host: Host, *, active: bool = False) -> None:
    """Let h3 have a manager of the old version beside those of the others."""
    host.states["mgr.h3"], host.cluster.versions["mgr.h3"] = "running", OLD
    host.cluster.standbys.append("h3")
    if active:
        host.cluster.active, host.cluster.standbys = "h3", ["h1", "h2"]


def test_a_manager_that_stands_by_does_not_run_while_packages_change(host: Host) -> None:
    with_manager(host)
    turn = host.turn("mgr")
    assert host.done == [("install", ["mgr.h3"]), ("daemon_action", ["crash.h3"])]
    assert turn.restarted == ["mgr.h3", "crash.h3"]


def test_one_that_is_active_hands_over_and_then_stands_by(host: Host) -> None:
    with_manager(host, active=True)

    def fail_over(words: Tuple[str, ...]) -> None:
        if words[:2] == ("mgr", "fail"):
            host.cluster.active, host.cluster.standbys = "h1", ["h2", "h3"]

    host.cluster.before = fail_over
    host.turn("mgr")
    assert host.done[0] == ("install", ["mgr.h3"])
    assert host.cluster.versions["mgr.h3"] == NEW


def test_a_manager_whose_host_has_the_packages_is_restarted(host: Host) -> None:
    with_manager(host)
    host.packages = {}
    assert host.turn("mgr").restarted == ["mgr.h3"]
    assert host.done == [("install", ["mgr.h3"]), ("daemon_action", ["mgr.h3"])]


def test_a_manager_that_does_not_run_is_not_stopped_for_packages(host: Host) -> None:
    with_manager(host)
    host.cluster.standbys.remove("h3")
    host.states["mgr.h3"] = "error"
    with pytest.raises(ACTION.Refused, match=r"mgr\.h3 is not up"):
        host.turn("mgr")
    assert host.done[0] == ("install", "")
    assert host.done[-1] == ("daemon_action", ["mgr.h3"])


def test_daemons_go_back_where_that_is_wanted(host: Host) -> None:
    newer = "20.2.5"
    host.cluster.versions = dict.fromkeys(host.cluster.versions, newer)
    for name in host.cluster.versions:
        if name.startswith(("mgr.", "mon.h1", "mon.h2")):
            host.cluster.versions[name] = NEW
    with pytest.raises(ACTION.Refused, match="a newer version runs already"):
        host.turn("mon")
    assert host.done == []
    host.turn("mon", older=True)
    assert host.older == [True]
    assert host.cluster.versions["mon.h3"] == NEW


def test_a_host_that_has_the_packages_keeps_what_follows_them(host: Host) -> None:
    host.packages = {}
    assert host.turn("mon").restarted == ["mon.h3"]


def test_a_run_is_seen_until_the_last_host_has_ended(host: Host) -> None:
    host.turn(step="begin")
    assert runs(host.cluster) == []
    host.turn("mon")
    assert len(runs(host.cluster)) == 1
    for kind in ("osd", "mds"):
        names = [each for each in host.cluster.versions if each.startswith(kind)]
        host.cluster.versions.update({each: NEW for each in names})
    host.turn(last="h4")
    assert len(runs(host.cluster)) == 1
    host.turn()
    assert host.cluster.store == {}


def test_daemons_of_hosts_that_the_inventory_lacks_are_named_at_the_end(host: Host) -> None:
    """It was green before, with one rank left to the file system."""
    for name in host.cluster.versions:
        host.cluster.versions[name] = OLD if name == "mds.fs.h1" else NEW
    before = {"name": "fs", "max_mds": 2, "standby_replay": True}
    host.cluster.store[KEY] = json.dumps({"nodes": {}, "systems": [before]})
    host.cluster.max_mds, host.cluster.replay = 1, False
    with pytest.raises(ACTION.Refused, match=r"mds.fs.h1 do not run 20.2.4, and no host"):
        host.turn()
    assert (host.cluster.max_mds, host.cluster.replay) == (2, True)
    assert KEY not in host.cluster.store


@pytest.mark.parametrize("step", ["begin", "restart"])
def test_nothing_is_done_beside_another_run(host: Host, step: str) -> None:
    host.cluster.store[f"{RUNS}other"] = "{}"
    with pytest.raises(ACTION.Refused, match="The host is not upgraded: somebody"):
        host.turn("mon", step=step)
    assert host.done == []
    assert runs(host.cluster) == [f"{RUNS}other"]


def test_another_run_keeps_its_flags(host: Host) -> None:
    """Also where this one has nothing to do on the host."""
    host.cluster.versions["mon.h3"] = NEW
    host.cluster.flags = {"h1": ["noout"]}
    host.cluster.store[KEY] = json.dumps({"nodes": {"h1": -2}, "systems": []})
    host.cluster.store[f"{RUNS}other"] = "{}"
    with pytest.raises(ACTION.Refused, match="somebody"):
        host.turn("mon")
    assert host.cluster.flags == {"h1": ["noout"]}


@pytest.mark.parametrize("step", ["begin", "restart"])
def test_nothing_is_done_beside_an_upgrade_by_a_manager(host: Host, step: str) -> None:
    host.cluster.store[UNDER_WAY] = NEW
    with pytest.raises(ACTION.Refused, match="has an upgrade under way"):
        host.turn("mon", step=step)
    assert host.done == []


def test_check_mode_says_the_same_and_writes_nothing(host: Host) -> None:
    host._task.check_mode = True
    host.turn(step="begin")
    assert host.cluster.said == []
    host.cluster.store[f"{RUNS}other"] = "{}"
    with pytest.raises(ACTION.Refused, match="somebody"):
        host.turn(step="begin")
    assert host.cluster.said == []


def test_what_is_left_of_a_playbook_that_was_killed_begins_nothing(host: Host) -> None:
    turn = ACTION.Turn(host, {"inventory_hostname": "h3"}, NEW, 1.0, host.cluster.ask)
    turn._run = type(turn._run)(**{**turn._run.__dict__, "pid": 1})
    with pytest.raises(ACTION.Refused, match="has ended"):
        turn.take("restart", ["mon"], True)
    assert host.done == []
    assert host.cluster.versions["mon.h3"] == OLD


class TestPackagesThatWereLeftHalfway:
    """The host lost its power meanwhile: what started since has files of both versions."""

    @pytest.fixture
    def halfway(self, host: Host) -> Host:
        host.unfinished["ceph-osd"] = "unpacked, not configured"
        host.cluster.versions.update({"mon.h3": NEW, "osd.4": NEW})
        host.cluster.versions.update({f"osd.{n}": NEW for n in range(4)})
        return host

    def test_what_started_since_is_restarted(self, halfway: Host) -> None:
        """Seen to fail before: it ran the version, and was left alone."""
        assert halfway.turn("mon").restarted == ["crash.h3", "mon.h3"]
        kept = json.loads(halfway.cluster.store[KEY])
        assert kept["halfway"] == {"h3": ["osd.4"]}
        assert halfway.turn("osd").restarted == ["osd.4", "osd.5"]
        assert KEY not in halfway.cluster.store
        assert halfway.turn("osd").restarted == []

    def test_so_it_is_after_a_run_that_was_cut_off(self, halfway: Host) -> None:
        halfway.killed_at = "mon.h3"
        with pytest.raises(Killed):
            halfway.turn("mon")
        halfway.killed_at = ""
        assert halfway.turn("mon").restarted == ["mon.h3"]

    def test_a_manager_is_restarted_before_another_one_hands_over_to_it(
        self, halfway: Host
    ) -> None:
        with_manager(halfway)
        halfway.cluster.versions["mgr.h3"] = NEW
        assert halfway.turn("mgr").restarted == ["mgr.h3", "crash.h3"]
        assert halfway.done[0] == ("install", ["mgr.h3"])
        assert json.loads(halfway.cluster.store[KEY])["halfway"] == {"h3": ["mon.h3", "osd.4"]}

    def test_packages_of_others_restart_nothing(self, halfway: Host) -> None:
        halfway.unfinished.clear()
        halfway.unfinished["cowsay"] = "half-configured"
        assert halfway.turn("mon").restarted == []

    def test_check_mode_says_so_and_keeps_nothing(self, halfway: Host) -> None:
        halfway._task.check_mode = True
        assert "mon.h3" in halfway.turn("mon").restarted
        assert KEY not in halfway.cluster.store
