"""The playbooks of OSDs by hand, on a real host with real ceph-volume.

One OSD is made, refused, restarted, cut off, removed and made again, on the two disks of one host.
The tests of this file build on each other and run in their order.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.lab_tests.conftest import settle
from tests.lab_tests.lab_client import Answer, Lab, wait_until
from tests.lab_tests.test_playbooks import by_hand, published, recap
from tests.unit.plugins.labels import label

HOST = "h2"
SECRETS = "/run/lab-tests-secrets"
PLAN = "/run/lab-tests-plan.yml"
POOL = "one"
FAILED = re.compile(r"^fatal: \[\S+\]: FAILED! => (?P<data>\{.*\})$", re.M)
# All that the playbooks may change, but not what udev and the daemons write by themselves.
FINGERPRINT = """
find /etc /usr/local/lib /var/lib/ceph/osd /var/lib/ceph/bootstrap-osd /var/lib/ceph-orch-ansible \
  -printf '%p %m %u %g %l\\n' 2>/dev/null | sort
for disk; do head -c 1M "$disk" | sha256sum; stat -c '%U %G' "$disk"; done
systemctl list-units --plain --no-legend --no-pager 'ceph*.service'
"""
DOS = (
    "import os, struct, sys; disk = os.open(sys.argv[1], os.O_RDWR);"
    "os.pwrite(disk, b'\\x83' + bytes(3) + struct.pack('<II', 2048, 204800), 450);"
    "os.pwrite(disk, b'\\x55\\xaa', 510); os.fsync(disk)"
)
KILL = """
until runner=$(pgrep -f '[s]ystemd-run .*--unit=ceph-orch-create'); do :; done
until ls -d /var/lib/ceph/osd/ceph-*/ >/dev/null 2>&1; do :; done
kill -9 $(ps -o ppid= -p $runner) $runner
"""


class Holds(NamedTuple):
    """What makes a disk one that is refused, and why it is."""

    make: str
    reason: str
    undo: str = "true"
    stdin: str = ""


PUT_LABEL = "base64 -d | dd of=$1 bs=4096 conv=notrunc,fsync status=none"
OTHER = "11111111-0357-4387-bbbf-ce48c7b2280a"


def labelled(reason: str, **values: Any) -> Holds:
    """Return a disk with a label of BlueStore's on it."""
    return Holds(PUT_LABEL, reason, stdin=base64.b64encode(label(**values)).decode())


REFUSED = (
    (
        Holds("mkfs.ext4 -q $1", "it is not empty (ext4). If nothing on it is needed, zap it"),
        Holds("blockdev --setro $1", "it is read-only. Make it", "blockdev --setrw $1"),
    ),
    (
        Holds("mkfs.ext4 -q $1; mount -o ro,noload $1 /mnt", "it is mounted.", "umount /mnt"),
        Holds(f'python3 -c "{DOS}" $1', "it has a partition table (dos)."),
    ),
    (
        labelled(f"it belongs to osd.3 of the cluster {OTHER}. Plan another disk.", cluster=OTHER),
        labelled("it is the db device of an OSD with the uuid", kind="bluefs db"),
    ),
)


