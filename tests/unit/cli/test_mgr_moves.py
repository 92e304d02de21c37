"""``orch-ansible mgr take-over`` and ``hand-back``: one holder, and nothing is lost on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

import pytest

from adapter.cli.ceph import Ceph, CephError
from adapter.cli.mgr_holder import HOLDER
from adapter.cluster.bad_records import PAUSE, PRESENT
from adapter.cluster.store import YamlStore
from tests.unit.cli.door import Door

PREFIX = "mgr/ansible/"
HOST = {
    "hostname": "h1",
    "addr": "10.0.0.1",
    "labels": ["mon"],
    "keys": ["ssh-ed25519 " + "A" * 68],
}
KEPT: Dict[str, Any] = {
    "host.h1": HOST,
    "spec.mon": {"spec": {"service_type": "mon", "placement": {"hosts": ["h1"]}}, "created": 1.5},
    "osd_removal.3": {"osd_id": 3, "stage": "draining"},
    "deployed.h1": {"rows": ["x" * 100_000]},
}


class Monitors(Ceph):
    """The monitors' key-value store, and whether the module is enabled."""

    def __init__(self) -> None:
        self.values: Dict[str, str] = {}
        self.enabled = False
        self.fsid, self.backend = "F51D", ""
        self.user = ""
        self.invoker = False
        self.calls: List[str] = []
        # A key that reads otherwise than it was written.
        self.garbles = ""
        # Called with each command, after it.
        self.act: Callable[[str], None] = lambda line: None

    def keep(self, records: Dict[str, Any]) -> None:
        """Let a manager have kept records, and its ssh key."""
        self.values.update({f"{PREFIX}{key}": json.dumps(each) for key, each in records.items()})
        self.values[f"{PREFIX}ssh_identity_key"] = "PRIVATE"

    def __call__(self, *words: str, timeout: float = 0, given: str = "") -> str:
        """Answer."""
        line = " ".join(words).replace(" --format json", "")
        self.calls.append(line)
        try:
            return self._answer(words, line, given)
        finally:
            self.act(line)

    def _answer(self, words: Sequence[str], line: str, given: str) -> str:
        if line == "mgr dump":
            return json.dumps({"active_name": "a", "modules": ["ansible"] if self.enabled else []})
        if line == f"config-key dump {PREFIX}":
            return json.dumps(self.values)
        if line == "orch status":
            return json.dumps({"backend": self.backend})
        if line == "fsid":
            return self.fsid + "\n"
        if line == "config-key ls":
            return json.dumps(sorted(self.values))
        if line == "config dump":
            user = {"name": "mgr/ansible/ssh_user", "value": self.user}
            invoker = {"name": "mgr/ansible/sudo_invoker", "value": "true"}
            return json.dumps([user] * bool(self.user) + [invoker] * self.invoker)
        if words[:2] == ("config-key", "set"):
            text = given if words[3] == "-i" else words[3]
            self.values[words[2]] = '{"other": 1}' if words[2] == self.garbles else text
            return ""
        if words[:2] == ("config-key", "rm"):
            self.values.pop(words[2], None)
            return ""
        raise CephError([*words], "Error EINVAL: invalid command", 22)

    def records(self) -> Dict[str, Any]:
        """Return what is kept, without the key."""
        names = (name for name in self.values if name != f"{PREFIX}ssh_identity_key")
        return {name[len(PREFIX) :]: json.loads(self.values[name]) for name in names}


@pytest.fixture
def monitors(door: Door) -> Monitors:
    """Return monitors in which a manager has kept something."""
    found = Monitors()
    found.keep(KEPT)
    door.ceph = found
    return found


def in_directory(directory: Path) -> Dict[str, Any]:
    kinds = {key.partition(".")[0] for key in KEPT}
    store = YamlStore(directory)
    return {f"{kind}.{name}": each for kind in kinds for name, each in store.items(kind).items()}


def test_all_of_it_is_taken_and_the_monitors_know_who_has_it(
    door: Door, monitors: Monitors
) -> None:
    result = door.run("mgr", "take-over", "--yes")

    assert in_directory(door.directory) == KEPT
    assert set(monitors.records()) == {HOLDER, PAUSE}
    assert monitors.records()[HOLDER]["directory"] == str(door.directory)
    assert str(door.directory) in monitors.records()[PAUSE]["why"]
    assert door.ssh.key == "PRIVATE"
    assert "hosts (1): h1" in result.stderr
    assert "PRIVATE" not in result.output + " ".join(monitors.calls)


