"""Jobs that a manager left unfinished: the next one says where they are, and what they became."""

from __future__ import annotations

import time
from typing import Any, List

import pytest

from adapter.cluster.turns import KEY
from adapter.errors import JobElsewhere, NotReady
from adapter.interface import DeviceLightLoc, MDSSpec, PlacementSpec, raise_if_exception
from adapter.reconcile.left_jobs import LeftJobs
from tests.unit.reconcile.fake_cluster import Cluster


class Clock:
    """The time, for a manager that began so many seconds ago."""

    def __init__(self, ago: float) -> None:
        self.ago = ago

    def __call__(self) -> float:
        return time.time() - self.ago


def take_over(cluster: Cluster, name: str, ago: float = 100.0) -> None:
    """Let the manager of a host be the active one since a while."""
    cluster.engine.controller = name
    clock = Clock(ago)
    cluster.orchestrator.reconciler.left_jobs = LeftJobs(cluster.core, f"mgr.{name}", clock)
    clock.ago = 0.0
    cluster.step()


@pytest.fixture
def cut(cluster: Cluster) -> Cluster:
    """Return a cluster with a manager on h2, after one on h1 that was deploying a daemon."""
    cluster.serving()
    take_over(cluster, "h1")
    cluster.engine.held.add("h3")
    spec = MDSSpec(service_id="fs", placement=PlacementSpec(hosts=["h3"]))
    raise_if_exception(cluster.orchestrator.apply([spec]))
    cluster.settle(3)
    raise_if_exception(cluster.orchestrator.set_unmanaged("mds.fs", True))
    cluster.start_anew()
    take_over(cluster, "h2")
    return cluster


def the_job(cluster: Cluster) -> Any:
    ((_, job),) = cluster.core.turns.left.items()
    return job


def zap(cluster: Cluster) -> str:
    """Ask for a disk of h3 to be erased, and return the job's id."""
    disks = {"h3": [{"path": "/dev/sdb", "size": 1, "device_id": "x"}]}
    parameters = {"devices": disks, "cluster": cluster.core.cluster}
    hosts = cluster.core.online_hosts(["h3"])
    return str(cluster.core.submit("zap_device", hosts, parameters=parameters).job_id)


def test_it_is_told_where_the_record_is(cut: Cluster) -> None:
    job = the_job(cut)
    for ask in (cut.orchestrator.jobs.details, cut.orchestrator.jobs.log):
        with pytest.raises(JobElsewhere) as error:
            ask(job.id)
        text = str(error.value)
        assert text.startswith(f"Job {job.id} is on host h1 (Deploy mds.fs.h3.")
        assert "mgr.h1 ended before it had" in text
        assert "`ssh h1 runuser -u ceph -- orch-ansible --dir /nowhere job " in text
    table = cut.orchestrator.jobs.table([])
    assert "Jobs of other managers are on their hosts:" in table
    assert f"{job.id} ({job.summary})" in table


def test_the_last_job_is_on_another_host(cut: Cluster) -> None:
    cut.engine._completions.clear()
    with pytest.raises(NotReady, match=r"There is no job yet\. Jobs of other managers are on"):
        cut.orchestrator.jobs.details("last")


def test_a_job_of_an_earlier_turn_is_found_by_its_time(cut: Cluster) -> None:
    made = time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() - 90.0))
    cut.core.turns.turns = cut.core.turns.turns[:1]
    with pytest.raises(JobElsewhere, match=r"is on host h1 \(mgr.h1 ran it\)"):
        cut.orchestrator.jobs.details(f"{made}-add_host-12ab")
    with pytest.raises(Exception, match="There is no job"):
        cut.orchestrator.jobs.details(f"{made}; rm -rf /")


def test_the_engine_is_asked_to_follow_it_on(cut: Cluster) -> None:
    job = the_job(cut)
    (left,) = cut.engine.left
    assert (left.id, left.operation, left.controller) == (job.id, "apply_mds", "h1")
    assert [target.name for target in left.targets] == ["h3"]
    take_over(cut, "h1")
    assert cut.engine.left == [], "its record is here"


