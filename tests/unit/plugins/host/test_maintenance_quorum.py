"""Monitors of a host leave the quorum before they stop, so that the others need not wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.plugins.host.test_maintenance import Host
from tests.unit.plugins.mon_socket import MonSocket


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def socket_of_mon(host: Host) -> MonSocket:
    """Let the monitor answer; what it is told stands among the calls."""

    def tell(command: str) -> None:
        with (host.top / "calls").open("a") as log:
            log.write(f"{command}\n")

    return MonSocket(host.top / "run/ceph/ceph-mon.h1.asok", "h1", tell)


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