def test_and_back_again_it_is_as_it_was(door: Door, monitors: Monitors) -> None:
    door.run("mgr", "take-over", "--yes")
    del monitors.values[f"{PREFIX}ssh_identity_key"]

    door.run("mgr", "hand-back", "--yes")

    kept = monitors.records()
    assert kept.pop(PRESENT) == {"at": 0}, "what runs then is not taken away unasked"
    large = kept.pop("deployed.h1")
    assert large != KEPT["deployed.h1"], "what is too large for the monitors is packed"
    assert kept == {key: each for key, each in KEPT.items() if key != "deployed.h1"}
    assert monitors.values[f"{PREFIX}ssh_identity_key"] == "PRIVATE"
    assert in_directory(door.directory) == {}
    assert not any("PRIVATE" in line for line in monitors.calls)


def test_a_packed_record_comes_back(door: Door, monitors: Monitors) -> None:
    door.run("mgr", "take-over", "--yes")
    door.run("mgr", "hand-back", "--yes")
    door.run("mgr", "take-over", "--yes")

    assert in_directory(door.directory) == KEPT


def test_without_a_yes_nothing_is_done(door: Door, monitors: Monitors) -> None:
    before = dict(monitors.values)

    said = door.run("mgr", "take-over", status=1).stderr

    assert said.endswith("Nobody has confirmed it; nothing was moved. Give --yes.\n")
    assert monitors.values == before
    assert in_directory(door.directory) == {}
    assert door.ssh.key is None


@pytest.mark.parametrize("verb", ["take-over", "hand-back"])
def test_an_enabled_module_keeps_what_it_has(door: Door, monitors: Monitors, verb: str) -> None:
    monitors.enabled = True

    assert "The module ansible is enabled" in door.refused("mgr", verb, "--yes", status=1)


def test_a_second_holder_is_refused(door: Door, monitors: Monitors) -> None:
    door.run("mgr", "take-over", "--yes")
    other = Door(door.directory / "other", ceph=monitors)

    for words in (("mgr", "take-over"), ("mgr", "hand-back")):
        line = other.refused(*words, "--yes", status=1)
        assert f"are held by {door.directory} on" in line


def test_a_directory_with_other_hosts_is_refused(door: Door, monitors: Monitors) -> None:
    door.run("host", "add", "h1", "10.0.0.9")
    before = dict(monitors.values)

    line = door.refused("mgr", "take-over", "--yes")

    assert "holds other hosts and services already: host.h1" in line
    assert monitors.values == before


def test_monitors_with_other_hosts_are_refused(door: Door, monitors: Monitors) -> None:
    door.run("host", "add", "h2", "10.0.0.2")

    line = door.refused("mgr", "hand-back", "--yes")

    assert "The monitors' store holds other hosts and services already" in line


def test_a_record_that_cannot_be_read_stops_it(door: Door, monitors: Monitors) -> None:
    monitors.values[f"{PREFIX}spec.mds.a"] = "{"

    line = door.refused("mgr", "take-over", "--yes", status=1)

    assert "spec.mds.a" in line
    assert in_directory(door.directory) == {}


def test_a_record_of_a_newer_version_is_not_left_behind(door: Door, monitors: Monitors) -> None:
    monitors.keep({"novelty.x": {"a": 1}})

    line = door.refused("mgr", "take-over", "--yes", status=1)

    assert "novelty.x" in line
    assert in_directory(door.directory) == {}


def test_what_does_not_read_as_it_was_written_is_not_removed(
    door: Door, monitors: Monitors
) -> None:
    door.run("mgr", "take-over", "--yes")
    monitors.garbles = f"{PREFIX}spec.mon"

    result = door.run("mgr", "hand-back", "--yes", status=2)

    assert "spec.mon is not kept" in result.stderr
    assert in_directory(door.directory) == KEPT
    assert HOLDER in monitors.records()


def test_what_was_cut_is_done_to_its_end(door: Door, monitors: Monitors) -> None:
    """The directory has it all, and the monitors still too."""
    door.run("mgr", "take-over", "--yes")
    monitors.keep(KEPT)

    door.run("mgr", "take-over", "--yes")

    assert set(monitors.records()) == {HOLDER, PAUSE}
    assert in_directory(door.directory) == KEPT


