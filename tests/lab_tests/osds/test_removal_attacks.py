"""``ceph orch osd rm`` while others work on the same OSDs: nothing is erased that is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab_tests.lab_client import wait_until
from tests.lab_tests.osds.behind_its_back import (
    Objects,
    freeze,
    hide,
    hold_disks,
    kill,
    let_go,
    new_jobs,
    objects,
    owner,
    running,
    said,
    show,
    stop,
    wait_for_next,
)
from tests.lab_tests.osds.osd_lab import STEP_SECONDS, Osds, Place

HOST = "h2"
# Few objects are recovered, not backfilled.
HOLD = ("nobackfill", "norecover")


@pytest.fixture
def single(six: Osds) -> Iterator[Objects]:
    """Return objects of which there is one copy each."""
    with objects(six, size=1) as found:
        yield found


@pytest.fixture
def copies(six: Osds) -> Iterator[Objects]:
    """Return objects with two copies each."""
    with objects(six, size=2) as found:
        yield found


def drained_and_filled_again(osds: Osds, data: Objects, number: int) -> str:
    """Have the job that stops a drained OSD wait, and bring data back to it; return the job."""
    weight = osds.tree()[number]["crush_weight"]
    jobs = new_jobs(osds, "remove_osds")
    hold_disks(osds, HOST)
    osds.lab.ok("orch", "osd", "rm", str(number), "--zap")
    job = running(osds, jobs)
    wait_for_next(osds, HOST)
    assert not data.on(number)
    osds.door.ask("osd crush reweight", name=f"osd.{number}", weight=weight)
    wait_until("there is data on it again", lambda: data.on(number), STEP_SECONDS)
    data.wait_clean()
    return job


def is_back(osds: Osds, number: int, weight: float) -> None:
    """See that an OSD works as before its removal."""
    osds.lab.ok("orch", "ps", "--refresh")
    osds.wait_up(number)
    node = osds.tree()[number]
    assert node["crush_weight"] == weight
    assert node["reweight"] == 1
    assert osds.daemons()[f"osd.{number}"]["status_desc"] == "running"


def test_data_that_came_back_before_the_osd_was_stopped_is_not_lost(
    single: Objects, six: Osds
) -> None:
    """It is drained once more, or left as it is; it is never purged with the only copy."""
    number = six.on(HOST)[0]
    drained_and_filled_again(six, single, number)
    let_go(six, HOST)
    six.wait_gone(number)
    assert single.lost() == []


def test_a_removal_is_taken_back_while_its_job_waits(single: Objects, six: Osds) -> None:
    number = six.on(HOST)[0]
    weight = six.tree()[number]["crush_weight"]
    job = drained_and_filled_again(six, single, number)
    six.lab.ok("orch", "osd", "rm", "stop", str(number))
    assert said(six, number).startswith("keeping: ")
    let_go(six, HOST)
    six.lab.wait_for_job(job)
    wait_until("it is kept", lambda: not six.queue(), STEP_SECONDS)
    six.refresh()
    is_back(six, number, weight)
    assert single.lost() == []


def test_a_disk_is_not_wiped_while_data_lacks_copies(copies: Objects, six: Osds) -> None:
    """Somebody purges the OSD by hand in the middle of its draining."""
    number = six.on(HOST)[0]
    place, uuid = six.places()[number], six.map()[number]["uuid"]
    for flag in HOLD:
        six.door.ask("osd set", key=flag)
    six.lab.ok("orch", "osd", "rm", str(number), "--zap")
    wait_until("it drains", lambda: "left" in said(six, number), STEP_SECONDS)
    stop(six, HOST, number)
    six.lab.ok("osd", "purge", str(number), "--force")

    def decided() -> bool:
        text = said(six, number)
        return not text or not text.startswith("draining") or not owner(six, place)

    wait_until("it has seen the purge", decided, STEP_SECONDS)
    # A wipe that has begun is over before the host reports again.
    six.refresh()
    assert owner(six, place) == uuid, "wiped while placement groups are degraded"
    assert "placement group" in said(six, number).lower()

    for flag in HOLD:
        six.door.ask("osd unset", key=flag)
    six.wait_gone(number)
    copies.wait_clean()
    six.wait_free(*place)
    assert copies.lost() == []


def test_a_removal_is_taken_back_after_its_job_was_lost(six: Osds) -> None:
    """The host has stopped the OSD, and nobody was told."""
    number = six.on(HOST)[0]
    weight = six.tree()[number]["crush_weight"]
    jobs = new_jobs(six, "remove_osds")
    hold_disks(six, HOST)
    six.lab.ok("orch", "osd", "rm", str(number))
    job = running(six, jobs)
    wait_for_next(six, HOST)
    freeze(six, job)
    let_go(six, HOST)
    unit = f"ceph-osd@{number}"
    wait_until("it is stopped", lambda: six.lab.ssh(HOST, "systemctl", "is-active", unit).rc, 60)
    kill(six, job)
    assert six.lab.wait_for_job(job)["status"] == "lost"
    six.lab.ok("orch", "osd", "rm", "stop", str(number))
    wait_until("it is kept", lambda: not six.queue(), STEP_SECONDS)
    is_back(six, number, weight)


def test_an_id_that_is_used_again_does_not_hold_up_the_wipe(six: Osds) -> None:
    """The wipe of the old disk fails until the id is another OSD's on the same host."""
    number = six.on(HOST)[0]
    place, (spare,) = six.places()[number], six.free()[HOST]
    six.trace(HOST, f"blockdev --setrw {place.disk}")
    stop(six, HOST, number)
    six.lab.sh(HOST, "blockdev --setro $1", place.disk)
    six.lab.ok("orch", "osd", "rm", str(number), "--replace", "--zap")
    wait_until("the wipe fails", lambda: "read-only" in said(six, number), STEP_SECONDS)
    six.lab.ok("orch", "daemon", "add", "osd", f"{HOST}:{spare}")
    six.wait_up(number)
    alive = six.map()[number]["uuid"]

    tried = new_jobs(six, "remove_osds")

    def again() -> bool:
        done = any(job["status"] == "failed" for job in tried())
        return done or not said(six, number)

    wait_until("it is tried again", again, STEP_SECONDS)
    text = said(six, number)
    assert "ceph osd info" not in text, text
    assert alive not in text, text
    six.lab.sh(HOST, "blockdev --setrw $1", place.disk)
    six.wait_gone()
    six.wait_free(*place)
    assert six.map()[number]["uuid"] == alive
    assert six.places()[number] == (HOST, spare)


