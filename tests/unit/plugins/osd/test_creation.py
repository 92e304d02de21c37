"""OSDs are made, started, and made once: on files, with programs that play ceph-volume's part."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.cluster.access import AccessRefused
from plugins.module_utils.cluster.osd_map import NoAnswer
from plugins.module_utils.osd.creation import Creation
from plugins.module_utils.osd.creation_result import what_came_of
from plugins.module_utils.osd.plan_check import PlanRefused
from plugins.module_utils.system.host_lock import HostIsBusy
from tests.unit.plugins.labels import FSID, OSD_UUID, label
from tests.unit.plugins.osd.test_ceph_volume_calls import group
from tests.unit.plugins.osd_host import OsdHost
from tests.unit.plugins.tree import CASES, load

UUID7 = "3875f924-cc0a-455b-96ee-fa4071c29307"
UUID8 = "3875f924-cc0a-455b-96ee-fa4071c29308"
SDB = {"sdb": None}
FAILURES = CASES / "failures"
TAGS = "ceph.osd_id={},ceph.osd_fsid={},ceph.cluster_fsid=" + FSID + ",ceph.type={}"
MAPPER = {"sys/class/misc/device-mapper/dev": "10:236"}


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make_host(**case: Any) -> OsdHost:
        return OsdHost(tmp_path, case, monkeypatch)

    return make_host


def create(host: OsdHost, *groups: Dict[str, Any]) -> Creation:
    with host.lock as lock:
        creation = host.creation(list(groups))
        creation.do(lock)
    return creation


def states(creation: Creation) -> List[tuple]:
    return [(row["osd_id"], row["state"], row["data"]) for row in creation.rows]


def test_made_then_there(make: Any) -> None:
    host = make(tree={"disks": {"sdb": None, "sdc": None, "sdd": None}})
    plan = group(
        data=["/dev/sdb"], db=["/dev/sdd"], osdspec="all {{ x }}", crush_device_class="ssd"
    )
    creation = create(host, plan)

    assert creation.problems == []
    assert creation.rows == [
        {
            "osd_id": 7,
            "osd_uuid": UUID7,
            "state": "created",
            "method": "raw",
            "data": "/dev/sdb",
            "db": "/dev/sdd",
            "wal": "",
            "unit": "ceph-osd@7.service",
        }
    ]
    prepare = "ceph-volume raw prepare --bluestore --data /dev/sdb --block.db /dev/sdd"
    assert host.calls("ceph-volume") == [f"{prepare} --crush-device-class ssd"]
    (run,) = host.calls("systemd-run")
    assert "--unit=ceph-orch-create-sdb" in run
    assert "--setenv=CEPH_VOLUME_OSDSPEC_AFFINITY=all {{ x }} --" in run
    assert "--property=DevicePolicy=closed" in run
    rules = "--property=DeviceAllow=/dev/sdb rwm --property=DeviceAllow=/dev/sdd rwm"
    assert f"--property=DeviceAllow=block-* r {rules} --set" in run
    assert "systemctl enable --now -- ceph-orch-osd@7.service ceph-osd@7.service" in host.calls(
        "systemctl"
    )
    variables = host.top / "var/lib/ceph-orch-ansible/osd/7.env"
    assert variables.read_text().splitlines() == [
        f"OSD_UUID={UUID7}",
        'OSD_KINDS="block db"',
        'OSD_DEVICES="/dev/sdb /dev/sdd"',
    ]

    before = host.snapshot()
    again = create(host, plan)
    assert states(again) == [(7, "present", "/dev/sdb")]
    assert host.snapshot() == before
    assert len(host.calls("ceph-volume")) == 1


def test_several_at_a_time(make: Any) -> None:
    host = make(tree={"disks": {"sdb": None, "sdc": None, "sdd": None}})
    creation = create(host, group(data=["/dev/sdb", "/dev/sdc", "/dev/sdd"]))

    made = [(7, "created", "/dev/sdb"), (8, "created", "/dev/sdc"), (9, "created", "/dev/sdd")]
    assert states(creation) == made
    assert len(host.calls("ceph-volume")) == 3


def test_a_disk_that_is_used_before_its_turn_is_left_as_it_is(make: Any) -> None:
    """Two are made at a time, and somebody takes the third one meanwhile."""
    host = make(tree={"disks": {"sdb": None, "sdc": None, "sdd": None}})
    with host.lock as lock:
        creation = host.creation([group(data=["/dev/sdb", "/dev/sdc", "/dev/sdd"])])
        with (host.top / "dev/sdd").open("r+b") as disk:
            disk.write(b"XFSB")
        creation.do(lock)

    assert [row["data"] for row in creation.rows] == ["/dev/sdb", "/dev/sdc"]
    assert creation.unfinished == []
    (problem,) = creation.problems
    assert problem.startswith("/dev/sdd: ")
    assert host.head("sdd", 4) == b"XFSB"
    assert not any("/dev/sdd" in call for call in host.calls("ceph-volume"))


def test_a_disk_that_is_used_while_the_monitors_are_asked_is_left_as_it_is(make: Any) -> None:
    """They may take a minute to answer."""
    known = [{"osd": 5, "uuid": "x", "state": ["destroyed", "exists"]}]
    host = make(tree={"disks": SDB}, known=known)
    with host.lock as lock:
        creation = host.creation([group(data=["/dev/sdb"], osd_ids=[5])])
        with (host.top / "dev/sdb").open("r+b") as disk:
            disk.write(b"XFSB")
        creation.do(lock)

    assert (creation.rows, creation.unfinished) == ([], [])
    assert creation.problems[0].startswith("/dev/sdb: it is not empty (xfs)")
    assert (host.head("sdb", 4), host.calls("ceph-volume")) == (b"XFSB", [])


@pytest.mark.parametrize("lvm", [False, True], ids=["raw", "lvm"])
def test_an_id_that_another_one_has_by_its_turn_is_not_taken(make: Any, lvm: bool) -> None:
    """Others of the plan are made before it, which takes minutes: ceph-volume took it back."""
    tree = {"disks": {"sdb": None, "sdc": None, "sdd": None}, "files": MAPPER if lvm else {}}
    known = [{"osd": osd_id, "uuid": "x", "state": ["destroyed", "exists"]} for osd_id in (5, 6)]
    host = make(tree=tree, known=known)
    first = group(data=["/dev/sdb", "/dev/sdd"], osd_ids=[5], method="raw")
    last = group(data=["/dev/sdc"], osd_ids=[6], method="lvm" if lvm else "raw")
    with host.lock as lock:
        creation = host.creation([first, last])
        known[1]["state"] = ["exists", "up"]
        (host.top / "osds.json").write_text(json.dumps(known))
        creation.do(lock)

    assert [row["osd_id"] for row in creation.rows] == [5, 9]
    (problem,) = creation.problems
    assert problem.startswith("/dev/sdc: Invalid osd_ids 6: osd.6 is not destroyed.")
    assert creation.unfinished == []
    assert [call for call in host.calls("ceph-volume") if "/dev/sdc" in call] == []


@pytest.mark.parametrize("kind", ["data", "db", "lvm"])
def test_a_disk_whose_name_another_one_has_by_its_turn_is_left_as_it_is(
    make: Any, kind: str
) -> None:
    """It was pulled, and another one was put in, while the monitors were asked."""
    names = ("sdb", "nvme0n1")
    disks = {name: {"udev": {"ID_MODEL": "M", "ID_SERIAL_SHORT": f"S{name}"}} for name in names}
    known = [{"osd": 5, "uuid": "x", "state": ["destroyed", "exists"]}]
    host = make(tree={"disks": disks, "files": MAPPER if kind == "lvm" else {}}, known=known)
    data, db = ([{"path": f"/dev/{n}", "size": 0, "device_id": f"M_S{n}"}] for n in names)
    swapped = "sdb" if kind == "data" else "nvme0n1"
    with host.lock as lock:
        creation = host.creation([group(data=data, db=db, osd_ids=[5])])
        (entry,) = [p for p in (host.top / "udev").iterdir() if f"S{swapped}" in p.read_text()]
        entry.write_text(entry.read_text().replace(f"S{swapped}", "OTHER"))
        creation.do(lock)

    assert (creation.rows, creation.unfinished) == ([], [])
    (problem,) = creation.problems
    assert problem.startswith(f"/dev/{swapped}: it is the disk 'M_OTHER', planned is")
    assert host.calls("ceph-volume") == []


@pytest.mark.parametrize("content", ["file system", "cluster"])
def test_a_db_disk_that_is_used_before_its_turn_is_left_as_it_is(make: Any, content: str) -> None:
    disks = {name: None for name in ("sdb", "nvme0n1")}
    known = [{"osd": 5, "uuid": "x", "state": ["destroyed", "exists"]}]
    host = make(tree={"disks": disks, "files": MAPPER}, known=known)
    with host.lock as lock:
        creation = host.creation([group(data=["/dev/sdb"], db=["/dev/nvme0n1"], osd_ids=[5])])
        with (host.top / "dev/nvme0n1").open("r+b") as disk:
            if content == "file system":
                disk.write(b"XFSB")
            else:
                disk.seek(512)
                disk.write(b"LABELONE")
                tags = TAGS.format(7, UUID7, "db").replace(FSID, UUID8)
                (host.top / "pvs.json").write_text(json.dumps(volumes(("/dev/nvme0n1", "d", tags))))
        creation.do(lock)

    assert (creation.rows, creation.unfinished) == ([], [])
    (problem,) = creation.problems
    assert problem.startswith("/dev/nvme0n1: it ")
    assert host.calls("ceph-volume") == []


def test_what_an_earlier_run_has_made_is_started_and_its_id_not_taken_again(make: Any) -> None:
    host = make(
        tree={
            "disks": {
                "sdb": {"content": {0: {"label": {"whoami": 7, "osd_uuid": UUID7}}}},
                "sdc": None,
            }
        },
        known=[
            {"osd": 7, "uuid": UUID7, "state": ["exists", "new"]},
            {"osd": 5, "uuid": "x", "state": ["destroyed", "exists"]},
        ],
    )
    creation = create(host, group(data=["/dev/sdb", "/dev/sdc"], osd_ids=[7, 5]))

    assert creation.problems == []
    assert states(creation) == [(7, "started", "/dev/sdb"), (5, "created", "/dev/sdc")]
    assert host.calls("ceph-volume") == [
        "ceph-volume raw prepare --bluestore --data /dev/sdc --osd-id 5"
    ]


def test_a_failure_leaves_nothing(make: Any) -> None:
    host = make(
        tree={"disks": SDB},
        fails=" osd new 11111111-cc0a-455b-96ee-fa4071c2932e\n stderr: no space\n",
        known=[
            {"osd": 9, "uuid": "11111111-cc0a-455b-96ee-fa4071c2932e", "state": ["exists", "new"]},
            {"osd": 8, "uuid": "22222222-cc0a-455b-96ee-fa4071c2932e", "state": ["exists", "new"]},
        ],
    )
    creation = create(host, group(data=["/dev/sdb"]))

    assert creation.rows == []
    assert creation.problems == [
        "/dev/sdb: ceph-volume failed: no space. Look into /var/log/ceph/ceph-volume.log on the "
        "host."
    ]
    assert host.head("sdb") == b"\0" * 4096
    assert not (host.top / "var/lib/ceph/osd/ceph-9").exists()
    asked = [line.rpartition(" osd ")[2] for line in host.calls("ceph")]
    assert asked == ["info --format json", "purge-new osd.9 --yes-i-really-mean-it"]
    assert host.calls("ceph-volume")[1:] == ["ceph-volume lvm zap --destroy /dev/sdb"]


def test_an_osd_that_somebody_has_made_after_a_failure_stays(make: Any) -> None:
    """What became of several is looked at one after the other, and may be minutes old then."""
    host = make(tree={"disks": SDB}, fails=f" osd new {UUID8}\n stderr: no space\n")
    (host.top / "others").touch()
    (host.top / "units/ceph-osd@9.service").write_text("inactive\n")
    creation = create(host, group(data=["/dev/sdb"]))

    assert creation.problems[1:] == [
        f"/dev/sdb: it carries an OSD that this run has not begun ({OSD_UUID}), which is left as "
        "it is. If nothing on it is needed, `ceph orch device zap HOST /dev/sdb --force` wipes it."
    ]
    assert host.head("sdb").startswith(label())
    assert (host.top / "var/lib/ceph/osd/ceph-9/fsid").exists()
    assert not any(" zap " in call for call in host.calls("ceph-volume"))


def test_what_a_failure_leaves_because_the_disk_fails_is_named_with_the_disk(make: Any) -> None:
    host = make(tree={"disks": SDB}, fails=f" osd new {UUID8}\n stderr: Input/output error\n")
    (host.top / "zap_fails").write_text(" stderr: wipefs: error: /dev/sdb: Input/output error")
    creation = create(host, group(data=["/dev/sdb"]))

    assert creation.problems[1:] == [
        "/dev/sdb: what was begun on it could not be wiped: wipefs: error: /dev/sdb: "
        "Input/output error. `ceph orch device zap HOST /dev/sdb --force` wipes it."
    ]


def test_a_daemon_that_does_not_start_is_named_with_its_last_words(make: Any) -> None:
    host = make(tree={"disks": SDB})
    text = (host.top / "bin/systemctl").read_text()
    host.install("systemctl", text.replace("echo active", "echo failed"))
    creation = create(host, group(data=["/dev/sdb"]))

    assert states(creation) == [(7, "not started", "/dev/sdb")]
    (problem,) = creation.problems
    assert problem.startswith("/dev/sdb: ceph-osd@7.service did not stay up. Last words of ")
    assert "its last words" in problem


def test_success_without_an_osd_is_none(make: Any) -> None:
    host = make(tree={"disks": SDB})
    host.install("ceph-volume", "#!/bin/sh\necho already prepared\n")
    creation = create(host, group(data=["/dev/sdb"]))

    assert creation.rows == []
    assert "there is no OSD on it" in creation.problems[0]


# ceph-volume that waits for a word on one of the disks.
WAITS = """#!/bin/sh
case "$*" in *{disk}*) read line <"$TREE/go" ;; esac
exec {program} "$@"
"""


def let_wait(host: OsdHost, disk: str) -> Path:
    """Have ceph-volume wait when it is asked for a disk; return where the word is to be put."""
    real = host.top / "bin/real-ceph-volume"
    (host.top / "bin/ceph-volume").rename(real)
    host.install("ceph-volume", WAITS.format(disk=disk, program=real))
    go = host.top / "go"
    os.mkfifo(go)
    return go


def test_a_disk_on_which_ceph_volume_has_not_ended_is_named_and_started_later(make: Any) -> None:
    host = make(
        tree={"disks": {"sdb": None, "sdc": None}},
        known=[
            {"osd": 7, "uuid": UUID7, "state": ["exists"]},
            {"osd": 8, "uuid": UUID8, "state": ["exists", "new"]},
        ],
    )
    go = let_wait(host, "/dev/sdb")
    plan = group(data=["/dev/sdb", "/dev/sdc"])
    with host.lock as lock:
        creation = host.creation([plan], timeout=1.0)
        creation.do(lock)

    assert creation.unfinished == ["/dev/sdb"]
    assert [row["data"] for row in creation.rows] == ["/dev/sdc"]
    assert "ceph-volume has not ended" in creation.problems[0]

    go.write_text("go on\n")
    again = create(host, plan)
    assert not creation.working[0].result(30.0).problem
    assert (again.unfinished, again.problems) == ([], [])
    assert [(state, path) for _, state, path in states(again)] == [
        ("started", "/dev/sdb"),
        ("present", "/dev/sdc"),
    ]
    assert len([c for c in host.calls("real-ceph-volume", "ceph-volume") if "prepare" in c]) == 2


def test_logical_volumes_that_are_not_ready_yet_are_named(make: Any) -> None:
    host = make(tree={"disks": SDB, "files": MAPPER})
    go = let_wait(host, "/dev/sdb")
    with host.lock as lock:
        creation = host.creation([group(data=["/dev/sdb"])], timeout=1.0)
        creation.do(lock)

    assert (creation.unfinished, creation.rows) == (["/dev/sdb"], [])
    go.write_text("go on\n")
    creation.working[0].result(30.0)


def test_an_activation_that_has_not_ended_is_named(make: Any) -> None:
    host = make(
        tree={"disks": {"sdb": {"content": {512: "LABELONE"}}}, "files": MAPPER},
        pvs=volumes(("/dev/sdb", "b7", TAGS.format(7, UUID7, "block"))),
        known=[{"osd": 7, "uuid": UUID7, "state": ["exists"]}],
    )
    go = let_wait(host, "activate")
    with host.lock as lock:
        creation = host.creation([group(data=["/dev/sdb"])], timeout=1.0)
        creation.do(lock)

    assert (creation.unfinished, creation.rows) == (["/dev/sdb"], [])
    go.write_text("go on\n")
    creation.working[0].result(30.0)


def test_what_failed_is_known_to_have_failed(make: Any) -> None:
    host = make(tree={"disks": SDB}, fails=" stderr: no space\n")
    assert create(host, group(data=["/dev/sdb"])).unfinished == []


def test_what_was_made_is_told_although_the_rest_is_cut_off(make: Any) -> None:
    host = make(
        tree={"disks": {"sdb": {"content": {0: {"label": {"whoami": 7, "osd_uuid": UUID7}}}}}},
        known=[{"osd": 7, "uuid": UUID7, "state": ["exists"]}],
    )
    (host.top / "program").write_text("no directory")
    with host.lock as lock:
        creation = host.creation([group(data=["/dev/sdb"])])
        with pytest.raises(OSError, match="program") as raised:
            creation.do(lock)

    told = what_came_of([group(data=["/dev/sdb"])], [creation], raised.value)
    assert told == (creation.rows, [str(raised.value)], ["/dev/sdb"])


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (PlanRefused("a disk is in use"), []),
        (AccessRefused("another cluster's"), []),
        (HostIsBusy("another run works"), ["/dev/sdb", "/dev/sdc"]),
        (NoAnswer("the monitors do not answer"), ["/dev/sdb", "/dev/sdc"]),
        (OSError(28, "no space"), ["/dev/sdb", "/dev/sdc"]),
    ],
)
def test_before_anything_is_looked_at(error: Exception, left: List[str]) -> None:
    """Only a refusal says that nothing of an earlier run is under way there."""
    groups = [group(data=["/dev/sdb"]), group(data=["/dev/sdc"])]
    assert what_came_of(groups, [], error) == ([], [str(error)], left)


def volumes(*rows: tuple) -> Dict[str, Any]:
    keys = ("pv_name", "lv_name", "lv_tags")
    cells = [{**dict(zip(keys, row)), "vg_name": row[0], "vg_free_count": "0"} for row in rows]
    return {"report": [{"pv": cells}]}


def test_logical_volumes(make: Any) -> None:
    disks = {name: None for name in ("sdb", "sdc", "nvme0n1")}
    host = make(tree={"disks": disks, "files": MAPPER})
    after = volumes(
        ("/dev/sdb", "b7", TAGS.format(7, UUID7, "block")),
        ("/dev/sdc", "b8", TAGS.format(8, UUID8, "block")),
        ("/dev/nvme0n1", "d7", TAGS.format(7, UUID7, "db")),
        ("/dev/nvme0n1", "d8", TAGS.format(8, UUID8, "db")),
    )
    (host.top / "pvs_after.json").write_text(json.dumps(after))
    (host.top / "made.json").write_text("[7, 8]")
    creation = create(host, group(data=["/dev/sdb", "/dev/sdc"], db=["/dev/nvme0n1"]))

    assert creation.problems == []
    assert states(creation) == [(7, "created", "/dev/sdb"), (8, "created", "/dev/sdc")]
    assert {(row["method"], row["db"]) for row in creation.rows} == {("lvm", "/dev/nvme0n1")}
    batch = "ceph-volume lvm batch --no-auto /dev/sdb /dev/sdc --db-devices /dev/nvme0n1"
    assert host.calls("ceph-volume") == [f"{batch} --osds-per-device 1 --bluestore --yes"]
    assert "DevicePolicy" not in host.calls("systemd-run")[0]


def test_what_a_failed_batch_left_on_empty_disks_is_taken_back(make: Any) -> None:
    """vgcreate works without device mapper, lvcreate does not."""
    host = make(tree={"disks": {"sdb": None, "sdc": None, "nvme0n1": None}, "files": MAPPER})
    after = volumes(
        ("/dev/sdb", "b7", TAGS.format(7, UUID7, "block")),
        ("/dev/sdc", "", ""),
        ("/dev/nvme0n1", "d7", TAGS.format(7, UUID7, "db")),
    )
    (host.top / "pvs_after.json").write_text(json.dumps(after))
    (host.top / "fails").write_text(load(FAILURES / "device_mapper_is_not_there.yml")["said"])
    creation = create(host, group(data=["/dev/sdb", "/dev/sdc"], db=["/dev/nvme0n1"]))

    problem = creation.problems[0]
    assert "ceph-volume failed: /dev/mapper/control: open failed: No such device. Look" in problem
    zaps = [call for call in host.calls("ceph-volume") if " zap " in call]
    assert zaps == ["ceph-volume lvm zap --destroy /dev/sdc"]
    assert "--property=DeviceAllow=/dev/sdc rwm" in host.calls("systemd-run")[-1]


def test_logical_volumes_that_do_not_run_are_activated(make: Any) -> None:
    host = make(
        tree={"disks": {"sdb": {"content": {512: "LABELONE"}}}, "files": MAPPER},
        pvs=volumes(("/dev/sdb", "b7", TAGS.format(7, UUID7, "block"))),
        known=[{"osd": 7, "uuid": UUID7, "state": ["exists"]}],
    )
    creation = create(host, group(data=["/dev/sdb"]))

    assert states(creation) == [(7, "started", "/dev/sdb")]
    assert host.calls("ceph-volume") == [f"ceph-volume lvm activate --bluestore 7 {UUID7}"]
    assert "systemctl reset-failed -- ceph-osd@7.service" in host.calls("systemctl")


def test_an_osd_that_runs_elsewhere_is_not_started(make: Any) -> None:
    """Such as one in a container: nothing here knows its daemon, but the disk is in use."""
    host = make(tree={"disks": {"sdb": {"content": {0: {"label": {}}}}}})
    (host.top / "sys/block/sdb/holders/other").mkdir()

    with pytest.raises(Exception, match="it is used by /dev/other"):
        host.creation([group(data=["/dev/sdb"])])
    assert host.head("sdb").startswith(label())


@pytest.mark.parametrize("lvm", [False, True], ids=["raw", "lvm"])
def test_an_osd_that_has_come_up_elsewhere_meanwhile_is_not_started(make: Any, lvm: bool) -> None:
    """Making the other OSDs takes its time; the question is asked again right before the start."""
    head = {512: "LABELONE"} if lvm else {0: {"label": {"whoami": 7, "osd_uuid": UUID7}}}
    host = make(
        tree={"disks": {"sdb": {"content": head}}, "files": MAPPER if lvm else {}},
        pvs=volumes(*([("/dev/sdb", "b7", TAGS.format(7, UUID7, "block"))] if lvm else [])),
        known=[{"osd": 7, "uuid": UUID7, "state": ["exists"]}],
    )
    with host.lock as lock:
        creation = host.creation([group(data=["/dev/sdb"])])
        up = [{"osd": 7, "uuid": UUID7, "state": ["exists", "up"]}]
        (host.top / "osds.json").write_text(json.dumps(up))
        (host.top / "metadata.json").write_text(json.dumps([{"id": 7, "hostname": "h2"}]))
        creation.do(lock)

    assert creation.rows == []
    (problem,) = creation.problems
    assert "/dev/sdb: it carries osd.7, which is up in the cluster's map, on host h2" in problem
    assert creation.unfinished == []
    assert not any("enable" in call for call in host.calls("systemctl"))
    assert host.calls("ceph-volume") == []
    assert not (host.top / "var/lib/ceph-orch-ansible/osd/7.env").exists()