def test_what_was_cut_while_it_was_removed_is_done_to_its_end(
    door: Door, monitors: Monitors
) -> None:
    door.run("mgr", "take-over", "--yes")
    monitors.keep({"spec.mon": KEPT["spec.mon"]})

    door.run("mgr", "take-over", "--yes")

    assert set(monitors.records()) == {HOLDER, PAUSE}
    assert in_directory(door.directory) == KEPT


@pytest.mark.parametrize("tries", [1, 2])
def test_the_administrators_pause_is_there_again(
    door: Door, monitors: Monitors, tries: int
) -> None:
    pause = {"paused": True, "since": 17, "why": ""}
    monitors.keep({**KEPT, PAUSE: pause})

    for _ in range(tries):
        door.run("mgr", "take-over", "--yes")
        monitors.keep(KEPT)
    door.run("mgr", "take-over", "--yes")
    assert monitors.records()[PAUSE] != pause
    door.run("mgr", "hand-back", "--yes")

    assert monitors.records()[PAUSE] == pause
    assert HOLDER not in monitors.records()


def test_what_never_was_a_managers_leaves_its_pause(door: Door, monitors: Monitors) -> None:
    pause = {"paused": True, "since": 17, "why": ""}
    monitors.values.clear()
    monitors.keep({PAUSE: pause})
    YamlStore(door.directory).set("host.h1", HOST)

    door.run("mgr", "hand-back", "--yes")

    assert monitors.records()[PAUSE] == pause


def cut_after(monitors: Monitors, begin: str, count: int = 1) -> None:
    """Let a command end right after the monitors have done something."""
    left = [count]

    def act(line: str) -> None:
        if line.startswith(begin):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt

    monitors.act = act


def test_a_hand_back_that_was_cut_writes_nothing_over_what_the_manager_does_since(
    door: Door, monitors: Monitors
) -> None:
    door.run("mgr", "take-over", "--yes")
    cut_after(monitors, f"config-key rm {PREFIX}{HOLDER}")
    door.run("mgr", "hand-back", "--yes", status=130)
    monitors.act = lambda line: None
    # The manager has been enabled, and an administrator has kept the OSD.
    del monitors.values[f"{PREFIX}osd_removal.3"]
    since = monitors.records()

    for words in (("osd", "rm", "continue"), ("host", "ls")):
        assert "`orch-ansible mgr hand-back`" in door.run(*words, status=1).stderr
    monitors.enabled = True
    assert "removed" in door.run("mgr", "hand-back", "--yes").stderr

    assert monitors.records() == since
    assert in_directory(door.directory) == {}
    assert not door.run("host", "ls").stderr


@pytest.mark.parametrize("count", [1, 2])
def test_a_take_over_that_was_cut_while_it_copied_goes_on(
    door: Door, monitors: Monitors, count: int
) -> None:
    cut_after(monitors, f"config-key set {PREFIX}state.", count + 1)
    door.run("mgr", "take-over", "--yes", status=130)
    monitors.act = lambda line: None
    for key in [key for key in monitors.values if "state.lock" in key]:
        del monitors.values[key]

    assert "mgr take-over` did not end" in door.refused("mgr", "hand-back", "--yes", status=1)
    door.run("mgr", "take-over", "--yes")

    assert set(monitors.records()) == {HOLDER, PAUSE}
    assert in_directory(door.directory) == KEPT


def test_what_the_manager_has_dropped_since_a_cut_take_over_is_not_kept(
    door: Door, monitors: Monitors
) -> None:
    cut_after(monitors, f"config-key set {PREFIX}state.paused")
    door.run("mgr", "take-over", "--yes", status=130)
    monitors.act = lambda line: None
    YamlStore(door.directory).set("spec.crash", {"spec": {"service_type": "crash"}})

    door.run("mgr", "take-over", "--yes")

    assert YamlStore(door.directory).get("spec.crash") is None
    assert in_directory(door.directory) == KEPT


def test_what_the_directory_has_not_is_not_removed_from_the_monitors(
    door: Door, monitors: Monitors
) -> None:
    door.run("mgr", "take-over", "--yes")
    monitors.keep({"spec.crash": {"spec": {"service_type": "crash"}}})
    line = door.refused("mgr", "take-over", "--yes")
    assert "spec.crash" in line
    assert "spec.crash" in monitors.records()


