"""``ceph orch device ls`` and device lights."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until

SHAPES: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parent / "data" / "shapes.yml").read_text()
)
ENCLOSURE = "/run/lab-tests-enclosure"
# An enclosure's slot as the kernel shows it.
MAKE_ENCLOSURE = f"""
slot={ENCLOSURE}/class/enclosure/0:0:8:0/Slot01
rm -rf {ENCLOSURE}
mkdir -p "$slot/device/block/$1"
for light in locate fault active; do echo 0 >"$slot/$light"; done
"""
LIGHTS = {"ident": "locate", "fault": "fault"}


def test_each_host_lists_its_own_disks_and_only_those(cluster: Lab) -> None:
    assert {name: sorted(found) for name, found in cluster.listed_devices().items()} == {
        name: sorted(machine.disks) for name, machine in cluster.machines.items()
    }
    for name in cluster.hosts():
        (row,) = cluster.ceph_json("orch", "device", "ls", name)
        assert row["name"] == name


def test_devices_have_the_keys_that_tools_expect(cluster: Lab) -> None:
    for row in cluster.ceph_json("orch", "device", "ls"):
        assert sorted(row) == SHAPES["device_ls"]
        for device in row["devices"]:
            assert sorted(device) == SHAPES["device"]
            missing = set(SHAPES["sys_api"]) - set(device["sys_api"])
            assert not missing, f"{row['name']}: sys_api lacks {sorted(missing)}"
            assert device["sys_api"]["size"] == 8 * 1024**3
            assert device["device_id"].endswith(f"LAB{row['name']}d1") or device[
                "device_id"
            ].endswith(f"LAB{row['name']}d2")
            datetime.fromisoformat(device["created"].replace("Z", "+00:00"))


def test_plain_and_wide_have_the_columns_of_stock_ceph(cluster: Lab) -> None:
    for words, wanted in (((), "device_ls_columns"), (("--wide",), "device_ls_wide_columns")):
        lines = cluster.ok("orch", "device", "ls", *words).splitlines()
        assert re.split(r"\s{2,}", lines[0].strip()) == SHAPES[wanted]
        shown = [line.split()[:2] for line in lines[1:]]
        assert shown == [
            [name, disk]
            for name, machine in cluster.machines.items()
            for disk in sorted(machine.disks)
        ]


def test_refresh_brings_new_data_without_asking_twice(cluster: Lab) -> None:
    before = {
        device["created"]
        for found in cluster.listed_devices().values()
        for device in found.values()
    }
    cluster.ok("orch", "device", "ls", "--refresh")

    def renewed() -> bool:
        found = cluster.listed_devices()
        return not before & {each["created"] for row in found.values() for each in row.values()}

    wait_until("new data of all hosts", renewed, cluster.patience(15), every=0.1)


@pytest.mark.parametrize(("host", "make"), [("h2", "mkfs.ext4 -q -F"), ("h3", "mkswap")])
def test_a_changed_disk_shows_after_one_refresh(cluster: Lab, host: str, make: str) -> None:
    disk = cluster.machines[host].disks[1]
    blank = f"wipefs -q -a {disk}; head -c 16M /dev/zero >{disk}"
    steps = ((f"{make} {disk}", False), (blank, True))
    assert cluster.listed_devices()[host][disk]["available"] is True
    for command, available in steps:
        cluster.sh(host, command)
        cluster.ok("orch", "device", "ls", "--refresh")
        wait_until(
            f"the state after {command.split()[0]} is shown",
            lambda wanted=available: (  # type: ignore[misc]
                cluster.listed_devices()[host][disk]["available"] is wanted
            ),
            cluster.patience(15),
            every=0.1,
        )
        reasons = cluster.listed_devices()[host][disk]["rejected_reasons"]
        assert reasons == ([] if available else ["Has a FileSystem"])


@pytest.mark.parametrize("kind", ["ident", "fault"])
def test_lights_of_an_enclosure_go_on_and_off(cluster: Lab, kind: str) -> None:
    disk = cluster.machines["h2"].disks[0]
    cluster.sh("h2", MAKE_ENCLOSURE, disk.rpartition("/")[2])
    slot = f"{ENCLOSURE}/class/enclosure/0:0:8:0/Slot01"
    other = next(light for name, light in LIGHTS.items() if name != kind)
    with cluster.option("light_sysfs_root", ENCLOSURE):
        for state, value in (("on", "1"), ("off", "0")):
            answer = cluster.light("h2", disk, kind, state)
            assert answer.rc == 0, answer.err
            if "still at it" not in answer.out:
                assert answer.out.strip() == f"h2:{disk}: {kind} light is {state} (enclosure)"
            assert cluster.sh("h2", f"cat {slot}/{LIGHTS[kind]}").strip() == value
            assert cluster.sh("h2", f"cat {slot}/{other}").strip() == "0"


def test_the_sites_own_command_switches_a_light(cluster: Lab) -> None:
    disk = cluster.machines["h3"].disks[0]
    with cluster.option("light_command", "/usr/bin/touch /run/light-{kind}-{state}"):
        answer = cluster.light("h3", disk, "fault", "on")
    assert answer.rc == 0, answer.err
    assert " is on" in answer.out or "still at it" in answer.out
    assert cluster.ssh("h3", "rm", "/run/light-fault-on").rc == 0


def test_without_any_way_the_error_lists_what_was_tried(cluster: Lab) -> None:
    disk = cluster.machines["h3"].disks[0]
    answer = cluster.light("h3", disk, "ident", "on")
    assert answer.rc != 0
    assert answer.out.strip() == ""
    lines = answer.err.strip().splitlines()
    assert len(lines) == 1, answer.err
    for way in ("enclosure", "npem", "ledctl", "lsmcli", "light_command"):
        assert way in lines[0], f"{way} is not named"
    assert disk in lines[0]
    assert "h3" in lines[0]