def removed_with_its_disk_away(osds: Osds, number: int) -> Place:
    """Remove an OSD whose disk is off the bus, and see that its wipe is waited for."""
    place = osds.places()[number]
    (row,) = [row for path, row in osds.devices()[HOST].items() if path == place.disk]
    hide(osds, place)
    osds.lab.ok("orch", "osd", "rm", str(number), "--zap")

    def decided() -> bool:
        text = said(osds, number)
        return not text or (number not in osds.map() and ":" in text)

    wait_until("it waits, or is done", decided, STEP_SECONDS)
    text = said(osds, number)
    assert text, "the removal has ended, and its disk is not wiped"
    assert HOST in text
    assert place.disk in text or row["device_id"] in text, text
    return place


def test_a_disk_that_is_away_is_wiped_when_it_is_back(six: Osds) -> None:
    number = six.on(HOST)[0]
    place = removed_with_its_disk_away(six, number)
    show(six, place)
    six.wait_gone(number)
    six.wait_free(*place)
    assert not owner(six, place)


def test_the_wipe_of_a_disk_that_is_away_is_given_up(six: Osds) -> None:
    number = six.on(HOST)[0]
    uuid = six.map()[number]["uuid"]
    place = removed_with_its_disk_away(six, number)
    six.lab.ok("orch", "osd", "rm", "stop", str(number))
    assert not six.queue()
    show(six, place)
    six.refresh()
    assert not six.queue()
    assert owner(six, place) == uuid
    six.lab.ok("orch", "device", "zap", *place, "--force")
    six.wait_free(*place)


def weights(osds: Osds, number: int) -> dict[str, float]:
    """Return the weight of an OSD under each host bucket of CRUSH."""
    found = {}
    for bucket in osds.door.ask("osd crush dump")["buckets"]:
        # CRUSH keeps a copy of each bucket for each class of devices.
        for item in bucket["items"] if "~" not in bucket["name"] else ():
            if item["id"] == number:
                found[bucket["name"]] = item["weight"] / 65536
    return found


def test_each_place_in_crush_gets_its_weight_back(copies: Objects, six: Osds) -> None:
    """Also when its bucket is renamed while it drains."""
    lab, (number, other) = six.lab, six.on(HOST)
    try:
        lab.ok("osd", "crush", "add-bucket", "fast-h2", "host")
        lab.ok("osd", "crush", "add", f"osd.{number}", "0.5", "host=fast-h2")
        before, plain = weights(six, number), weights(six, other)
        assert sorted(before) == sorted(("fast-h2", HOST))
        six.door.ask("osd set", key="norecover")
        lab.ok("orch", "osd", "rm", str(number), str(other))
        wait_until("it drains", lambda: not any(weights(six, number).values()), STEP_SECONDS)
        lab.ok("osd", "crush", "rename-bucket", "fast-h2", "faster-h2")
        lab.ok("orch", "osd", "rm", "stop", str(number), str(other))
        assert weights(six, number) == {HOST: before[HOST], "faster-h2": before["fast-h2"]}
        assert weights(six, other) == plain
    finally:
        six.door.ask("osd unset", key="norecover")
        lab.ceph("orch", "osd", "rm", "stop", str(number), str(other))
        for name in ("fast-h2", "faster-h2"):
            lab.ceph("osd", "crush", "unlink", f"osd.{number}", name)
            lab.ceph("osd", "crush", "rm", name)
    copies.wait_clean()
    assert copies.lost() == []


def test_what_is_given_back_while_it_is_wiped_is_not_said_to_be_kept(six: Osds) -> None:
    """Either its host has not wiped it, or `osd rm stop` is refused until it has answered."""
    lab, number = six.lab, six.on(HOST)[0]
    place, uuid = six.places()[number], six.map()[number]["uuid"]
    lab.ok("orch", "osd", "rm", str(number), "--zap")

    def begun() -> bool:
        return lab.ssh(HOST, "pgrep", "-f", "ceph-volume.*zap").rc == 0

    wait_until("its host wipes it", begun, STEP_SECONDS)
    lab.ok("osd", "new", uuid, str(number))
    answer = lab.ceph("orch", "osd", "rm", "stop", str(number))
    if answer.rc == 0:
        six.refresh()
        assert owner(six, place) == uuid, "wiped, and said to be kept"
    else:
        assert "being cleaned" in answer.err or "wipe" in answer.err, answer.err
    lab.ceph("orch", "osd", "rm", "stop", str(number))
    lab.ok("osd", "purge", str(number), "--force")
    lab.ceph("orch", "device", "zap", HOST, place.disk, "--force")
