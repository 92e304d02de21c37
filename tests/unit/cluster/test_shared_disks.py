"""A disk that two hosts show takes no OSD; virtual disks with one serial number are others."""

from __future__ import annotations

from adapter.cluster.shared_disks import shared, wwns_of

WWN = "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4"


def test_a_disk_behind_two_controllers() -> None:
    hosts = {"h1": {WWN: ["/dev/sdb"]}, "h2": {WWN: ["/dev/sdd"]}, "h3": {}}
    assert shared(hosts) == {
        ("h1", "/dev/sdb"): "the same disk is h2:/dev/sdd (wwn-0x5000c500a1b2c3d4)",
        ("h2", "/dev/sdd"): "the same disk is h1:/dev/sdb (wwn-0x5000c500a1b2c3d4)",
    }


def test_two_paths_of_one_host_are_one_disk() -> None:
    assert shared({"h1": {WWN: ["/dev/mapper/mpatha"]}}) == {}


def test_a_serial_number_that_virtual_disks_share_says_nothing() -> None:
    name = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_drive-scsi1"
    assert shared({host: {name: ["/dev/sdb"]} for host in ("h1", "h2")}) == {}


def test_partitions_and_odd_names_are_no_disks() -> None:
    links = {f"{WWN}-part1": ["/dev/sdb1"], WWN: ["/dev/sdb", "/dev/sdc"], "wwn-0x1": ["/dev/sdd"]}
    assert wwns_of(links) == {}
