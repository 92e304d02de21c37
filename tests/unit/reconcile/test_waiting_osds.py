"""A job that makes OSDs and waits for its hosts begins only if all of it is still wanted."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any, Callable, List

import pytest

from adapter.errors import AdapterError
from adapter.interface import DeviceSelection, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster, device_on, drive_group


def pause(cluster: Cluster) -> None:
    cluster.orchestrator.pause()


def remove(cluster: Cluster) -> Any:
    return raise_if_exception(cluster.orchestrator.remove_service("osd.all", force=True))


def unmanage(cluster: Cluster) -> Any:
    return raise_if_exception(cluster.orchestrator.set_unmanaged("osd.all", True))


def elsewhere(cluster: Cluster) -> Any:
    return raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h3")]))


def leave(cluster: Cluster) -> Any:
    return raise_if_exception(cluster.orchestrator.remove_host("h2", force=True))


def made(cluster: Cluster) -> List[str]:
    return sorted(f"{osd.host}:{osd.disk}" for osd in cluster.monitors.osds.values())


def jobs(cluster: Cluster) -> List[Any]:
    """Return the jobs that make OSDs, the oldest first."""
    found = [each for each in cluster.engine.jobs() if each.request.operation == "create_osds"]
    return found[::-1]


@pytest.fixture
def queued(cluster: Cluster) -> Cluster:
    """Return a cluster where a job that makes OSDs waits for a host that is at another one."""
    cluster.engine.held.add("h2")
    raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h2")]))
    cluster.settle(3)
    (job,) = jobs(cluster)
    assert job.status.value == "queued"
    return cluster


@pytest.mark.parametrize("act", [pause, remove, unmanage, elsewhere, leave])
@pytest.mark.parametrize("rounds", [0, 3])
def test_what_is_not_wanted_when_its_turn_comes_is_not_made(
    queued: Cluster, act: Callable[[Cluster], Any], rounds: int
) -> None:
    """It was made minutes after its drive group was removed, and in a pause."""
    act(queued)
    queued.settle(rounds)
    queued.engine.held.clear()
    queued.engine.poll()
    queued.settle(4)
    assert [each for each in made(queued) if each.startswith("h2:")] == []
    assert jobs(queued)[0].never_began


def test_after_a_pause_it_is_made(queued: Cluster) -> None:
    pause(queued)
    queued.engine.held.clear()
    queued.settle(3)
    (intent,) = queued.core.intents.all()
    assert intent.begun == (), "its host was told nothing"
    queued.orchestrator.resume()
    queued.settle(20)
    assert made(queued) == ["h2:/dev/sdb", "h2:/dev/sdc"]


def test_what_is_dropped_in_a_pause_is_not_made_after_it(queued: Cluster) -> None:
    """The job still waited when it was resumed."""
    pause(queued)
    queued.orchestrator.pending.drop()
    queued.orchestrator.resume()
    queued.engine.held.clear()
    queued.engine.poll()
    assert made(queued) == []


def test_it_is_made_as_its_drive_group_says_now(queued: Cluster) -> None:
    only = DeviceSelection(paths=["/dev/sdb"])
    spec = drive_group("all", "h2", data_devices=only, crush_device_class="slow")
    raise_if_exception(queued.orchestrator.apply([spec]))
    queued.settle(3)
    queued.engine.held.clear()
    queued.settle(4)
    assert made(queued) == ["h2:/dev/sdb"]
    (group,) = queued.requests[-1].variables["osd_create_groups"]["h2"]
    assert group["crush_device_class"] == "slow"


def test_the_other_hosts_of_its_job_are_not_left_out(cluster: Cluster) -> None:
    cluster.engine.held.update(("h2", "h3"))
    hosts = [cluster.core.hosts.get(name) for name in ("h2", "h3")]
    units = {"h2": ["a.service"], "h3": ["a.service"]}
    cluster.core.submit("service_action", hosts, parameters={"action": "start", "units": units})
    raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h[23]")]))
    cluster.settle(3)
    (job,) = jobs(cluster)
    assert job.request.hosts == ["h2", "h3"]
    leave(cluster)
    cluster.engine.held.clear()
    cluster.settle(8)
    assert made(cluster) == ["h3:/dev/sdb", "h3:/dev/sdc"]


def test_a_host_that_was_told_nothing_is_not_said_to_be_at_it(queued: Cluster) -> None:
    """ "It was told before to make OSDs, and may still do so": the job was in our own hands."""
    text = leave(queued)
    assert "OSDs that were to be made there are not made: /dev/sdb, /dev/sdc" in text
    assert "told before" not in text
    assert queued.core.intents.all() == []


def test_what_somebody_named_is_made_all_the_same(queued: Cluster) -> None:
    """It waits behind what a drive group wanted, which goes meanwhile."""
    queued.free["h2"].append("/dev/sdd")
    queued.core.submit("get_inventory", queued.core.hosts.all())
    queued.engine.poll()
    raise_if_exception(queued.orchestrator.create_osds(device_on("h2", "/dev/sdd")))
    remove(queued)
    queued.settle(2)
    queued.engine.held.clear()
    queued.settle(15)
    assert made(queued) == ["h2:/dev/sdd"]


def test_what_was_begun_before_stays_begun(cluster: Cluster) -> None:
    """A job that was cut may be at a disk; that the next one never began says nothing of it."""
    cluster.break_on["create_osds"] = {"h2": ""}
    raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h2")]))
    cluster.settle(3)
    cluster.break_on.clear()
    cluster.engine.held.add("h2")
    cluster.orchestrator.reconciler.creator.forget_backoff(["h2"])
    cluster.settle(3)
    assert jobs(cluster)[-1].status.value == "queued"
    pause(cluster)
    cluster.engine.held.clear()
    cluster.settle(3)
    assert jobs(cluster)[-1].never_began
    (intent,) = cluster.core.intents.all()
    assert intent.begun == ("/dev/sdb", "/dev/sdc")


def test_a_job_that_cannot_be_asked_for_leaves_nothing_begun(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory of the jobs is full; the host was said to be at it."""
    submit = cluster.core.engine.submit

    def full(request: Any, before: Any = None) -> Any:
        if request.operation == "create_osds":
            raise AdapterError("The directory of jobs is full.", "Make room.")
        return submit(request, before)

    monkeypatch.setattr(cluster.core.engine, "submit", full)
    raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h2")]))
    cluster.settle(3)
    (intent,) = cluster.core.intents.all()
    assert intent.begun == ()


