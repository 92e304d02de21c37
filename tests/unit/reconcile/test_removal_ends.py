"""What is said when a removal cannot end as it was asked for: dead disks, dead hosts, odd CRUSH."""

from __future__ import annotations

import pytest

from adapter.cluster.osd_removals import Stage
from adapter.errors import AlreadyExists
from adapter.interface import raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster
from tests.unit.reconcile.fake_crush import Daemon
from tests.unit.reconcile.removals import at, keep, remove, said, status, steps


def events(cluster: Cluster, service: str = "osd.all") -> str:
    return " ".join(each.message for each in cluster.core.events.of(service))


def dead_disk(full: Cluster, **flags: bool) -> None:
    """Replace an OSD whose disk answers with errors."""
    full.unreadable.append("/dev/sdc")
    remove(full, "3", zap=True, **flags)
    full.settle()


def new_osd(full: Cluster) -> None:
    full.orchestrator.reconciler.remover._jobs.forget_backoff(3)
    full.monitors.osds[3] = Daemon("h2", "/dev/sdn", "another-uuid", affinity="all")
    full.monitors.epoch += 2


class TestDeadDisk:
    """A disk that is there and cannot be read is never wiped."""

    def test_it_is_not_said_to_be_unseen(self, full: Cluster) -> None:
        dead_disk(full, replace=True)
        assert said(full) == (
            "cleaning: /dev/sdc (Input/output error) on host h2 cannot be read, so it is not "
            "wiped; `ceph orch osd rm stop 3` gives that up"
        )

    def test_its_removal_ends_when_a_new_disk_has_the_id(self, full: Cluster) -> None:
        dead_disk(full, replace=True)
        new_osd(full)
        full.settle()
        assert status(full) == []
        assert "osd.3 has a new disk; its old one, /dev/sdc" in events(full)
        assert "was never wiped" in events(full)
        assert full.monitors.osds[3].up

    def test_also_one_that_is_not_seen_any_more(self, full: Cluster) -> None:
        full.hidden.append("/dev/sdc")
        remove(full, "3", zap=True, replace=True)
        full.settle()
        new_osd(full)
        full.settle()
        assert status(full) == []
        assert "was never wiped" in events(full)

    def test_also_of_an_osd_that_was_not_replaced(self, full: Cluster) -> None:
        dead_disk(full)
        new_osd(full)
        full.settle()
        assert status(full) == []
        assert "was never wiped" in events(full)

    def test_also_under_the_next_manager(self, full: Cluster) -> None:
        dead_disk(full, replace=True)
        full.start_anew()
        full.settle(3)
        new_osd(full)
        full.settle()
        assert status(full) == []

    def test_until_then_the_new_osd_cannot_be_removed_and_it_is_said_why(
        self, full: Cluster
    ) -> None:
        dead_disk(full, replace=True)
        new_osd(full)
        with pytest.raises(AlreadyExists, match=r"disk of the osd\.3 before it") as refused:
            remove(full, "3")
        assert "`ceph orch osd rm stop 3` gives that up" in str(refused.value)

    def test_what_is_kept_is_the_old_disk(self, full: Cluster) -> None:
        dead_disk(full, replace=True)
        new_osd(full)
        text = keep(full, "3")
        assert "out of the map already" not in text
        assert "the old disk of osd.3 (IDh2c) is left as it is" in text
        assert "osd.3 that the map has now is another one, which goes on" in text
        assert full.monitors.osds[3].up

    def test_before_it_has_one_that_is_told_as_before(self, full: Cluster) -> None:
        dead_disk(full, replace=True)
        assert "osd.3 is out of the map already; its disks are left as they are" in keep(full, "3")


class TestDeadHost:
    """What is promised for a host that does not answer."""

    def test_one_that_is_kept_is_not_said_to_be_started(self, full: Cluster) -> None:
        remove(full, "3")
        at(full, Stage.STOPPING, asked_stop=True)
        full.monitors.osds[3].up = False
        full.offline("h2")
        text = keep(full, "3")
        assert "is started again" not in text
        assert "osd.3 is started when host h2 answers" in text
        assert "another `ceph orch osd rm stop 3`" in text

        full.settle(3)
        assert "another `ceph orch osd rm stop 3` leaves it as it is" in said(full)
        assert "osd.3 is left as it is" in keep(full, "3")

    def test_one_that_is_kept_ends_with_its_host(self, full: Cluster) -> None:
        remove(full, "3")
        at(full, Stage.STOPPING, asked_stop=True)
        full.monitors.osds[3].up = False
        full.offline("h2")
        keep(full, "3")
        raise_if_exception(full.orchestrator.remove_host("h2", force=True, offline=True))
        full.settle(3)
        assert status(full) == []
        assert "osd.3 is not started again: host h2 is not managed" in events(full)

    def test_disks_of_a_host_that_is_not_managed_are_not_wiped(self, full: Cluster) -> None:
        full.monitors.osds[3].up = False
        full.offline("h2")
        raise_if_exception(full.orchestrator.remove_host("h2", force=True, offline=True))
        text = remove(full, "3", zap=True, force=True)
        assert "osd.3: host h2 is not managed, so its disks are not wiped" in text
        full.settle()
        assert "host h2 is not managed, so they were not wiped" in events(full)
        assert status(full) == []


class TestPlaceInCrush:
    """A removal that is stopped gives back the weight, wherever CRUSH has the OSD."""

    @pytest.mark.parametrize("kind", ["chassis", "mybox", "root"])
    def test_weight_under_other_buckets(self, full: Cluster, kind: str) -> None:
        full.monitors.bucket_types[3] = kind
        full.monitors.osds[3].pgs = 3
        remove(full, "3")
        full.settle(2)
        assert full.monitors.osds[3].weight == 0.0
        keep(full, "3")
        full.settle()
        assert full.monitors.osds[3].weight == 1.0
        assert status(full) == []

    def test_one_that_crush_has_nowhere_is_told(self, full: Cluster) -> None:
        full.monitors.osds[3].pgs = 3
        remove(full, "3")
        full.settle(2)
        full.monitors.placeless.add(3)
        text = keep(full, "3")
        assert "osd.3 is under no CRUSH bucket, so its weight 1 cannot be given back" in text
        assert status(full) != []
        assert "its weight 1 cannot be given back" in said(full)

        full.monitors.placeless.discard(3)
        full.settle(40)
        assert full.monitors.osds[3].weight == 1.0
        assert status(full) == []
        assert steps(full) == []
