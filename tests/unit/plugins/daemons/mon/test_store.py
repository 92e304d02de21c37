"""A monitor's store is made so that it joins its cluster and never founds another one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.daemons.deployment import Deployment
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.mon import KIND
from plugins.module_utils.daemons.mon.joining import joining
from plugins.module_utils.daemons.mon.store import members_of
from plugins.module_utils.daemons.mon.views import OtherMons, View, has_left, has_split_off
from plugins.module_utils.daemons.removal import Removal
from tests.unit.plugins.mon_host import CONF, KEY, UNIT, Host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    found = Host(tmp_path, monkeypatch)
    yield found
    found.close()


def status(mons: List[str], quorum: List[int], state: str = "leader", epoch: int = 1) -> Any:
    rows = [{"rank": rank, "name": name} for rank, name in enumerate(mons)]
    return {"state": state, "quorum": quorum, "monmap": {"epoch": epoch, "mons": rows}}


def test_the_first_start_of_a_store_overrides_the_first_members(host: Host) -> None:
    host.stores.setup(host.wanted())

    text = (host.top / f"etc/systemd/system/{UNIT}.d/ceph-orch-joining.conf").read_text()
    path = text.partition("EnvironmentFile=")[2].strip()
    assert 'CEPH_ARGS="--mon_initial_members= --public-addr=127.0.0.1"' in Path(path).read_text()
    assert host.joining.members == {"h2", "h3"}
    assert host.joining.epoch == 4
    assert joining(host.roots) == {"h1"}
    (mkfs,) = [line for line in host.calls("ceph-mon") if "--mkfs" in line]
    assert mkfs.endswith("--mon_initial_members=")


def test_the_override_keeps_what_the_host_gives_its_daemons(host: Host) -> None:
    (host.top / "etc/default").mkdir()
    (host.top / "etc/default/ceph").write_text('CEPH_ARGS="--debug_mon 5"\n')
    host.joining.begin({"h2"}, 4, "127.0.0.1")

    text = (host.top / f"etc/systemd/system/{UNIT}.d/ceph-orch-joining.env").read_text()
    assert 'CEPH_ARGS="--debug_mon 5 --mon_initial_members= --public-addr=127.0.0.1"' in text


def test_long_arguments_of_the_host_are_not_cut(host: Host) -> None:
    (host.top / "etc/default").mkdir()
    args = " ".join(f"--debug_{number}=5" for number in range(100))
    (host.top / "etc/default/ceph").write_text(f'CEPH_ARGS="{args}"\n')
    host.joining.begin({"h2"}, 4, "127.0.0.1")

    text = (host.top / f"etc/systemd/system/{UNIT}.d/ceph-orch-joining.env").read_text()
    assert f'CEPH_ARGS="{args} --mon_initial_members= --public-addr=127.0.0.1"' in text


def test_a_store_that_was_not_made_to_its_end_cannot_start_without_it(host: Host) -> None:
    (host.top / "mkfs-fails").touch()
    with pytest.raises(DaemonRefused, match="no space"):
        host.stores.setup(host.wanted())

    assert host.joining.is_begun
    assert host.stores.needs_setup(host.wanted())
    (host.top / "mkfs-fails").unlink()
    host.stores.setup(host.wanted())
    assert host.joining.is_begun


def test_a_monitor_that_has_still_to_join_is_not_finished(host: Host) -> None:
    host.stores.setup(host.wanted())
    stores = host.stores

    assert stores.is_unfinished(host.wanted())
    assert stores.others(host.wanted()) == {"h2", "h3"}
    stores.finish(host.wanted())
    assert host.joining.is_begun, "it cannot be asked, and nobody has it in the quorum"
    host.knows(["h1", "h2", "h3"])
    stores.finish(host.wanted())
    assert not host.joining.is_begun
    assert not (host.top / f"etc/systemd/system/{UNIT}.d").exists()
    assert host.calls("systemctl")[-1] == "systemctl daemon-reload"


def test_who_goes_takes_the_override_along(host: Host) -> None:
    host.stores.setup(host.wanted())
    (host.top / "state").write_text("active\n")
    Removal(host.roots, [host.daemon], {"mon": host.stores}, purge=False).do()

    assert not host.joining.is_begun
    assert not host.data().exists()


def test_a_deployment_that_fails_leaves_the_override(host: Host) -> None:
    """The monitor never answers: it may still start by itself, now or with the host."""
    (host.top / "run/ceph-mon.h1.asok").touch()
    deployment = Deployment(host.roots, [host.wanted()], {"mon": host.stores}, 0.2)
    deployment.do()

    assert "has not joined the quorum" in deployment.problems[0]
    assert "--mon_initial_members=" in (host.top / "started").read_text()
    assert host.joining.is_begun


def test_the_others_are_asked_and_not_the_monitor_of_this_host(host: Host) -> None:
    OtherMons(host.roots, CONF).view("k", "127.0.0.1", "h1")
    assert " -m 10.0.0.2 " in host.calls("ceph")[-1]
    where = "mon_host = [v2:[fd00::1]:3300/0,v1:[fd00::1]:6789/0],[v2:[fd00::2]:3300/0]"
    OtherMons(host.roots, where).view("k", "fd00::1", "h1")
    assert " -m [v2:[fd00::2]:3300/0] " in host.calls("ceph")[-1]
    assert OtherMons(host.roots, "mon_host = 10.0.0.1").view("k", "10.0.0.1", "h1") is None


def test_what_the_monitor_says_of_itself_is_not_taken_for_the_clusters_word(host: Host) -> None:
    """A client that asks one is told of all, and ends at any of them."""
    host.knows(["h1"])
    assert OtherMons(host.roots, CONF).view("k", "127.0.0.1", "h1") is None
    answers = ["h1", "h1", "h2 h3"]
    (host.top / "turns").write_text("\n".join(answers) + "\n")
    found = OtherMons(host.roots, CONF).view("k", "127.0.0.1", "h1")
    assert found is not None
    assert found.quorum == {"h2", "h3"}


def test_a_monitor_that_is_silent_is_asked_once(host: Host) -> None:
    """Each is waited for, and there may be a job that waits for the answer."""
    (host.top / "quorum").unlink()
    where = "mon_host = 10.0.0.2,10.0.0.3,127.0.0.1"
    assert OtherMons(host.roots, where).view("k", "127.0.0.1", "h1") is None
    asked = [line.partition(" -m ")[2].split()[0] for line in host.calls("ceph")]
    assert asked == ["10.0.0.2", "10.0.0.3"]


def view(mons: List[str], quorum: List[str]) -> View:
    rows = [{"name": name} for name in mons]
    return View({"monmap": {"epoch": len(mons), "mons": rows}}, quorum)


@pytest.mark.parametrize(
    ("own", "cluster", "left"),
    [
        (view(["h1", "h2"], []), view(["h2", "h3", "h4"], ["h2", "h3"]), True),
        # The last map that it took over is the one without it.
        (view(["h2", "h3"], []), view(["h2", "h3"], ["h2", "h3"]), True),
        (view(["h1", "h2"], []), view(["h1", "h2", "h3"], ["h2", "h3"]), False),
        # An older map, or another one of the same epoch, is that of a cluster of its own.
        (view(["h1", "h2"], []), view(["h3"], ["h3"]), False),
        (view(["h1", "h2"], []), view(["h2", "h3"], ["h2", "h3"]), False),
        (view(["h1", "h2"], []), view(["h2", "h3", "h4"], []), False),
        (None, view(["h2", "h3"], ["h2", "h3"]), False),
        (view(["h1", "h2"], []), None, False),
    ],
)
def test_who_was_taken_out_of_the_map(own: View, cluster: View, left: bool) -> None:
    assert has_left("h1", own, cluster) is left


@pytest.mark.parametrize(
    ("own", "cluster", "split"),
    [
        (view(["h1"], ["h1"]), view(["h2", "h3"], ["h2", "h3"]), True),
        (view(["h1"], ["h1"]), view(["h1", "h2", "h3"], ["h2", "h3"]), True),
        # The quorum names it: it is the cluster's, whatever it says.
        (view(["h1"], ["h1"]), view(["h1", "h2"], ["h1", "h2"]), False),
        # It knows one of them: it was away, or has not joined yet.
        (view(["h1", "h2"], []), view(["h2", "h3"], ["h2", "h3"]), False),
        # Nobody answers, or there is nobody else: unknown is no reason.
        (view(["h1"], ["h1"]), None, False),
        (None, view(["h2"], ["h2"]), False),
        (view(["h1"], ["h1"]), view(["h1"], []), False),
        # It could be the other one that is alone.
        (view(["h1"], ["h1"]), view(["h2"], ["h2"]), False),
        (view(["h1", "h3"], ["h1", "h3"]), view(["h2"], ["h2"]), False),
    ],
)
def test_who_is_of_a_cluster_of_its_own(own: View, cluster: View, split: bool) -> None:
    assert has_split_off("h1", own, cluster) is split


def test_a_cluster_of_its_own_is_put_aside_and_made_anew(host: Host) -> None:
    host.has_store()
    host.runs(status(["h1"], [0]))
    assert host.stores.needs_setup(host.wanted())
    host.stores.setup(host.wanted())

    (kept,) = (host.top / "var/lib/ceph/removed").iterdir()
    assert sorted(path.name for path in kept.iterdir()) == ["keyring", "old", "store.db"]
    assert (host.data() / "store.db").exists()
    assert (host.top / "state").read_text() == "inactive\n", "it was stopped before"


def test_a_monitor_that_is_restarted_is_not_stopped_by_the_count_of_starts(host: Host) -> None:
    host.has_store()
    host.runs(status(["h1"], [0]))
    Deployment(host.roots, [host.wanted()], {"mon": host.stores}, 0.2).do()

    verbs = [line.split()[1] for line in host.calls("systemctl")]
    assert verbs.index("reset-failed") < verbs.index("restart")


def test_a_unit_that_systemd_has_not_loaded_is_started(host: Host) -> None:
    """It has no count of starts to be forgotten, and systemd says so."""
    (host.top / "not-loaded").touch()
    deployment = Deployment(host.roots, [host.wanted()], {"mon": host.stores}, 0.2)
    deployment.do()

    assert "reset-failed" not in str(deployment.problems)
    assert (host.top / "state").read_text() == "active\n"


def test_nothing_is_moved_of_a_monitor_that_the_quorum_names(host: Host) -> None:
    host.has_store()
    host.knows(["h1", "h2", "h3"])
    host.runs(status(["h1"], [0]))
    host.stores.setup(host.wanted())

    assert (host.data() / "old").exists()
    (host.top / "quorum").unlink()
    host.stores.setup(host.wanted())
    assert (host.data() / "old").exists(), "nobody answered, and it was moved"


def test_one_that_runs_outside_its_quorum_is_waited_for(host: Host) -> None:
    host.has_store()
    host.runs(status(["h1", "h2"], [], "probing"))
    deployment = Deployment(host.roots, [host.wanted()], {"mon": host.stores}, 0.2)
    deployment.do()

    assert "has not joined the quorum" in deployment.problems[0]


def test_a_job_that_finds_a_monitor_that_has_joined_finishes_it(host: Host) -> None:
    """The job before was killed between the start and the end."""
    host.stores.setup(host.wanted())
    (host.data() / "keyring").write_text(KEY)
    host.runs(status(["h1", "h2", "h3"], [0, 1, 2], "peon", 5))
    deployment = Deployment(host.roots, [host.wanted()], {"mon": host.stores}, 5)
    deployment.do()

    assert (deployment.problems, host.joining.is_begun) == ([], False)


def test_a_monitor_that_cannot_be_asked_works_when_the_others_say_so(host: Host) -> None:
    deployment = Deployment(host.roots, [host.wanted()], {"mon": host.stores}, 2.0)
    deployment.do()
    assert "has not joined the quorum" in deployment.problems[0], "it only stays"

    host.knows(["h1", "h2", "h3"])
    deployment = Deployment(host.roots, [host.wanted()], {"mon": host.stores}, 0.2)
    deployment.do()
    assert (deployment.problems, host.joining.is_begun) == ([], False)


def test_a_second_cluster_is_stopped_and_fails_the_job(host: Host) -> None:
    host.has_store()
    host.runs(status(["h1"], [0]))
    wanted, stores = host.wanted(), host.stores
    wanted.others = stores.others(wanted)
    stores.give_up(wanted)
    assert (host.top / "state").read_text() == "inactive\n"


CASES: Dict[str, Any] = {
    "leads alone": (status(["h1"], [0]), False),
    "with another": (status(["h1", "h2"], [0, 1], "peon", 5), True),
    "knows them, probes": (status(["h1", "h2"], [], "probing"), False),
    "synchronizes": (status(["h1", "h2"], [0, 1], "synchronizing"), False),
    "no answer": ({}, False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_monitor_works_with_another_one_of_its_cluster(name: str) -> None:
    answer, works = CASES[name]
    assert KIND.is_at_work(answer, frozenset({"h2", "h3"})) is works


def test_the_only_monitor_of_a_cluster_works_alone() -> None:
    assert KIND.is_at_work(status(["h1"], [0]), frozenset())


def test_a_second_cluster_is_said_with_its_cause_and_the_remedy(host: Host) -> None:
    said = KIND.reason_hopeless(host.daemon, status(["h1"], [0]), frozenset({"h3", "h2"}))
    assert said == (
        "ceph-mon@h1.service: it has formed a cluster of its own (monmap epoch 1: h1) instead of "
        "joining h2, h3. This happens when mon_initial_members names it. Remove "
        "mon_initial_members from /etc/ceph/ceph.conf, then run `ceph orch daemon redeploy "
        "mon.h1`: it puts the store aside and lets the monitor join."
    )
    assert KIND.reason_hopeless(host.daemon, status(["h1", "h2"], [0, 1]), frozenset({"h2"})) == ""


def test_a_map_with_locations_is_read() -> None:
    """As Ceph 17 to 20 print it where a monitor has its place in CRUSH."""
    text = (
        "epoch 7\nstretch_mode_enabled 1\ntiebreaker_mon h3\n"
        "0: [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0] mon.h1; crush_location {datacenter=dc1}\n"
        "1: [v2:10.0.0.2:3300/0,v1:10.0.0.2:6789/0] mon.h-2.x\n"
    )
    assert members_of(text) == {
        "h1": "[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]",
        "h-2.x": "[v2:10.0.0.2:3300/0,v1:10.0.0.2:6789/0]",
    }


def test_each_start_of_a_monitor_that_has_to_join_knows_its_address(host: Host) -> None:
    """It may have taken over a map that does not name it yet: a restart ended there for good."""
    host.stores.setup(host.wanted())
    env = host.top / f"etc/systemd/system/{UNIT}.d/ceph-orch-joining.env"
    assert "--public-addr=127.0.0.1" in env.read_text()
    assert host.joining.knows_address
    env.write_text(env.read_text().replace(" --public-addr=127.0.0.1", ""))
    assert not host.joining.knows_address
