"""Reports are taken when new, asked for, or old; failures wait longer each time."""

from __future__ import annotations

from adapter.cluster.refresh import LOOK_AGAIN_FIRST, RETRY_FIRST, RETRY_LAST, Refresh


def _refresh(*names: str) -> Refresh:
    refresh = Refresh(interval=600.0)
    refresh.track(names or ("h1",))
    return refresh


def test_a_new_host_is_due_and_a_reported_one_after_the_interval() -> None:
    refresh = _refresh()

    assert refresh.due(0.0) == ["h1"]
    refresh.started(["h1"])
    assert refresh.due(0.0) == []
    refresh.reported("h1", 5.0)
    assert refresh.due(604.0) == []
    assert refresh.due(605.0) == ["h1"]


def test_what_is_wanted_while_a_report_runs_is_taken_after_it() -> None:
    refresh = _refresh()
    refresh.started(["h1"])
    refresh.want(["h1"])

    assert refresh.due(1.0) == []
    refresh.reported("h1", 2.0)
    assert refresh.due(2.0) == ["h1"]


def test_failures_are_tried_again_with_growing_pauses_and_named() -> None:
    refresh = _refresh()
    pauses = []
    now = 0.0
    for _ in range(8):
        refresh.started(["h1"])
        refresh.failed("h1", "no python", now)
        pauses.append(refresh.next_due(now))
        now += pauses[-1]
        assert refresh.due(now) == ["h1"]

    assert pauses[0] == RETRY_FIRST
    assert pauses == sorted(pauses)
    assert pauses[-1] == RETRY_LAST
    assert refresh.errors() == {"h1": "no python"}
    refresh.reported("h1", now)
    assert refresh.errors() == {}


def test_asking_ends_the_pause_after_a_failure() -> None:
    refresh = _refresh()
    refresh.failed("h1", "no python", 0.0)

    assert refresh.due(1.0) == []
    refresh.want()
    assert refresh.due(1.0) == ["h1"]


def test_hosts_that_are_left_out_do_not_hurry_the_loop() -> None:
    refresh = _refresh("h1", "h2")
    refresh.started(["h2"])

    assert refresh.next_due(0.0) == 0.0
    assert refresh.next_due(0.0, but={"h1"}) == 600.0


def test_a_host_that_fails_for_days_is_still_tried() -> None:
    refresh = _refresh()
    for moment in range(3000):
        refresh.failed("h1", "no python", float(moment))

    assert refresh.due(3000.0 + RETRY_LAST) == ["h1"]


def test_a_host_with_a_broken_daemon_is_looked_at_again_soon_and_then_less_often() -> None:
    refresh = _refresh()
    pauses = []
    for _ in range(10):
        refresh.started(["h1"])
        refresh.saw_daemons("h1", False, 0.0)
        refresh.reported("h1", 0.0)
        pauses.append(refresh.next_due(0.0))

    assert pauses[0] == LOOK_AGAIN_FIRST
    assert pauses == sorted(pauses)
    assert pauses[-1] == 600.0
    refresh.saw_daemons("h1", True, 0.0)
    assert refresh.next_due(0.0) == 600.0
    refresh.saw_daemons("h1", False, 5.0)
    assert refresh.next_due(5.0) == LOOK_AGAIN_FIRST
