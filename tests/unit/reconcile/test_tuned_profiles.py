"""Tuned profiles come to the hosts of their placements, stay there, and go."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

import pytest

from adapter.cluster.store import MemoryStore
from adapter.cluster.tuned_settings import digest_of
from adapter.interface import PlacementSpec, TunedProfileSpec, raise_if_exception
from tests.unit.reconcile.fake_cluster import Cluster

KEYS = "net.core.somaxconn=4096\nnet.ipv4.ip_forward=0\nvm.swappiness=60"
SETTINGS = {"net.core.somaxconn": "1024"}


class Tuned(Cluster):
    """Hosts that keep the profiles which they are given, and say so."""

    def __init__(self) -> None:
        self.profiles: Dict[str, Dict[str, Dict[str, str]]] = {}
        # What hosts say besides: settings that differ, and files of others.
        self.more: Dict[str, Dict[str, Any]] = {}
        super().__init__()
        for host in ("h1", "h2", "h3"):
            self.facts[host] = {"sysctl_options": KEYS}
        self.acts["apply_tuned_profiles"] = self._tune
        self.report()
        self.requests.clear()

    def _tune(self, host: str, variables: Mapping[str, Any]) -> Dict[str, Any]:
        self.profiles[host] = variables["tuned_profiles_wanted"][host]
        self.more.pop(host, None)
        return {}

    def _report(self, host: str) -> Dict[str, Any]:
        found = super()._report(host)
        profiles = self.profiles.get(host)
        digests = {name: digest_of(each) for name, each in (profiles or {}).items()}
        said = {"profiles": digests, "off": {}, "left": [], "later": {}, **self.more.get(host, {})}
        found["identity"]["tuned"] = said if profiles or host in self.more else None
        return found

    def apply(self, name: str = "net", settings: Any = SETTINGS, **placement: Any) -> str:
        where = PlacementSpec(**placement) if placement else None
        spec = TunedProfileSpec(name, where, dict(settings))
        said: str = raise_if_exception(self.orchestrator.apply_tuned_profiles([spec], False))
        self.settle()
        return said

    def jobs(self) -> List[List[str]]:
        asked = [each for each in self.requests if each.operation == "apply_tuned_profiles"]
        return [sorted(each.hosts) for each in asked]

    def names(self) -> Dict[str, List[str]]:
        return {host: sorted(each) for host, each in sorted(self.profiles.items()) if each}

    def lines(self) -> List[str]:
        check = self.orchestrator.health.checks().get("ANSIBLE_TUNED_PROFILE") or {"detail": []}
        return list(check["detail"])


@pytest.fixture
def tuned() -> Tuned:
    return Tuned()


def test_a_profile_comes_to_all_hosts_at_once(tuned: Tuned) -> None:
    said = tuned.apply()
    assert "Saved the tuned profile net (hosts: h1, h2, h3)" in said
    assert tuned.jobs() == [["h1", "h2", "h3"]]
    assert tuned.names() == {host: ["net"] for host in ("h1", "h2", "h3")}
    tuned.settle(60)
    assert len(tuned.jobs()) == 1
    assert tuned.lines() == []


def test_it_follows_a_label(tuned: Tuned) -> None:
    raise_if_exception(tuned.orchestrator.add_host_label("h2", "fast"))
    tuned.apply(label="fast")
    assert tuned.names() == {"h2": ["net"]}
    raise_if_exception(tuned.orchestrator.add_host_label("h3", "fast"))
    raise_if_exception(tuned.orchestrator.remove_host_label("h2", "fast", False))
    tuned.settle()
    assert tuned.names() == {"h3": ["net"]}


def test_a_label_may_be_given_to_hosts_later(tuned: Tuned) -> None:
    said = tuned.apply(label="web")
    assert "(no host has it)" in said
    raise_if_exception(tuned.orchestrator.add_host_label("h2", "web"))
    tuned.settle()
    assert tuned.names() == {"h2": ["net"]}


def test_changed_and_removed(tuned: Tuned) -> None:
    tuned.apply()
    call = tuned.orchestrator
    raise_if_exception(call.tuned_profile_add_setting("net", "net/ipv4/ip_forward", "1"))
    tuned.settle()
    assert tuned.profiles["h1"]["net"] == {**SETTINGS, "net.ipv4.ip_forward": "1"}
    raise_if_exception(call.tuned_profile_rm_setting("net", "net.core.somaxconn"))
    tuned.settle()
    assert tuned.profiles["h1"]["net"] == {"net.ipv4.ip_forward": "1"}
    raise_if_exception(call.rm_tuned_profile("net"))
    tuned.settle()
    assert tuned.names() == {}
    assert raise_if_exception(call.tuned_profile_ls()) == []
    assert len(tuned.jobs()) == 4


def test_what_differs_on_a_host_is_set_again(tuned: Tuned) -> None:
    tuned.apply()
    tuned.more["h2"] = {"off": {"net.core.somaxconn": "7"}}
    tuned.report()
    assert tuned.jobs()[1:] == [["h2"]]


def test_a_host_that_is_off_follows_when_it_is_back(tuned: Tuned) -> None:
    tuned.offline("h3")
    said = tuned.apply()
    assert "host h3 is left as it is: the host is offline" in said
    assert tuned.names() == {"h1": ["net"], "h2": ["net"]}
    (line,) = tuned.lines()
    assert line.startswith("host h3: the tuned profile net is not in force: the host is offline")
    tuned.core.liveness.seen("h3", tuned.now)
    tuned.settle()
    assert tuned.names()["h3"] == ["net"]
    assert tuned.lines() == []


def test_a_drained_host_is_left_alone(tuned: Tuned) -> None:
    tuned.apply()
    raise_if_exception(tuned.orchestrator.add_host_label("h3", "_no_schedule"))
    raise_if_exception(tuned.orchestrator.rm_tuned_profile("net"))
    tuned.settle()
    assert tuned.names() == {"h3": ["net"]}
    (line,) = tuned.lines()
    assert "the tuned profile net is still there: the host is drained" in line
    raise_if_exception(tuned.orchestrator.remove_host_label("h3", "_no_schedule", False))
    tuned.settle()
    assert tuned.names() == {}


def test_what_a_host_refuses_is_told_with_the_host_and_tried_again_later(tuned: Tuned) -> None:
    refusal = "The tuned profile net stays as it was: net.core.somaxconn = 1024: Invalid argument"
    tuned.break_on["apply_tuned_profiles"] = {"h2": refusal}
    tuned.apply()
    tuned.settle(30)
    assert 1 < len(tuned.jobs()) < 6
    (line,) = tuned.lines()
    assert line.startswith(f"host h2: the tuned profile net is not in force: {refusal}")
    assert "ceph ansible job show" in line
    assert "ANSIBLE_JOB_FAILED" not in tuned.orchestrator.health.checks()
    before = len(tuned.jobs())
    tuned.break_on.clear()
    tuned.apply(settings={"net.core.somaxconn": "512"})
    assert len(tuned.jobs()) == before + 1, "a changed profile is tried at once"
    assert tuned.lines() == []
    assert not tuned.core.failures


def test_what_a_kernel_refuses_is_not_tried_again_and_again(tuned: Tuned) -> None:
    """Each try sets what comes before it, and takes it back."""
    keep = tuned._tune

    def refuse(host: str, variables: Mapping[str, Any]) -> Dict[str, Any]:
        if host == "h2":
            return {"failed": "it is refused", "tuned_profiles": {"refused": {"net": ["x"]}}}
        return keep(host, variables)

    tuned.acts["apply_tuned_profiles"] = refuse
    tuned.apply()
    tuned.settle(60)
    assert tuned.jobs() == [["h1", "h2", "h3"]]
    assert "it is refused" in tuned.lines()[0]
    tuned.apply(settings={"net.core.somaxconn": "512"})
    assert tuned.jobs()[1:] == [["h1", "h2", "h3"]]
    tuned.settle(320)
    assert tuned.jobs()[2:] == [["h2"]]


def test_the_next_manager_knows_them(tuned: Tuned) -> None:
    tuned.apply()
    tuned.start_anew(tuned.core.store)  # type: ignore[arg-type]
    tuned.settle()
    (profile,) = raise_if_exception(tuned.orchestrator.tuned_profile_ls())
    assert profile.settings == SETTINGS
    assert len(tuned.jobs()) == 1


def test_paused(tuned: Tuned) -> None:
    raise_if_exception(tuned.orchestrator.pause()) if False else tuned.orchestrator.pause()
    assert "`ceph orch resume`" in tuned.apply()
    assert tuned.jobs() == []
    assert "host h1: its kernel settings would be changed" in str(tuned.core.pause_lines())
    tuned.orchestrator.resume()
    tuned.settle()
    assert tuned.jobs() == [["h1", "h2", "h3"]]


def test_two_profiles_that_differ_are_named(tuned: Tuned) -> None:
    tuned.apply("a")
    said = tuned.apply("b", {"net.core.somaxconn": "7"}, hosts=["h1"])
    words = "the tuned profiles a and b set net.core.somaxconn to different values on h1: b wins"
    assert words in said
    (line,) = tuned.lines()
    assert line.startswith(words)


def test_a_file_that_is_read_later_is_named(tuned: Tuned) -> None:
    tuned.apply()
    tuned.more["h1"] = {"later": {"net.core.somaxconn": ["/etc/sysctl.d/zz.conf", "5"]}}
    tuned.report()
    (line,) = tuned.lines()
    assert line.startswith("host h1: /etc/sysctl.d/zz.conf sets net.core.somaxconn = 5")


@pytest.mark.parametrize("way", ["removed", "the same value", "without the setting"])
def test_what_is_mended_in_the_profile_is_told_no_more(tuned: Tuned, way: str) -> None:
    """It was named until the host had reported."""
    tuned.apply(settings={**SETTINGS, "net.ipv4.ip_forward": "1"})
    tuned.more["h1"] = {"later": {"net.core.somaxconn": ["/etc/sysctl.d/zz.conf", "5"]}}
    tuned.report()
    assert len(tuned.lines()) == 1
    tuned.break_on["apply_tuned_profiles"] = {host: "it is busy" for host in tuned.profiles}
    call = tuned.orchestrator
    if way == "removed":
        call.rm_tuned_profile("net")
    elif way == "the same value":
        call.tuned_profile_add_setting("net", "net.core.somaxconn", "5")
    else:
        call.tuned_profile_rm_setting("net", "net.core.somaxconn")
    assert not any("zz.conf" in line for line in tuned.lines())


def test_a_record_that_cannot_be_used_changes_no_host(tuned: Tuned) -> None:
    tuned.apply()
    store = tuned.core.store
    assert isinstance(store, MemoryStore)
    store.set("tuned_profile.net", {"name": "net"})
    tuned.core.reload()
    tuned.settle()
    assert tuned.names() == {host: ["net"] for host in ("h1", "h2", "h3")}
    assert len(tuned.jobs()) == 1
    detail = tuned.orchestrator.health.checks()["ANSIBLE_BAD_RECORD"]["detail"]
    assert "tuned profiles stay as they are on all hosts" in detail[0]
    tuned.apply()
    assert tuned.core.tuned.problems == {}


@pytest.mark.parametrize(
    "said",
    [
        "x",
        7,
        [],
        {"profiles": 1, "off": [], "left": "x", "later": {"a": 1}},
        {"profiles": {"a": {}}},
    ],
)
def test_what_hosts_say_is_not_trusted(tuned: Tuned, said: Any) -> None:
    report = tuned._report("h1")
    report["identity"]["tuned"] = said
    tuned.core.reports.absorb("h1", report, 2.0)
    tuned.orchestrator.health.checks()
    tuned.settle()


def test_a_host_of_an_earlier_version_is_left_alone(tuned: Tuned) -> None:
    report = tuned._report("h1")
    del report["identity"]["tuned"]
    tuned.core.reports.absorb("h1", report, 2.0)
    tuned.apply(hosts=["h1"])
    assert tuned.jobs() == []
    assert tuned.lines() == []
    tuned.offline("h1")
    (line,) = tuned.lines()
    assert line.startswith("host h1: it has not said whether net is in force: the host is offline")


def test_a_host_that_leaves_is_told_of(tuned: Tuned) -> None:
    tuned.apply()
    tuned.offline("h3")
    said = raise_if_exception(tuned.orchestrator.remove_host("h3", force=True, offline=True))
    assert "/etc/sysctl.d/net-ceph-orch-ansible.conf" in said
