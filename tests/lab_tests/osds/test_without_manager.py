"""OSDs leave by ``orch-ansible`` where no manager has a backend, whatever happens meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab_tests.lab_client import Lab, wait_until
from tests.lab_tests.osds.osd_lab import Osds, Place
from tests.lab_tests.without_manager import (
    DIRECTORY,
    SECONDS,
    command,
    disable,
    enable,
    manager_off,
    ok,
    start,
)

POOL, PGS = "alone", 16


class Alone:
    """The lab's OSDs, and the queue of ``orch-ansible`` on the first host."""

    def __init__(self, osds: Osds) -> None:
        self.osds, self.lab = osds, osds.lab
        self.host = osds.lab.hosts()[-1]

    @property
    def osd(self) -> int:
        """Return an OSD of the last host."""
        return self.osds.on(self.host)[-1]

    def place(self, osd_id: int) -> Place:
        """Return host and disk of an OSD."""
        return self.osds.places()[osd_id]

    def record(self, osd_id: int) -> dict[str, Any]:
        """Return the record of an OSD that leaves, empty where there is none."""
        answer = self.lab.ssh(self.lab.first, "cat", f"{DIRECTORY}/osd_removal/{osd_id}.yml")
        return dict(yaml.safe_load(answer.out) or {}) if answer.rc == 0 else {}

    def status(self) -> list[dict[str, Any]]:
        """Return the queue."""
        rows = json.loads(ok(command(self.lab, "osd", "rm", "status", "-f", "json")))
        return [dict(row) for row in rows]

    def kill(self) -> None:
        """Kill the command that works on the directory, and nothing else."""
        held = json.loads(self.lab.sh(self.lab.first, f"cat {DIRECTORY}/.at-work"))
        self.lab.sh(self.lab.first, "kill -9 $1", str(held["pid"]))

    def killed_at(self, stage: str, osd_id: int, *words: str) -> None:
        """Run a removal and kill it when the record has come to a stage."""
        with start(self.lab, "osd", "rm", str(osd_id), *words) as removal:
            wait_until(
                f"osd.{osd_id} is {stage}",
                lambda: self.record(osd_id).get("stage") == stage,
                SECONDS,
                every=0.05,
            )
            self.kill()
            removal.wait(60)

    def is_free(self, place: Place) -> bool:
        """Tell whether a disk is reported as available."""
        rows = json.loads(ok(command(self.lab, "device", "ls", place.host, "-f", "json")))
        return any(row["available"] for row in rows[0]["devices"] if row["path"] == place.disk)


@pytest.fixture
def alone(six: Osds) -> Iterator[Alone]:
    """Return the six OSDs of a cluster without a backend, and some data on them."""
    six.door.ask("osd pool create", pool=POOL, pg_num=PGS, size=2, autoscale_mode="off")
    six.wait_clean()
    # Without a byte nothing has to be moved, and nothing holds a removal.
    six.lab.sh(six.lab.first, "rados -p $1 bench 3 write -b 65536 --no-cleanup >/dev/null", POOL)
    try:
        with manager_off(six.lab):
            yield Alone(six)
    finally:
        six.lab.sh(six.lab.first, "rm -rf $1", DIRECTORY)
        six.lab.ok("orch", "resume")
        six.drop_pool(POOL)


@pytest.mark.parametrize("stage", ["draining", "stopping", "cleaning"])
def test_killed_in_a_stage_it_goes_on_and_the_disk_is_free(alone: Alone, stage: str) -> None:
    osd_id, place = alone.osd, alone.place(alone.osd)
    purges = alone.osds.map()

    alone.killed_at(stage, osd_id, "--zap")
    assert alone.status()[0]["osd_id"] == osd_id
    again = ("continue",) if stage == "stopping" else (str(osd_id), "--zap")
    said = command(alone.lab, "osd", "rm", *again)

    assert said.rc == 0, said.err
    assert f"osd.{osd_id} is removed" in said.err
    assert set(alone.osds.map()) == set(purges) - {osd_id}
    assert (alone.status(), alone.is_free(place)) == ([], True)
    alone.osds.wait_clean()
    made = ok(command(alone.lab, "daemon", "add", "osd", ":".join(place), "--method", "raw"))
    assert re.fullmatch(rf"Created osd\(s\) {osd_id} on host '{place.host}'\n", made)


