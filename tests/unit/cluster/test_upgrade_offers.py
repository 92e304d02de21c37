"""What a cluster could be upgraded to, and what speaks against it."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.cluster.packages import HostPackages
from adapter.cluster.report_packages import packages_part
from adapter.cluster.upgrade_offers import Running, Seen, comparison, listing

OLD, NEW, NEXT = "20.2.4+ds-2", "20.2.5+ds-1", "20.2.6+ds-1"
NAMES = ("ceph-common", "ceph-osd")
READ = 1764460800


def seen(*offered: str, on_disk: str = OLD, **more: Any) -> Seen:
    part: Dict[str, Any] = {
        "installed": dict.fromkeys(NAMES, on_disk),
        "offered": {name: list(offered) for name in NAMES},
        "lists_read": READ,
    }
    about = {key: more.pop(key) for key in ("away", "resting") if key in more}
    return Seen(HostPackages.of(packages_part({**part, **more})), 1.0, **about)


BARE = Seen(HostPackages.of(packages_part({})), 1.0)
DAEMONS = [Running("osd.0", "h1", "20.2.4"), Running("osd.1", "h2", "20.2.5")]


def offers(**hosts: Seen) -> Dict[str, Any]:
    return listing(hosts, [], tags=False, everything=False)


def test_what_all_hosts_are_offered_newest_first() -> None:
    found = offers(h1=seen(NEXT, NEW, OLD), h2=seen(NEXT, NEW), h3=BARE)
    assert found["versions"] == ["20.2.6", "20.2.5"]
    assert found["not_on_all_hosts"] == {}
    assert found["unknown"] == {}
    assert found["hosts"]["h1"] == {
        "on_disk": [OLD],
        "offered": ["20.2.6", "20.2.5", "20.2.4"],
        "lists_read": "2025-11-30T00:00:00Z",
    }
    assert "h3" not in found["hosts"]


def test_where_hosts_differ_they_are_named() -> None:
    some = seen(OLD, offered={"ceph-common": [NEW, OLD], "ceph-osd": [OLD]})
    found = offers(h1=seen(NEW, OLD), h2=seen(OLD), h3=some)
    assert found["versions"] == []
    assert found["not_on_all_hosts"] == {
        "20.2.5": {
            "h2": "no repository there has 20.2.5",
            "h3": "the repositories there have 20.2.5, but not of ceph-osd",
        }
    }


def test_older_versions_are_listed_when_all_are_wanted() -> None:
    host = seen(NEW, OLD, "20.2.3-1")
    found = listing({"h1": host}, [], tags=False, everything=True)
    assert found["versions"] == ["20.2.5", "20.2.4", "20.2.3"]
    old = Running("osd.0", "h1", "20.2.3")
    assert listing({"h1": seen(NEW, on_disk=NEW)}, [old], False, False)["versions"] == ["20.2.5"]


def test_tags_are_the_versions_of_packages() -> None:
    found = listing({"h1": seen(NEW), "h2": seen("20.2.5+ds-9")}, [], tags=True, everything=False)
    assert found["tags"] == [NEW, "20.2.5+ds-9"]
    assert "versions" not in found


def test_hosts_of_which_nothing_is_known_are_said() -> None:
    broken = Seen(HostPackages.of(packages_part({"problem": "rpm does not answer"})), 1.0)
    found = offers(h1=seen(NEW), h2=Seen(), h3=broken)
    assert found["unknown"] == {
        "h2": "no report of packages yet",
        "h3": "rpm does not answer",
    }


def test_a_daemon_is_done_when_it_runs_the_version_whatever_is_installed() -> None:
    hosts = {"h1": seen(NEW, on_disk=NEW), "h2": seen(NEW)}
    found = comparison(hosts, [*DAEMONS, Running("mon.x", "h9", "")], "20.2.5")
    assert found["up_to_date"] == ["osd.1"]
    assert found["needs_update"] == {
        "mon.x": {"current_name": None, "current_id": None, "current_version": None},
        "osd.0": {"current_name": NEW, "current_id": "20.2.5", "current_version": "20.2.4"},
    }
    assert found["target_name"] == f"20.2.5 (packages {NEW})"
    assert (found["target_id"], found["target_version"]) == (NEW, "20.2.5")
    assert found["hosts"]["h2"] == {
        "on_disk": [OLD],
        "would_get": [NEW],
        "lacking": [],
        "held": [],
        "unfinished": {},
        "lists_read": "2025-11-30T00:00:00Z",
    }
    assert found["obstacles"] == []


@pytest.mark.parametrize(
    ("host", "says"),
    [
        (Seen(), ["h2: no report of packages yet"]),
        (seen(NEW, away="no route."), ["h2: no answer (no route)"]),
        (seen(NEW, resting=True), ["h2: in maintenance"]),
        (seen(OLD), ["h2: no repository there has 20.2.5"]),
        (seen(lists_read=None), ["h2: the lists of packages were never read"]),
        (seen(NEW, held=["ceph-osd"]), ["h2: kept as they are by the administrator: ceph-osd"]),
        (
            seen(NEW, unfinished={"libc6": "half-configured"}),
            ["h2: left halfway by the package manager: libc6 (half-configured)"],
        ),
        (seen(NEW, unread="no route"), ["h2: the lists of packages cannot be read anew: no route"]),
        (seen(NEW, NEXT, on_disk=NEXT), ["h2: 20.2.6 is installed, which is newer"]),
        (
            seen("20.2.5+ds-9"),
            [f"the repositories of hosts differ: {NEW} (h1), 20.2.5+ds-9 (h2)"],
        ),
    ],
)
def test_what_speaks_against_it_is_said_with_the_host(host: Seen, says: List[str]) -> None:
    assert comparison({"h1": seen(NEW), "h2": host}, [], "20.2.5")["obstacles"] == says


def test_a_reason_that_hosts_share_is_said_once() -> None:
    hosts = {f"h{number:02}": seen(OLD) for number in range(12)}
    (line,) = comparison(hosts, [], "20.2.5")["obstacles"]
    assert line.startswith("h00, h01,")
    assert "and 2 more: no repository there has 20.2.5" in line
