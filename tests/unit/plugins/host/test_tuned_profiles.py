"""Tuned profiles on a host: set, read back, put back; what is refused changes nothing."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

import pytest
import yaml

from plugins.module_utils.host.state import read_identity
from plugins.module_utils.host.tuned_files import SUFFIX, TunedFiles, digest_of
from plugins.module_utils.host.tuned_memory import Memory, Unreadable
from plugins.module_utils.host.tuned_profiles import TunedProfiles
from plugins.module_utils.host.tuned_state import read_tuned
from plugins.module_utils.system.reading import Roots
from plugins.module_utils.system.sysctl import Kernel, Refused, canonical
from tests.unit.plugins.labels import FSID

CASES = yaml.safe_load((Path(__file__).parent / "tuned_keys.yml").read_text())
BEFORE = {
    "net.core.somaxconn": "4096",
    "net.ipv4.tcp_rmem": "4096\t131072\t6291456",
    "net.ipv4.conf.eth0/100.rp_filter": "0",
    "vm.swappiness": "60",
}
WANTED = {"net": {"net.core.somaxconn": "1024", "net.ipv4.tcp_rmem": "4096 65536 4194304"}}


class FakeKernel(Kernel):
    """A kernel of files, which would take every value, that refuses some and changes others."""

    def __init__(self, roots: Roots) -> None:
        super().__init__(roots)
        self.refused: Dict[str, str] = {}
        self.made_of: Dict[str, str] = {}
        # Settings that are two names of one value.
        self.alias: Dict[str, str] = {}

    def read(self, key: str) -> Optional[str]:
        value = super().read(key)
        return self.made_of.get(value, value) if value is not None else None

    def write(self, key: str, value: str) -> str:
        if self.refused.get(key) == value:
            raise Refused(os.strerror(errno.EINVAL), self.read(key) or "")
        if key in self.alias:
            super().write(self.alias[key], value)
        return super().write(key, value)


class Cut(Exception):
    """The run is killed."""


class Steps:
    """So many changes come about, the next one does not."""

    def __init__(self, count: int) -> None:
        self.left = count

    def take(self) -> None:
        if not self.left:
            raise Cut
        self.left -= 1


class CutKernel(Kernel):
    def __init__(self, roots: Roots, steps: Steps) -> None:
        super().__init__(roots)
        self.steps = steps

    def write(self, key: str, value: str) -> str:
        self.steps.take()
        return super().write(key, value)


class CutMemory(Memory):
    def __init__(self, roots: Roots, steps: Steps) -> None:
        super().__init__(roots)
        self.steps = steps

    def save(self) -> None:
        self.steps.take()
        super().save()


class CutFiles(TunedFiles):
    def __init__(self, roots: Roots, steps: Steps) -> None:
        super().__init__(roots)
        self.steps = steps

    def write(self, profile: str, text: str) -> None:
        self.steps.take()
        super().write(profile, text)


class Host:
    """A host with a few settings, as files below a directory."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.roots = Roots(
            dev="none",
            proc=str(top / "proc"),
            etc=str(top / "etc"),
            var=str(top / "var"),
            usr=str(top / "usr"),
            ceph_run=str(top / "run/ceph"),
        )
        self.kernel = FakeKernel(self.roots)
        for key, value in BEFORE.items():
            path = self.setting(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")

    def setting(self, key: str) -> Path:
        return self.top / "proc/sys" / key.translate(str.maketrans("./", "/."))

    def values(self) -> Dict[str, str]:
        return {key: self.setting(key).read_text().rstrip("\n") for key in BEFORE}

    def file(self, profile: str) -> Path:
        return self.top / "etc/sysctl.d" / f"{profile}{SUFFIX}"

    @property
    def memory(self) -> Path:
        return self.top / "var/lib/ceph-orch-ansible/sysctl.json"

    def others(self, name: str, text: str, directory: str = "etc") -> None:
        path = self.top / directory / "sysctl.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, wanted: Mapping[str, Any], check: bool = False) -> TunedProfiles:
        files, memory = TunedFiles(self.roots), Memory(self.roots)
        profiles = TunedProfiles(self.kernel, files, memory, FSID, check)
        profiles.apply(wanted)
        return profiles

    def release(self, memory: Memory) -> TunedProfiles:
        profiles = TunedProfiles(self.kernel, TunedFiles(self.roots), memory, FSID, False)
        profiles.release()
        return profiles

    def cut_after(self, steps: Steps, wanted: Mapping[str, Any]) -> None:
        kernel, files = CutKernel(self.roots, steps), CutFiles(self.roots, steps)
        TunedProfiles(kernel, files, CutMemory(self.roots, steps), FSID, False).apply(wanted)

    def tree(self) -> Dict[str, str]:
        return {str(path): path.read_text() for path in self.top.rglob("*") if path.is_file()}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize(("key", "expected"), CASES["keys"].items())
def test_keys_are_called_as_facts_call_them(key: str, expected: str) -> None:
    assert canonical(key) == expected


@pytest.mark.parametrize("key", CASES["refused"])
def test_what_no_setting_is_called(key: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        canonical(key)


def test_set_read_back_and_put_back(host: Host) -> None:
    assert read_tuned(host.roots) is None
    first = host.run(WANTED)
    assert first.changed
    assert not first.refused
    assert first.values == {"net.core.somaxconn": "1024", "net.ipv4.tcp_rmem": "4096 65536 4194304"}
    assert host.values()["net.core.somaxconn"] == "1024"
    assert host.file("net").read_text().splitlines()[-2:] == [
        "net.core.somaxconn = 1024",
        "net.ipv4.tcp_rmem = 4096 65536 4194304",
    ]
    assert FSID in host.file("net").read_text().splitlines()[0]
    assert read_tuned(host.roots) == {
        "profiles": {"net": digest_of(WANTED["net"])},
        "off": {},
        "left": [],
        "later": {},
    }
    assert read_identity(host.roots)["tuned"]["profiles"]
    tree = host.tree()
    assert not host.run(WANTED).changed
    assert host.tree() == tree

    last = host.run({})
    assert last.changed
    assert last.restored == {
        "net.core.somaxconn": "4096",
        "net.ipv4.tcp_rmem": "4096 131072 6291456",
    }
    assert {key: value.split() for key, value in host.values().items()} == {
        key: value.split() for key, value in BEFORE.items()
    }
    assert not host.file("net").exists()
    assert not host.memory.exists()
    assert read_tuned(host.roots) is None
    assert not host.run({}).changed


@pytest.mark.parametrize("wanted", [WANTED, {}])
def test_a_check_tells_what_would_be_and_changes_nothing(host: Host, wanted: Any) -> None:
    if not wanted:
        host.run(WANTED)
    tree = host.tree()
    told = host.run(wanted, check=True)
    assert told.changed
    assert host.tree() == tree
    done = host.run(wanted)
    assert told.diff == done.diff
    assert (told.values, told.restored) == (done.values, done.restored)
    assert any(each["after_header"] == "kernel settings" for each in told.diff)


def test_a_setting_that_leaves_its_profile_is_put_back(host: Host) -> None:
    host.run(WANTED)
    host.run({"net": {"net.core.somaxconn": "2048"}})
    assert host.values()["net.core.somaxconn"] == "2048"
    assert host.values()["net.ipv4.tcp_rmem"].split() == BEFORE["net.ipv4.tcp_rmem"].split()
    host.run({})
    assert host.values()["net.core.somaxconn"] == "4096"


def test_one_that_another_profile_has_too_stays(host: Host) -> None:
    both = {**WANTED, "a": {"net.core.somaxconn": "1024"}}
    host.run(both)
    host.run({"a": both["a"]})
    assert host.values()["net.core.somaxconn"] == "1024"
    host.run({})
    assert host.values()["net.core.somaxconn"] == "4096"


def test_of_two_profiles_the_one_that_is_read_later_wins(host: Host) -> None:
    both = {"a": {"vm.swappiness": "10"}, "b": {"vm.swappiness": "20"}}
    done = host.run(both)
    assert host.values()["vm.swappiness"] == "20"
    assert done.notes == [
        "vm.swappiness is 10 in the profile a and 20 in b: b wins, for its file is read later, "
        "and the other value was never tried"
    ]
    assert not host.run(both).changed
    host.run({"a": both["a"]})
    assert host.values()["vm.swappiness"] == "10"
    host.run({})
    assert host.values()["vm.swappiness"] == "60"


def test_where_another_file_sets_it_that_value_comes_back(host: Host) -> None:
    host.others("10-site.conf", "# ours\n-net.core.somaxconn=3000\nnet/ipv4/tcp_rmem = 1 2 3\n")
    host.others("10-site.conf", "net.core.somaxconn = 1\n", "usr/lib")
    host.run(WANTED)
    assert host.values()["net.core.somaxconn"] == "1024"
    host.run({})
    assert host.values()["net.core.somaxconn"] == "3000"
    assert host.values()["net.ipv4.tcp_rmem"] == "1 2 3"


def test_a_file_that_is_read_later_is_named(host: Host) -> None:
    host.others("zz.conf", "net.core.somaxconn = 7\n", "run")
    done = host.run(WANTED)
    assert host.values()["net.core.somaxconn"] == "1024"
    (note,) = done.notes
    assert "run/sysctl.d/zz.conf sets net.core.somaxconn = 7" in note
    state = read_tuned(host.roots) or {}
    assert list(state["later"]) == ["net.core.somaxconn"]


def test_what_somebody_else_has_set_since_stays(host: Host) -> None:
    host.run(WANTED)
    host.setting("net.core.somaxconn").write_text("5\n")
    assert (read_tuned(host.roots) or {})["off"] == {"net.core.somaxconn": "5"}
    done = host.run({})
    assert host.values()["net.core.somaxconn"] == "5"
    assert done.notes == ["net.core.somaxconn = 5 was set by somebody else, and is left so"]
    assert not host.memory.exists()


def test_what_differs_is_set_again(host: Host) -> None:
    host.run(WANTED)
    host.setting("net.core.somaxconn").write_text("5\n")
    assert host.run(WANTED).changed
    host.run({})
    assert host.values()["net.core.somaxconn"] == "4096"


def test_what_the_kernel_refuses_takes_the_rest_back(host: Host) -> None:
    host.kernel.refused["net.ipv4.tcp_rmem"] = "-1"
    bad = {
        "net": {"net.core.somaxconn": "9", "net.ipv4.tcp_rmem": "-1"},
        "vm": {"vm.swappiness": "1"},
    }
    done = host.run(bad)
    assert done.refused == {
        "net": ["net.ipv4.tcp_rmem = -1: Invalid argument (the kernel has 4096 131072 6291456)"]
    }
    assert host.values() == {**BEFORE, "vm.swappiness": "1"}
    assert not host.file("net").exists()
    assert list(json.loads(host.memory.read_text())["keys"]) == ["vm.swappiness"]
    host.run({})
    assert host.values()["vm.swappiness"] == "60"


def test_a_refused_change_leaves_what_was_in_force(host: Host) -> None:
    host.run(WANTED)
    tree = host.tree()
    host.kernel.refused["net.core.somaxconn"] = "-1"
    done = host.run({"net": {"net.core.somaxconn": "-1", "vm.swappiness": "3"}})
    assert list(done.refused) == ["net"]
    assert host.tree() == tree


def test_a_value_that_the_kernel_makes_another_of_is_refused(host: Host) -> None:
    host.kernel.made_of["1"] = "128"
    done = host.run({"net": {"net.core.somaxconn": "1"}})
    assert "the kernel has 128" in done.refused["net"][0]
    assert host.values() == BEFORE


def test_unknown_and_read_only_settings_are_named_at_once(host: Host) -> None:
    host.setting("vm.swappiness").chmod(0o444)
    done = host.run(
        {"net": {"net.core.no_such": "1", "vm.swappiness": "1", "net.core.somaxconn": "1"}}
    )
    assert done.refused["net"] == [
        "the kernel has no setting net.core.no_such",
        "vm.swappiness can only be read (the kernel has 60)",
    ]
    assert host.values() == BEFORE
    assert not host.memory.exists()


def test_the_file_of_somebody_else_is_not_taken(host: Host) -> None:
    host.others(f"net{SUFFIX}", "net.core.somaxconn = 3\n")
    tree = host.tree()
    assert "somebody else's file" in host.run(WANTED).refused["net"][0]
    assert host.tree() == tree
    assert not host.run({}).changed


@pytest.mark.parametrize("after", range(7))
def test_a_run_that_is_cut_anywhere_can_be_undone(host: Host, after: int) -> None:
    """Whatever was written last, the values from before are known."""
    host.run({"net": {"net.core.somaxconn": "2000"}})
    steps, wanted = Steps(after), {**WANTED, "vm": {"vm.swappiness": "7"}}
    with contextlib.suppress(Cut):
        host.cut_after(steps, wanted)
    host.run({})
    assert {key: value.split() for key, value in host.values().items()} == {
        key: value.split() for key, value in BEFORE.items()
    }
    assert not host.memory.exists()


def test_a_run_of_this_test_is_cut_before_its_end(host: Host) -> None:
    host.run({"net": {"net.core.somaxconn": "2000"}})
    with pytest.raises(Cut):
        host.cut_after(Steps(6), {**WANTED, "vm": {"vm.swappiness": "7"}})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"keys": {"a": 1}}', '{"keys": {"a": {"before": 1}}}']
)
def test_a_memory_that_cannot_be_read_is_not_an_empty_one(host: Host, text: str) -> None:
    host.run(WANTED)
    host.memory.write_text(text)
    with pytest.raises(Unreadable, match=r"sysctl\.json"):
        Memory(host.roots)
    assert "sysctl.json" in (read_tuned(host.roots) or {})["error"]
    host.release(Memory.forgotten(host.roots))
    assert not host.memory.exists()
    assert not host.file("net").exists()


