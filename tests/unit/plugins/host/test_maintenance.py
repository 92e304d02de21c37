"""All daemons of a host are held and put back: exactly those, whatever is killed in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.host.maintenance import Maintenance
from plugins.module_utils.host.maintenance_record import (
    RecordUnreadable,
    describe_record,
    path_of,
    read_held,
    read_record,
)
from plugins.module_utils.system.reading import Roots
from tests.unit.plugins.labels import OSD_UUID
from tests.unit.plugins.programs import only_programs_of

ROOT = Path(__file__).resolve().parents[4]
RUNS = {"active": "active", "enabled": "enabled"}
UNITS: Dict[str, Dict[str, Any]] = {
    "ceph-mon@h1.service": RUNS,
    "ceph-mgr@h1.service": RUNS,
    "ceph-osd@3.service": RUNS,
    "ceph-osd@4.service": {"active": "inactive", "enabled": "enabled"},
    "ceph-osd@5.service": {"active": "inactive", "enabled": "disabled"},
    "ceph-osd@6.service": {"active": "inactive", "enabled": "enabled", "masked": True},
    "ceph-mds@a.service": {"active": "active", "enabled": "disabled"},
    "ceph-radosgw@rgw.web.service": RUNS,
    "ceph-immutable-object-cache@x.service": RUNS,
    "ceph-volume@lvm-3-u.service": {"active": "inactive", "enabled": "enabled"},
    "ceph-orch-osd@3.service": {"active": "inactive", "enabled": "enabled"},
    "ceph-orch-keepalived@web.h1.x.service": RUNS,
    "ceph-crash.service": RUNS,
    "ssh.service": RUNS,
}
# The monitors' answers stand in files; without them nobody answers.
CEPH = """#!/bin/sh
case "$*" in *metadata*) cat "$TREE/metadata.json" ;; *) cat "$TREE/osds.json" ;; esac
"""


class Host:
    """A host whose systemd is a file."""

    def __init__(self, top: Path, patch: pytest.MonkeyPatch) -> None:
        self.top = top
        only_programs_of(top, patch)
        patch.setenv("TREE", str(top))
        fake = Path(__file__).with_name("fake_systemctl.py").read_text(encoding="utf-8")
        program = top / "bin/systemctl"
        program.write_text(f"#!{sys.executable}\n{fake}")
        program.chmod(0o755)
        ceph = top / "bin/ceph"
        ceph.write_text(CEPH)
        ceph.chmod(0o755)
        (top / "proc/sys/kernel").mkdir(parents=True)
        (top / "proc/sys/kernel/hostname").write_text("h1\n")
        self.monitors_say()
        self.roots = Roots(
            etc=str(top / "etc"),
            var=str(top / "var"),
            ceph_run=str(top / "run/ceph"),
            proc=str(top / "proc"),
        )
        directory = top / "var/lib/ceph/osd/ceph-3"
        directory.mkdir(parents=True)
        (directory / "fsid").write_text(OSD_UUID + "\n")
        (directory / "keyring").write_text("secret\n")
        (directory / "block").symlink_to("/dev/sdb")
        self.write(units=json.loads(json.dumps(UNITS)))

    def monitors_say(self, uuid: str = OSD_UUID, state: str = "exists", place: str = "h1") -> None:
        osd = {"osd": 3, "uuid": uuid, "state": [state], "public_addr": "10.0.0.9:6800/1"}
        (self.top / "osds.json").write_text(json.dumps([osd]))
        (self.top / "metadata.json").write_text(json.dumps([{"id": 3, "hostname": place}]))

    def write(self, **state: Any) -> None:
        (self.top / "systemd.json").write_text(json.dumps(state))

    @property
    def state(self) -> Dict[str, Any]:
        found: Dict[str, Any] = json.loads((self.top / "systemd.json").read_text())
        return found

    @property
    def units(self) -> Dict[str, Any]:
        """Return the units as systemd has them; what is not said is so."""
        return {
            name: {"masked": False, **unit} for name, unit in self.state["units"].items() if unit
        }

    def calls(self) -> List[str]:
        path = self.top / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def forget_calls(self) -> None:
        (self.top / "calls").unlink(missing_ok=True)

    def enter(self, part: str = "all") -> Any:
        change = Maintenance(self.roots).plan_entry(part)
        if change.is_needed:
            Maintenance(self.roots).enter(change)
        return change

    def leave(self, *given: Any, force: bool = False) -> Any:
        change = Maintenance(self.roots).plan_exit(read_held(given))
        if change.is_needed:
            Maintenance(self.roots, settle=0.0).leave(change, 0.1, force)
        return change


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_all_that_runs_or_would_start_is_masked_then_stopped_in_order(host: Host) -> None:
    host.enter()

    mask, *stops = host.calls()
    held = mask.split()[1:]
    assert mask.startswith("mask ")
    assert {"ceph-osd@4.service", "ceph-volume@lvm-3-u.service", "ceph-crash.service"} < set(held)
    assert not {"ceph-osd@5.service", "ceph-osd@6.service", "ssh.service"} & set(held)
    assert not [unit for unit in held if unit.startswith("ceph-orch-osd@")]
    first, *others = stops
    assert set(first.split()[1:]) == {
        "ceph-radosgw@rgw.web.service",
        "ceph-immutable-object-cache@x.service",
        "ceph-orch-keepalived@web.h1.x.service",
        "ceph-crash.service",
    }
    assert others == [
        "stop ceph-mds@a.service",
        "stop ceph-mgr@h1.service ceph-osd@3.service",
        "stop ceph-mon@h1.service",
    ]


@pytest.mark.parametrize("conf", ["", "[global]\nfsid = 2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11\n"])
def test_units_of_another_cluster_are_left_alone(host: Host, conf: str) -> None:
    """A monitor of another cluster on the host was seen stopped, and nobody was told."""
    theirs = "ceph-11111111-2222-3333-4444-555555555555@mon.h1.service"
    ours = "ceph-2f0b4d5e-9a4c-4a55-8f3f-0d8f5d9f2a11@mds.b.service"
    host.write(units={**UNITS, theirs: RUNS, ours: RUNS})
    (host.top / "etc/ceph").mkdir(parents=True)
    (host.top / "etc/ceph/ceph.conf").write_text(conf)

    change = host.enter()

    assert not host.units[theirs]["masked"]
    assert bool(host.units[ours]["masked"]) is bool(conf)
    assert theirs in change.others


def test_a_unit_of_any_name_can_be_kept(host: Host) -> None:
    """One whose name has an escaped letter made a record that its own writer could not read."""
    names = [r"ceph-export@pool\x2ba.service", f"ceph-osd@{'x' * 230}.service"]
    host.write(units={**UNITS, **dict.fromkeys(names, RUNS)})

    host.enter()
    host.leave()

    assert not any(host.units[name]["masked"] for name in names)
    assert read_record(host.roots) is None


def test_exit_gives_back_exactly_what_was(host: Host) -> None:
    before = host.units
    host.enter()
    assert host.units != before
    host.forget_calls()

    host.leave()

    assert {
        name: {**unit, "masked": bool(unit["masked"])} for name, unit in host.units.items()
    } == {name: {**unit, "masked": bool(unit["masked"])} for name, unit in before.items()}
    starts = [call for call in host.calls() if call.startswith("start ")]
    assert starts == [
        "start ceph-mon@h1.service",
        "start ceph-mgr@h1.service ceph-osd@3.service ceph-mds@a.service ceph-crash.service "
        "ceph-immutable-object-cache@x.service ceph-orch-keepalived@web.h1.x.service "
        "ceph-radosgw@rgw.web.service",
    ]
    assert read_record(host.roots) is None


def test_a_second_run_changes_nothing(host: Host) -> None:
    assert host.enter().is_needed
    assert not host.enter().is_needed
    assert host.leave().is_needed
    assert not host.leave().is_needed


def test_services_go_first_where_that_is_wanted(host: Host) -> None:
    host.enter("services")
    states = {name: unit.get("active") for name, unit in host.units.items()}
    assert states["ceph-mds@a.service"] == "inactive"
    assert states["ceph-osd@3.service"] == states["ceph-mon@h1.service"] == "active"
    assert host.units["ceph-mon@h1.service"]["masked"]
    host.enter("data")
    states = {name: unit.get("active") for name, unit in host.units.items()}
    assert states["ceph-osd@3.service"] == states["ceph-mgr@h1.service"] == "inactive"
    change = host.enter()
    assert [each.unit for each in change.moved] == ["ceph-mon@h1.service"]


@pytest.mark.parametrize("die_at", ["mask", "stop"])
@pytest.mark.parametrize(
    "unit", ["ceph-crash.service", "ceph-osd@3.service", "ceph-mon@h1.service"]
)
def test_a_run_that_is_killed_is_gone_on_with(host: Host, die_at: str, unit: str) -> None:
    before = host.units
    host.write(**host.state, die_at=die_at, die_unit=unit)
    script = (
        "from plugins.module_utils.host.maintenance import Maintenance\n"
        "from plugins.module_utils.system import command\n"
        "from plugins.module_utils.system.reading import Roots\n"
        f"command.SEARCH_PATH = {str(host.top / 'bin')!r} + ':/usr/bin:/bin'\n"
        f"one = Maintenance(Roots(etc={host.roots.etc!r}, var={host.roots.var!r}))\n"
        "one.enter(one.plan_entry())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    died = subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert died.returncode == -9

    host.enter()
    assert not [
        name
        for name in ("ceph-mon@h1.service", "ceph-osd@3.service")
        if host.units[name]["active"] == "active"
    ]
    host.leave()
    assert {n: u.get("active") for n, u in host.units.items()} == {
        n: u.get("active") for n, u in before.items()
    }
    assert [n for n, u in host.units.items() if u["masked"]] == ["ceph-osd@6.service"]


def test_where_a_mask_cannot_be_a_condition_holds_the_unit(host: Host) -> None:
    state = host.state
    own = str(host.top / "etc/systemd/system/ceph-mon@h1.service")
    state["units"]["ceph-mon@h1.service"]["fragment"] = own
    host.write(**state)

    host.enter()

    drop_in = host.top / "etc/systemd/system/ceph-mon@h1.service.d/ceph-orch-maintenance.conf"
    assert f"ConditionPathExists=!{path_of(host.roots)}" in drop_in.read_text()
    assert not host.units["ceph-mon@h1.service"]["masked"]
    assert not host.enter().is_needed
    host.leave()
    assert not drop_in.parent.exists()
    assert host.units["ceph-mon@h1.service"]["active"] == "active"


def test_what_does_not_start_is_told_and_can_be_given_up(host: Host) -> None:
    host.enter()
    host.write(**host.state, broken=["ceph-osd@3.service"])

    change = host.leave()

    assert list(change.problems) == ["ceph-osd@3.service"]
    assert host.units["ceph-mds@a.service"]["active"] == "active"
    assert read_record(host.roots) is not None
    assert host.leave(force=True).problems
    assert read_record(host.roots) is None


def test_a_host_that_has_lost_its_record_gets_back_what_is_masked_still(host: Host) -> None:
    given = [each.to_json() for each in host.enter().record.units]
    Path(path_of(host.roots)).unlink()

    host.leave(*given)

    assert [n for n, u in host.units.items() if u["masked"]] == ["ceph-osd@6.service"]
    assert host.units["ceph-osd@3.service"]["active"] == "active"
    host.write(units={"ceph-osd@3.service": {"active": "inactive", "enabled": "enabled"}})
    assert not host.leave(*given).is_needed


def test_what_was_changed_before_is_given_to_a_host_that_has_lost_its_record(host: Host) -> None:
    """What is masked and stopped counted as nobody's, and stayed so for good."""
    before = host.units
    change = host.enter("data")
    rows = [each.to_json() for each in change.record.units]
    os.unlink(path_of(host.roots))

    change = Maintenance(host.roots).plan_entry("all", read_held(rows))
    Maintenance(host.roots).enter(change)

    assert [each.to_json() for each in change.record.units] == rows
    host.leave()
    assert {name: bool(each["masked"]) for name, each in host.units.items()} == {
        name: bool(each["masked"]) for name, each in before.items()
    }


