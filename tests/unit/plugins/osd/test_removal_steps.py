"""What a run says of OSDs is what it does with them, also where it does not come to its end."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List

import pytest

from plugins.module_utils.cluster import osd_map
from plugins.module_utils.osd import removal_steps
from plugins.module_utils.osd.removal import RemovalRefused
from plugins.module_utils.osd.removal_steps import Work
from plugins.module_utils.system.host_lock import HostIsBusy, HostLock
from plugins.modules import device_zap, osd_create, osd_remove
from tests.unit.plugins.labels import FSID, OSD_UUID
from tests.unit.plugins.osd_host import OsdHost

DISK = {"disks": {"sdb": {"content": {0: {"label": {}}}}}}


OTHER_UUID = OSD_UUID[:-2] + "04"
KNOWN = [{"osd": 3, "uuid": OSD_UUID, "state": ["exists"]}]


class Ended(Exception):
    """A module has ended so."""

    def __init__(self, failed: bool, result: Dict[str, Any]) -> None:
        super().__init__(result.get("msg", ""))
        self.failed = failed
        self.result = result


def make_host(top: Path, patch: pytest.MonkeyPatch, **case: Any) -> OsdHost:
    host = OsdHost(top, case, patch)
    for module in (removal_steps, device_zap):
        patch.setattr(module, "HostLock", lambda timeout: host.lock)
        patch.setattr(module, "Startup", lambda roots: host.startup)
    return host


def params(step: str, **values: Any) -> Dict[str, Any]:
    osd = {"osd_id": 3, "osd_uuid": OSD_UUID, "zap": False, "force": True, "gone": False}
    return {
        "step": step,
        "osds": [{**osd, "destroy_lvs": True, "disks": [], **values}],
        "cluster": FSID,
        "keyring": "",
        "patience": 0.0,
        "kept_fails": True,
        "timeout": 30,
        "report": [],
    }


def run_module(module: Any, patch: pytest.MonkeyPatch, host: OsdHost, given: Any) -> Ended:
    """Run a module's main; return how it ended."""

    class Module:
        params = given
        check_mode = False

        def __init__(self, **_: Any) -> None:
            pass

        def fail_json(self, **result: Any) -> None:
            raise Ended(True, result)

        def exit_json(self, **result: Any) -> None:
            raise Ended(False, result)

    patch.setattr(module, "AnsibleModule", Module)
    patch.setattr(module, "Roots", lambda: host.roots)
    with pytest.raises(Ended) as raised:
        module.main()
    return raised.value


@pytest.mark.parametrize(
    ("state", "sub", "word"),
    [
        ("active", "running", "present"),
        ("activating", "start-pre", "present"),
        ("activating", "auto-restart", "started"),
        ("failed", "failed", "started"),
        ("inactive", "dead", "started"),
        ("deactivating", "stop-sigterm", "started"),
    ],
)
def test_what_would_be_started_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, sub: str, word: str
) -> None:
    osd = {"devices": {"block": "sdb"}, "state": state, "sub": sub}
    host = make_host(tmp_path, monkeypatch, tree=DISK, osds={3: osd}, known=KNOWN)
    states: List[Any] = []
    for check_mode in (True, False):
        rows: List[Any] = []
        Work(params("start"), host.roots, check_mode, rows).do()
        states += [row["state"] for row in rows]

    assert states == [word if word == "present" else f"would be {word}", word]


