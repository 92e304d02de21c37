"""A host is offline after two failures in a row, and back after one answer."""

from __future__ import annotations

from adapter.cluster.liveness import Pulse


def _pulse(*names: str) -> Pulse:
    pulse = Pulse(interval=10.0)
    pulse.track(names or ("h1",))
    return pulse


def test_a_new_host_is_probed_at_once_and_only_once() -> None:
    pulse = _pulse("h1", "h2")

    assert pulse.due(0.0) == ["h1", "h2"]
    assert pulse.due(0.0) == []


def test_one_failure_is_looked_at_again_at_once() -> None:
    pulse = _pulse()
    pulse.due(0.0)

    assert not pulse.missed("h1", "timed out", 1.0, 1000.0)
    assert pulse.online("h1")
    assert pulse.due(1.0) == ["h1"]
    assert pulse.missed("h1", "timed out", 2.0, 1001.0)
    assert not pulse.online("h1")
    assert pulse.of("h1").reason == "timed out"
    assert pulse.of("h1").since == 1001.0


def test_an_offline_host_is_probed_at_the_interval_and_comes_back_by_one_answer() -> None:
    pulse = _pulse()
    for moment in (0.0, 1.0):
        pulse.missed("h1", "no route", moment, 1000.0)

    assert pulse.due(5.0) == []
    assert pulse.due(11.0) == ["h1"]
    assert pulse.seen("h1", 12.0)
    assert pulse.online("h1")
    assert not pulse.seen("h1", 13.0)


def test_the_pause_grows_with_the_number_of_hosts() -> None:
    assert _pulse().pause_between() == 10.0
    assert _pulse(*(f"h{number}" for number in range(1000))).pause_between() == 50.0


def test_a_host_that_is_gone_is_forgotten() -> None:
    pulse = _pulse("h1", "h2")
    pulse.missed("h1", "x", 0.0, 0.0)
    pulse.missed("h1", "x", 0.0, 0.0)
    pulse.track(["h2"])

    assert pulse.offline() == {}
    assert not pulse.missed("h1", "x", 0.0, 0.0)
    assert pulse.online("h1")


def test_a_job_that_could_not_reach_a_host_brings_the_probe_forward() -> None:
    pulse = _pulse()
    pulse.due(0.0)
    pulse.seen("h1", 0.0)
    pulse.look_now("h1", 3.0)

    assert pulse.due(3.0) == ["h1"]


def test_the_connection_is_renewed_every_ten_minutes() -> None:
    pulse = _pulse()

    assert pulse.renew("h1", 1000.0)
    assert not pulse.renew("h1", 1599.0)
    assert pulse.renew("h1", 1600.0)
    assert not pulse.renew("gone", 0.0)