class Osds:
    """The OSD playbooks of one lab, and what the cluster says of its OSDs."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.fsid = lab.ok("fsid").strip()
        self.disks = lab.machines[HOST].disks

    def ours(self) -> dict[int, str]:
        """Return the states of the host's OSDs by id, with those that have never run."""
        tree = self.lab.ceph_json("osd", "tree")
        hosts = [node for node in tree["nodes"] if node["type"] == "host"]
        others = {child for node in hosts if node["name"] != HOST for child in node["children"]}
        nodes = [node for node in tree["nodes"] + tree["stray"] if node["type"] == "osd"]
        return {node["id"]: node["status"] for node in nodes if node["id"] not in others}

    def info(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.lab.ceph_json("osd", "info", str(number))
        return found

    def uuid(self, number: int) -> str:
        return str(self.info(number)["uuid"])

    def purge(self, number: int) -> None:
        """Have the cluster forget an OSD as soon as it is down."""
        # The manager may have made its pool, which has nowhere else to go.
        command = ("osd", "purge", str(number), "--force", "--yes-i-really-mean-it")
        self.down_and(f"osd.{number} is purged", number, *command)

    def down_and(self, what: str, number: int, *command: str) -> None:
        """Run a command for an OSD that is stopped; one stopped in its start is not seen to be."""

        def done() -> bool:
            self.lab.ceph("osd", "down", str(number))
            return self.lab.ceph(*command).rc == 0

        wait_until(what, done, 60)

    def wait_up(self, number: int) -> None:
        wait_until(f"osd.{number} is up", lambda: self.ours().get(number) == "up", 120)

    def play(self, name: str, *words: str, **variables: Any) -> Answer:
        clusters = ("osd_create_fsid", "osd_remove_fsid", "device_zap_fsid")
        given = {variable: self.fsid for variable in clusters}
        given["osd_create_conf"] = self.lab.ok("config", "generate-minimal-conf")
        given["ceph_orch_secrets"] = SECRETS
        return by_hand(self.lab, (name,), "-l", HOST, *words, **given, **variables)

    def create(self, *words: str, playbook: str = "create_osds", **group: Any) -> Answer:
        plan = {"data": [{"path": self.disks[0]}], **group}
        return self.play(playbook, *words, osd_create_groups={HOST: [plan]})

    def clear(self) -> None:
        """Remove the host's OSDs and wipe its disks."""
        for number in self.ours():
            self.leave(number, zap=True)
        devices = {HOST: [{"path": path} for path in self.disks[:2]]}
        recap(self.play("zap_device", device_zap_devices=devices), HOST)

    def remove(
        self, number: int, *words: str, name: str = "remove_osds", step: str = "remove", **more: Any
    ) -> Answer:
        # The manager's own pool has a placement group, and there is no other OSD for it to go to.
        row = {"osd_id": number, "osd_uuid": more.pop("uuid", None) or self.uuid(number), **more}
        row.setdefault("force", True)
        return self.play(name, *words, osd_remove_osds={HOST: [row]}, osd_remove_step=step)

    def leave(self, number: int, name: str = "remove_osds", **more: Any) -> Answer:
        """Take an OSD away as by hand: stop it, have the cluster forget it, clean up after it."""
        uuid = self.uuid(number)
        recap(self.remove(number, step="stop"), HOST)
        if name == "replace_device":
            destroy = ("osd", "destroy", str(number), "--force", "--yes-i-really-mean-it")
            self.down_and("it is destroyed", number, *destroy)
        else:
            self.purge(number)
        return self.remove(number, name=name, uuid=uuid, **more)

    def zap(self, *words: str, **device: Any) -> Answer:
        devices = {HOST: [{"path": self.disks[0], **device}]}
        return self.play("zap_device", *words, device_zap_devices=devices)

    def act(self, action: str, *units: str) -> Answer:
        variables = {"daemon_action_action": action, "daemon_action_units": {HOST: list(units)}}
        return self.play("daemon_action", **variables)

    def fingerprint(self) -> str:
        return self.lab.sh(HOST, FINGERPRINT, *self.disks)

    def sh(self, script: str, *words: str) -> str:
        return self.lab.sh(HOST, script, *words)


@pytest.fixture(scope="module")
def osds(lab: Lab) -> Iterator[Osds]:
    """Return the playbooks of a host whose OSDs are removed before and after."""
    if lab.machines.get(HOST) is None or lab.machines[HOST].image != "full":
        pytest.skip(f"{HOST} has no Ceph")
    settle(lab)
    secret = (
        "umask 077; mkdir -p $1; ceph auth get client.bootstrap-osd -o $1/bootstrap-osd.keyring"
    )
    lab.sh(lab.first, f"{secret} 2>/dev/null", SECRETS)
    found = Osds(lab)
    found.clear()
    yield found
    found.clear()
    lab.sh(lab.first, "rm -rf $1 $2", SECRETS, PLAN)


def rows(answer: Answer, key: str = "osds") -> Any:
    """Return what was published of OSDs or disks."""
    return published(answer)[HOST][key]


def why(answer: Answer) -> str:
    """Return why the playbook failed."""
    assert answer.rc != 0, answer.out[-2000:]
    match = FAILED.search(answer.out)
    assert match, answer.out[-2000:]
    return str(json.loads(match["data"])["msg"])


def only(osds: Osds) -> int:
    """Return the one OSD that is there."""
    (number,) = osds.ours()
    return number


@contextlib.contextmanager
def one_copy(lab: Lab, number: int) -> Iterator[int]:
    """Have a pool of one copy on the only OSD; yield how many placement groups the OSD has."""
    option = ("mon", "mon_allow_pool_size_one")
    lab.ok("config", "set", *option, "true")
    lab.ok("config", "set", "mon", "mon_allow_pool_delete", "true")
    size = ("--size", "1", "--yes-i-really-mean-it")
    lab.ok("osd", "pool", "create", POOL, "4", "--autoscale-mode", "off", *size)

    def held() -> int:
        # The manager's own pool may be there, too, and has too few copies to be active.
        rows = lab.ceph_json("pg", "ls-by-osd", str(number)).get("pg_stats") or []
        mine = [row for row in rows if row["state"].startswith("active")]
        assert len(mine) >= 4, rows
        return len(rows)

    try:
        yield wait_until(f"osd.{number} has a pool of one copy", held, 60)
    finally:
        lab.ok("osd", "pool", "delete", POOL, POOL, "--yes-i-really-really-mean-it")
        lab.ok("config", "rm", *option)


def test_a_host_gets_access_to_its_cluster(osds: Osds) -> None:
    osds.sh("rm -f /etc/ceph/ceph.conf /var/lib/ceph/bootstrap-osd/ceph.keyring")
    before = osds.fingerprint()
    untouched = osds.play("create_osds", osd_create_groups={})
    assert (recap(untouched, HOST), rows(untouched)) == (0, [])
    checked = osds.create("--check", "--diff")
    assert rows(checked, "access") == {"conf": "would be written", "keyring": "would be written"}
    assert osds.fingerprint() == before

    made = osds.create("-vvv")
    assert rows(made, "access") == {"conf": "written", "keyring": "written"}
    assert [row["state"] for row in rows(made)] == ["created"]
    again = osds.create()
    assert rows(again, "access") == {"conf": "present", "keyring": "present"}
    assert recap(again, HOST) == 0
    osds.clear()
    keyring = osds.sh("stat -c '%a %U' $1; cat $1", "/var/lib/ceph/bootstrap-osd/ceph.keyring")
    key = osds.lab.ok("auth", "print-key", "client.bootstrap-osd").strip()
    assert keyring.startswith("600 ceph\n")
    assert key in keyring
    assert key not in checked.out + checked.err + made.out + made.err


@pytest.mark.parametrize("pair", REFUSED, ids=["used and read-only", "mounted and divided", "ours"])
def test_disks_that_hold_something_are_refused(osds: Osds, pair: tuple[Holds, Holds]) -> None:
    disks = osds.disks[:2]
    for disk, holds in zip(disks, pair):
        osds.lab.sh(HOST, holds.make, disk, stdin=holds.stdin)
    try:
        before = osds.fingerprint()
        said = why(osds.create(data=[{"path": disk} for disk in disks]))
        for disk, holds in zip(disks, pair):
            assert f"{disk}: {holds.reason}" in said
        assert osds.fingerprint() == before
    finally:
        for disk, holds in zip(disks, pair):
            osds.sh(f"{holds.undo}; wipefs -qaf $1; dd if=/dev/zero of=$1 bs=1M count=16", disk)


def test_an_osd_is_predicted_made_and_made_once(osds: Osds) -> None:
    before = osds.fingerprint()
    device = {"path": osds.disks[0], "size": 8 << 30, "device_id": "LABDISK_LABh2d1"}
    for words, playbook in ((("--check", "--diff"), "create_osds"), ((), "preview_osdspecs")):
        checked = osds.create(*words, playbook=playbook, data=[device])
        assert [row["state"] for row in rows(checked)] == ["would be created"]
        assert osds.fingerprint() == before

    made = osds.create(data=[device], osdspec="by hand", crush_device_class="nvme")
    assert recap(made, HOST) >= 1
    (row,) = rows(made)
    assert (row["state"], row["method"], row["data"]) == ("created", "raw", osds.disks[0])
    assert osds.ours().keys() == {row["osd_id"]}
    assert osds.uuid(row["osd_id"]) == row["osd_uuid"]
    osds.wait_up(row["osd_id"])
    nodes = osds.lab.ceph_json("osd", "tree")["nodes"]
    assert [node["device_class"] for node in nodes if node["id"] == row["osd_id"]] == ["nvme"]

    after = osds.fingerprint()
    for words in ((), ("--check",)):
        again = osds.create(*words)
        assert recap(again, HOST) == 0
        assert rows(again) == [{**row, "state": "present"}]
    assert osds.fingerprint() == after


def test_disks_that_are_not_what_was_planned_are_refused_all_at_once(osds: Osds) -> None:
    used, free = osds.disks[:2]
    before = osds.fingerprint()
    paths = ("loop0", "--destroy", "/dev/{{ 7 * 6 }}", "/dev/../dev/loop0", "/dev/loop987")
    lines = [f"    - data: [{{path: !unsafe '{path}'}}]" for path in paths]
    lines += [f"    - data: [{{path: {free}, size: {1 << 40}}}]"]
    text = "\n".join(["osd_create_groups:", f"  {HOST}:", *lines]) + "\n"
    osds.lab.sh(osds.lab.first, "cat >$1", PLAN, stdin=text)
    said = why(osds.play("create_osds", "-e", f"@{PLAN}"))

    assert osds.fingerprint() == before
    if osds.lab.locked:
        # The invoker lets the module see none of it.
        assert said == "Invalid path 'loop0': it is not the file of a disk below /dev."
        return
    assert said.startswith("No disk of this host was touched. Invalid path 'loop0'")
    for text in ("'--destroy'", "'/dev/{{ 7 * 6 }}'", "'/dev/../dev/loop0'"):
        assert f"Invalid path {text}: it is not a device file." in said
    assert "/dev/loop987: there is no such device." in said
    assert f"{free}: it has {8 << 30} bytes, the planned disk has {1 << 40}" in said

    said = why(osds.create(data=[{"path": free, "device_id": "OTHER"}], db=[{"path": used}]))
    assert f"{free}: it is the disk 'LABDISK_LABh2d2', planned is 'OTHER'" in said
    said = why(osds.create(data=[{"path": free}], db=[{"path": used}]))
    assert f"{used}: osd.{only(osds)} is on it." in said
    assert osds.fingerprint() == before


def test_a_running_osd_is_not_wiped_and_a_wrong_uuid_not_removed(osds: Osds) -> None:
    number = only(osds)
    before = osds.fingerprint()

    assert f"{osds.disks[0]}: osd.{number} runs on it. Stop and remove" in why(osds.zap())
    wrong = {"osd_id": number, "osd_uuid": "00000000-0000-0000-0000-000000000000", "zap": True}
    said = why(osds.play("remove_osds", osd_remove_osds={HOST: [wrong]}))
    assert f"osd.{number} on this host has the uuid {osds.uuid(number)}, not 0000" in said
    assert osds.fingerprint() == before


def test_an_osd_of_the_map_is_not_wiped_and_one_with_data_not_stopped(osds: Osds) -> None:
    number = only(osds)
    before = osds.fingerprint()
    with one_copy(osds.lab, number) as held:
        said = why(osds.remove(number, step="stop", force=False))
        assert f"osd.{number} has {held} placement group" in said
    said = why(osds.remove(number, zap=True))
    assert f"osd.{number} with the uuid {osds.uuid(number)} is in the cluster's map" in said
    assert osds.fingerprint() == before

    (row,) = rows(osds.remove(number, step="stop"), "removed")
    assert row["state"] == "stopped"
    said = why(osds.zap())
    assert f"{osds.disks[0]}: osd.{number} is on it, which is in the cluster's map" in said
    (row,) = rows(osds.remove(number, step="start"), "removed")
    assert row["state"] == "started"
    osds.wait_up(number)
    assert recap(osds.remove(number, step="start"), HOST) == 0


def test_daemons_are_stopped_started_and_restarted(osds: Osds) -> None:
    number = only(osds)
    unit = f"ceph-osd@{number}.service"

    assert recap(osds.act("stop", unit), HOST) == 1
    assert recap(osds.act("stop", unit), HOST) == 0
    # udev gives devices back to their first owner when somebody has written to them.
    osds.sh("chown root:disk $1", osds.disks[0])
    started = osds.act("start", unit)
    assert recap(started, HOST) == 1
    assert rows(started, "units") == [{"unit": unit, "state": "active"}]
    osds.sh("chown root:disk $1", osds.disks[0])
    assert recap(osds.act("restart", unit), HOST) == 1
    osds.wait_up(number)
    assert "Invalid unit 'ssh.service': it is not a unit of Ceph." in why(
        osds.act("stop", "ssh.service")
    )


def test_an_osd_comes_back_with_its_host(osds: Osds) -> None:
    number = only(osds)
    before = osds.info(number)["up_from"]
    osds.lab.power(HOST, "off")
    osds.lab.power(HOST, "on")
    wait_until("it has come back", lambda: osds.info(number)["up_from"] > before, 120)
    osds.wait_up(number)
    assert osds.sh("stat -c %U $1; mount", osds.disks[0]).startswith("ceph\n")


def test_removed_without_wiping_it_can_be_had_again(osds: Osds) -> None:
    number, uuid = only(osds), osds.uuid(only(osds))
    before = osds.fingerprint()
    assert rows(osds.remove(number, "--check"), "removed")[0]["state"] == "would be removed"
    assert osds.fingerprint() == before
    gone = {"osd_id": number, "state": "removed", "zapped": [], "unseen": []}

    (row,) = rows(osds.remove(number), "removed")
    assert {**row, **gone} == row
    left = (
        "ls -A /var/lib/ceph/osd; ls /var/lib/ceph-orch-ansible/osd /usr/local/lib/ceph-orch* ||:"
    )
    assert osds.sh(f"{left}; mount | grep osd/ ||:") == ""
    again = osds.remove(number)
    assert recap(again, HOST) == 0
    (row,) = rows(again, "removed")
    assert {**row, **gone, "state": "absent"} == row
    (row,) = rows(osds.create())
    assert (row["osd_id"], row["osd_uuid"], row["state"]) == (number, uuid, "started")
    osds.wait_up(number)


def test_a_destroyed_id_is_taken_again_with_a_db_device(osds: Osds) -> None:
    number, uuid = only(osds), osds.uuid(only(osds))
    data, db = osds.disks[:2]
    said = why(osds.create(osd_ids=[number], data=[{"path": db}]))
    assert f"Invalid osd_ids {number}: osd.{number} is not destroyed." in said
    replaced = osds.leave(number, name="replace_device")
    (row,) = rows(replaced, "removed")
    assert (row["state"], row["zapped"]) == ("removed", [data])
    devices = {device["path"]: device for device in published(replaced)[HOST]["devices"]}
    assert devices[data]["available"], devices[data]["rejected_reasons"]
    copies = (
        "for place in 0 1; do dd if=$1 bs=1 count=22 skip=${place}G status=none; done | tr -d '\\0'"
    )
    assert osds.sh(copies, data) == "", "a copy of the label is left"
    assert recap(osds.zap(), HOST) == 0

    (row,) = rows(osds.create(osd_ids=[number], db=[{"path": db}]))
    assert (row["osd_id"], row["state"], row["db"]) == (number, "created", db)
    assert row["osd_uuid"] != uuid
    osds.wait_up(number)
    again = osds.create(osd_ids=[number], db=[{"path": db}])
    assert recap(again, HOST) == 0
    # ceph-volume cannot do this alone: it does not make an OSD with a DB device ready.
    osds.sh("systemctl stop ceph-osd@$1; umount /var/lib/ceph/osd/ceph-$1", str(number))
    assert recap(osds.act("start", f"ceph-osd@{number}.service"), HOST) == 1
    osds.wait_up(number)
    said = why(osds.create(data=[{"path": db}]))
    assert f"{db}: it is the db device of an OSD with the uuid {row['osd_uuid']}" in said


def test_a_killed_run_leaves_one_osd_for_the_next(osds: Osds) -> None:
    number = only(osds)
    zapped = rows(osds.leave(number, zap=True), "removed")[0]["zapped"]
    assert zapped == list(osds.disks[:2])
    killer = threading.Thread(target=osds.sh, args=(KILL,))
    killer.start()
    cut = osds.create()
    killer.join(60)
    assert cut.rc != 0, "the run was not killed"

    (row,) = rows(osds.create())
    assert row["state"] == "started"
    assert osds.ours().keys() == {row["osd_id"]}
    osds.wait_up(row["osd_id"])
    assert recap(osds.create(), HOST) == 0


def test_a_dead_osds_disk_is_wiped_with_what_is_left_of_it(osds: Osds) -> None:
    number = only(osds)
    recap(osds.act("stop", f"ceph-osd@{number}.service"), HOST)
    before = osds.fingerprint()
    assert f"osd.{number} is on it, which is in the cluster's map" in why(osds.zap("--check"))
    osds.purge(number)
    assert rows(osds.zap("--check"), "zapped") == [osds.disks[0]]
    assert osds.fingerprint() == before

    assert rows(osds.zap(), "zapped") == [osds.disks[0]]
    units = "find /etc/systemd/system -name 'ceph-*osd@*'"
    assert osds.sh(f"ls -A /var/lib/ceph/osd; {units}") == ""
    assert recap(osds.zap(), HOST) == 0


def test_a_failure_harms_no_other_disk(osds: Osds) -> None:
    """ceph-volume alone wipes the disk of another cluster's OSD that has the id it has got."""
    disk, other = osds.disks[:2]
    number = rows(osds.create(data=[{"path": other}]))[0]["osd_id"]
    osds.wait_up(number)
    recap(osds.remove(number), HOST)
    osds.purge(number)
    osds.sh(f"ceph-bluestore-tool set-label-key -k ceph_fsid -v {OTHER} --dev $1", other)
    # Its owner is the one thing that a failure changes.
    osds.sh("chown ceph:ceph $1", disk)
    before = osds.fingerprint()
    osds.sh("mv /usr/bin/ceph-osd /usr/bin/ceph-osd.away")
    try:
        said = why(osds.create())
    finally:
        osds.sh("mv /usr/bin/ceph-osd.away /usr/bin/ceph-osd")
    assert f"{disk}: ceph-volume failed: Executable ceph-osd not in PATH" in said
    assert osds.ours() == {}
    assert osds.fingerprint() == before
    assert rows(osds.play("zap_device", device_zap_devices={HOST: [{"path": other}]}), "zapped")


def test_as_somebody_elses_configuration_says(osds: Osds) -> None:
    """A host that belongs to another cluster is not touched."""
    conf = "/etc/ceph/ceph.conf"
    osds.sh("sed -i.kept 's/fsid = .*/fsid = 11111111-0357-4387-bbbf-ce48c7b2280a/' $1", conf)
    try:
        assert "The host belongs to the cluster 11111111-0357" in why(osds.create())
    finally:
        osds.sh("mv $1.kept $1", conf)
