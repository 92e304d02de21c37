"""A record with one odd field is named, and stops nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any, Dict, Iterator, Tuple

import pytest

from adapter.interface import (
    DeviceSelection,
    MDSSpec,
    PlacementSpec,
    raise_if_exception,
)
from tests.unit.mgr.fake_mon import PREFIX
from tests.unit.reconcile.fake_cluster import drive_group
from tests.unit.reconcile.over_monitors import KeptCluster

ODD = [None, "x", -1, 1.5, True, [], {}, "9", "x" * 100_000]
DISK = {"path": "/dev/sdz", "size": 5, "device_id": "A"}
GOOD: Dict[str, Dict[str, Any]] = {
    "host.h9": {
        "hostname": "h9",
        "addr": "10.0.0.9",
        "labels": ["a"],
        "status": "",
        "keys": ["ssh-ed25519 AAAA"],
        "machine_id": "m",
        "python": "/usr/bin/python3",
        "location": {"rack": "r"},
        "connection": "ssh",
    },
    "spec.osd.y": {
        "spec": {
            "service_type": "osd",
            "service_id": "y",
            "placement": {"host_pattern": "*"},
            "unmanaged": False,
            "spec": {"data_devices": {"size": "9T:"}, "method": "raw", "osds_per_device": 1},
        },
        "created": 1.0,
        "deleted": 0.0,
        "had": 1,
        "claims": {"only": {"h1": ["A"]}, "released": {"h1": ["B"]}},
    },
    "spec.mds.z": {
        "spec": {
            "service_type": "mds",
            "service_id": "z",
            "placement": {"count": 1, "hosts": ["h1"]},
            "config": {"a": "b"},
            "unmanaged": True,
        },
        "created": 1.0,
    },
    "osd_creation.h9": {
        "groups": [
            {
                "data": [DISK],
                "db": [DISK],
                "wal": [DISK],
                "osd_ids": [70],
                "method": "raw",
                "osdspec": "y",
                "crush_device_class": "",
                "encrypted": False,
                "tpm2": False,
                "osds_per_device": 1,
                "block_db_size": "",
                "block_wal_size": "",
                "data_allocate_fraction": 0.0,
            }
        ],
        "asked": 1.0,
    },
    "osd_removal.77": {
        "osd_id": 77,
        "uuid": "u",
        "host": "h2",
        "stage": "draining",
        "replace": False,
        "force": False,
        "zap": False,
        "no_destroy": False,
        "service": "osd",
        "disks": ["A"],
        "crush_weight": 1.0,
        "was_in": True,
        "epoch": 9999,
        "asked": 1.0,
        "drain_started": 1.0,
        "drain_done": 1.0,
        "asked_stop": False,
        "stopped": False,
        "empty": False,
        "up_from": 1,
        "taken": False,
        "label": "",
        "places": [["/dev/sdz", "A"]],
        "pgs": 1,
        "reason": "",
        "tries": 0,
    },
    "osd_owner.77": {"service": "osd.y", "uuid": "u"},
    "osd_vacant.77": {"host": "h2", "service": "osd.y", "disks": ["A"], "present": ["B"]},
    "osd_made.77": {"host": "h2", "service": "osd.y"},
    "service_action.osd.x": {
        "action": "restart",
        "left": ["osd.12"],
        "doing": ["osd.13"],
        "asked": 1.0,
    },
    "daemon_action.mds.k": {"action": "stop", "service": "mds.z", "force": False, "asked": 1.0},
    "daemon_action.service.mds.z": {
        "action": "start",
        "service": "mds.z",
        "force": True,
        "asked": 1.0,
        "daemons": ["mds.z1", "mds.z2"],
    },
    "settings.mds.z": {
        "sections": {"mds.z": ["mds_join_fs", "debug_mds"]},
        "changed": 1.0,
        "before": {"mds.z": {"debug_mds": "1/5"}},
    },
    "unused_key.mds.k": {
        "daemon_type": "mds",
        "daemon_id": "k",
        "host": "h1",
        "job": "j",
        "asked": 1.0,
    },
}
Path = Tuple[Any, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Return the ways to everything in a record."""
    rows = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in rows:
        yield (*path, key)
        if isinstance(each, (dict, list)):
            yield from paths(each, (*path, key))


