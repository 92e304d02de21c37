"""``ceph orch osd rm --replace``: the id waits on its host for a disk that was not there before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.behind_its_back import hide, new_jobs, show
from tests.lab_tests.osds.osd_lab import SERVICE, SPEC, STEP_SECONDS, Osds, Place

HOST, OTHER = "h3", "h2"
# A drive group of all disks that were free when it was applied, which were none.
TAKES_ALL = {**SPEC, "spec": {"method": "raw", "data_devices": {"all": True}}}


@pytest.fixture
def grouped(six: Osds) -> Iterator[tuple[Osds, dict[str, Place]]]:
    """Return the OSDs of a managed drive group that has no claim on the free disk of each host.

    What it takes of those, it takes because an id waits for a new disk.
    """
    spares = {host: Place(host, path) for host, (path,) in six.free().items()}
    for place in spares.values():
        hide(six, place)
    six.refresh()
    assert not any(six.free().values())
    six.apply(TAKES_ALL)
    for place in spares.values():
        show(six, place)
    six.refresh()
    for place in spares.values():
        six.wait_free(*place)
    assert len(six.map()) == 6
    try:
        yield six, spares
    finally:
        six.undo()
        six.apply({**SPEC, "unmanaged": True})


def replaced(osds: Osds, number: int) -> None:
    """Replace an OSD, and wait until its id waits for a disk."""
    osds.lab.ok("orch", "osd", "rm", str(number), "--replace")

    # It may be made again at once, where it must not be.
    wait_until(f"osd.{number} is destroyed", lambda: not osds.queue(), STEP_SECONDS)


def nothing_was_made(
    osds: Osds, jobs: Callable[[], list[dict[str, Any]]], spares: dict[str, Place]
) -> None:
    """See that the drive group has looked at all hosts anew and has taken no disk."""
    osds.refresh()
    made = jobs()
    for job in made:
        osds.lab.wait_for_job(job["id"])
    assert made == [], [job["summary"] for job in made]
    for host, place in spares.items():
        assert place.disk in osds.free()[host], f"{place} was taken"


def made_by_hand(osds: Osds, number: int, place: Place) -> None:
    """See that an OSD that is asked for by name takes the id that waits."""
    osds.lab.ok("orch", "daemon", "add", "osd", f"{place.host}:{place.disk}")
    osds.wait_up(number)
    assert osds.places()[number] == place
    assert osds.tree()[number]["host"] == place.host
    assert len(osds.map()) == 6
    assert osds.daemons()[f"osd.{number}"]["service_name"] == SERVICE


def test_an_id_is_not_taken_on_another_host(grouped: tuple[Osds, dict[str, Place]]) -> None:
    """Somebody has moved the OSD in the CRUSH map to a host that it is not on."""
    osds, spares = grouped
    number = osds.on(HOST)[0]
    jobs = new_jobs(osds, "create_osds")
    osds.lab.ok("osd", "crush", "move", f"osd.{number}", f"host={OTHER}")
    replaced(osds, number)
    nothing_was_made(osds, jobs, spares)
    assert "destroyed" in osds.map()[number]["state"]
    made_by_hand(osds, number, spares[HOST])


def test_a_disk_that_was_there_before_is_not_the_replacement(
    grouped: tuple[Osds, dict[str, Place]],
) -> None:
    osds, spares = grouped
    number = osds.on(HOST)[0]
    jobs = new_jobs(osds, "create_osds")
    replaced(osds, number)
    nothing_was_made(osds, jobs, spares)
    assert "destroyed" in osds.map()[number]["state"]
    made_by_hand(osds, number, spares[HOST])


def test_a_disk_that_comes_afterwards_is_the_replacement(
    grouped: tuple[Osds, dict[str, Place]],
) -> None:
    """The blank disk of the other hosts stays as it is."""
    osds, spares = grouped
    number = osds.on(HOST)[0]
    hide(osds, spares[HOST])
    osds.refresh()
    replaced(osds, number)
    show(osds, spares[HOST])
    osds.refresh()
    osds.wait_up(number)
    assert osds.places()[number] == spares[HOST]
    assert len(osds.map()) == 6
    for host in (OTHER, "h1"):
        assert osds.free()[host] == [spares[host].disk]
