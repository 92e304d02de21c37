"""OSDs that are still to be made when nobody wants them any more are not made."""

from __future__ import annotations

from typing import Any, List

import pytest

from adapter.cluster.osd_owners import DestroyedOsd
from adapter.cluster.osd_plan import Disk, Group
from adapter.interface import DeviceSelection, HostSpec, raise_if_exception
from adapter.reconcile import unwanted_osds
from adapter.reconcile.parts import OTHERS_JOBS_END
from tests.unit.reconcile.fake_cluster import Cluster, device_on, drive_group
from tests.unit.reconcile.fake_crush import Daemon
from tests.unit.reconcile.fake_hosts import GIB
from tests.unit.reconcile.test_busy_hosts import occupy


def on(cluster: Cluster, host: str) -> List[str]:
    return [osd.disk for osd in cluster.monitors.osds.values() if osd.host == host]


def events(cluster: Cluster) -> str:
    return " ".join(each.message for each in cluster.core.events.of("osd.all"))


def waiting(cluster: Cluster) -> None:
    """Let a drive group wait for a host that was cut off right after it was planned."""
    cluster.offline("h2")
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    options = {"method": "raw", "osdspec": "all", "osds_per_device": 1}
    disks = tuple(Disk(f"/dev/sd{x}", 8 * GIB, f"IDh2{x}") for x in "bc")
    cluster.core.intents.add("h2", (Group(disks, options=options),), 0.0)
    cluster.settle(2)


def remove(cluster: Cluster) -> Any:
    return cluster.orchestrator.remove_service("osd.all", force=True)


def hold(cluster: Cluster) -> Any:
    return cluster.orchestrator.set_unmanaged("osd.all", True)


def test_a_host_that_was_removed_and_is_added_again_makes_none(cluster: Cluster) -> None:
    """Its OSDs were said not to be made; a group with ``all`` takes them when applied again."""
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.offline("h2")
    said = cluster.orchestrator.remove_host("h2", force=True, offline=True)
    assert "If it is added again, apply osd.all again" in raise_if_exception(said)
    assert not any(host == "h2" for host, _ in cluster.core.specs.get("osd.all").claims.only or ())
    raise_if_exception(cluster.orchestrator.add_host(HostSpec("h2", "10.0.0.2")))
    cluster.report(4)
    assert on(cluster, "h2") == []
    assert len(on(cluster, "h1")) == 2


@pytest.mark.parametrize("act", [remove, hold])
@pytest.mark.parametrize("anew", [False, True])
def test_of_a_drive_group_that_goes_or_rests(cluster: Cluster, act: Any, anew: bool) -> None:
    waiting(cluster)
    assert "h2: 2 disk(s) wait until the host answers" in events(cluster)
    raise_if_exception(act(cluster))
    if anew:
        cluster.start_anew()
    cluster.settle(2)
    cluster.core.liveness.seen("h2", cluster.now)
    cluster.report()
    assert on(cluster, "h2") == []
    assert cluster.core.intents.all() == []


@pytest.mark.parametrize("begun", [False, True])
def test_one_that_a_job_was_told_of_is_asked_for(cluster: Cluster, begun: bool) -> None:
    """What was begun is not left half-made; what is still blank was not begun."""
    cluster.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle(3)
    raise_if_exception(remove(cluster))
    cluster.break_on.clear()
    cluster.orchestrator.reconciler.creator._backoffs.clear()
    if begun:
        cluster.free["h2"] = []
        cluster.used["h2"] = ["/dev/sdb", "/dev/sdc"]
        cluster.begun = {("h2", "/dev/sdb"), ("h2", "/dev/sdc")}
    cluster.settle(3)
    assert on(cluster, "h2") == []
    cluster.report()
    assert on(cluster, "h2") == (["/dev/sdb", "/dev/sdc"] if begun else [])
    assert cluster.core.intents.all() == []