def test_another_login_of_the_manager_is_refused(door: Door, monitors: Monitors) -> None:
    """As somebody has changed it since; the hosts would all be offline."""
    door.run("mgr", "take-over", "--yes")
    monitors.user = "ceph-admin"
    assert "as user ceph-admin" in door.refused("mgr", "hand-back", "--yes", status=1)
    monitors.user = ""
    monitors.values[f"{PREFIX}ssh_identity_key"] = "OTHER"
    assert "another ssh key" in door.refused("mgr", "hand-back", "--yes")
    assert HOLDER in monitors.records()


@pytest.mark.parametrize("verb", ["take-over", "hand-back"])
def test_a_directory_of_another_cluster_is_refused(
    door: Door, monitors: Monitors, verb: str
) -> None:
    YamlStore(door.directory).set("state.cluster", {"fsid": "07E8"})
    if verb == "hand-back":
        YamlStore(door.directory).set("host.h1", HOST)
    before = dict(monitors.values)
    assert "is about the cluster 07E8" in door.refused("mgr", verb, "--yes", status=1)
    assert monitors.values == before


@pytest.mark.parametrize("after", ["config-key set mgr/ansible/state.paused", "config dump"])
def test_what_somebody_asks_for_meanwhile_is_not_lost(
    door: Door, monitors: Monitors, after: str
) -> None:
    """A second administrator, while the question waits and while it is copied."""
    label = {**HOST, "labels": ["mon", "gold"]}
    before = dict(monitors.records())

    def act(line: str) -> None:
        if line.startswith(after):
            monitors.keep({"host.h1": label})

    monitors.act = act
    said = door.run("mgr", "take-over", "--yes", status=1).stderr

    assert "has changed since it was read: host.h1" in said
    assert monitors.records() == {**before, "host.h1": label}
    assert in_directory(door.directory) == {}


def test_a_module_that_is_enabled_meanwhile_keeps_everything(
    door: Door, monitors: Monitors
) -> None:
    before = dict(monitors.records())

    def act(line: str) -> None:
        if line == "config dump":
            monitors.enabled = True

    monitors.act = act
    said = door.run("mgr", "take-over", "--yes", status=1).stderr
    assert "`orch-ansible mgr disable`" in said
    assert monitors.records() == before
    assert in_directory(door.directory) == {}


def test_another_login_is_refused(door: Door, monitors: Monitors) -> None:
    monitors.user = "ceph-admin"

    line = door.refused("mgr", "take-over", "--yes", status=1)

    assert "ssh_user: ceph-admin" in line


def test_locked_down_sudo_on_one_side_alone_is_refused(door: Door, monitors: Monitors) -> None:
    monitors.invoker = True

    line = door.refused("mgr", "take-over", "--yes", status=1)

    assert "sudo_invoker is true for the manager and false in this directory" in line
    assert "Write `sudo_invoker: true`" in line


def test_the_manager_is_not_enabled_meanwhile(door: Door, monitors: Monitors) -> None:
    door.run("mgr", "take-over", "--yes")

    line = door.refused("mgr", "enable", status=1)

    assert "orch-ansible mgr hand-back" in line


@pytest.mark.parametrize(
    "words",
    [
        ("host", "label", "add", "h1", "nvme"),
        ("host", "set-addr", "h1", "10.0.0.77"),
        ("host", "add", "h9", "10.0.0.9"),
    ],
)
def test_hosts_that_were_taken_over_are_still_their_clusters(
    door: Door, monitors: Monitors, words: Tuple[str, ...]
) -> None:
    """Their records name it, and refuse everybody who does not."""
    door.run("mgr", "take-over", "--yes")

    door.run(*words)

    told = door.requests[-1].variables
    assert told["host_record_fsid"] == monitors.fsid


def test_a_directory_that_has_given_them_back_names_no_cluster(
    door: Door, monitors: Monitors
) -> None:
    """A host of the manager would follow two."""
    door.run("mgr", "take-over", "--yes")
    door.run("mgr", "hand-back", "--yes")

    door.run("host", "add", "h9", "10.0.0.9")

    assert door.requests[-1].variables["host_record_fsid"] == ""


def test_a_cluster_that_does_not_answer_is_named_to_the_directorys_own_hosts(
    door: Door, monitors: Monitors
) -> None:
    door.run("mgr", "take-over", "--yes")
    door.ceph = Ceph("/nope/ceph")

    door.run("host", "label", "add", "h1", "nvme")
    assert door.requests[-1].variables["host_record_fsid"] == monitors.fsid
    door.run("host", "add", "h9", "10.0.0.9")
    assert door.requests[-1].variables["host_record_fsid"] == "", "it may be somebody else's"
