"""``orch-ansible tuned-profile ...``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from adapter.cluster.tuned_settings import digest_of
from adapter.engine.model import HostOutcome, HostStatus, Request
from tests.unit.cli.door import Door
from tests.unit.cli.test_services import Cluster
from tests.unit.methods.world import report

SETTINGS = {"net.core.somaxconn": "1024"}
WORDS = ("tuned-profile", "apply", "net", "--settings", "net.core.somaxconn=1024")
PROFILES = """
profile_name: net
placement: {hosts: [h1]}
settings: {net.core.somaxconn: 1024}
---
profile_name: vm
settings: {vm.swappiness: 10}
"""


class Hosts:
    """Hosts that keep the profiles which they are given; ``refusal`` is what h2 says instead."""

    def __init__(self) -> None:
        self.profiles: Dict[str, Dict[str, Dict[str, str]]] = {}
        self.refusal = ""

    def __call__(self, request: Request) -> Dict[str, HostOutcome]:
        """Answer a job."""
        return {host: self._answer(request, host) for host in request.hosts}

    def _answer(self, request: Request, host: str) -> HostOutcome:
        status = HostStatus.OK
        if request.operation == "apply_tuned_profiles":
            if self.refusal and host == "h2":
                return HostOutcome(HostStatus.FAILED, self.refusal)
            status = HostStatus.CHANGED
            if not request.check:
                self.profiles[host] = dict(request.variables["tuned_profiles_wanted"][host])
        found: Dict[str, Any] = report(host)
        digests = {name: digest_of(each) for name, each in self.profiles.get(host, {}).items()}
        found["identity"]["tuned"] = {"profiles": digests} if digests else None
        found["facts"]["sysctl_options"] = "net.core.somaxconn=4096\nvm.swappiness=60"
        return HostOutcome(status, result=found)


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@pytest.fixture
def kept(door: Door, hosts: Hosts) -> Door:
    """Return the command on a directory with h1 and h2, and a cluster without a backend."""
    door.ceph, door.answer = Cluster(), hosts
    for name in ("h1", "h2"):
        door.run("host", "add", name, f"10.0.0.{name[1:]}")
    door.requests.clear()
    return door


def test_a_profile_is_kept_and_comes_to_the_hosts(kept: Door, hosts: Hosts) -> None:
    out = kept.run(*WORDS).stdout
    assert "Saved the tuned profile net (hosts: h1, h2)" in out
    assert hosts.profiles == {"h1": {"net": SETTINGS}, "h2": {"net": SETTINGS}}
    (path,) = (Path(kept.directory) / "tuned_profile").glob("*")
    assert yaml.safe_load(path.read_text())["settings"] == SETTINGS

    kept.requests.clear()
    kept.run(*WORDS)
    assert [name for name, _ in kept.operations()] == ["get_facts"]


def test_a_check_changes_nothing(kept: Door, hosts: Hosts) -> None:
    out = kept.run(*WORDS, "--check").stdout
    assert "h2: would change (apply_tuned_profiles)" in out
    assert hosts.profiles == {}
    assert not (Path(kept.directory) / "tuned_profile").exists()
    assert kept.run("tuned-profile", "ls").stdout == ""


def test_a_file_and_all_verbs(kept: Door, hosts: Hosts) -> None:
    path = Path(kept.directory) / "profiles.yml"
    path.write_text(PROFILES)
    kept.run("tuned-profile", "apply", "-i", str(path))
    assert sorted(hosts.profiles["h1"]) == ["net", "vm"]
    assert sorted(hosts.profiles["h2"]) == ["vm"]
    kept.run("tuned-profile", "add-setting", "vm", "net.core.somaxconn", "7")
    kept.run("tuned-profile", "rm-setting", "vm", "vm.swappiness")
    assert hosts.profiles["h2"] == {"vm": {"net.core.somaxconn": "7"}}
    rows = json.loads(kept.run("tuned-profile", "ls", "-f", "json").stdout)
    assert [row["profile_name"] for row in rows] == ["net", "vm"]
    assert rows[0]["placement"] == {"hosts": ["h1"]}
    plain = kept.run("tuned-profile", "ls").stdout.splitlines()
    assert plain[:5] == [
        "profile_name: net",
        "placement: h1",
        "settings:",
        "  net.core.somaxconn: 1024",
        "---",
    ]
    kept.run("tuned-profile", "apply", "net", "--settings", "vm.swappiness=1", "--no-overwrite")
    assert hosts.profiles["h1"]["net"] == SETTINGS
    for name in ("net", "vm"):
        kept.run("tuned-profile", "rm", name)
    assert hosts.profiles == {"h1": {}, "h2": {}}


def test_what_follows_later_comes_with_the_next_apply(kept: Door, hosts: Hosts) -> None:
    kept.offline("10.0.0.2")
    result = kept.run(*WORDS)
    assert "h2 is left out: no route." in result.stderr
    assert "host h2 is left as it is: the host is offline" in result.stdout
    assert sorted(hosts.profiles) == ["h1"]
    kept.ssh.prober.answers.clear()
    kept.run("tuned-profile", "apply")
    assert sorted(hosts.profiles) == ["h1", "h2"]


def test_a_refusal_names_the_host_and_the_profile_is_kept(kept: Door, hosts: Hosts) -> None:
    hosts.refusal = "The tuned profile net stays as it was: it does not like it."
    result = kept.run(*WORDS, status=1)
    assert "h2: The tuned profile net stays as it was" in result.stderr
    assert sorted(hosts.profiles) == ["h1"]
    assert "net" in kept.run("tuned-profile", "ls").stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["apply", "net"], "settings"),
        (["apply", "net", "--settings", "a"], "no '='"),
        (["apply", "net", "--settings", "net.core.none=1"], "no net.core.none on h1, h2"),
        (["apply", "net", "--settings", "vm.swappiness=1", "--placement", "3"], "count"),
        (["apply", "--settings", "vm.swappiness=1"], "no profile is named"),
        (["apply", "net", "--settings", "vm.swappiness=1", "--placement", "x*"], "no host"),
        (["rm", "net"], "There is no tuned profile 'net'"),
        (["add-setting", "net", "a.b", "1"], "There is no tuned profile 'net'"),
        (["rm-setting", "net", "a b"], "There is no tuned profile 'net'"),
    ],
)
def test_what_is_refused_is_kept_nowhere(kept: Door, words: Any, why: str) -> None:
    assert why in kept.refused("tuned-profile", *words)
    assert not (Path(kept.directory) / "tuned_profile").exists()
    assert "apply_tuned_profiles" not in [name for name, _ in kept.operations()]


def test_the_last_setting_goes_with_the_profile(kept: Door) -> None:
    kept.run(*WORDS)
    words = ("tuned-profile", "rm-setting", "net")
    assert "would have none" in kept.refused(*words, "net.core.somaxconn")
    assert "has no such setting" in kept.refused(*words, "vm.swappiness")
