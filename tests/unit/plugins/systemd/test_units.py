"""systemd's units: states, actions, waiting, last words; and the module that acts on daemons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.systemd.units import (
    UnitsFailed,
    act,
    parse_units,
    show_units,
    wait_active,
)
from plugins.modules.daemon_action import UNIT, describe, do, needs
from tests.unit.plugins.osd_host import OsdHost

UNITS = ["ceph-osd@3.service", "ceph-osd@4.service"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OsdHost:
    return OsdHost(tmp_path, {"osds": {3: {}, 4: {"state": "failed"}}}, monkeypatch)


def states(*units: str) -> list:
    return [state["ActiveState"] for state in show_units(list(units)).values()]


def test_states(host: OsdHost) -> None:
    assert states(*UNITS) == ["active", "failed"]
    assert show_units([]) == {}
    (call,) = host.calls("systemctl")
    assert call.startswith("systemctl show --no-pager --property=LoadState,ActiveState,")
    assert call.endswith(" -- ceph-osd@3.service ceph-osd@4.service")


def test_systemd_that_does_not_answer(host: OsdHost) -> None:
    host.install("systemctl", "#!/bin/sh\necho no bus >&2\nexit 1\n")

    with pytest.raises(UnitsFailed, match="systemd does not answer"):
        show_units(UNITS)
    with pytest.raises(UnitsFailed, match=r"systemctl start ceph-osd@3\.service: no bus"):
        act("start", UNITS[:1])


def test_waiting_for_one_that_failed(host: OsdHost) -> None:
    with pytest.raises(UnitsFailed) as raised:
        wait_active(UNITS, 30)
    assert "ceph-osd@4.service did not stay up. Last words of ceph-osd@4" in str(raised.value)


def test_waiting_for_one_that_never_starts(host: OsdHost) -> None:
    with pytest.raises(UnitsFailed, match=r"did not become active within 0\.1 s"):
        wait_active(["ceph-osd@9.service"], 0.1)


def test_one_that_starts_again_and_again_does_not_stay_up(host: OsdHost) -> None:
    restarting = "LoadState=loaded\\nActiveState=activating\\nSubState=auto-restart\\n"
    host.install("systemctl", f"#!/bin/sh\nprintf '{restarting}'\n")

    with pytest.raises(UnitsFailed, match="did not stay up"):
        wait_active(["ceph-osd@3.service"], 30, settle=1.0)


@pytest.mark.parametrize(
    ("action", "state", "needed"),
    [
        ("start", "active", False),
        ("start", "inactive", True),
        ("start", "failed", True),
        ("stop", "active", True),
        ("stop", "activating", True),
        ("stop", "inactive", False),
        ("stop", "failed", False),
        ("restart", "active", True),
        ("restart", "inactive", True),
    ],
)
def test_who_needs_an_action(action: str, state: str, needed: bool) -> None:
    assert needs(action, {"ActiveState": state}) is needed


def test_a_failed_state_is_reset_before_the_start(host: OsdHost) -> None:
    do("start", ["ceph-osd@4.service"], 5)

    verbs = [line.split(" ")[1] for line in host.calls("systemctl")]
    assert [verb for verb in verbs if verb != "show"] == ["reset-failed", "start"]
    assert states("ceph-osd@4.service") == ["active"]
    do("stop", UNITS, 5)
    assert states(*UNITS) == ["inactive", "inactive"]


@pytest.mark.parametrize(
    ("verb", "options", "resets"),
    [
        ("start", (), True),
        ("restart", (), True),
        ("enable", ("--now",), True),
        ("enable", (), False),
        ("stop", (), False),
        ("disable", ("--now",), False),
    ],
)
def test_every_start_begins_its_count_anew(
    host: OsdHost, verb: str, options: tuple, resets: bool
) -> None:
    """A unit that was started three times in half an hour is refused by systemd otherwise."""
    act(verb, UNITS[:1], *options)
    verbs = [line.split(" ")[1] for line in host.calls("systemctl")]
    assert verbs == ["reset-failed", verb] if resets else [verb]


@pytest.mark.parametrize(
    "name",
    [
        "ceph-osd@3.service",
        "ceph-mon@h1.example.service",
        "ceph-crash.service",
        "cephfs-mirror@x.service",
    ],
)
def test_units_of_ceph(name: str) -> None:
    assert UNIT.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "sshd.service",
        "ceph.target",
        "--now",
        "ceph-osd@3",
        "ceph-osd@3.service\n",
        "ceph-osd@*.service",
        "a/ceph.service",
    ],
)
def test_units_of_others(name: str) -> None:
    assert not UNIT.fullmatch(name)


def test_differences() -> None:
    assert describe({"a": "active"}, "restart") == "a: active (restarted)\n"
    assert describe({"a": "active", "b": "inactive"}) == "a: active\nb: inactive\n"


@pytest.mark.parametrize("text", ["", "\n\n", "x", "=\n\n=x"])
def test_odd_answers(text: str) -> None:
    parsed: Any = parse_units(text)

    assert all(isinstance(unit, dict) for unit in parsed)