def test_an_empty_record_is_none_that_can_be_used(host: Host) -> None:
    rows = [each.to_json() for each in host.enter().record.units]
    Path(path_of(host.roots)).write_text("")

    with pytest.raises(RecordUnreadable):
        host.enter()
    with pytest.raises(RecordUnreadable):
        host.leave(*rows)
    change = Maintenance(host.roots).plan_exit(read_held(rows), force=True)
    Maintenance(host.roots, settle=0.0).leave(change, 0.1, True)

    assert not host.units["ceph-mon@h1.service"]["masked"]
    assert read_record(host.roots) is None


def test_an_osd_is_known_by_its_uuid_and_devices(host: Host) -> None:
    host.enter()
    record = read_record(host.roots)
    assert record is not None
    (osd,) = [each for each in record.units if each.unit == "ceph-osd@3.service"]
    assert osd.osd == {"uuid": OSD_UUID, "kinds": ["block"], "devices": ["/dev/sdb"]}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"state": "up", "place": "h3"}, "is up in the cluster's map, on host h3"),
        ({"place": "h3"}, "ran on host h3 last"),
    ],
)
def test_an_osd_that_is_elsewhere_by_now_is_not_started(
    host: Host, said: Dict[str, str], why: str
) -> None:
    """Its disk was copied, or moved, while the host was in maintenance: two daemons of one OSD."""
    host.enter()
    host.monitors_say(**said)
    change = host.leave()
    assert why in change.problems["ceph-osd@3.service"]
    assert "exit HOST --force` leaves it" in change.problems["ceph-osd@3.service"] or said == {
        "place": "h3"
    }
    assert host.units["ceph-osd@3.service"]["masked"]
    assert host.units["ceph-osd@3.service"]["active"] == "inactive"
    assert host.units["ceph-mon@h1.service"]["active"] == "active"
    assert not host.units["ceph-osd@4.service"]["masked"]
    assert read_record(host.roots) is not None
    host.leave(force=True)
    assert host.units["ceph-osd@3.service"]["masked"], "nothing starts it with the host"
    assert read_record(host.roots) is None


