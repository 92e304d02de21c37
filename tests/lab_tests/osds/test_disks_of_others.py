"""Disks that carry an OSD of elsewhere, are in use, have died, or that nobody wants any more."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.osd_lab import SERVICE, SPEC, STEP_SECONDS, Osds, one_line, refused

EXTRA = {
    **SPEC,
    "service_id": "extra",
    "spec": {"method": "raw", "data_devices": {"rotational": 1, "limit": 1}},
}


def backing(disk: str) -> str:
    """Return the file behind a disk of the lab: all its hosts share one kernel."""
    argv = ["losetup", "--noheadings", "--output", "BACK-FILE", disk]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def under_way(osds: Osds) -> list[str]:
    """Return the jobs that make OSDs and have not ended."""
    jobs = osds.jobs("create_osds")
    return [job["id"] for job in jobs if job["status"] in ("queued", "running")]


@pytest.mark.parametrize("validate", [True, False])
def test_a_copy_of_a_living_osds_disk_starts_no_second_daemon(six: Osds, validate: bool) -> None:
    number = six.on("h2")[0]
    place, (copy,) = six.places()[number], six.free()["h1"]
    wipe = "dd if=/dev/zero of=$1 bs=1M count=1 conv=fsync status=none"
    six.trace("h1", f"set -- {copy}; {wipe}")
    subprocess.run(
        ["dd", f"if={place.disk}", f"of={copy}", "bs=1M", "count=1", "conv=fsync", "status=none"],
        check=True,
    )
    six.refresh()
    words = [] if validate else ["--skip-validation"]
    answer = six.lab.ceph("orch", "daemon", "add", "osd", f"h1:{copy}", *words)
    assert f"osd.{number}" in one_line(answer)
    assert six.lab.sh("h1", "systemctl is-active $1 || true", f"ceph-osd@{number}") != "active\n"
    assert six.places()[number] == place
    six.undo()
    six.refresh()


def test_a_disk_that_a_program_has_open_is_not_written_to(six: Osds) -> None:
    (disk,) = six.free()["h1"]
    script = "import os, time; os.open('{}', os.O_RDWR); time.sleep(600)"
    six.trace("h1", "systemctl stop has-it-open 2>/dev/null || true")
    six.lab.sh(
        "h1",
        'systemd-run --quiet --collect --unit=has-it-open python3 -c "$1"',
        script.format(disk),
    )
    for command in (
        ("orch", "daemon", "add", "osd", f"h1:{disk}"),
        ("orch", "device", "zap", "h1", disk, "--force"),
    ):
        assert "has it open for writing" in refused(six, six.lab.ceph(*command))
    six.undo()
    assert disk in six.free()["h1"]


def test_a_dead_disk_does_not_hold_its_replacement_up(six: Osds) -> None:
    number = six.on("h3")[0]
    disk, (fresh,) = six.places()[number].disk, six.free()["h3"]
    file = backing(disk)
    size = subprocess.run(["stat", "-c", "%s", file], check=True, capture_output=True, text=True)
    try:
        six.lab.sh("h3", "systemctl stop $1", f"ceph-osd@{number}")
        # What is behind the end of its file, the kernel cannot read.
        subprocess.run(["truncate", "-s", "0", file], check=True)
        six.door.ask("osd down", ids=[str(number)])
        six.lab.ok("orch", "osd", "rm", str(number), "--replace", "--zap", "--force")

        def said() -> bool:
            status = six.queue()[number]["drain_status"]
            assert "cannot be read" in status, status
            return True

        wait_until("it is said that the disk cannot be read", said, STEP_SECONDS)
        six.lab.ok("orch", "daemon", "add", "osd", f"h3:{fresh}")
        wait_until("the new disk has the id", lambda: number in six.up(), STEP_SECONDS)
        wait_until("the removal has ended", lambda: not six.queue(), 4 * STEP_SECONDS)
        events = str(six.services()[SERVICE]["events"])
        assert f"osd.{number} has a new disk" in events
        assert "was never wiped" in events
    finally:
        subprocess.run(["truncate", "-s", size.stdout.strip(), file], check=True)
        six.empty()


def test_osds_of_a_service_that_is_gone_are_not_made(six: Osds) -> None:
    (disk,) = six.free()["h2"]
    six.lab.link("h2", "down")
    try:
        six.apply(EXTRA)
        wait_until("the other hosts have theirs", lambda: len(six.up()) >= 7, STEP_SECONDS)
        # A job that still tries to reach the host makes its OSD when the cable is back.
        wait_until("no job tries any more", lambda: not under_way(six), 2 * STEP_SECONDS)
        six.lab.ok("orch", "rm", "osd.extra", "--force")
    finally:
        six.lab.link("h2", "up")

    def dropped() -> bool:
        keys = six.door.ask("config-key ls")
        return not [key for key in keys if "osd_creation.h2" in key]

    wait_until("nothing is to be made on h2 any more", dropped, 3 * STEP_SECONDS)
    # Those of h2 were down while it was away.
    wait_until("h2 has its own again", lambda: len(six.on("h2")) >= 2, STEP_SECONDS)
    assert len(six.on("h2")) == 2
    six.refresh()
    assert six.free()["h2"] == [disk]