FIB = """Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.0.0.0
        /8 link UNICAST
     |-- 10.0.0.1
        /32 host LOCAL
"""
ON_H1 = {"proc/sys/kernel/hostname": "h1", "proc/net/fib_trie": FIB}
STOPPED = {3: {"devices": {"block": "sdb"}, "state": "inactive"}}
ELSEWHERE: Dict[str, Any] = {
    "up on another host": (
        ["exists", "up"],
        "h2",
        "osd.3 is not started: it is up in the cluster's map, on host h2: two daemons of one OSD",
    ),
    "up, nobody knows where": (
        ["exists", "up"],
        "",
        "osd.3 is not started: it is up in the cluster's map, and the monitors do not say on which",
    ),
    "down, and ran on another host last": (
        ["exists"],
        "h2",
        "osd.3 is not started: it ran on host h2 last, and from an old copy of its disk",
    ),
    "another OSD of that id": (
        None,
        "h1",
        f"osd.3 is not started: the cluster has no such OSD with the uuid {OSD_UUID} any more.",
    ),
    "destroyed": (
        ["destroyed", "exists"],
        "h1",
        f"osd.3 is not started: the cluster has no such OSD with the uuid {OSD_UUID} any more.",
    ),
    "still up in the map, as before it was stopped here": (["exists", "up"], "h1.example", ""),
    "down here": (["exists"], "h1", ""),
    "down, and has never run": (["exists", "new"], "", ""),
    "up, and the host had another name then": (["exists", "up", "addr"], "old", ""),
    "down, and the host had another name then": (["exists", "addr"], "old", ""),
}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_osd_that_is_elsewhere_by_now_is_not_started_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, check_mode: bool
) -> None:
    """Its disk was moved after it was stopped, or both hosts see it."""
    states, place, problem = ELSEWHERE[name]
    address = "10.0.0.1" if "addr" in (states or ()) else "10.0.0.2"
    row = {
        "osd": 3,
        "uuid": OSD_UUID if states else OTHER_UUID,
        "state": states or ["exists"],
        "public_addrs": {"addrvec": [{"type": "v2", "addr": f"{address}:6800", "nonce": 7}]},
        "cluster_addr": "0.0.0.0:0/0",
    }
    tree = {**DISK, "files": ON_H1}
    said = [{"id": 3, "hostname": place}] if place else []
    host = make_host(tmp_path, monkeypatch, tree=tree, osds=STOPPED, known=[row], said=said)
    rows: List[Any] = []
    Work({**params("start"), "kept_fails": False}, host.roots, check_mode, rows).do()

    done = "would be started" if check_mode else "started"
    assert rows[0]["state"] == ("failed" if problem else done)
    assert rows[0].get("problem", "")[: len(problem)] == problem
    started = [call for call in host.calls("systemctl") if call.split()[1] == "start"]
    assert bool(started) is (not problem and not check_mode)


@pytest.mark.parametrize("kept_fails", [True, False])
def test_an_osd_of_which_the_monitors_do_not_say_where_it_is_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_fails: bool
) -> None:
    host = make_host(tmp_path, monkeypatch, tree=DISK, osds=STOPPED, known=KNOWN, silent=True)
    given = {**params("start"), "kept_fails": kept_fails}
    ended = run_module(osd_remove, monkeypatch, host, given)

    assert (ended.failed, ended.result["changed"]) == (True, False)
    assert ended.result["msg"].startswith("osd.3 is not started: The monitors do not answer")
    (tmp_path / "silent").unlink()
    assert not run_module(osd_remove, monkeypatch, host, given).failed


@pytest.mark.parametrize(
    ("keyring", "own", "name"),
    [
        ("", False, "osd.3"),
        ("", True, "client.bootstrap-osd"),
        ("[client.bootstrap-osd]\n\tkey = AQ==", False, "client.bootstrap-osd"),
    ],
)
def test_who_starts_an_osd_asks_with_a_key_that_its_host_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyring: str, own: bool, name: str
) -> None:
    files = {"var/lib/ceph/bootstrap-osd/ceph.keyring": "secret"} if own else {}
    tree = {**DISK, "files": files}
    host = make_host(tmp_path, monkeypatch, tree=tree, osds=STOPPED, known=KNOWN)
    monkeypatch.setattr(osd_map, "RUN_DIR", str(tmp_path / "run"))
    rows: List[Any] = []
    Work({**params("start"), "keyring": keyring}, host.roots, False, rows).do()

    asked = host.calls("ceph")
    assert rows[0]["state"] == "started"
    assert [call.split()[4] for call in asked] == [name, name]
    assert not any("AQ==" in call for call in asked)


def test_an_osd_that_runs_is_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    osds = {3: {"devices": {"block": "sdb"}}}
    host = make_host(tmp_path, monkeypatch, tree=DISK, osds=osds, silent=True)
    rows: List[Any] = []
    Work(params("start"), host.roots, False, rows).do()
    assert (rows[0]["state"], host.calls("ceph")) == ("present", [])


