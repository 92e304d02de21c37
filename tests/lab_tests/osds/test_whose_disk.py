"""A disk belongs to the OSD that the cluster's map has, down or up, whatever its host is called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import Answer, wait_until
from tests.lab_tests.osds.behind_its_back import Objects, new_jobs, objects, owner, stop
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds, Place, one_line

HOST = "h3"
HOLD = ("nobackfill", "norecover")
LONG = f"{HOST}.example.test"
ALL = ("orch", "apply", "osd", "--all-available-devices", "--method", "raw", "--dry-run")


@pytest.fixture
def copies(six: Osds) -> Iterator[Objects]:
    """Return objects with a copy on each host."""
    with objects(six, size=3) as found:
        yield found


def call(osds: Osds, name: str) -> None:
    """Give the host another name, which its OSDs tell as soon as they are started again."""
    script = (
        "hostnamectl set-hostname $1; systemctl reset-failed 'ceph-osd@*'; "
        "systemctl restart ceph-osd.target"
    )
    osds.lab.sh(HOST, script, name)

    def told() -> bool:
        rows = osds.door.ask("osd metadata")
        names = [row.get("hostname") for row in rows if str(row.get("hostname")).startswith(HOST)]
        assert names == [name, name], names
        return len(osds.up()) == 6

    wait_until(f"its OSDs say {name}", told, STEP_SECONDS)


@pytest.fixture
def renamed(six: Osds) -> Iterator[tuple[Osds, int, str]]:
    """Return an OSD and its disk on the host whose own name is not the one it was added with."""
    number = six.on(HOST)[0]
    disk = six.places()[number].disk
    call(six, LONG)
    try:
        six.refresh()
        yield six, number, disk
    finally:
        six.undo()
        call(six, HOST)


def refused(osds: Osds, number: int, disk: str, *, up: bool = False) -> None:
    """See that a disk is not wiped and that no host was asked to."""
    jobs = new_jobs(osds, "zap_device")

    def answered() -> Answer | None:
        """Return the answer, of a manager that knows by now that the OSD is down."""
        answer = osds.lab.ceph("orch", "device", "zap", HOST, disk, "--force")
        return answer if up or f"osd.{number} runs on it" not in answer.err else None

    line = one_line(wait_until("it is answered", answered, STEP_SECONDS))
    assert f"osd.{number}" in line
    assert f"ceph orch osd rm {number} --zap" in line
    assert jobs() == []


def wiped(osds: Osds, place: Place) -> None:
    """Have a disk wiped, by a manager that knows by now that the OSD is down."""
    command = ("orch", "device", "zap", *place, "--force")
    wait_until("it is wiped", lambda: osds.lab.ceph(*command).rc == 0, STEP_SECONDS)
    osds.wait_free(*place)
    assert not owner(osds, place)


def start_again(osds: Osds, number: int) -> None:
    """Start the OSD that was stopped, and see that it is up."""
    osds.undo()
    osds.lab.ok("orch", "ps", "--refresh")
    osds.wait_up(number)


def test_an_osd_of_a_host_with_a_long_name_is_not_foreign(
    renamed: tuple[Osds, int, str],
) -> None:
    osds, _, disk = renamed
    said = osds.lab.ok(*ALL)
    assert "an OSD that is not in this cluster" not in said
    assert f"{HOST}: {disk} is not available" not in said


def test_the_disk_of_an_osd_of_a_host_with_a_long_name_is_not_wiped(
    copies: Objects, renamed: tuple[Osds, int, str]
) -> None:
    osds, number, disk = renamed
    refused(osds, number, disk, up=True)
    stop(osds, HOST, number)
    osds.refresh()
    refused(osds, number, disk)
    start_again(osds, number)
    assert copies.lost() == []


def test_a_device_of_a_host_with_a_long_name_is_replaced(
    renamed: tuple[Osds, int, str],
) -> None:
    osds, number, disk = renamed
    # Where no data has to move, the removal would be over at once.
    with objects(osds, size=3):
        for flag in HOLD:
            osds.door.ask("osd set", key=flag)
        try:
            osds.lab.ok("orch", "device", "replace", HOST, disk)
            assert osds.queue()[number]["replace"] is True
            osds.lab.ok("orch", "device", "replace", HOST, disk, "--clear")
            assert not osds.queue()
        finally:
            for flag in HOLD:
                osds.door.ask("osd unset", key=flag)


def test_the_disk_of_a_stopped_osd_is_not_wiped(copies: Objects, six: Osds) -> None:
    """It is down, in, and in the map: as after a crash of the daemon."""
    number = six.on(HOST)[0]
    place, uuid = six.places()[number], six.map()[number]["uuid"]
    stop(six, HOST, number)
    six.refresh()
    refused(six, number, place.disk)
    assert owner(six, place) == uuid
    start_again(six, number)
    copies.wait_clean()
    assert copies.lost() == []


def test_the_disk_of_a_destroyed_osd_is_wiped(copies: Objects, six: Osds) -> None:
    number = six.on(HOST)[0]
    place = six.places()[number]
    stop(six, HOST, number)
    six.traces.pop()
    six.lab.ok("osd", "destroy", str(number), "--force")
    wiped(six, place)
    six.lab.ok("orch", "daemon", "add", "osd", f"{place.host}:{place.disk}")
    six.wait_up(number)
    copies.wait_clean()
    assert copies.lost() == []


def test_the_disk_of_an_osd_that_is_safe_to_destroy_is_wiped(six: Osds) -> None:
    """No pool needs it; it is still in the map."""
    number = six.on(HOST)[0]
    place = six.places()[number]
    stop(six, HOST, number)
    six.traces.pop()
    wait_until(
        "the monitors say that it is not needed",
        lambda: six.lab.ceph("osd", "safe-to-destroy", str(number)).rc == 0,
        STEP_SECONDS,
    )
    wiped(six, place)
    six.lab.ok("osd", "purge", str(number), "--force")
