"""Daemons that a host has started from packages that were left halfway are restarted."""

from __future__ import annotations

from typing import List

import pytest

from adapter.interface import raise_if_exception
from tests.unit.reconcile.upgraded import NEW, NEW_PACKAGES, Upgraded


@pytest.fixture
def cluster() -> Upgraded:
    """Return a cluster whose h2 has lost its power while its packages changed.

    What it has started since runs the new version, and with it libraries of the old one.
    """
    found = Upgraded()
    found.prepare()
    raise_if_exception(found.orchestrator.upgrade_start(None, NEW))
    found.halfway.append("h2")
    found.installed["h2"] = NEW_PACKAGES
    for name in ("mon.h2", "mgr.h2", *osds_of(found, "h2")):
        found.monitors.versions[name] = NEW  # type: ignore[attr-defined]
    found.requests.clear()
    found.report(3)
    return found


def osds_of(cluster: Upgraded, host: str) -> List[str]:
    return [f"osd.{each}" for each, one in cluster.monitors.osds.items() if one.host == host]


def restarted(cluster: Upgraded) -> List[str]:
    return [each for names in cluster.restarted() for each in names]


def test_they_are_restarted_once_when_the_packages_are_whole(cluster: Upgraded) -> None:
    """Seen to fail before: only the manager was, with its packages."""
    cluster.settle(120)
    for name in ("mon.h2", *osds_of(cluster, "h2")):
        assert restarted(cluster).count(name) == 1, name
    assert cluster.kept() == {}
    assert set(cluster.monitors.versions.values()) == {NEW}  # type: ignore[attr-defined]


@pytest.mark.parametrize("after", range(1, 12, 2))
def test_a_manager_that_follows_restarts_them_as_well(cluster: Upgraded, after: int) -> None:
    cluster.settle(after)
    cluster.start_anew(keep_jobs=bool(after % 4 == 1))
    cluster.settle(200)
    for name in ("mon.h2", *osds_of(cluster, "h2")):
        assert name in restarted(cluster), name
    assert cluster.kept() == {}
