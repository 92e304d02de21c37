"""Units that the host has and that cannot be started: named with the remedy, and removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.daemons.daemon import Daemon
from plugins.module_utils.daemons.deployment import Deployment, Wanted
from plugins.module_utils.daemons.health import wait_at_work
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.extra import NONE
from plugins.module_utils.daemons.listing import (
    DaemonsUnreadable,
    describe_daemons,
    parse_units,
    units_of,
)
from plugins.module_utils.daemons.removal import Removal
from plugins.module_utils.osd.removal import take_down
from plugins.module_utils.system.command import Answer
from plugins.module_utils.system.processes import Processes
from plugins.module_utils.system.reading import Roots
from plugins.module_utils.systemd.faults import fault_of
from plugins.module_utils.systemd.units import UnitsFailed, act, show_units, wait_active
from plugins.modules import daemon_action
from tests.unit.plugins.osd_host import OsdHost

UNIT, TEMPLATE = "ceph-mds@a.service", "ceph-mds@.service"
ETC, RUN = "/etc/systemd/system", "/run/systemd/system"
KEY = "[mds.a]\n\tkey = AQBfakefakefakefakefakefakefakefakefake==\n"
# As systemd has it: what is masked is started by no command, and not disabled either.
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >>"$TREE/calls"
verb=$1; seen=; rc=0
for word; do
  if [ "$seen" ]; then
    at="$TREE/units/$word" mask=
    [ -e "$at.mask" ] && mask=$(cat "$at.mask")
    case $verb in
      show) printf 'ActiveState=%s\\nSubState=dead\\nMainPID=0\\n' "$(cat "$at" || echo inactive)"
            if [ "$mask" ]; then
              printf 'LoadState=masked\\nUnitFileState=masked\\nFragmentPath=%s\\n' "$mask"
            else
              printf 'LoadState=%s\\nUnitFileState=%s\\n' "$(cat "$at.load" || echo loaded)" \\
                "$(cat "$at.enabled" || echo disabled)"
            fi
            cat "$at.more"; echo ;;
      unmask) rm -f "$at.mask" ;;
      enable|start|restart)
        [ "$mask" ] && { echo "Unit $word is masked." >"$TREE/said"; break; }
        [ -e "$at.more" ] || echo active >"$at" ;;
      stop) echo inactive >"$at" ;;
      disable) [ "$mask" ] || rm -f "$at.enabled" ;;
    esac
  fi
  [ "$word" = -- ] && seen=1
done 2>>"$TREE/noise"
[ ! -e "$TREE/said" ] || { cat "$TREE/said" >&2; rm "$TREE/said"; exit 1; }
"""
JOURNALCTL = """#!/bin/sh
case "$*" in *_PID=1*) echo 'skipped, unmet X=/nope' ;; esac
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OsdHost:
    found = OsdHost(tmp_path, {}, monkeypatch)
    found.install("systemctl", SYSTEMCTL)
    found.install("journalctl", JOURNALCTL)
    return found


def put(host: OsdHost, unit: str = UNIT, **files: str) -> None:
    """Let a unit be so: ``state``, ``mask`` (the file), ``enabled``, ``load``, ``more``."""
    for name, text in files.items():
        path = host.top / "units" / (unit if name == "state" else f"{unit}.{name}")
        path.write_text(f"{text}\n")


def deployment(host: OsdHost) -> Deployment:
    daemon = Daemon(host.roots, "mds", "a")
    Path(daemon.data_path).mkdir(parents=True, exist_ok=True)
    return Deployment(host.roots, [Wanted(daemon, KEY)], {"mds": NONE}, 1)


@pytest.mark.parametrize(
    ("mask", "remedy"),
    [
        (f"{ETC}/{UNIT}", f"Run `systemctl unmask {UNIT}` there"),
        (f"{RUN}/{UNIT}", f"Run `systemctl unmask --runtime {UNIT}` there"),
        (
            f"{ETC}/{TEMPLATE}",
            f"(by {TEMPLATE}) and cannot be started. Run `systemctl unmask {TEMPLATE}`",
        ),
        ("/dev/null", f"Run `systemctl unmask {UNIT}` there"),
    ],
)
def test_a_masked_unit_is_refused_with_its_remedy(host: OsdHost, mask: str, remedy: str) -> None:
    put(host, mask=mask)
    with pytest.raises(DaemonRefused) as refused:
        deployment(host).refuse(False)
    assert f"mds.a: {UNIT} is masked on this host" in str(refused.value)
    assert remedy in str(refused.value)
    assert "Install the package" not in str(refused.value)


def test_a_unit_that_systemd_cannot_load_is_refused_with_its_remedy(host: OsdHost) -> None:
    error = (
        'LoadError=org.freedesktop.systemd1.BadUnitSetting "Unit X has a bad unit file setting."'
    )
    put(host, load="bad-setting", more=error)
    with pytest.raises(DaemonRefused) as refused:
        deployment(host).refuse(False)
    said = "cannot be loaded by systemd: Unit X has a bad unit file setting. Repair its files"
    assert said in str(refused.value)
    put(host, load="not-found")
    with pytest.raises(DaemonRefused, match="Install the package that has ceph-mds"):
        deployment(host).refuse(False)


class _Module:
    """Takes the message of a failure."""

    def fail_json(self, **values: Any) -> None:
        raise DaemonRefused(values["msg"])


def test_an_action_names_the_mask_and_stops_all_the_same(host: OsdHost) -> None:
    put(host, mask=f"{ETC}/{UNIT}", state="active")
    states = show_units([UNIT])
    daemon_action.refuse_unknown(_Module(), states)
    daemon_action.refuse_faulty(_Module(), "stop", states)
    for action in ("start", "restart"):
        with pytest.raises(DaemonRefused, match=f"`systemctl unmask {UNIT}` there"):
            daemon_action.refuse_faulty(_Module(), action, states)


def test_any_other_start_names_the_mask(host: OsdHost) -> None:
    """OSDs are started by other ways."""
    unit = "ceph-osd@3.service"
    put(host, unit, mask=f"{ETC}/{unit}")
    for verb, options in (("start", ()), ("enable", ("--now",))):
        with pytest.raises(UnitsFailed, match=f"Run `systemctl unmask {unit}` there") as raised:
            act(verb, [unit], *options)
        assert "remove" not in str(raised.value)


def test_a_condition_that_is_not_met_is_named_at_once(host: OsdHost) -> None:
    put(host, more="ConditionResult=no\nConditionTimestampMonotonic=5")
    said = "was not started: a condition in its files is not met (skipped, unmet X=/nope)"
    with pytest.raises(UnitsFailed) as raised:
        wait_active([UNIT], 30)
    assert said in str(raised.value)
    wanted = Wanted(Daemon(host.roots, "mds", "a"), KEY)
    assert said in wait_at_work(host.roots, [wanted], 30)[UNIT]


def test_one_that_was_never_begun_has_no_condition_that_failed(host: OsdHost) -> None:
    put(host, more="ConditionResult=no\nConditionTimestampMonotonic=0")
    with pytest.raises(UnitsFailed, match=r"did not become active within 0\.1 s"):
        wait_active([UNIT], 0.1)


def removal(host: OsdHost, kind: str = "mds", daemon_id: str = "a") -> Removal:
    return Removal(host.roots, [Daemon(host.roots, kind, daemon_id)], {}, purge=False)


@pytest.mark.parametrize("state", ["inactive", "active"])
def test_a_masked_daemon_goes_with_its_mask(host: OsdHost, state: str) -> None:
    put(host, mask=f"{ETC}/{UNIT}", state=state, enabled="enabled")
    Path(Daemon(host.roots, "mds", "a").data_path).mkdir(parents=True)
    before = removal(host)
    before.predict()
    assert before.rows[0]["state"] == "would be removed"
    assert (host.top / f"units/{UNIT}.mask").exists()
    work = removal(host)
    work.do()
    found = show_units([UNIT])[UNIT]
    assert (found["LoadState"], found["ActiveState"], found["UnitFileState"]) == (
        "loaded",
        "inactive",
        "disabled",
    )
    assert (work.rows[0]["state"], work.rows[0]["mask"]) == ("removed", "")
    again = removal(host)
    again.predict()
    assert again.rows[0]["state"] == "absent"


def test_a_mask_until_the_next_start_goes_too(host: OsdHost) -> None:
    put(host, mask=f"{RUN}/{UNIT}")
    removal(host).do()
    assert f"systemctl unmask --runtime -- {UNIT}" in host.calls("systemctl")


def test_the_mask_of_a_template_stays_and_nothing_else(host: OsdHost) -> None:
    put(host, mask=f"{ETC}/{TEMPLATE}", enabled="enabled")
    Path(Daemon(host.roots, "mds", "a").data_path).mkdir(parents=True)
    wants = Path(host.roots.etc) / "systemd/system/ceph-mds.target.wants"
    wants.mkdir(parents=True)
    for name in (UNIT, "ceph-mds@b.service"):
        (wants / name).symlink_to("/usr/lib/systemd/system/ceph-mds@.service")
    work = removal(host)
    work.do()
    assert [path.name for path in wants.iterdir()] == ["ceph-mds@b.service"]
    assert (work.rows[0]["state"], work.rows[0]["mask"]) == ("removed", f"{ETC}/{TEMPLATE}")
    assert not any(" unmask " in call for call in host.calls("systemctl"))


class _Traces:
    """An OSD of which there is a masked unit alone."""

    osd_id, directory, is_others = 3, None, False

    def __init__(self, unit: str) -> None:
        self.units = [unit]
        self.states = show_units(self.units)


class _Startup:
    def remove(self, osd_id: int) -> None:
        pass


def test_an_osd_that_goes_leaves_no_mask_for_the_next_of_its_id(host: OsdHost) -> None:
    unit = "ceph-osd@3.service"
    put(host, unit, mask=f"{ETC}/{unit}", enabled="enabled")
    take_down(_Traces(unit), _Startup())
    state = show_units([unit])[unit]
    assert (state["LoadState"], state["UnitFileState"]) == ("loaded", "disabled")


def rows(tmp_path: Path, *units: Dict[str, str]) -> List[Dict[str, Any]]:
    text = "\n\n".join("\n".join(f"{k}={v}" for k, v in unit.items()) for unit in units)
    roots = Roots(etc=str(tmp_path), var=str(tmp_path), proc=str(tmp_path))
    found: List[Dict[str, Any]] = describe_daemons(
        parse_units(text), "h1", roots, Processes(roots), _Versions()
    )
    return found


class _Versions:
    def of(self, *_: str) -> str:
        return ""


@pytest.mark.parametrize(
    "unit", [UNIT, "ceph-osd@3.service", "ceph-mon@h1.service", "ceph-radosgw@rgw.a.service"]
)
@pytest.mark.parametrize("load", ["masked", "bad-setting"])
def test_a_unit_that_cannot_be_started_is_reported(tmp_path: Path, unit: str, load: str) -> None:
    told = {"Id": unit, "LoadState": load, "ActiveState": "inactive", "UnitFileState": load}
    (row,) = rows(tmp_path, told)
    assert (row["state"], row["load"], row["enabled"]) == ("stopped", load, False)
    (row,) = rows(tmp_path, {**told, "ActiveState": "active"})
    assert (row["state"], row["load"]) == ("running", load)
    assert rows(tmp_path, {**told, "LoadState": "not-found"}) == []


def test_a_masked_collector_is_reported_where_it_was_deployed(tmp_path: Path) -> None:
    told = {
        "Id": "ceph-crash.service",
        "LoadState": "masked",
        "ActiveState": "inactive",
        "UnitFileState": "masked",
    }
    assert rows(tmp_path, told) == []
    (tmp_path / "ceph").mkdir()
    (tmp_path / "ceph/ceph.client.crash.h1.keyring").touch()
    (row,) = rows(tmp_path, told)
    assert (row["daemon_type"], row["load"]) == ("crash", "masked")


def test_what_can_be_started_has_no_fault() -> None:
    assert fault_of(UNIT, {"LoadState": "loaded"}) == ""
    assert fault_of(UNIT, {"LoadState": "not-found"}) == ""


@pytest.mark.parametrize(
    "answer",
    [
        Answer(problem="systemctl did not end within 15 s"),
        Answer(problem="systemctl cannot be started: no memory"),
        Answer("", "Failed to connect to bus: Connection refused", "ended with status 1", 1),
        Answer("\n", "", "systemctl ended with status 1", 1),
    ],
)
def test_a_systemd_that_does_not_answer_has_not_said_that_there_is_no_daemon(
    answer: Answer,
) -> None:
    with pytest.raises(DaemonsUnreadable, match="systemd does not say which daemons run"):
        units_of(answer)


def test_what_systemd_printed_is_right_whatever_its_status() -> None:
    told = "Id=ceph-osd@3.service\nLoadState=loaded\n"

    assert units_of(Answer(told, "one is unknown", "ended with status 4", 4)) == [
        {"Id": "ceph-osd@3.service", "LoadState": "loaded"}
    ]
    assert units_of(Answer("", "", "", 0)) == []
