"""Plans on real hosts: disks by any name, why none is taken, and what a host cannot do."""

from __future__ import annotations

from typing import Any

import yaml

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds
from tests.lab_tests.osds.test_drive_groups import spec

BY_ID = "/dev/disk/by-id/ata-DISK1"
BY_PATH = "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"
GONE = "/dev/disk/by-id/ata-GONE"
LINKS = (
    f"mkdir -p /dev/disk/by-id /dev/disk/by-path; ln -sfn $1 {BY_ID}; ln -sfn $2 {BY_PATH}; "
    f"ln -sfn ../../loop999 {GONE}"
)


def dry_run(osds: Osds, wanted: Any) -> str:
    """Return what a preview prints."""
    return osds.lab.ok("orch", "apply", "-i", "-", "--dry-run", stdin=yaml.safe_dump(wanted))


def with_links(osds: Osds) -> tuple[str, ...]:
    """Give two disks of h2 other names, and return the disks."""
    disks = tuple(osds.lab.machines["h2"].disks)
    osds.trace("h2", f"rm -f {BY_ID} {BY_PATH} {GONE}")
    osds.lab.sh("h2", LINKS, disks[0], disks[1])
    osds.refresh()
    return disks


def test_a_disk_is_meant_by_any_of_its_names(empty: Osds) -> None:
    disks = with_links(empty)
    lab = empty.lab
    byid = spec("byid", "h2", data_devices={"paths": [BY_ID]})
    assert f"h2: {disks[0]} (" in dry_run(empty, byid)
    assert [row["data"] for row in empty.preview(byid)["h2"]] == [disks[0]]
    gone = spec("gone", "h2", data_devices={"paths": [GONE]})
    assert f"h2: {GONE}: the name leads to no device now" in dry_run(empty, gone)

    # Names below by-path are full of colons, at which Ceph's command takes its argument apart.
    lab.ok("orch", "daemon", "add", "osd", f"h2:{BY_PATH}")
    empty.wait_up(count=1)
    assert [place.disk for place in empty.places().values()] == [disks[1]]
    refused = lab.ceph("orch", "device", "zap", "h2", BY_PATH, "--force")
    assert refused.rc != 0
    assert "runs on it" in refused.err

    empty.apply(byid)
    empty.wait_up(count=2)
    assert {place.disk for place in empty.places().values()} == {*disks[:2]}

    # The name leads to another disk now: what was planned by it is not that.
    lab.sh("h2", f"echo junk >{disks[2]}; ln -sfn {disks[2]} {BY_ID}; sync")
    empty.trace("h2", f"wipefs -qa {disks[2]}; head -c 1M /dev/zero >{disks[2]}")
    answer = lab.ceph("orch", "device", "zap", "h2", BY_ID, "--force")
    assert answer.rc != 0
    assert "runs on it" in answer.err
    assert lab.sh("h2", f"head -c 4 {disks[2]}") == "junk"


def test_an_empty_plan_says_why(empty: Osds) -> None:
    disks = empty.lab.machines["h2"].disks
    listed = next(
        line.split() for line in empty.lab.ok("orch", "device", "ls").splitlines() if "h2" in line
    )
    size = next(word for word in listed if word[:-1].replace(".", "").isdigit())
    rows = empty.preview(spec("copied", "h2", data_devices={"size": size}))
    assert {row["data"] for row in rows["h2"]} == {*disks}

    text = dry_run(empty, spec("m", "h2", data_devices={"model": "LABDISK*"}))
    assert "not 'LABDISK*' (a part of the text is meant" in text
    assert all(disk in text for disk in disks)
    text = dry_run(empty, spec("s", "h2", data_devices={"size": "5T"}))
    assert f"({size} in `ceph orch device ls`" in text
    assert "hosts outside the placement that have free disks: h1, h3" in text


def test_what_a_host_without_lvm_cannot_do_is_in_the_plan(empty: Osds) -> None:
    wanted = spec("three", "h2", osds_per_device=3, data_devices={"rotational": 1})
    del wanted["spec"]["method"]
    before = empty.jobs("create_osds")
    text = dry_run(empty, wanted)
    assert "h2: osds_per_device 3: OSDs without LVM take whole disks as they are" in text
    assert empty.preview(wanted)["h2"] == []
    empty.apply(wanted)
    wait_until(
        "it is in health",
        lambda: "osd.three on host h2" in empty.lab.ok("health", "detail"),
        STEP_SECONDS,
    )
    assert empty.jobs("create_osds") == before


def test_an_id_of_no_drive_group_goes_with_its_new_disk(empty: Osds) -> None:
    disks = empty.lab.machines["h2"].disks
    empty.lab.ok("orch", "daemon", "add", "osd", f"h2:{disks[0]}")
    empty.wait_up(count=1)
    (number,) = empty.up()
    empty.lab.ok("orch", "osd", "rm", str(number), "--replace", "--zap", "--force")
    wait_until("it is destroyed", lambda: not empty.queue(), STEP_SECONDS)
    empty.wait_free("h2", disks[0])
    empty.apply(spec("takes", "h2", data_devices={"paths": [disks[0]]}))
    empty.wait_up(number)
    (row,) = [row for row in empty.door.ask("osd metadata") if row["id"] == number]
    assert row["osdspec_affinity"] == "takes"


def test_fields_that_nobody_carries_out_are_refused(empty: Osds) -> None:
    before = empty.state()
    for field, value in (
        ("db_slots", 5),
        ("journal_size", "5G"),
        ("data_directories", ["/srv/osd"]),
    ):
        wanted = spec("slots", "h2", data_devices={"rotational": 1}, **{field: value})
        answer = empty.lab.ceph("orch", "apply", "-i", "-", stdin=yaml.safe_dump(wanted))
        assert answer.rc != 0
        assert f"Invalid {field}" in answer.err
    for field, value in (
        ("config", {"osd_memory_target": 4294967296}),
        ("extra_container_args", ["--cpus=2"]),
    ):
        wanted = {**spec("slots", "h2", data_devices={"rotational": 1}), field: value}
        answer = empty.lab.ceph("orch", "apply", "-i", "-", stdin=yaml.safe_dump(wanted))
        assert answer.rc != 0
        assert f"Invalid {field}" in answer.err
        assert "ArgumentSpec" not in answer.err
    assert empty.state() == before
