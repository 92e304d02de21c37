"""A plan says what the host would: what it cannot do, and how many OSDs become of each disk."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from adapter.errors import InvalidValue
from adapter.interface import DeviceSelection, DriveGroupSpec, PlacementSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, device_on, drive_group


def group(**values: Any) -> DriveGroupSpec:
    values.setdefault("data_devices", DeviceSelection(rotational=1, size="5G:"))
    placement = PlacementSpec(host_pattern="h2")
    return DriveGroupSpec(service_id="three", placement=placement, **values)


def preview(cluster: Cluster, spec: DriveGroupSpec) -> Dict[str, Any]:
    row = raise_if_exception(cluster.orchestrator.plan([spec]))[0]
    return dict(row["data"]["h2"][0])


def with_mapper(cluster: Cluster, has_it: bool) -> None:
    cluster.storage["h2"] = {"device_mapper": has_it, "links": {}}
    cluster.report()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"osds_per_device": 3}, "osds_per_device 3: OSDs without LVM take whole disks"),
        ({"encrypted": True}, "encrypted True: OSDs without LVM"),
        ({"data_allocate_fraction": 0.5}, "data_allocate_fraction 0.5: OSDs without LVM"),
        (
            {"db_slots": 2, "db_devices": DeviceSelection(rotational=0)},
            "db_slots 2: OSDs without LVM",
        ),
        ({"method": "lvm"}, "method lvm: the kernel of this host has no device mapper"),
    ],
)
def test_what_a_host_without_lvm_cannot_do_is_in_the_plan(
    cluster: Cluster, values: Dict[str, Any], said: str
) -> None:
    with_mapper(cluster, has_it=False)
    found = preview(cluster, group(**values))
    assert found["data"] == []
    assert found["notes"][0].startswith(f"h2: {said}")

    text = raise_if_exception(cluster.orchestrator.apply([group(**values)]))[0]
    assert said in text
    cluster.settle()
    assert [r for r in cluster.requests if r.operation == "create_osds"] == []
    (line,) = cluster.orchestrator.health.checks()["ANSIBLE_SERVICE_FAILED"]["detail"]
    assert "osd.three on host h2" in line
    assert said in line
    (event,) = cluster.core.events.of("osd.three")[1:]
    assert said in event.message

    raise_if_exception(cluster.orchestrator.set_unmanaged("osd.three", True))
    cluster.settle(2)
    assert "ANSIBLE_SERVICE_FAILED" not in cluster.orchestrator.health.checks()
    raise_if_exception(cluster.orchestrator.set_unmanaged("osd.three", False))
    cluster.settle(2)
    assert "ANSIBLE_SERVICE_FAILED" in cluster.orchestrator.health.checks()

    # The module is loaded.
    with_mapper(cluster, has_it=True)
    cluster.settle()
    assert len(cluster.monitors.osds) >= 2
    assert "ANSIBLE_SERVICE_FAILED" not in cluster.orchestrator.health.checks()


def test_a_preview_has_a_row_for_each_osd(cluster: Cluster) -> None:
    with_mapper(cluster, has_it=True)
    found = preview(cluster, group(osds_per_device=3))
    assert [row["data"] for row in found["data"]] == ["/dev/sdb"] * 3 + ["/dev/sdc"] * 3
    assert found["data"][0]["data_size"] == str(8 * 2**30 // 3)
    assert found["notes"] == [
        "h2: /dev/sdb (8 GiB, IDh2b), 3 OSDs",
        "h2: /dev/sdc (8 GiB, IDh2c), 3 OSDs",
    ]


def test_a_host_that_has_not_said_what_it_can_do_decides_itself(cluster: Cluster) -> None:
    assert len(preview(cluster, group(osds_per_device=2))["data"]) == 4


def test_what_no_host_can_do_is_refused_before_it_is_kept(cluster: Cluster) -> None:
    spec = group(method="raw", osds_per_device=3)
    with pytest.raises(InvalidValue, match="Invalid osds_per_device 3: OSDs without LVM"):
        raise_if_exception(cluster.orchestrator.apply([spec]))
    assert cluster.core.specs.all() == []
    spec = device_on("h2", "/dev/sdb")
    spec.journal_devices = DeviceSelection(paths=["/dev/sdc"])
    with pytest.raises(InvalidValue, match="BlueStore has no journal"):
        raise_if_exception(cluster.orchestrator.create_osds(spec))
    names: List[str] = [request.operation for request in cluster.requests]
    assert "create_osds" not in names


def test_one_device_that_a_host_cannot_make_so_is_an_error_of_the_command(
    cluster: Cluster,
) -> None:
    with_mapper(cluster, has_it=False)
    spec = device_on("h2", "/dev/sdb")
    spec.osds_per_device = 2
    with pytest.raises(InvalidValue, match="osds_per_device 2: OSDs without LVM"):
        raise_if_exception(cluster.orchestrator.create_osds(spec))


SIZE = "its size is 8.00 GB (8192M in `ceph orch device ls`, 8 GiB)"


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        (
            {"model": "LABDISK*"},
            "its model is 'LABDISK', not 'LABDISK*' (a part of the text is meant; * and ? stand "
            "for themselves)",
        ),
        ({"size": "8191M"}, f"{SIZE}, not 8191M"),
        ({"rotational": 0}, "it is rotational"),
    ],
)
def test_an_empty_plan_says_of_each_disk_why(
    cluster: Cluster, filters: Dict[str, Any], reason: str
) -> None:
    cluster.used["h2"] = ["/dev/sdx"]
    cluster.report()
    spec = group(data_devices=DeviceSelection(**filters))
    notes = preview(cluster, spec)["notes"]
    assert notes == [
        f"h2: /dev/sdb, /dev/sdc: {reason}",
        f"h2: /dev/sdx: {reason}; it is not available: Has BlueStore device label",
        "hosts outside the placement that have free disks: h1, h3",
    ]
    text = raise_if_exception(cluster.orchestrator.apply([spec]))[0]
    assert text.split("\n  ") == [
        "Scheduled osd.three update: no disk is to be written now",
        *notes,
    ]
    lines = raise_if_exception(cluster.orchestrator.preview_osdspecs("osd.three"))
    assert f"osd.three: h2: /dev/sdb, /dev/sdc: {reason}" in lines.split("\n")


def test_what_is_left_does_not_stand_among_the_disks_that_become_osds(cluster: Cluster) -> None:
    cluster.used["h2"] = ["/dev/sdx"]
    cluster.report()
    said = raise_if_exception(cluster.orchestrator.apply([group()]))[0].splitlines()
    left = said.index("Left as it is:")
    assert said[0] == "Scheduled osd.three update: OSDs are made of"
    assert [line.split()[1] for line in said[1:left]] == ["/dev/sdb", "/dev/sdc"]
    (line,) = said[left + 1 :]
    assert line.startswith("  h2: /dev/sdx is not available: it carries an OSD")


def test_a_size_copied_from_the_list_matches(cluster: Cluster) -> None:
    for size in ("8192M", "8GB", "8GiB"):
        found = preview(cluster, group(data_devices=DeviceSelection(size=size)))
        assert [row["data"] for row in found["data"]] == ["/dev/sdb", "/dev/sdc"]


def test_a_drive_group_that_has_all_its_disks_says_so(cluster: Cluster) -> None:
    raise_if_exception(cluster.orchestrator.apply([group()]))
    cluster.settle()
    assert preview(cluster, group())["notes"][:2] == [
        "h2: /dev/sdb: it carries osd.0 already",
        "h2: /dev/sdc: it carries osd.1 already",
    ]
    cluster.offline("h2")
    assert preview(cluster, group())["notes"][0].startswith("h2: the host is offline")


def test_an_id_that_is_claimed_and_not_free_is_named(cluster: Cluster) -> None:
    raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
    cluster.settle()
    notes = preview(cluster, group(osd_id_claims={"h2": ["0", "9"]}))["notes"]
    assert notes == [
        "h2: /dev/sdc (8 GiB, IDh2c)",
        "h2: osd_id_claims: osd.0, osd.9: no such id waits for a new disk on this host",
    ]


def test_a_drive_group_without_a_host_says_why_nothing_is_made(cluster: Cluster) -> None:
    def told(hosts: str) -> Any:
        spec = drive_group("x", hosts=hosts)
        (row,) = raise_if_exception(cluster.orchestrator.plan([spec]))
        return row

    assert "it matches no host" in str(told("q*"))
    for number in (1, 2, 3):
        cluster.core.hosts.remove(f"h{number}")
    assert "no host is managed" in str(told("*"))