def test_its_work_was_done(cut: Cluster) -> None:
    """Seen: silence."""
    (expected,) = the_job(cut).expected
    cut.settle(3)
    assert the_job(cut).said == ""
    assert cut.core.refresh.pending("h3"), "its host is to be asked"
    cut.daemons["h3", "mds", expected.name[4:]] = "running"
    cut.report(3)
    said = f"its work was done: {expected.name} runs on h3"
    assert the_job(cut).said == said
    assert said in cut.orchestrator.jobs.table([])
    assert said in " ".join(each.message for each in cut.core.events.of("mds.fs"))
    assert "ANSIBLE_JOB_FAILED" not in cut.orchestrator.health.checks()


def test_what_is_left_is_told_and_done_by_itself(cut: Cluster) -> None:
    (expected,) = the_job(cut).expected
    cut.report(3)
    assert the_job(cut).said == "", "it may still be seen"
    cut.orchestrator.reconciler.left_jobs._clock.ago = -60.0
    cut.report(3)
    said = f"not done: {expected.name} does not run on h3; it is done by itself if it is still"
    assert the_job(cut).said.startswith(said)
    assert "ANSIBLE_JOB_FAILED" not in cut.orchestrator.health.checks()
    cut.daemons["h3", "mds", expected.name[4:]] = "running"
    cut.report(3)
    assert the_job(cut).done


def test_the_next_manager_knows_it_too(cut: Cluster) -> None:
    (expected,) = the_job(cut).expected
    cut.daemons["h3", "mds", expected.name[4:]] = "running"
    cut.report(3)
    cut.start_anew()
    take_over(cut, "h3")
    assert the_job(cut).done
    assert [each.controller for each in cut.core.turns.turns] == ["h1", "h2", "h3"]


def test_what_nobody_does_again_is_a_warning(cluster: Cluster) -> None:
    take_over(cluster, "h1")
    cluster.engine.held.add("h3")
    location = DeviceLightLoc("h3", "sdb", "/dev/sdb")
    raise_if_exception(cluster.orchestrator.blink_device_light("ident", True, [location]))
    cluster.step()
    cluster.start_anew()
    take_over(cluster, "h2")
    cluster.report(3)
    (line,) = cluster.orchestrator.health.checks()["ANSIBLE_JOB_FAILED"]["detail"]
    assert "it was cut when mgr.h1 ended; what it did is not known; ask for it again" in line
    assert cluster.orchestrator.health.forget_failures(the_job(cluster).id) == 1
    cluster.report(3)
    assert "ANSIBLE_JOB_FAILED" not in cluster.orchestrator.health.checks()


def test_one_that_this_managers_host_has_is_told_with_its_record(cluster: Cluster) -> None:
    """Seen: `interrupted before its end, so what was done on this host is not known`."""
    take_over(cluster, "h1")
    cluster.engine.held.add("h3")
    job = zap(cluster)
    cluster.step()
    cluster.start_anew(keep_jobs=True)
    take_over(cluster, "h1")
    assert cluster.orchestrator.jobs.details(job)["since"] == ""
    cluster.engine.cancel(job)
    assert "ANSIBLE_JOB_FAILED" in cluster.orchestrator.health.checks()
    cluster.report(3)
    details = cluster.orchestrator.jobs.details(job)
    assert details["since"] == "its work was done: /dev/sdb on h3 is blank"
    assert "ANSIBLE_JOB_FAILED" not in cluster.orchestrator.health.checks()


def test_one_that_ended_well_is_no_matter(cluster: Cluster) -> None:
    take_over(cluster, "h1")
    cluster.engine.held.add("h3")
    zap(cluster)
    cluster.step()
    cluster.start_anew(keep_jobs=True)
    take_over(cluster, "h1")
    cluster.engine.held.clear()
    cluster.settle(3)
    assert cluster.core.turns.left == {}


@pytest.mark.parametrize("record", [{"turns": 3}, {"turns": [{"manager": 7}]}, {"jobs": ["x"]}])
def test_a_record_that_cannot_be_used_is_written_anew(cluster: Cluster, record: Any) -> None:
    cluster.store.set(KEY, record)
    take_over(cluster, "h1")
    kept: List[Any] = cluster.store.get(KEY)["turns"]
    assert [each["controller"] for each in kept] == ["h1"]