@pytest.mark.parametrize("kept_fails", [True, False])
def test_a_managers_run_does_not_go_on_stopping_when_nobody_expects_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_fails: bool
) -> None:
    """The first one took long, and the job has failed meanwhile."""
    host = make_host(tmp_path, monkeypatch, tree=DISK, osds={3: {"devices": {"block": "sdb"}}})
    given = {**params("stop"), "kept_fails": kept_fails}
    other = {"osd_id": 4, "osd_uuid": "00000000-0000-4000-8000-000000000004"}
    given["osds"] += [{**given["osds"][0], **other}]
    monkeypatch.setattr(removal_steps, "STOPS_WITHIN", -1.0)
    rows: List[Any] = []
    Work(given, host.roots, False, rows).do()
    assert [row["state"] == "later" for row in rows] == [False, not kept_fails]


@pytest.mark.parametrize("kept_fails", [True, False])
def test_a_run_that_ends_between_stopping_and_wiping_has_changed_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_fails: bool
) -> None:
    host = make_host(
        tmp_path, monkeypatch, tree=DISK, osds={3: {"devices": {"block": "sdb"}}}, fails="no"
    )
    ended = run_module(
        osd_remove, monkeypatch, host, {**params("remove", zap=True), "kept_fails": kept_fails}
    )

    assert (ended.failed, ended.result["changed"]) == (True, True)
    assert not (tmp_path / "var/lib/ceph/osd/ceph-3").exists()