def test_a_record_of_an_older_version_is_left_as_it_says(queued: Cluster) -> None:
    """What was begun before that version nobody knows."""
    (intent,) = queued.core.intents.all()
    queued.core.intents.not_begun(replace(intent, begun=None))
    (now,) = queued.core.intents.all()
    assert now.begun == ("/dev/sdb", "/dev/sdc")


def test_who_has_named_a_disk_is_told_that_it_comes_later(cluster: Cluster) -> None:
    """Its job was to make something of a drive group too, which goes while they wait."""
    cluster.break_on["create_osds"] = {"h2": ""}
    only = DeviceSelection(paths=["/dev/sdb"])
    raise_if_exception(cluster.orchestrator.apply([drive_group("all", "h2", data_devices=only)]))
    cluster.settle(3)
    cluster.break_on.clear()
    cluster.engine.held.add("h2")
    cluster.core.answer_wait = 30.0
    answers: List[Any] = []
    named = device_on("h2", "/dev/sdc")
    asking = threading.Thread(
        target=lambda: answers.append(cluster.orchestrator.create_osds(named)), daemon=True
    )
    submitted = threading.Event()
    cluster.core.follow_jobs(lambda job: submitted.set())
    asking.start()
    assert submitted.wait(30.0)
    remove(cluster)
    cluster.step()
    asking.join(30.0)
    assert raise_if_exception(answers[0]).startswith("Queued for the next job")
    cluster.engine.held.clear()
    cluster.report(15)
    assert made(cluster) == ["h2:/dev/sdc"]