def test_what_is_no_file_holds_nothing_up(host: Host) -> None:
    host.run(WANTED)
    for path in (host.file("pipe"), host.top / "etc/sysctl.d/a.conf"):
        os.mkfifo(path)
    (host.top / "etc/sysctl.d/null.conf").symlink_to("/dev/null")
    assert not host.run(WANTED).changed
    assert "somebody else's file" in host.run({"pipe": WANTED["net"]}).refused["pipe"][0]
    host.memory.unlink(missing_ok=True)
    host.memory.parent.mkdir(exist_ok=True)
    os.mkfifo(host.memory)
    with pytest.raises(Unreadable, match="no file"):
        Memory(host.roots)


def test_a_host_that_is_released_keeps_nothing(host: Host) -> None:
    host.run(WANTED)
    host.kernel.refused["net.core.somaxconn"] = "4096"
    released = host.release(Memory(host.roots))
    assert released.notes == [
        "net.core.somaxconn cannot be given back 4096: Invalid argument (it has 1024)"
    ]
    assert not host.memory.exists()
    assert not host.memory.parent.exists()


def test_a_host_that_cannot_put_back_says_so_and_tries_again(host: Host) -> None:
    host.run(WANTED)
    host.kernel.refused["net.core.somaxconn"] = "4096"
    assert len(host.run({}).unrestored) == 1
    assert (read_tuned(host.roots) or {})["left"] == ["net.core.somaxconn"]
    host.kernel.refused.clear()
    host.run({})
    assert host.values()["net.core.somaxconn"] == "4096"