def test_its_host_is_cut_off_and_somebody_marks_it_in_again(alone: Alone) -> None:
    lab, osd_id = alone.lab, alone.osd
    place = alone.place(osd_id)
    lab.ok("osd", "set", "nobackfill")
    try:
        first = command(lab, "osd", "rm", str(osd_id), "--replace", "--zap", "--wait", "20")
        assert first.rc == 1, first.out
        assert "goes on" in first.err
        lab.ok("osd", "in", str(osd_id))
    finally:
        lab.ok("osd", "unset", "nobackfill")
    with start(lab, "osd", "rm", "continue") as going:
        wait_until("it is out again", lambda: not alone.osds.map()[osd_id]["in"], SECONDS)
        lab.link(place.host, "down")
        try:
            wait_until("the map has it down", lambda: not alone.osds.map()[osd_id]["up"], SECONDS)
        finally:
            lab.link(place.host, "up")
        printed, _ = going.communicate(timeout=SECONDS)
    assert going.returncode == 0, printed
    assert "destroyed" in alone.osds.map()[osd_id]["state"]
    assert (alone.status(), alone.is_free(place)) == ([], True)
    made = ok(command(lab, "daemon", "add", "osd", ":".join(place), "--method", "raw"))
    assert f"Created osd(s) {osd_id} on host" in made


def test_stopped_it_is_as_it_was(alone: Alone) -> None:
    lab, osd_id = alone.lab, alone.osd
    before = alone.osds.tree()[osd_id]
    alone.killed_at("stopping", osd_id)

    said = ok(command(lab, "osd", "rm", "stop", str(osd_id)))

    assert said.startswith(f"Stopped OSD(s) removal: osd.{osd_id}")
    assert alone.status() == []
    after = alone.osds.tree()[osd_id]
    assert (after["crush_weight"], after["reweight"]) == (before["crush_weight"], 1.0)
    wait_until("it is up", lambda: osd_id in alone.osds.up(), SECONDS)


def test_a_manager_and_another_cluster_end_it_and_a_second_command_is_refused(
    alone: Alone,
) -> None:
    lab, osd_id = alone.lab, alone.osd
    lab.ok("osd", "set", "nobackfill")
    try:
        with start(lab, "osd", "rm", str(osd_id)) as going:
            wait_until("it drains", lambda: alone.record(osd_id).get("drain_started"), SECONDS)
            second = command(lab, "osd", "rm", str(osd_id))
            assert second.rc == 1
            assert f"`orch-ansible osd rm {osd_id}` (process" in second.err
            enabling = command(lab, "mgr", "enable")
            assert f"osd.{osd_id} is being removed by `orch-ansible`" in enabling.err
            enable(lab)
            printed, _ = going.communicate(timeout=SECONDS)
        assert going.returncode == 1
        assert "The cluster's manager does this by itself" in printed
        assert alone.record(osd_id)["stage"] in ("draining", "stopping")
        assert "The cluster's manager" in command(lab, "osd", "rm", "continue").err
        disable(lab)
        other_cluster(lab, osd_id)
        ok(command(lab, "osd", "rm", "stop", str(osd_id)))
        assert alone.osds.tree()[osd_id]["crush_weight"] > 0
    finally:
        lab.ok("osd", "unset", "nobackfill")


def other_cluster(lab: Lab, osd_id: int) -> None:
    """See that nothing is done where the directory is another cluster's."""
    kept = f"{DIRECTORY}/state/cluster.yml"
    text = lab.sh(lab.first, f"cat {kept}")
    other = "fsid: 11111111-2222-4333-8444-555555555555\n"
    lab.sh(lab.first, f"cat >{kept}", stdin=other)
    answer = command(lab, "osd", "rm", "stop", str(osd_id))
    lab.sh(lab.first, f"cat >{kept}", stdin=text)
    assert answer.rc == 1
    assert "is about the cluster 11111111-2222-4333-8444-555555555555" in answer.err


def test_disks_are_erased_and_replaced(alone: Alone) -> None:
    lab, osd_id = alone.lab, alone.osd
    place = alone.place(osd_id)
    refused = command(lab, "device", "zap", place.host, place.disk, "--force")
    assert refused.rc == 2
    assert f"osd.{osd_id} runs on it" in refused.err
    assert f"`orch-ansible osd rm {osd_id} --zap` drains it first" in refused.err
    free = next(
        path for path in lab.machines[place.host].disks if alone.is_free(Place(place.host, path))
    )
    lab.sh(place.host, f"mkfs.ext4 -q -F {free}")
    said = ok(command(lab, "device", "zap", place.host, free, "--force"))
    assert said == f"zap successful for {free} on {place.host}\n"
    assert alone.is_free(Place(place.host, free))

    before = alone.osds.map()[osd_id]["uuid"]
    ok(command(lab, "device", "replace", place.host, place.disk))
    assert "destroyed" in alone.osds.map()[osd_id]["state"]
    made = ok(command(lab, "daemon", "add", "osd", ":".join(place), "--method", "raw"))
    assert f"Created osd(s) {osd_id} on host" in made
    assert alone.osds.map()[osd_id]["uuid"] != before
