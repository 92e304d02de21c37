"""Versions of Ceph in versions of packages, and what a host could have."""

from __future__ import annotations

import pytest

from adapter.cluster.packages import HostPackages, newest_first, number, upstream
from adapter.cluster.report_packages import packages_part

OLD, NEW = "20.2.4+ds-2", "20.2.5+ds-1"


@pytest.mark.parametrize(
    ("version", "ceph"),
    [
        ("20.2.4+ds-2", "20.2.4"),
        ("18.2.7+ds-1+deb13u1", "18.2.7"),
        ("19.2.3-0ubuntu0.24.04.3", "19.2.3"),
        ("2:18.2.7-0.el9", "18.2.7"),
        ("20.2.5", "20.2.5"),
        ("20.2.0-123-gabcdef", "20.2.0"),
        ("20.2", ""),
        ("20.2.4.1", ""),
        ("v20.2.4", ""),
        ("", ""),
        ("20.2.4/../x", "20.2.4"),
    ],
)
def test_the_version_of_ceph_in_that_of_a_package(version: str, ceph: str) -> None:
    assert upstream(version) == ceph


def test_versions_are_ordered_by_their_numbers() -> None:
    assert newest_first(["20.2.9", "20.2.10", "", "19.2.3", "20.2.9"]) == [
        "20.2.10",
        "20.2.9",
        "19.2.3",
    ]
    assert number("nothing") < number("0.0.1")


def host(**more: object) -> HostPackages:
    part = {
        "installed": {"ceph-osd": OLD, "ceph-common": OLD},
        "offered": {"ceph-osd": [NEW, OLD], "ceph-common": [NEW, OLD]},
    }
    return HostPackages.of(packages_part({**part, **more}))


def test_a_host_has_a_version_when_all_of_its_packages_do() -> None:
    assert host().complete() == ["20.2.5", "20.2.4"]
    assert host().having("20.2.5") == {"ceph-osd": NEW, "ceph-common": NEW}
    assert host().having(NEW) == host().having("20.2.5")
    assert host().lacking("20.2.6") == ["ceph-common", "ceph-osd"]

    some = host(offered={"ceph-osd": [OLD], "ceph-common": [NEW]})
    assert some.lacking("20.2.5") == ["ceph-osd"]
    assert some.complete() == ["20.2.4"]
    assert some.versions == ["20.2.5", "20.2.4"]


def test_the_newest_package_of_a_version_is_taken() -> None:
    found = host(offered={"ceph-osd": ["20.2.5+ds-3", NEW], "ceph-common": [NEW]})
    assert found.having("20.2.5") == {"ceph-osd": "20.2.5+ds-3", "ceph-common": NEW}
    assert found.having(NEW) == {"ceph-osd": NEW, "ceph-common": NEW}


def test_what_is_installed_counts_though_no_repository_has_it_any_more() -> None:
    found = host(offered={})
    assert found.lacking("20.2.4") == []
    assert found.on_disk == ["20.2.4"]


def test_an_upgrade_that_was_cut_leaves_two_versions() -> None:
    found = host(installed={"ceph-osd": NEW, "ceph-common": OLD})
    assert found.on_disk == ["20.2.5", "20.2.4"]
    assert found.installed_versions == [NEW, OLD]


@pytest.mark.parametrize(
    "part",
    [
        None,
        [],
        "x",
        {"installed": [], "offered": {"a": "b", "c": [1, "d"]}, "held": "x", "unfinished": 1},
        {"lists_read": -1, "problem": 1, "installed": {"a\n": 1, "b": "\x1b[1m"}},
    ],
)
def test_hosts_are_not_trusted(part: object) -> None:
    found = HostPackages.of(packages_part(part, part))
    assert found.problem == ""
    assert found.lists_read is None
    assert all(each.isprintable() for each in found.installed.values())
    found.complete()


def test_why_lists_were_not_read_is_kept_with_the_packages() -> None:
    kept = packages_part({"installed": {"ceph-osd": OLD}}, {"read": False, "unread": "no route"})
    assert kept["unread"] == "no route"
    # As it is read again from the directory.
    assert packages_part(kept) == kept


def test_a_host_that_names_no_package_is_at_no_version() -> None:
    assert not HostPackages().is_at("20.2.4")
