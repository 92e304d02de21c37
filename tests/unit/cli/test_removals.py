"""``orch-ansible osd rm ...``: the removal queue in a directory, moved on by commands."""

from __future__ import annotations

import json
from typing import Any, List

import pytest
import yaml

from adapter.cli.at_work import FILE, at_work
from tests.unit.cli.door import Door
from tests.unit.reconcile.fake_cluster import Cluster

NOTHING = "No OSD remove/replace operations reported\n"


class Killed(BaseException):
    """The command ends here, and does nothing more."""


def queue(kept: Door) -> List[str]:
    return sorted(path.name for path in (kept.directory / "osd_removal").glob("*.yml"))


def steps(kept: Door) -> List[str]:
    """Return what hosts were asked to do with OSDs that leave."""
    return [
        str(request.variables["osd_remove_step"])
        for request in kept.requests
        if request.operation == "remove_osds"
    ]


def test_an_osd_is_drained_stopped_purged_and_cleaned(kept: Door, osds: Cluster) -> None:
    result = kept.run("osd", "rm", "1", "--zap")

    assert result.stdout.splitlines()[0] == "Scheduled OSD(s) for removal: osd.1"
    assert result.stderr.splitlines()[-1] == "osd.1 is removed"
    assert osds.monitors.log == ["reweight 1 0.0", "purge 1"]
    assert (steps(kept), osds.wiped) == (["stop", "remove"], ["osd.1"])
    assert (queue(kept), kept.run("osd", "rm", "status").stdout) == ([], NOTHING)


def test_its_id_is_kept_for_a_new_disk(kept: Door, osds: Cluster) -> None:
    result = kept.run("osd", "rm", "1", "--replace", "--zap")

    assert "Scheduled OSD(s) for replacement: osd.1" in result.stdout
    assert "waits for its new disk: `orch-ansible daemon add osd h2:DEVICE`" in result.stderr
    assert osds.monitors.log == ["out 1", "destroy 1"]
    assert (kept.directory / "osd_vacant" / "1.yml").exists()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(kept: Door, osds: Cluster) -> None:
    result = kept.run("osd", "rm", "1", "--zap", "--check")

    assert result.stdout.splitlines() == [
        "osd.1 on h2: would be drained of 0 placement groups, then stopped and purged",
        "osd.1 on h2: would wipe /dev/sdb (IDh2b)",
    ]
    assert "Nothing was changed" in result.stderr
    assert (osds.monitors.log, queue(kept), steps(kept)) == ([], [], [])