def changed(record: Dict[str, Any], path: Path, value: Any) -> Dict[str, Any]:
    record = copy.deepcopy(record)
    place: Any = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return record


CASES = [(key, path) for key, record in GOOD.items() for path in paths(record)]


@pytest.fixture(scope="module")
def full() -> KeptCluster:
    cluster = KeptCluster(3, 5)
    group = drive_group("x", data_devices=DeviceSelection(size="1G:"))
    raise_if_exception(cluster.orchestrator.apply([group]))
    cluster.settle()
    assert len(cluster.monitors.osds) == 15
    return cluster


@pytest.fixture
def cluster(full: KeptCluster) -> Iterator[KeptCluster]:
    """A cluster with OSDs, as it was before for every test."""
    osds, values = copy.deepcopy(full.monitors.osds), dict(full.keys.values)
    daemons = dict(full.daemons)
    yield full
    full.monitors.osds, full.daemons = osds, daemons
    full.keys.values.clear()
    full.keys.values.update(values)
    full.start_anew()


def ask_everything(cluster: KeptCluster) -> None:
    orchestrator = cluster.orchestrator
    results = (
        orchestrator.describe_service(),
        orchestrator.list_daemons(),
        orchestrator.get_hosts(),
        orchestrator.remove_osds_status(),
    )
    rows = [raise_if_exception(result) for result in results]
    [row.to_json() for row in rows[3]]
    cluster.orchestrator.health.checks()


@pytest.mark.parametrize("key", GOOD)
def test_the_good_record_is_read(cluster: KeptCluster, key: str) -> None:
    cluster.spoil(key, json.dumps(GOOD[key]))

    assert cluster.bad_records() == {}


@pytest.mark.parametrize(("key", "path"), CASES, ids=lambda each: str(each))
def test_no_odd_field_stops_anything(cluster: KeptCluster, key: str, path: Path) -> None:
    if key == "osd_creation.h9":
        cluster.keys.values[f"{PREFIX}host.h9"] = json.dumps(GOOD["host.h9"])
    for osd_id, value in enumerate(ODD):
        text = json.dumps(changed(GOOD[key], path, value))
        cluster.spoil(key, text)
        raise_if_exception(cluster.orchestrator.remove_osds([str(osd_id)]))
        cluster.settle(5)
        ask_everything(cluster)

        assert cluster.orchestrator.reconciler.problems == {}, value
        bad = key in cluster.bad_records()
        # A drive group that cannot be told that the disk is not its own keeps the OSD.
        waits = bad and key.startswith("spec.osd")
        assert (osd_id in cluster.monitors.osds) is waits, value
        if waits:
            (row,) = raise_if_exception(cluster.orchestrator.remove_osds_status())
            assert f"The record {key} cannot be used" in row["drain_status"]
            raise_if_exception(cluster.orchestrator.stop_remove_osds([str(osd_id)]))
        if bad:
            assert cluster.value(key) == text


