"""``ceph orch apply osd --all-available-devices``: from bare disks to OSDs that survive."""

from __future__ import annotations

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds, Place, planned

APPLY = ("orch", "apply", "osd", "--all-available-devices", "--method", "raw")
NAME = "osd.all-available-devices"


def test_the_first_preview_is_complete_and_changes_nothing(empty: Osds) -> None:
    before = empty.state()
    shown = empty.lab.ok(*APPLY, "--dry-run")
    rows = planned(empty.lab.ok(*APPLY, "--dry-run", "-f", "json"))
    for host, machine in empty.lab.machines.items():
        assert [row["data"] for row in rows[host]] == sorted(machine.disks)
        for row, path in zip(rows[host], sorted(machine.disks)):
            number = machine.disks.index(path) + 1
            assert int(row["data_size"]) == 8 * 1024**3
            assert row["device_id"].endswith(f"LAB{host}d{number}")
            assert f"{host}: {path} (8 GiB, {row['device_id']})" in shown
    assert "re-run" not in shown
    assert empty.state() == before


def test_all_disks_become_osds_that_a_host_brings_back(empty: Osds) -> None:
    lab = empty.lab
    said = lab.ok(*APPLY)
    every = [(host, path) for host, machine in lab.machines.items() for path in machine.disks]
    assert all(f"{host}: {path} (8 GiB" in said for host, path in every)
    empty.wait_up(count=len(every))
    places = empty.places()
    assert sorted(places.values()) == sorted(Place(*each) for each in every)
    row = empty.services()[NAME]
    assert (row["status"]["size"], row["status"]["running"]) == (9, 9)
    assert NAME in lab.ok("orch", "ls", "osd")
    assert {each["service_name"] for each in empty.daemons().values()} == {NAME}
    assert set(empty.tree()) == set(places)
    assert all(node["crush_weight"] and node["device_class"] for node in empty.tree().values())
    for number, place in places.items():
        assert lab.sh(place.host, f"systemctl is-enabled ceph-osd@{number}").strip() == "enabled"

    _a_second_apply_makes_nothing(empty)
    _a_disk_that_is_freed_stays_free(empty)
    _a_host_brings_its_osds_back(empty, "h2")


def _a_second_apply_makes_nothing(osds: Osds) -> None:
    before = osds.state()
    assert "no disk is to be written now" in osds.lab.ok(*APPLY)
    osds.refresh()
    assert osds.state() == before


def _a_disk_that_is_freed_stays_free(osds: Osds) -> None:
    number = osds.on("h3")[0]
    place = osds.places()[number]
    made = [job["id"] for job in osds.jobs("create_osds")]
    osds.lab.ok("orch", "osd", "rm", str(number), "--force")
    osds.wait_gone(number)
    osds.lab.ok("orch", "device", "zap", place.host, place.disk, "--force")
    osds.wait_free(*place)
    osds.refresh()
    assert [job["id"] for job in osds.jobs("create_osds")] == made
    assert osds.free()["h3"] == [place.disk]


def _a_host_brings_its_osds_back(osds: Osds, host: str) -> None:
    lab, before = osds.lab, osds.map()
    numbers = osds.on(host)
    lab.power(host, "off")
    try:
        # The monitors would wait for reports of peers; an operator may say so too.
        for number in numbers:
            osds.door.ask("osd down", ids=[str(number)])
        wait_until("they are down", lambda: not osds.up() & set(numbers), STEP_SECONDS)
    finally:
        lab.power(host, "on")
    osds.wait_up(*numbers)
    assert {k: row["uuid"] for k, row in osds.map().items()} == {
        k: row["uuid"] for k, row in before.items()
    }
