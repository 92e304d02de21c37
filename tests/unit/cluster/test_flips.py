"""Services that make and remove a daemon again and again."""

from __future__ import annotations

from adapter.cluster.flips import MOST, WINDOW, Flips

MDS = "mds.fs.h2.b.h2.abcdef"


def turned(flips: Flips, times: int, cause: str = "x", step: float = 10.0) -> str:
    """Let one service make a daemon and another remove it; return what is said at last."""
    reason = ""
    for number in range(times):
        reason = flips.made("mds.b", [MDS], cause, number * step)
        flips.removed("mds.a", MDS, "y", number * step + 1)
    return reason


def test_both_services_are_stopped_and_named() -> None:
    flips = Flips()
    assert turned(flips, MOST) == ""
    reason = turned(flips, 1)
    assert reason == (
        "mds.fs.h2.b.h2.abcdef is made for mds.b and removed as one of mds.a again and again, "
        "though nobody has changed anything. mds.b and mds.a: left as it is until it is applied "
        "again (`ceph orch apply`)."
    )
    assert flips.stopped("mds.a") == flips.stopped("mds.b") == reason
    assert flips.stopped("mds.c") == ""


def test_who_changes_something_begins_anew() -> None:
    flips = Flips()
    for number in range(5):
        assert turned(flips, MOST, cause=str(number)) == ""


def test_what_lies_long_back_does_not_count() -> None:
    assert turned(Flips(), 20, step=WINDOW) == ""


def test_applying_one_lets_both_go_on() -> None:
    flips = Flips()
    turned(flips, MOST + 1)
    flips.forget("mds.a")
    assert flips.stopped("mds.b") == ""
    assert turned(flips, MOST) == ""


def test_one_service_alone_can_flip() -> None:
    flips = Flips()
    for now in (1.0, 2.0):
        flips.removed("mds.a", MDS, "y", now)
    assert "mds.a: left as it is" in flips.made("mds.a", [MDS], "y", 3.0)
    assert flips.made("mds.a", ["mds.other"], "y", 3.0) == ""