WRONG = [
    ("host.h9", ("labels",), "x"),
    ("host.h9", ("status",), "Maintenance"),
    ("host.h9", ("keys",), "x"),
    ("host.h9", ("connection",), "telnet"),
    ("host.h9", ("location",), ["rack"]),
    ("spec.osd.y", ("created",), "9"),
    ("spec.osd.y", ("had",), 1.5),
    ("spec.osd.y", ("claims",), []),
    ("spec.osd.y", ("claims", "only"), "x"),
    ("spec.osd.y", ("claims", "only", "h1"), [1]),
    ("osd_creation.h9", ("groups",), []),
    ("osd_creation.h9", ("groups", 0, "data"), []),
    ("osd_creation.h9", ("groups", 0, "data", 0, "path"), "x"),
    ("osd_creation.h9", ("groups", 0, "data", 0, "size"), "9"),
    ("osd_creation.h9", ("groups", 0, "osd_ids"), ["9"]),
    ("osd_creation.h9", ("groups", 0, "osds_per_device"), "x"),
    ("osd_creation.h9", ("groups", 0, "encrypted"), "no"),
    ("osd_removal.77", ("epoch",), "abc"),
    ("osd_removal.77", ("epoch",), True),
    ("osd_removal.77", ("osd_id",), "77"),
    ("osd_removal.77", ("zap",), "no"),
    ("osd_removal.77", ("asked",), 1e300),
    ("osd_removal.77", ("drain_started",), float("nan")),
    ("osd_removal.77", ("crush_weight",), float("inf")),
    ("osd_removal.77", ("places",), [["/etc/passwd", ""]]),
    ("osd_owner.77", ("service",), ""),
    ("osd_vacant.77", ("disks",), [1]),
    ("osd_vacant.77", ("present",), "x"),
    ("osd_made.77", ("host",), 5),
    ("service_action.osd.x", ("left",), "osd.1"),
    ("service_action.osd.x", ("doing",), ["osd.x"]),
    ("service_action.osd.x", ("action",), "explode"),
    ("daemon_action.mds.k", ("action",), "explode"),
    ("daemon_action.mds.k", ("force",), "no"),
    ("daemon_action.mds.k", ("asked",), "9"),
    ("daemon_action.service.mds.z", ("daemons",), []),
    ("daemon_action.service.mds.z", ("daemons",), ["osd.x"]),
    ("unused_key.mds.k", ("daemon_id",), "other"),
    ("unused_key.mds.k", ("asked",), "9"),
    ("settings.mds.z", ("sections",), ["mds.z"]),
    ("settings.mds.z", ("sections", "mds.z"), "mds_join_fs"),
    ("settings.mds.z", ("sections", "mds.z"), [""]),
    ("settings.mds.z", ("changed",), "now"),
    ("settings.mds.z", ("before",), ["mds.z"]),
    ("settings.mds.z", ("before", "mds.z"), "debug_mds"),
    ("settings.mds.z", ("before", "mds.z", "debug_mds"), 5),
    ("settings.mds.z", ("before", "mds.z", "debug_mds"), "x" * 5000),
    ("settings.mds.z", ("before", "mds.z", "debug_mon"), "5"),
]


@pytest.mark.parametrize(("key", "path", "value"), WRONG)
def test_what_is_wrong_is_named_and_kept(
    cluster: KeptCluster, key: str, path: Path, value: Any
) -> None:
    text = json.dumps(changed(GOOD[key], path, value))
    cluster.spoil(key, text)
    cluster.settle(3)

    line = cluster.bad_records()[key]
    assert len(line) < 500
    assert cluster.value(key) == text


@pytest.mark.parametrize(
    ("key", "of"),
    [
        ("host.h8", "host.h9"),
        ("osd_vacant.077", "osd_vacant.77"),
        ("osd_owner.077", "osd_owner.77"),
        ("osd_made.99999999999", "osd_made.77"),
        ("osd_removal.077", "osd_removal.77"),
        ("unused_key.mds.other", "unused_key.mds.k"),
        ("daemon_action.osd.x", "daemon_action.mds.k"),
        ("spec.mds.other", "spec.mds.z"),
    ],
)
def test_a_record_under_another_name_is_named_and_kept(
    cluster: KeptCluster, key: str, of: str
) -> None:
    text = json.dumps(GOOD[of])
    cluster.spoil(key, text)
    cluster.settle(3)

    assert list(cluster.bad_records()) == [key]
    assert cluster.value(key) == text


@pytest.mark.parametrize("odd", [{"epoch": "abc"}, {"osd_id": "9"}])
def test_an_odd_removal_stops_neither_another_one_nor_what_comes_after_it(
    cluster: KeptCluster, odd: Dict[str, Any]
) -> None:
    record = {"osd_id": 9, "uuid": "x", "host": "h2", "stage": "draining", **odd}
    cluster.spoil("osd_removal.9", json.dumps(record))
    raise_if_exception(cluster.orchestrator.remove_osds(["2"]))
    mds = MDSSpec(service_id="x", placement=PlacementSpec(count=1))
    raise_if_exception(cluster.orchestrator.apply([mds]))
    cluster.settle()
    rows = raise_if_exception(cluster.orchestrator.remove_osds_status())

    assert list(cluster.bad_records()) == ["osd_removal.9"]
    assert (rows, 2 in cluster.monitors.osds, 9 in cluster.monitors.osds) == ([], False, True)
    assert [kind for _, kind, _ in cluster.daemons if kind == "mds"] == ["mds"]
    assert "osd.9" in raise_if_exception(cluster.orchestrator.stop_remove_osds(["9"]))
    assert cluster.value("osd_removal.9") is None