@pytest.mark.parametrize("name", ["osd_remove", "device_zap", "osd_create"])
def test_nobody_waits_for_the_disks_for_longer_than_a_cut_is_noticed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What waited on a host that was cut off wiped a disk minutes after its job had failed."""
    host = make_host(tmp_path, monkeypatch, tree=DISK)
    asked: List[float] = []

    @contextlib.contextmanager
    def lock(timeout: float) -> Iterator[HostLock]:
        asked.append(timeout)
        raise HostIsBusy("busy")
        yield

    for module in (removal_steps, device_zap, osd_create):
        monkeypatch.setattr(module, "HostLock", lock)
    devices = [{"path": "/dev/sdb", "size": 0, "device_id": ""}]
    given = {**params("remove", zap=True), "timeout": 600}
    given.update({"devices": devices, "allowed": [], "allowed_until": 0.0})
    given.update({"groups": [], "conf": "", "bootstrap_keyring": ""})
    modules = {"osd_remove": osd_remove, "device_zap": device_zap}
    if name in modules:
        assert run_module(modules[name], monkeypatch, host, given).failed
    else:
        monkeypatch.setattr(osd_create, "check_host", lambda module, roots: None)
        module = SimpleNamespace(params=given, check_mode=False)
        with pytest.raises(HostIsBusy):
            osd_create.create(module, host.roots, [])  # type: ignore[arg-type]
    assert asked == [20.0]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kept_fails", [True, False])
@pytest.mark.parametrize("how", ["refused", "slow", "others"])
def test_a_run_says_whether_ceph_volume_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, kept_fails: bool
) -> None:
    """Its job fails, and disks are wiped all the same."""
    case = (
        {"known": [{"osd": 3, "uuid": OSD_UUID, "state": ["exists"]}]} if how == "refused" else {}
    )
    host = make_host(tmp_path, monkeypatch, tree=DISK, osds={3: {}}, **case)
    given = {**params("remove", zap=True), "kept_fails": kept_fails}
    with contextlib.ExitStack() as stack:
        if how == "slow":
            os.mkfifo(tmp_path / "waits")
            stack.callback((tmp_path / "waits").write_text, "")
            given["timeout"] = 1
        if how == "others":
            stack.enter_context(host.lock)
            patched = HostLock(0.1, host.lock.directory)
            monkeypatch.setattr(removal_steps, "HostLock", lambda timeout: patched)
        ended = run_module(osd_remove, monkeypatch, host, given)

    assert ended.failed
    assert ended.result["ceph_orch_result"]["at_work"] is (how != "refused")


def test_a_run_that_is_refused_has_changed_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = {"known": [{"osd": 3, "uuid": OSD_UUID, "state": ["exists", "up"]}]}
    host = make_host(tmp_path, monkeypatch, tree=DISK, osds={3: {}}, **case)
    work = Work(params("remove", zap=True), host.roots, False, [])
    with pytest.raises(RemovalRefused, match="is in the cluster's map"):
        work.do()

    assert work.changed is False


def test_disks_that_were_wiped_before_one_that_failed_are_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = {name: {"content": {0: "XFSB"}} for name in ("sdb", "sdc")}
    host = make_host(tmp_path, monkeypatch, tree={"disks": disks}, blkid={"sdc": 8})
    devices = [{"path": f"/dev/{name}", "size": 0, "device_id": ""} for name in disks]
    given = {"devices": devices, "cluster": FSID, "allowed": [], "allowed_until": 0.0}
    given.update({"keyring": "", "timeout": 30})
    ended = run_module(device_zap, monkeypatch, host, given)

    assert (ended.failed, ended.result["changed"]) == (True, True)
    assert ended.result["ceph_orch_result"] == {"zapped": ["/dev/sdb"]}


def test_a_dead_osd_that_was_taken_down_before_its_disk_is_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    osds = {3: {"devices": {"block": "sdb"}, "state": "failed"}}
    host = make_host(tmp_path, monkeypatch, tree=DISK, osds=osds, fails="no")
    devices = [{"path": "/dev/sdb", "size": 0, "device_id": ""}]
    given = {"devices": devices, "cluster": FSID, "allowed": [], "allowed_until": 0.0}
    given.update({"keyring": "", "timeout": 30})
    ended = run_module(device_zap, monkeypatch, host, given)

    assert (ended.failed, ended.result["changed"]) == (True, True)
    assert not (tmp_path / "var/lib/ceph/osd/ceph-3").exists()


TWO = {
    "disks": {
        "sdb": {"content": {0: {"label": {}}}},
        "sdc": {"content": {0: {"label": {"whoami": 4, "osd_uuid": OTHER_UUID}}}},
    }
}


def remove_two(host: OsdHost, **second: Any) -> List[Any]:
    given = params("remove", zap=True)
    given["osds"].append({**given["osds"][0], "osd_id": 4, "osd_uuid": OTHER_UUID, **second})
    rows: List[Any] = []
    Work({**given, "kept_fails": False}, host.roots, False, rows).do()
    return rows


def test_a_disk_that_was_written_to_while_another_one_was_wiped_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make_host(tmp_path, monkeypatch, tree=TWO)
    (tmp_path / "meanwhile.json").write_text('{"writes": {"/dev/sdc": "XFSB"}}')
    rows = remove_two(host)

    assert [row["state"] for row in rows] == ["removed", "failed"]
    assert "/dev/sdc: somebody has written to it since the removal began" in rows[1]["problem"]
    assert host.head("sdc", 4) == b"XFSB"


@pytest.mark.parametrize("second", [{}, {"zap": False, "gone": True}])
def test_an_osd_that_was_given_back_while_another_one_was_wiped_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: Dict[str, Any]
) -> None:
    host = make_host(tmp_path, monkeypatch, tree=TWO, osds={4: {"uuid": OTHER_UUID}})
    known = [{"osd": 4, "uuid": OTHER_UUID, "state": ["exists", "up"]}]
    (tmp_path / "meanwhile.json").write_text(json.dumps({"osds": known}))
    before = host.head("sdc")
    rows = remove_two(host, **second)

    assert [row["state"] for row in rows] == ["removed", "failed"]
    assert "is in the cluster's map" in rows[1]["problem"]
    assert (host.head("sdc"), host.calls("systemctl")[-1].split()[1]) == (before, "show")


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ({0: "XFSB"}, ["/dev/sdb"]),
        ({0: {"label": {"osd_uuid": OTHER_UUID}}}, ["/dev/sdb"]),
        ({}, []),
    ],
)
def test_a_disk_with_other_things_on_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, left: List[str]
) -> None:
    host = make_host(tmp_path, monkeypatch, tree={"disks": {"sdb": {"content": content}}})
    rows: List[Any] = []
    given = params("remove", zap=True, disks=[{"path": "/dev/sdb", "device_id": ""}])
    Work(given, host.roots, False, rows).do()

    assert [(row["state"], row["left"]) for row in rows] == [("absent", left)]
