"""Monitors of a host leave the quorum before they stop, so that the others need not wait."""

from __future__ import annotations

from pathlib import Path
from typing import Type

import pytest

from tests.unit.plugins.host.test_maintenance import Host
from tests.unit.plugins.mon_socket import MonSocket


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def socket_of_mon(host: Host, kind: Type[MonSocket] = MonSocket) -> MonSocket:
    """Let the monitor answer; what it is told stands among the calls."""

    def tell(command: str) -> None:
        with (host.top / "calls").open("a") as log:
            log.write(f"{command}\n")

    return kind(host.top / "run/ceph/ceph-mon.h1.asok", "h1", tell)


def test_a_monitor_leaves_the_quorum_before_it_stops(host: Host) -> None:
    monitor = socket_of_mon(host)
    host.enter()
    monitor.close()
    assert host.calls()[-2:] == ["quorum exit", "stop ceph-mon@h1.service"]


def test_one_that_left_and_was_not_stopped_takes_part_again(host: Host) -> None:
    host.enter("data")
    monitor = socket_of_mon(host)
    monitor.in_quorum = False
    host.leave()
    monitor.close()
    assert "quorum enter" in host.calls()


class AskedMon(MonSocket):
    """A monitor that tells of each question."""

    def _answer(self, command: str) -> bytes:
        self._tell(f"asked {command}")
        return super()._answer(command)


@pytest.mark.parametrize("restarted", [False, True])
def test_others_wait_for_it_only_where_an_osd_may_need_its_key(host: Host, restarted: bool) -> None:
    """The directory of an OSD is gone after a restart of the host; an encrypted one needs a key."""
    host.enter()
    monitor = socket_of_mon(host, AskedMon)
    if restarted:
        (host.top / "var/lib/ceph/osd/ceph-3/keyring").unlink()
    host.forget_calls()
    host.leave()
    monitor.close()
    calls = host.calls()
    begun = calls.index("start ceph-mon@h1.service")
    others = next(n for n, call in enumerate(calls) if n > begun and call.startswith("start "))
    asked = [call for call in calls[begun:others] if call.startswith("asked ")]
    assert bool(asked) is restarted, calls
