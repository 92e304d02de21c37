"""A disk with the label of an OSD that lives elsewhere: no second daemon of it is started."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.errors import InvalidValue
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, device_on


def copied(full: Cluster, host: str = "h1", path: str = "/dev/sdd", osd_id: int = 3) -> Any:
    """Let a disk of a host carry the label of an OSD of h2."""
    osd = full.monitors.osds[osd_id]
    assert osd.host == "h2"
    full.left[host, path] = (osd_id, osd.uuid)
    full.report()
    full.requests.clear()
    return osd


def make(full: Cluster, path: str = "/dev/sdd") -> str:
    spec = device_on("h1", path)
    text = str(raise_if_exception(full.orchestrator.create_osds(spec, skip_validation=True)))
    full.step()
    return text


def asked(full: Cluster) -> List[Any]:
    return [
        request.variables["osd_create_groups"]["h1"]
        for request in full.requests
        if request.operation == "create_osds"
    ]


@pytest.mark.parametrize("path", ["/dev/sdd", "/dev/sde"])
def test_a_copy_of_an_osd_that_is_up(full: Cluster, path: str) -> None:
    copied(full, path=path)
    with pytest.raises(InvalidValue, match=r"osd\.3 is on it, which is up on host h2"):
        make(full, path)
    assert asked(full) == []


def test_a_copy_of_an_osd_that_is_down_and_whose_disk_is_seen(full: Cluster) -> None:
    full.hidden.append("/dev/sdc")
    copied(full, "h3", "/dev/sdx")
    copied(full).up = False
    with pytest.raises(InvalidValue, match="host h3 shows it on /dev/sdx too"):
        make(full)
    assert asked(full) == []


def test_the_only_disk_of_an_osd_that_is_down_was_moved(full: Cluster) -> None:
    full.hidden.append("/dev/sdc")
    copied(full).up = False
    make(full)
    assert [group["moved"] for groups in asked(full) for group in groups] == [True]


def test_what_a_host_showed_that_is_off_says_nothing_of_now(full: Cluster) -> None:
    full.hidden.append("/dev/sdc")
    copied(full, "h3", "/dev/sdx")
    copied(full).up = False
    full.offline("h3")
    make(full)
    assert [group["moved"] for groups in asked(full) for group in groups] == [True]


def test_nobody_knows_whether_it_runs_on_its_own_host_while_that_is_off(full: Cluster) -> None:
    copied(full).up = False
    full.offline("h2")
    with pytest.raises(InvalidValue, match="which was on host h2, and that host is offline"):
        make(full)
    assert asked(full) == []


def test_the_disk_with_its_serial_was_moved_though_its_host_is_off(full: Cluster) -> None:
    full.device_ids["h1", "/dev/sdd"] = "OTHERVENDOR_IDh2c"
    copied(full).up = False
    full.offline("h2")
    make(full)
    assert [group["moved"] for groups in asked(full) for group in groups] == [True]


def test_a_free_disk_is_not_said_to_be_moved(full: Cluster) -> None:
    full.free["h1"] = ["/dev/sdd"]
    full.report()
    full.requests.clear()
    make(full)
    assert ["moved" in group for groups in asked(full) for group in groups] == [False]


@pytest.mark.parametrize("host", ["h1", "h2"])
def test_the_disk_of_a_copy_is_not_replaced(full: Cluster, host: str) -> None:
    """The OSD's own disk, which nobody named, would be wiped."""
    osd = copied(full, host, "/dev/sdx")
    with pytest.raises(InvalidValue, match=r"has a copy of osd\.3, which is on host h2"):
        raise_if_exception(full.orchestrator.replace_device(host, "/dev/sdx"))
    assert full.core.removals.all() == []
    text = raise_if_exception(full.orchestrator.replace_device("h2", osd.disk))
    assert "osd.3" in text


def test_nor_where_disks_have_no_serial(full: Cluster) -> None:
    osd = full.monitors.osds[3]
    full.device_ids = {("h2", "/dev/sdx"): "", ("h2", osd.disk): ""}
    copied(full, "h2", "/dev/sdx")
    with pytest.raises(InvalidValue, match=r"has a copy of osd\.3"):
        raise_if_exception(full.orchestrator.replace_device("h2", "/dev/sdx"))


def test_a_copy_is_not_among_the_disks_that_are_wiped(full: Cluster) -> None:
    osd = copied(full, "h2", "/dev/sdx")
    raise_if_exception(full.orchestrator.remove_osds(["3"], zap=True))
    (removal,) = full.core.removals.all()
    assert [path for path, _ in removal.places] == [osd.disk]


@pytest.mark.parametrize("host", ["h1", "h2"])
def test_who_erases_a_copy_is_not_told_to_remove_the_osd(full: Cluster, host: str) -> None:
    copied(full, host, "/dev/sdx")
    with pytest.raises(InvalidValue) as raised:
        raise_if_exception(full.orchestrator.zap_device(host, "/dev/sdx"))
    assert "it has a copy of osd.3, which is up on host h2: /dev/" in str(raised.value)
    assert f"wipe it by hand with `wipefs --all` on host {host}." in str(raised.value)
    assert "osd rm" not in str(raised.value)
