"""The daemons that are restarted when their host's packages have changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils.systemd.units import UnitsFailed
from plugins.module_utils.systemd.with_packages import managers, refusal, start_again
from tests.unit.plugins.osd_host import OsdHost

UNITS = ["ceph-mgr@a.service", "ceph-crash.service"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OsdHost:
    return OsdHost(tmp_path, {}, monkeypatch)


def asked(host: OsdHost) -> list:
    calls = [call.split() for call in host.calls("systemctl")]
    return [(words[1], words[-1]) for words in calls if words[1] in ("start", "restart")]


def test_managers_were_stopped_before_and_others_go_on_until_they_are_restarted(
    host: OsdHost,
) -> None:
    assert managers(UNITS) == ["ceph-mgr@a.service"]
    start_again(UNITS, managers(UNITS))
    assert asked(host) == [("start", "ceph-mgr@a.service"), ("restart", "ceph-crash.service")]


def test_where_none_was_stopped_all_are_restarted(host: OsdHost) -> None:
    start_again(UNITS, [])
    assert asked(host) == [("restart", "ceph-crash.service")]
    assert "ceph-mgr@a.service" in host.calls("systemctl")[1]


def test_one_that_does_not_start_is_said(host: OsdHost) -> None:
    host.install("systemctl", "#!/bin/sh\necho no bus >&2\nexit 1\n")
    with pytest.raises(UnitsFailed, match="no bus"):
        start_again(UNITS, [])


@pytest.mark.parametrize("unit", ["sshd.service", "ceph-x;id.service", "ceph-mgr@a"])
def test_other_units_are_refused(host: OsdHost, unit: str) -> None:
    assert "is not a unit of Ceph" in refusal([unit])


def test_units_that_cannot_be_started_are_refused_before(host: OsdHost) -> None:
    assert refusal(UNITS) == ""
    assert refusal([]) == ""
    said = "LoadState=masked\\nActiveState=inactive\\nFragmentPath=/etc/systemd/system/x\\n\\n"
    host.install("systemctl", f"#!/bin/sh\nprintf '{said}'\n")
    assert "is masked on this host" in refusal(UNITS[:1])
    host.install("systemctl", "#!/bin/sh\nprintf 'LoadState=not-found\\n\\n'\n")
    assert refusal(UNITS[:1]) == "There is no unit ceph-mgr@a.service on this host."
