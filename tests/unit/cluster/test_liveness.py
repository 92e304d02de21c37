"""A host is offline after two failures in a row, and back after one answer."""

from __future__ import annotations

from adapter.cluster.liveness import Liveness


def _liveness(*names: str) -> Liveness:
    liveness = Liveness(interval=10.0)
    liveness.track(names or ("h1",))
    return liveness


def test_a_new_host_is_probed_at_once_and_only_once() -> None:
    liveness = _liveness("h1", "h2")

    assert liveness.due(0.0) == ["h1", "h2"]
    assert liveness.due(0.0) == []


def test_one_failure_is_looked_at_again_at_once() -> None:
    liveness = _liveness()
    liveness.due(0.0)

    assert not liveness.missed("h1", "timed out", 1.0, 1000.0)
    assert liveness.online("h1")
    assert liveness.due(1.0) == ["h1"]
    assert liveness.missed("h1", "timed out", 2.0, 1001.0)
    assert not liveness.online("h1")
    assert liveness.of("h1").reason == "timed out"
    assert liveness.of("h1").since == 1001.0


def test_an_offline_host_is_probed_at_the_interval_and_comes_back_by_one_answer() -> None:
    liveness = _liveness()
    for moment in (0.0, 1.0):
        liveness.missed("h1", "no route", moment, 1000.0)

    assert liveness.due(5.0) == []
    assert liveness.due(11.0) == ["h1"]
    assert liveness.seen("h1", 12.0)
    assert liveness.online("h1")
    assert not liveness.seen("h1", 13.0)


def test_the_pause_grows_with_the_number_of_hosts() -> None:
    assert _liveness().pause_between() == 10.0
    assert _liveness(*(f"h{number}" for number in range(1000))).pause_between() == 50.0


def test_a_host_that_is_gone_is_forgotten() -> None:
    liveness = _liveness("h1", "h2")
    liveness.missed("h1", "x", 0.0, 0.0)
    liveness.missed("h1", "x", 0.0, 0.0)
    liveness.track(["h2"])

    assert liveness.offline() == {}
    assert not liveness.missed("h1", "x", 0.0, 0.0)
    assert liveness.online("h1")


def test_a_job_that_could_not_reach_a_host_brings_the_probe_forward() -> None:
    liveness = _liveness()
    liveness.due(0.0)
    liveness.seen("h1", 0.0)
    liveness.look_now("h1", 3.0)

    assert liveness.due(3.0) == ["h1"]


def test_the_connection_is_renewed_every_ten_minutes() -> None:
    liveness = _liveness()

    assert liveness.renew("h1", 1000.0)
    assert not liveness.renew("h1", 1599.0)
    assert liveness.renew("h1", 1600.0)
    assert not liveness.renew("gone", 0.0)
