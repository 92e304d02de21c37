"""Devices, and hosts with their devices."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from adapter.interface import (
    Device,
    DeviceLightLoc,
    Devices,
    InventoryFilter,
    InventoryHost,
    OrchestratorValidationError,
    SpecValidationError,
    datetime_now,
)


@pytest.mark.parametrize(
    ("sys_api", "kind"),
    [
        ({}, "unknown"),
        ({"size": 1}, "unknown"),
        ({"rotational": "1"}, "hdd"),
        ({"rotational": 1}, "hdd"),
        ({"rotational": "0"}, "ssd"),
        ({"rotational": 0}, "ssd"),
    ],
)
def test_human_readable_type(sys_api: object, kind: str) -> None:
    assert Device("/dev/sda", sys_api=sys_api).human_readable_type == kind  # type: ignore[arg-type]


def test_report_fields_are_all_written() -> None:
    assert sorted(Device("/dev/sda").to_json()) == sorted(Device.report_fields)


def test_both_names_of_ceph_device() -> None:
    assert Device("/dev/sda", ceph_device=True).ceph_device_lvm is True
    assert Device("/dev/sda", ceph_device_lvm=True).ceph_device is True
    assert Device.from_json({"path": "/dev/sda", "ceph_device": True}).ceph_device_lvm is True
    both = {"path": "/dev/sda", "ceph_device": True, "ceph_device_lvm": False}
    assert Device.from_json(both).ceph_device_lvm is False


def test_unknown_keys_are_ignored_and_created_is_now() -> None:
    before = datetime_now()
    device = Device.from_json({"path": "/dev/sda", "colour": "red"})

    assert before <= device.created <= datetime_now()
    assert device.created.tzinfo is timezone.utc


def test_reasons_are_sorted() -> None:
    assert Device("/dev/a", rejected_reasons=["b", "a"]).rejected_reasons == ["a", "b"]


def test_order_and_equality() -> None:
    created = datetime_now()
    a, b = Device("/dev/a", created=created), Device("/dev/b", created=created)

    assert sorted([b, a]) == [a, b]
    assert a != b
    assert a == Device("/dev/a", created=created)
    assert hash(a) == hash(Device("/dev/a"))
    assert a != "/dev/a"
    with pytest.raises(TypeError):
        assert a < "/dev/b"


def test_devices() -> None:
    devices = Devices([Device("/dev/a"), Device("/dev/b")])
    copy = devices.copy()
    copy.devices.pop()

    assert len(devices) == 2
    assert [device.path for device in devices] == ["/dev/a", "/dev/b"]
    assert devices != copy
    assert Devices.from_json(devices.to_json()) == devices
    assert "/dev/a" in repr(devices)


def test_inventory_host() -> None:
    host = InventoryHost("h1")

    assert (host.addr, host.labels, host.devices) == ("h1", [], Devices([]))
    assert InventoryHost.get_host_names([host, InventoryHost("h2")]) == ["h1", "h2"]
    assert InventoryHost.from_nested_items([host.to_json()]) == [host]
    assert str(host) == "InventoryHost(h1)"
    assert hash(host) == hash(InventoryHost("h1", addr="x"))
    assert host != InventoryHost("h1", labels=["x"])


def test_inventory_host_wants_devices() -> None:
    with pytest.raises(OrchestratorValidationError, match=r"devices of h1: \['/dev/sda'\]"):
        InventoryHost("h1", ["/dev/sda"])  # type: ignore[arg-type]
    with pytest.raises(OrchestratorValidationError, match="inventory"):
        InventoryHost.from_nested_items({})  # type: ignore[arg-type]
    with pytest.raises(SpecValidationError, match="devices"):
        Devices.from_json({})  # type: ignore[arg-type]


def test_filter_and_light() -> None:
    assert InventoryFilter(labels=["a"]) == InventoryFilter(["a"])
    assert InventoryFilter() != InventoryFilter(hosts=["h1"])
    assert DeviceLightLoc("h1", "ABC", "/dev/sda") == ("h1", "ABC", "/dev/sda")
    assert DeviceLightLoc(host="h1", dev="ABC", path="/dev/sda").dev == "ABC"


def test_what_is_the_same_does_not_hang_on_when_and_in_which_order_it_was_found() -> None:
    """As Ceph 20.2 compares them."""
    early = datetime(2026, 1, 1, tzinfo=timezone.utc)
    first = [Device("/dev/a", created=early), Device("/dev/b", available=True)]
    again = [Device("/dev/b", available=True), Device("/dev/a")]

    assert first[0] == again[1]
    assert Devices(first) == Devices(again)
    assert Devices(first) != Devices([*again, Device("/dev/a")])
    assert Devices(first) != Devices([Device("/dev/a"), Device("/dev/b", available=False)])
    assert [device.path for device in Devices(again)] == ["/dev/b", "/dev/a"]