def test_what_is_waited_for_is_said_and_the_queue_is_kept(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3

    result = kept.run("osd", "rm", "1", "--wait", "60", status=1)

    assert "osd.1: draining: 3 PGs left: 3 active+clean" in result.stderr
    assert "not done within 60 s; `orch-ansible osd rm continue` goes on" in result.stderr
    (row,) = json.loads(kept.run("osd", "rm", "status", "-f", "json").stdout)
    assert (row["osd_id"], row["hostname"], row["draining"]) == (1, "h2", True)
    shown = kept.run("osd", "rm", "status")
    assert shown.stdout.split()[:8] == [
        "OSD",
        "HOST",
        "STATE",
        "PGS",
        "REPLACE",
        "FORCE",
        "ZAP",
        "DRAIN",
    ]
    assert "No command moves them on now" in shown.stderr

    osds.monitors.osds[1].pgs = 0
    assert "osd.1 is removed" in kept.run("osd", "rm", "continue").stderr
    assert kept.run("osd", "rm", "continue").stdout == NOTHING


def test_typed_again_it_goes_on_and_only_in_the_same_way(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3
    kept.run("osd", "rm", "1", "--wait", "5", status=1)

    line = kept.refused("osd", "rm", "1", "--zap")
    assert line.startswith("osd.1 is being removed already (draining")
    assert "`orch-ansible osd rm stop` takes it out of the queue" in line
    osds.monitors.osds[1].pgs = 0
    result = kept.run("osd", "rm", "1")

    assert (
        "osd.1 is being removed already (draining: asked to drain); that goes on" in result.stdout
    )
    assert osds.monitors.log == ["reweight 1 0.0", "purge 1"]


def test_stop_gives_an_osd_back_what_it_had(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3
    kept.run("osd", "rm", "1", "--wait", "5", status=1)

    result = kept.run("osd", "rm", "stop", "1")

    assert result.stdout == "Stopped OSD(s) removal: osd.1\n"
    assert osds.monitors.log == ["reweight 1 0.0", "reweight 1 1.0"]
    assert queue(kept) == []
    assert kept.refused("osd", "rm", "stop", "1") == (
        "There is no OSD in the removal queue 'osd.1'. See `orch-ansible osd rm status`."
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("7",), "There is no OSD 'osd.7'"),
        (("1", "7"), "There is no OSD 'osd.7'"),
        (("x",), "Invalid OSD id 'x': it is not a number from 0"),
        (("stop", "x"), "Invalid OSD id 'x'"),
        (("--", "-1"), "Invalid OSD id '-1'"),
        ((), "Missing argument 'ID...'"),
        (("status", "1"), "Got unexpected extra argument (1)"),
        (("1", "--wait", "0"), "x>=1"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_kept(
    kept: Door, osds: Cluster, words: Any, says: str
) -> None:
    assert says in kept.refused("osd", "rm", *words)
    assert (osds.monitors.log, queue(kept)) == ([], [])


class Killer:
    """Kill the command when it runs ``ceph`` with such words, or before a host answers."""

    def __init__(self, kept: Door, at: str) -> None:
        self._at = at
        self.done = False
        kept.ceph.before.append(self._ask)

    def _ask(self, line: str) -> None:
        if line.startswith(self._at) and not self.done:
            self.done = True
            raise Killed


KILLED_AT = (
    "osd crush reweight",
    "osd safe-to-destroy",
    "pg dump pgs",
    "osd purge-actual",
    "auth get client.bootstrap-osd",
    "osd dump",
)


@pytest.mark.parametrize("at", KILLED_AT)
@pytest.mark.parametrize("again", [("rm", "1", "--zap"), ("rm", "continue")])
def test_killed_anywhere_it_goes_on_and_does_nothing_twice(
    kept: Door, osds: Cluster, at: str, again: Any
) -> None:
    killer = Killer(kept, at)
    with pytest.raises(Killed):
        kept.run("osd", "rm", "1", "--zap")
    assert killer.done

    if not queue(kept) or not osds.monitors.osds.get(1):
        again = ("rm", "1", "--zap") if not queue(kept) else ("rm", "continue")
    kept.run("osd", *again)

    assert osds.monitors.log == ["reweight 1 0.0", "purge 1"]
    assert (osds.wiped, queue(kept)) == (["osd.1"], [])


def test_another_command_is_refused_while_one_is_at_work(kept: Door, osds: Cluster) -> None:
    with at_work(kept.directory, "osd rm 0"):
        line = kept.refused("osd", "rm", "1", status=1)
        shown = kept.run("osd", "rm", "status")
        kept.refused("apply", "-i", "-", status=2)

    assert line.startswith("`orch-ansible osd rm 0` (process ")
    assert "`orch-ansible osd rm continue` goes on" in line
    assert "`orch-ansible osd rm 0` (process" in shown.stderr
    assert osds.monitors.log == []
    kept.run("osd", "rm", "1")
    assert json.loads((kept.directory / FILE).read_text())["words"] == "osd rm 1"


def test_a_manager_that_takes_over_ends_it(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3

    def take_over(line: str) -> None:
        if line == "pg dump pgs":
            kept.ceph.backend = "ansible"

    kept.ceph.before.append(take_over)
    line = kept.run("osd", "rm", "1", status=1).stderr.splitlines()[-1]

    assert "The cluster's manager does this by itself. Use `ceph orch`" in line
    assert queue(kept) == ["1.yml"]
    kept.ceph.before.clear()
    for words in (("rm", "0"), ("rm", "continue"), ("rm", "stop", "1")):
        assert "The cluster's manager does this by itself" in kept.refused("osd", *words, status=1)


def test_nothing_is_done_to_an_osd_once_a_manager_has_taken_over(kept: Door, osds: Cluster) -> None:
    def take_over(line: str) -> None:
        kept.ceph.backend = "ansible" if line == "osd safe-to-destroy 1" else kept.ceph.backend

    kept.ceph.before.append(take_over)
    kept.run("osd", "rm", "1", status=1)

    assert osds.monitors.log == ["reweight 1 0.0"]
    assert steps(kept) == []


def test_another_cluster_is_refused(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3
    kept.run("osd", "rm", "1", "--wait", "5", status=1)
    osds.monitors.log.clear()
    kept.ceph.fsid = "11111111-2222-4333-8444-555555555555"

    for words in (("rm", "0"), ("rm", "1"), ("rm", "continue"), ("rm", "stop", "1")):
        line = kept.refused("osd", *words, status=1)
        assert "is about the cluster F51D, and `ceph` reaches 11111111-2222" in line
        assert "state/cluster.yml" in line
    assert (osds.monitors.log, queue(kept)) == ([], ["1.yml"])


def test_an_unreadable_record_is_named_and_the_others_go_on(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = osds.monitors.osds[0].pgs = 3
    kept.run("osd", "rm", "0", "1", "--wait", "5", status=1)
    record = kept.directory / "osd_removal" / "0.yml"
    record.write_text("osd_id: [")
    osds.monitors.osds[1].pgs = osds.monitors.osds[0].pgs = 0

    shown = kept.run("osd", "rm", "status")
    assert "The record of osd.0 cannot be used: it is not YAML" in shown.stderr
    result = kept.run("osd", "rm", "continue")

    assert "osd.1 is removed" in result.stderr
    assert f"correct the file {record}" in result.stderr
    assert queue(kept) == ["0.yml"]
    assert "what osd.0 had before is not known" in kept.run("osd", "rm", "stop", "0").stdout
    assert queue(kept) == []
    assert 0 in osds.monitors.osds


def test_a_host_that_does_not_answer_is_waited_for(kept: Door, osds: Cluster) -> None:
    kept.offline("10.0.0.2")

    result = kept.run("osd", "rm", "1", "--wait", "30", status=1)

    assert "h2 is left out: no route" in result.stderr
    assert "host h2 is not reached, and it is up" in result.stderr
    assert steps(kept) == []
    del kept.ssh.prober.answers["10.0.0.2"]
    kept.run("osd", "rm", "continue")
    assert osds.monitors.log == ["reweight 1 0.0", "purge 1"]


def test_marked_in_again_by_somebody_it_drains_again(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3
    kept.run("osd", "rm", "1", "--replace", "--wait", "5", status=1)
    osds.monitors.osds[1].reweight = 1.0
    osds.monitors.osds[1].pgs = 0

    kept.run("osd", "rm", "continue")

    assert osds.monitors.log == ["out 1", "out 1", "destroy 1"]


def test_what_a_host_refuses_is_an_error_and_tried_again(kept: Door, osds: Cluster) -> None:
    osds.problems[1] = "something is mounted there"

    result = kept.run("osd", "rm", "1", "--wait", "5", status=1)

    assert "osd.1: cleaning: something is mounted there (job " in result.stderr
    del osds.problems[1]
    kept.run("osd", "rm", "continue")
    assert queue(kept) == []


def test_the_record_says_what_was_asked_for(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3
    kept.run("osd", "rm", "1", "--zap", "--no-destroy", "--wait", "5", status=1)

    record = yaml.safe_load((kept.directory / "osd_removal" / "1.yml").read_text())

    assert (record["uuid"], record["host"], record["stage"]) == ("uuid-1", "h2", "draining")
    assert (record["zap"], record["no_destroy"], record["crush_weight"]) == (True, True, 1.0)


def test_other_commands_leave_the_queue_as_it_is(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3
    kept.run("osd", "rm", "1", "--wait", "5", status=1)
    osds.monitors.osds[1].pgs = 0
    specs = kept.directory / "specs.yml"
    specs.write_text("service_type: crash\nplacement: {hosts: [h1]}\nunmanaged: true\n")

    kept.run("apply", "-i", str(specs))

    assert queue(kept) == ["1.yml"]
    assert 1 in osds.monitors.osds


@pytest.mark.parametrize("record", ["paused: true\n", "paused: ["])
def test_a_pause_that_a_manager_left_is_kept(kept: Door, osds: Cluster, record: str) -> None:
    pause = kept.directory / "state" / "paused.yml"
    pause.parent.mkdir()
    pause.write_text(record)

    line = kept.refused("osd", "rm", "1", status=1)

    assert line == f"Nothing is done while it is paused. Remove the file {pause} to go on."
    assert (osds.monitors.log, queue(kept)) == ([], [])


def test_without_any_host_what_is_left_is_ended(kept: Door, osds: Cluster) -> None:
    osds.monitors.osds[1].pgs = 3
    kept.run("osd", "rm", "1", "--wait", "5", status=1)
    for path in (kept.directory / "host").iterdir():
        path.unlink()
    osds.monitors.osds[1].pgs, osds.monitors.osds[1].up = 0, False

    assert "osd.1 is removed" in kept.run("osd", "rm", "continue").stderr
    assert queue(kept) == []