def test_what_a_run_is_at_is_not_said_to_be_made_no_more(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It outlives a job that has failed, and a disk is blank until its turn comes."""
    monkeypatch.setattr(unwanted_osds, "ASK_AGAIN", -1.0)
    cluster.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle(3)
    raise_if_exception(remove(cluster))
    cluster.storage["h2"] = {"at_work": True}
    cluster.report()
    cluster.settle(5)
    assert [intent.host for intent in cluster.core.intents.all()] == ["h2"]
    assert "no OSD is made" not in events(cluster)
    cluster.storage["h2"] = {"at_work": False}
    cluster.report()
    cluster.settle(5)
    assert cluster.core.intents.all() == []
    assert "h2: no OSD is made on" in events(cluster)


class TestOfAManagerBefore:
    """A job goes on for a while without its manager, and may begin on a host only then."""

    @pytest.fixture
    def cut(self, cluster: Cluster) -> Cluster:
        """Return a cluster where a job had not come to h2 when its manager ended."""
        cluster.break_on["create_osds"] = {"h2": ""}
        raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
        cluster.step()
        cluster.break_on.clear()
        return cluster

    def test_it_is_not_said_to_make_none_as_long_as_it_may(self, cut: Cluster) -> None:
        """Its host had reported before the module began there, and made them."""
        cut.start_anew()
        raise_if_exception(remove(cut))
        cut.report(int(OTHERS_JOBS_END / 2) - 2)
        assert [intent.host for intent in cut.core.intents.all()] == ["h2"]
        assert "no OSD is made" not in events(cut)
        cut.settle(4)
        cut.report(3)
        assert cut.core.intents.all() == []
        assert "h2: no OSD is made on" in events(cut)

    def test_it_is_not_as_long_as_its_job_is_there(self, cut: Cluster) -> None:
        """A job of AWX, or of a worker on this host, which has not ended yet."""
        groups = {"h2": [group.to_json() for group in cut.core.intents.all()[0].groups]}
        parameters = {"groups": groups, "cluster": "F51D", "conf": ""}
        cut.engine.held.add("h2")
        job = cut.core.submit("create_osds", [cut.core.hosts.get("h2")], parameters=parameters)
        cut.start_anew(keep_jobs=True)
        raise_if_exception(remove(cut))
        cut.report(int(OTHERS_JOBS_END))
        assert [intent.host for intent in cut.core.intents.all()] == ["h2"]
        assert "no OSD is made" not in events(cut)
        cut.engine.cancel(job.job_id)
        cut.settle(2)
        cut.report(3)
        assert cut.core.intents.all() == []

    def test_what_this_one_has_begun_waits_for_no_other(self, cluster: Cluster) -> None:
        cluster.start_anew()
        cluster.break_on["create_osds"] = {"h2": ""}
        raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
        cluster.settle(3)
        raise_if_exception(remove(cluster))
        cluster.report(4)
        assert cluster.core.intents.all() == []


@pytest.mark.parametrize(
    ("reason", "is_dropped"),
    [
        # A file system stands on a disk that looked free: no job asks for it again and again.
        ("Has a FileSystem", True),
        # A run was cut between a volume group and its volume: that may be half an OSD.
        ("LVM detected", False),
    ],
)
def test_what_somebody_else_has_taken_since_was_not_begun(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, reason: str, is_dropped: bool
) -> None:
    cluster.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(cluster.orchestrator.apply([drive_group("all")]))
    cluster.settle(3)
    raise_if_exception(remove(cluster))
    disk = cluster._disk
    used = {"available": False, "rejected_reasons": [reason]}
    monkeypatch.setattr(cluster, "_disk", lambda *a, **more: {**disk(*a, **more), **used})
    cluster.report()
    cluster.settle(5)
    assert ("h2: no OSD is made on" in events(cluster)) is is_dropped
    assert (cluster.core.intents.all() == []) is is_dropped


def test_what_somebody_named_is_made_all_the_same(cluster: Cluster) -> None:
    occupy(cluster, "h2")
    raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
    cluster.engine.held.clear()
    cluster.settle(4)
    assert on(cluster, "h2") == ["/dev/sdb"]


def test_what_a_job_was_told_to_make_may_still_be_made_on_a_host_that_goes(
    cluster: Cluster,
) -> None:
    """It was made on a host of which "OSDs are not made" was said."""
    cluster.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(cluster.orchestrator.create_osds(device_on("h2", "/dev/sdb")))
    cluster.step()
    text = raise_if_exception(cluster.orchestrator.remove_host("h2", force=True))
    assert "The host was told before to make OSDs on /dev/sdb, and may still do so" in text
    assert "are not made" not in text


def test_a_host_that_goes_takes_them_along(cluster: Cluster) -> None:
    waiting(cluster)
    text = raise_if_exception(cluster.orchestrator.remove_host("h2", force=True, offline=True))
    assert "OSDs that were to be made there are not made: /dev/sdb, /dev/sdc" in text
    assert cluster.core.intents.all() == []


def elsewhere(cluster: Cluster) -> Any:
    return cluster.orchestrator.apply([drive_group("all", "h3")])


def other_disks(cluster: Cluster) -> Any:
    chosen = DeviceSelection(size="100G:")
    return cluster.orchestrator.apply([drive_group("all", data_devices=chosen)])


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (elsewhere, "the drive group is not for host h2 any more"),
        (other_disks, "the drive group does not select /dev/sdb any more"),
    ],
)
def test_of_a_drive_group_that_was_changed(cluster: Cluster, act: Any, why: str) -> None:
    """What waited for its host was made as the spec before had it."""
    waiting(cluster)
    raise_if_exception(act(cluster))
    cluster.settle(2)
    cluster.core.liveness.seen("h2", cluster.now)
    cluster.report()
    assert on(cluster, "h2") == []
    assert cluster.core.intents.all() == []
    assert why in events(cluster)


class TestChanged:
    """A drive group that is changed while its OSDs wait to be made: they were made as it was."""

    @pytest.fixture
    def waits(self, cluster: Cluster) -> Cluster:
        """Return a cluster where a job was told of the OSDs, and had not begun when it ended."""
        cluster.break_on["create_osds"] = {"h2": "", "h3": ""}
        spec = drive_group("all", "h[23]", db_devices=DeviceSelection(paths=["/dev/sdc"]))
        spec.data_devices = DeviceSelection(paths=["/dev/sdb"])
        raise_if_exception(cluster.orchestrator.apply([spec]))
        cluster.settle(3)
        cluster.break_on.clear()
        cluster.requests.clear()
        return cluster

    def change(self, cluster: Cluster, **values: Any) -> List[Any]:
        """Apply it anew; return what hosts are asked to make then."""
        spec = drive_group("all", "h[23]", **values)
        raise_if_exception(cluster.orchestrator.apply([spec]))
        cluster.orchestrator.reconciler.creator._backoffs.clear()
        cluster.report(30)
        asked = [each for each in cluster.requests if each.operation == "create_osds"]
        return [row for each in asked for row in each.variables["osd_create_groups"].get("h2", ())]

    def test_without_a_db_it_is_made_without(self, waits: Cluster) -> None:
        only = DeviceSelection(paths=["/dev/sdb"])
        (group,) = self.change(waits, data_devices=only, crush_device_class="slow")
        assert (group["db"], group["crush_device_class"]) == ([], "slow")
        assert "was changed, and makes it as it says now" in events(waits)

    def test_with_a_limit_no_more_are_made(self, cluster: Cluster) -> None:
        cluster.break_on["create_osds"] = {"h2": "", "h3": ""}
        raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h[23]")]))
        cluster.settle(3)
        cluster.break_on.clear()
        cluster.requests.clear()
        both = DeviceSelection(all=True, limit=1)
        assert len(self.change(cluster, data_devices=both)) == 1
        assert len(on(cluster, "h2")) == 1

    def test_the_same_again_is_made_as_it_was(self, waits: Cluster) -> None:
        only, db = DeviceSelection(paths=["/dev/sdb"]), DeviceSelection(paths=["/dev/sdc"])
        (group,) = self.change(waits, data_devices=only, db_devices=db)
        assert [disk["path"] for disk in group["db"]] == ["/dev/sdc"]
        assert "no OSD is made" not in events(waits)

    @pytest.fixture
    def replacing(self, cluster: Cluster) -> Cluster:
        """Return a cluster where a disk waits to be made the OSD that was destroyed."""
        cluster.monitors.osds[5] = Daemon("h2", "/dev/gone", "uuid-5", up=False, destroyed=True)
        cluster.orchestrator.reconciler.read_maps()
        cluster.core.owners.keep_destroyed(DestroyedOsd(5, "h2", "osd.all"))
        cluster.break_on["create_osds"] = {"h2": "", "h3": ""}
        only = DeviceSelection(paths=["/dev/sdb"])
        spec = drive_group("all", "h[23]", data_devices=only, osd_id_claims={"h2": ["5"]})
        raise_if_exception(cluster.orchestrator.apply([spec]))
        cluster.settle(3)
        assert cluster.core.intents.osd_ids("h2") == {5}
        cluster.break_on.clear()
        cluster.requests.clear()
        return cluster

    def test_one_that_takes_a_destroyed_id_too(self, replacing: Cluster) -> None:
        only, claims = DeviceSelection(paths=["/dev/sdb"]), {"h2": ["5"]}
        (group,) = self.change(
            replacing, data_devices=only, osd_id_claims=claims, crush_device_class="slow"
        )
        assert (group["osd_ids"], group["crush_device_class"]) == ([5], "slow")

    def test_an_id_that_is_claimed_no_more(self, replacing: Cluster) -> None:
        (group,) = self.change(replacing, data_devices=DeviceSelection(paths=["/dev/sdb"]))
        assert group["osd_ids"] == []
        assert replacing.monitors.osds[5].destroyed
        assert "the drive group does not make osd.5 of it any more" in events(replacing)

    def test_a_destroyed_id_with_the_same_spec_again(self, replacing: Cluster) -> None:
        only, claims = DeviceSelection(paths=["/dev/sdb"]), {"h2": ["5"]}
        (group,) = self.change(replacing, data_devices=only, osd_id_claims=claims)
        assert group["osd_ids"] == [5]
        assert "no OSD is made" not in events(replacing)