@pytest.mark.parametrize("said", [{"uuid": "another"}, {"state": "destroyed"}])
def test_an_osd_that_the_cluster_has_no_more_holds_nothing_up(
    host: Host, said: Dict[str, str]
) -> None:
    """Its unit was started in vain, and the host never left; its id may be another OSD's here."""
    host.enter()
    host.monitors_say(**said)
    change = host.leave()
    assert change.problems == {}
    assert "the cluster has no such OSD" in change.gone["ceph-osd@3.service"]
    osd = host.units["ceph-osd@3.service"]
    assert (osd["active"], osd["masked"]) == ("inactive", False)
    assert read_record(host.roots) is None


def test_an_osd_of_which_nobody_says_anything_waits(host: Host) -> None:
    """A cluster that is down altogether gets its monitors back first."""
    host.enter()
    (host.top / "osds.json").unlink()
    change = host.leave()
    assert "osd.3 is not started: The monitors do not answer" in str(change.problems)
    assert host.units["ceph-mon@h1.service"]["active"] == "active"
    assert host.units["ceph-osd@3.service"]["masked"]
    host.leave(force=True)
    assert host.units["ceph-osd@3.service"] == {**RUNS, "masked": False}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"since": 1, "units": {}}',
        '{"since": 1, "units": [5]}',
        '{"since": 1, "units": [{"unit": "ssh.service", "ran": true, "how": "mask"}]}',
        '{"since": 1, "units": [{"unit": "ceph-osd@3.service", "ran": 1, "how": "mask"}]}',
        '{"since": 1, "units": [{"unit": "ceph-osd@3.service", "ran": true, "how": "x"}]}',
    ],
)
def test_a_record_that_cannot_be_used_is_not_none(host: Host, text: str) -> None:
    path = Path(path_of(host.roots))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with pytest.raises(RecordUnreadable):
        host.enter()
    with pytest.raises(RecordUnreadable):
        host.leave()
    assert host.calls() == []
    assert describe_record(host.roots) == {"since": 0, "units": -1}


def test_a_host_without_daemons_has_nothing_to_stop(host: Host) -> None:
    host.write(units={})
    host.enter()
    assert host.calls() == []
    assert describe_record(host.roots)["units"] == 0  # type: ignore[index]
    host.leave()
    assert describe_record(host.roots) is None


def test_a_unit_that_is_generated_is_held_too(host: Host) -> None:
    """It would be started with the host."""
    unit = "ceph-orch-container@app.h1.x.service"
    host.write(units={unit: {"active": "inactive", "enabled": "generated"}})
    host.enter()
    assert host.units[unit]["masked"]

    host.leave()
    assert not host.units[unit]["masked"]
