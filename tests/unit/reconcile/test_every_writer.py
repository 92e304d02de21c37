"""Records of any size through every writer: whole after a fail-over, or refused at once."""

from __future__ import annotations

import errno
import hashlib
import time
from typing import Any, Callable, Dict, List

import pytest

from adapter.cluster.osd_map import Osd
from adapter.cluster.osd_owners import DestroyedOsd, PendingOsd
from adapter.engine.ssh import ProbeResult
from adapter.errors import NotKept
from adapter.interface import (
    DeviceSelection,
    HostSpec,
    MDSSpec,
    OrchestratorError,
    PlacementSpec,
    raise_if_exception,
)
from adapter.reconcile.service_restarts import RETRY
from tests.unit.reconcile.fake_cluster import drive_group
from tests.unit.reconcile.over_monitors import KeptCluster

Act = Callable[[KeptCluster], Any]
SIZES = [10, 1_000, 64_000, 66_000, 120_000, 1_000_000, 10_000_000]


def words(size: int) -> List[str]:
    """Return names that hardly shrink, of about this size together."""
    return [hashlib.sha256(str(n).encode()).hexdigest() for n in range(max(1, size // 70))]


def drives(size: int) -> Act:
    paths = [f"/dev/disk/{word}" for word in words(size)]
    spec = drive_group("x", data_devices=DeviceSelection(paths=paths), unmanaged=True)
    return lambda cluster: cluster.orchestrator.apply([spec])


def service(size: int) -> Act:
    config = {"log_file": " ".join(words(size))}
    spec = MDSSpec(service_id="x", placement=PlacementSpec(count=1), config=config, unmanaged=True)
    return lambda cluster: cluster.orchestrator.apply([spec])


def host(size: int) -> Act:
    labels = [word[:60] for word in words(size)]
    return lambda cluster: cluster.orchestrator.add_host(HostSpec("h9", "10.0.0.9", labels=labels))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", [drives, service, host], ids=["drives", "service", "host"])
def test_a_record_of_any_size_is_whole_or_refused(make: Callable[[int], Act], size: int) -> None:
    cluster = KeptCluster()
    before = dict(cluster.keys.values)
    if size < 10_000_000:
        raise_if_exception(make(size)(cluster))
    else:
        with pytest.raises(NotKept, match="MiB"):
            raise_if_exception(make(size)(cluster))
        assert cluster.keys.values == before
    known = cluster.memory()
    cluster.start_anew()

    assert cluster.memory() == known
    assert cluster.bad_records() == {}
    assert max(map(len, cluster.keys.values.values())) <= 64 * 1024


def full(cluster: KeptCluster) -> None:
    """Make six OSDs, a file system's service and a host with a label."""
    orchestrator = cluster.orchestrator
    raise_if_exception(orchestrator.apply([drive_group("x")]))
    raise_if_exception(
        orchestrator.apply([MDSSpec(service_id="data", placement=PlacementSpec(count=2))])
    )
    raise_if_exception(orchestrator.add_host_label("h1", "rack1"))
    cluster.settle()
    cluster.free["h2"].append("/dev/sdx")
    cluster.report()
    assert len(cluster.monitors.osds) == 6


def made_again(cluster: KeptCluster) -> Any:
    spec = drive_group("", "h2", data_devices=DeviceSelection(paths=["/dev/sdx"]))
    return cluster.orchestrator.create_osds(spec)


def stopped(cluster: KeptCluster) -> Any:
    return cluster.orchestrator.stop_remove_osds(["1"])


def mds(cluster: KeptCluster) -> str:
    return next(f"mds.{each}" for _, kind, each in sorted(cluster.daemons) if kind == "mds")


WRITERS: Dict[str, Act] = {
    "host add": lambda c: c.orchestrator.add_host(HostSpec("h9", "10.0.0.9")),
    "host rm": lambda c: c.orchestrator.remove_host("h3", force=True),
    "host label add": lambda c: c.orchestrator.add_host_label("h2", "x"),
    "host label rm": lambda c: c.orchestrator.remove_host_label("h1", "rack1"),
    "host set-addr": lambda c: c.orchestrator.update_host_addr("h2", "10.0.0.77"),
    "apply": lambda c: c.orchestrator.apply([MDSSpec(service_id="b")]),
    "apply osd": drives(1000),
    "apply osd of 120 kB": drives(120_000),
    "set-unmanaged": lambda c: c.orchestrator.set_unmanaged("mds.data", True),
    "rm": lambda c: c.orchestrator.remove_service("mds.data"),
    "rm osd": lambda c: c.orchestrator.remove_service("osd.x", force=True),
    "daemon add": lambda c: c.orchestrator.add_daemon(
        MDSSpec(service_id="b", placement=PlacementSpec(hosts=["h1"]))
    ),
    "daemon add osd": made_again,
    "device zap": lambda c: c.orchestrator.zap_device("h2", "/dev/sdx"),
    "osd rm": lambda c: c.orchestrator.remove_osds(["2", "3"]),
    "osd rm stop": stopped,
    "osd set-spec-affinity": lambda c: c.orchestrator.set_osd_spec("osd.x", ["2"]),
    "restart": lambda c: c.orchestrator.service_action("restart", "mds.data"),
    "stop": lambda c: c.orchestrator.service_action("stop", "mds.data"),
    "start": lambda c: c.orchestrator.service_action("start", "mds.data"),
    "redeploy": lambda c: c.orchestrator.service_action("redeploy", "mds.data"),
    "reconfig": lambda c: c.orchestrator.service_action("reconfig", "mds.data"),
    "daemon stop": lambda c: c.orchestrator.daemon_action("stop", "osd.2"),
    "daemon start": lambda c: c.orchestrator.daemon_action("start", "osd.2"),
    "daemon restart": lambda c: c.orchestrator.daemon_action("restart", "osd.2"),
    "daemon redeploy": lambda c: c.orchestrator.daemon_action("redeploy", mds(c)),
    "daemon reconfig": lambda c: c.orchestrator.daemon_action("reconfig", mds(c)),
}


def prepare(name: str) -> KeptCluster:
    cluster = KeptCluster()
    full(cluster)
    same = cluster.core.hosts.get("h2")
    cluster.ssh.prober.answers["10.0.0.77"] = ProbeResult(
        True, keys=same.keys, hostname="h2", machine_id=same.machine_id
    )
    if name == "osd rm stop":
        cluster.monitors.osds[1].pgs = 3
        raise_if_exception(cluster.orchestrator.remove_osds(["1"]))
        cluster.settle(2)
    cluster.requests.clear()
    return cluster


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("code", [errno.EFBIG, errno.EACCES])
def test_what_the_monitors_refuse_is_refused_and_nothing_changes(name: str, code: int) -> None:
    cluster = prepare(name)
    values, known = dict(cluster.keys.values), cluster.memory()
    cluster.refuse(code)

    with pytest.raises(OrchestratorError, match="is not kept") as caught:
        raise_if_exception(WRITERS[name](cluster))
    assert caught.value.errno == code
    assert cluster.keys.values == values
    assert cluster.memory() == known
    assert cluster.requests == [], "a job was started for what is refused"
    cluster.refuse(0)
    cluster.start_anew()
    assert cluster.memory() == known


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_acknowledged_is_there_after_a_fail_over(name: str) -> None:
    cluster = prepare(name)
    before = cluster.memory()
    if name in ("daemon add osd", "osd rm"):
        # What was asked for is kept until it is done.
        cluster.break_on = {"create_osds": {"h2": ""}, "remove_osds": {"h1": "", "h2": ""}}
    raise_if_exception(WRITERS[name](cluster))
    known = cluster.memory()
    cluster.start_anew()
    assert cluster.memory() == known
    if name != "osd set-spec-affinity":
        assert known != before


@pytest.mark.parametrize("wanted", [True, False])
def test_a_pause_that_is_not_kept_is_none(wanted: bool) -> None:
    cluster = KeptCluster()
    cluster.core.pause(not wanted)
    cluster.refuse(errno.EACCES)

    with pytest.raises(NotKept):
        cluster.core.pause(wanted)
    assert cluster.core.paused is not wanted


def test_osds_of_which_one_cannot_be_kept_are_not_removed() -> None:
    cluster = prepare("osd rm")
    cluster.keys.refuse = lambda prefix, key: (
        errno.EACCES if (prefix, key) == ("config-key set", "osd_removal.3") else 0
    )
    with pytest.raises(NotKept, match=r"osd_removal\.3"):
        raise_if_exception(cluster.orchestrator.remove_osds(["2", "3"]))

    assert cluster.core.removals.all() == []
    cluster.start_anew()
    assert cluster.core.removals.all() == []


def unkept(cluster: KeptCluster) -> List[str]:
    return list(
        cluster.orchestrator.health.checks().get("ANSIBLE_NOT_KEPT", {"detail": []})["detail"]
    )


def test_disks_that_cannot_be_kept_as_chosen_are_not_written_to() -> None:
    """A host reports for the first time after a drive group with ``all`` was applied."""
    cluster = KeptCluster()
    cluster.core.reports.forget("h2")
    raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h2")]))
    cluster.refuse(errno.EACCES)
    cluster.report()
    assert not cluster.monitors.osds
    assert unkept(cluster)

    cluster.keys.refuse = lambda prefix, key: 0
    cluster.settle()
    assert {osd.host for osd in cluster.monitors.osds.values()} == {"h2"}


def test_plans_that_cannot_be_written_are_made_when_they_can() -> None:
    cluster = KeptCluster()
    raise_if_exception(
        cluster.orchestrator.apply([drive_group("x", data_devices=DeviceSelection(size="1G:"))])
    )
    cluster.refuse(errno.ENOSPC)
    cluster.settle(3)
    assert cluster.monitors.osds == {}
    assert any("osd_creation.h1" in line for line in unkept(cluster))
    assert cluster.core.intents.all() == []
    tried = len(cluster.keys.commands)
    cluster.step()
    assert len(cluster.keys.commands) == tried, "it is not tried again at once"

    cluster.refuse(0)
    cluster.settle(20)
    assert len(cluster.monitors.osds) == 6


def test_osds_are_made_once_although_that_cannot_be_written_down() -> None:
    cluster = KeptCluster()
    raise_if_exception(
        cluster.orchestrator.apply([drive_group("x", data_devices=DeviceSelection(size="1G:"))])
    )
    core = cluster.core
    cluster.orchestrator.reconciler.read_maps()
    cluster.orchestrator.reconciler.creator.step(
        cluster.now, cluster.orchestrator.reconciler.osd_map
    )
    assert len(core.intents.all()) == 3
    cluster.refuse(errno.ENOSPC)
    cluster.settle(4)

    assert len(cluster.monitors.osds) == 6
    assert len(core.intents.all()) == 3
    assert unkept(cluster) != []
    asked = [request for request in cluster.requests if request.operation == "create_osds"]
    assert len(asked) == 1, "it rests"
    cluster.refuse(0)
    cluster.start_anew()
    cluster.settle(20)
    assert cluster.core.intents.all() == []
    assert len(cluster.monitors.osds) == 6


def test_what_cannot_be_forgotten_stops_nothing_else() -> None:
    cluster = prepare("")
    core = cluster.core
    core.owners.keep_destroyed(DestroyedOsd(0, "h1"))
    core.owners.keep_pending(1, PendingOsd("h1"))
    core.owners.assign([Osd(4, uuid="another")], "osd.x")
    cluster.refuse(errno.EACCES)
    cluster.step()
    assert core.owners.destroyed(0) is not None
    assert unkept(cluster) != []
    assert cluster.orchestrator.reconciler.osd_map is not None

    cluster.refuse(0)
    cluster.settle(2)
    assert core.owners.destroyed(0) is None


def test_a_service_that_cannot_be_forgotten_is_at_a_later_time() -> None:
    cluster = prepare("")
    raise_if_exception(cluster.orchestrator.remove_service("mds.data"))
    # What is written before a daemon goes is taken, what is written afterwards is not.
    cluster.keys.refuse = lambda prefix, key: (
        errno.EACCES if prefix != "config-key get" and "spec." in key else 0
    )
    cluster.settle(12)

    assert cluster.core.specs.find("mds.data") is not None
    assert any("spec.mds.data" in line for line in unkept(cluster))
    cluster.refuse(0)
    cluster.settle(30)
    assert cluster.core.specs.find("mds.data") is None


def test_a_restart_that_cannot_be_written_is_not_lost() -> None:
    cluster = prepare("")
    raise_if_exception(cluster.orchestrator.service_action("restart", "mds.data"))
    cluster.refuse(errno.EACCES)
    cluster.settle(3)
    (action,) = cluster.core.actions.all()
    assert len(action.left) == 2
    assert not [r for r in cluster.requests if r.operation == "service_action"]
    assert unkept(cluster) != []

    cluster.refuse(0)
    cluster.settle(30)
    assert cluster.core.actions.all() == []
    assert len([r for r in cluster.requests if r.operation == "service_action"]) == 2


def test_a_restart_that_failed_goes_on_although_that_could_not_be_written() -> None:
    cluster = prepare("")
    cluster.break_on["service_action"] = dict.fromkeys(("h1", "h2", "h3"), "it broke")
    raise_if_exception(cluster.orchestrator.service_action("restart", "mds.data"))
    cluster.orchestrator.reconciler.step(cluster.now + 2)
    cluster.refuse(errno.EACCES)
    cluster.engine.poll()
    # A failure rests by the machine's own clock.
    cluster.now = time.monotonic() + RETRY
    cluster.break_on.clear()
    cluster.settle(2)
    cluster.refuse(0)
    cluster.settle(40)

    good = [r for r in cluster.requests if r.operation == "service_action"]
    assert len(good) == 3, "both, and the one that failed again"
    assert cluster.core.actions.all() == []