FORWARD, ALL = "net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"


@pytest.fixture
def two_names(host: Host) -> Host:
    """Return a host on which two settings are names of one value, which is 0."""
    host.kernel.alias = {FORWARD: ALL, ALL: FORWARD}
    for key in (FORWARD, ALL):
        host.setting(key).parent.mkdir(parents=True, exist_ok=True)
        host.setting(key).write_text("0\n")
    return host


def test_a_profile_that_changes_another_ones_setting_is_refused(two_names: Host) -> None:
    host, first = two_names, {"f1": {FORWARD: "1"}}
    host.run(first)

    found = host.run({**first, "f2": {ALL: "0"}})

    assert f"its settings change {FORWARD} = 1 of the profile f1" in found.refused["f2"][0]
    assert (host.file("f1").exists(), host.file("f2").exists()) == (True, False)
    assert host.setting(FORWARD).read_text() == "1\n"


@pytest.mark.parametrize("value", ["0", "1"])
@pytest.mark.parametrize("at_once", [True, False])
def test_what_two_names_had_is_put_back(two_names: Host, at_once: bool, value: str) -> None:
    """A host was seen to forward packets when both profiles had gone."""
    host, second = two_names, {"f2": {ALL: value}}
    host.run({"f1": {FORWARD: "1"}})
    host.run({"f1": {FORWARD: "1"}, **second})
    if not at_once:
        host.run(second)
        assert host.setting(ALL).read_text() == f"{value}\n"

    host.run({})

    assert [host.setting(key).read_text() for key in (FORWARD, ALL)] == ["0\n", "0\n"]
    assert not host.memory.exists()


def test_a_copy_of_a_file_of_ours_is_its_makers(host: Host) -> None:
    host.run(WANTED)
    copy = host.file("site")
    copy.write_text(host.file("net").read_text().replace("1024", "2048"))

    host.run({})

    assert copy.exists()
    assert "somebody else's file" in host.run({"site": WANTED["net"]}).refused["site"][0]
