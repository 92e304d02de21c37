"""``orch-ansible device ...``, ``ps`` and ``status``."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
import yaml

from adapter.cli.session import this_machine
from adapter.engine.model import HostOutcome, HostStatus, Request
from tests.unit.cli.door import Door, failing
from tests.unit.methods.world import device, report


def lights(read_back: Any) -> Any:
    def answer(request: Request) -> Dict[str, HostOutcome]:
        light = {
            "dev": "/dev/sdb",
            "path": "/dev/sdb",
            "on": True,
            "method": "npem",
            "read_back": read_back,
        }
        outcome = HostOutcome(HostStatus.CHANGED, result={"lights": [light]})
        return dict.fromkeys(request.hosts, outcome)

    return answer


def test_devices_are_read_freshly_and_the_command_waits(three: Door) -> None:
    lines = three.run("device", "ls").stdout.splitlines()

    assert three.operations() == [("get_inventory", ["h1", "h10", "h2"])]
    assert lines[0].split("  ")[0] == "HOST"
    assert [line.split()[0] for line in lines[1:]] == ["h1", "h2", "h10"]


def test_cached_devices_cost_no_job(three: Door) -> None:
    assert "/dev/sdb" in three.run("device", "ls", "--cached", "h2").stdout
    assert three.requests == []


def test_only_the_hosts_that_were_named(three: Door) -> None:
    found = json.loads(three.run("device", "ls", "h2", "-f", "json").stdout)

    assert [each["name"] for each in found] == ["h2"]
    assert found[0]["devices"][0]["path"] == "/dev/sdb"
    assert three.operations() == [("get_inventory", ["h2"])]


def test_a_host_that_fails_is_named_and_the_others_are_shown(three: Door) -> None:
    three.answer = failing("h2", message="no ssh")

    result = three.run("device", "ls", "-f", "yaml", status=1)

    assert [each["name"] for each in yaml.safe_load(result.stdout)] == ["h1", "h10"]
    assert "orch-ansible: h2: no ssh" in result.stderr


def test_without_hosts_it_shows_this_machine(door: Door) -> None:
    result = door.run("device", "ls")

    assert f"No hosts in {door.directory}: showing this machine." in result.stderr
    assert this_machine().hostname in result.stdout
    target = door.requests[0].targets[0]
    assert target.connection == "local"
    assert door.files() == {}, "it is not saved"


def test_this_machine_needs_no_key(door: Door) -> None:
    door.ssh.problem = "There is no ssh key."

    door.run("ps")
    door.run("host", "facts")


def test_hosts_need_a_key(three: Door) -> None:
    three.ssh.problem = "There is no ssh key."

    assert "There is no ssh key." in three.refused("device", "ls", status=1)


def test_a_host_with_hostile_devices_does_not_command_the_terminal(three: Door) -> None:
    evil = device(device_id="x\x1b[2Jy", rejected_reasons=["a\x07\rb"])
    three.answer = lambda request: {
        host: HostOutcome(HostStatus.OK, result={**report(host), "devices": [evil]})
        for host in request.hosts
    }

    output = three.run("device", "ls").stdout

    assert "\x1b" not in output
    assert "\x07" not in output
    assert "\r" not in output


def test_a_light_is_switched_and_read_back(three: Door) -> None:
    three.answer = lights(True)

    result = three.run("device", "light", "h1", "sdb", "ident", "on")

    assert result.stdout == "h1:/dev/sdb: ident light is on (npem)\n"
    assert three.requests[0].variables["device_light_kind"] == "ident"


def test_a_light_that_cannot_be_read_back_says_so(three: Door) -> None:
    three.answer = lights(None)

    result = three.run("device", "light", "h1", "/dev/sdb", "ident", "on")

    assert result.stdout == "h1:/dev/sdb: ident light is on (npem, not read back)\n"


def test_a_light_that_fails_names_what_was_tried_and_the_job(three: Door) -> None:
    three.answer = failing("h1", message="Tried: enclosure, npem")

    result = three.run("device", "light", "h1", "/dev/sdb", "ident", "on", status=1)

    assert "h1: Tried: enclosure, npem" in result.stderr
    assert "job log" in result.stderr


def test_a_check_of_a_light_switches_nothing(three: Door) -> None:
    three.answer = lights(True)

    result = three.run("device", "light", "h1", "/dev/sdb", "ident", "on", "--check")

    assert result.stdout == "h1: would change (blink_device_light)\n"
    assert three.requests[0].check


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["h9", "/dev/sdb", "ident", "on"], "There is no host 'h9'"),
        (["h1", "/dev/../etc", "ident", "on"], "Invalid device"),
        (["h1", "/dev/sd b", "ident", "on"], "Invalid device"),
        (["h1", "/dev/sdb", "red", "on"], "is not one of 'ident', 'fault'"),
        (["h1", "/dev/sdb", "ident", "blink"], "is not one of 'on', 'off'"),
        (["h1", "/dev/sdb", "ident"], "Missing argument"),
    ],
)
def test_wrong_words_for_a_light(three: Door, words: list[str], expected: str) -> None:
    assert expected in three.refused("device", "light", *words)
    assert three.requests == []


def test_the_sites_own_command_reaches_the_playbook(three: Door) -> None:
    (three.directory / "config.yml").write_text("light_command: /opt/led {path} '{state} now'\n")
    three.answer = lights(True)

    three.run("device", "light", "h1", "/dev/sdb", "ident", "on")

    assert three.requests[0].variables["device_light_command"] == [
        "/opt/led",
        "{path}",
        "{state} now",
    ]


def test_daemons(three: Door) -> None:
    daemons = [
        {"daemon_type": "mon", "daemon_id": "h1", "state": "running", "version": "20.2.4"},
        {"daemon_type": "osd", "daemon_id": "3", "state": "stopped", "memory_usage": 3 << 20},
    ]
    three.answer = lambda request: {
        host: HostOutcome(HostStatus.OK, result={"daemons": daemons}) for host in request.hosts
    }

    lines = three.run("ps", "h1").stdout.splitlines()

    assert [line.split()[:2] for line in lines] == [
        ["NAME", "HOST"],
        ["mon.h1", "h1"],
        ["osd.3", "h1"],
    ]
    only = json.loads(three.run("ps", "h1", "--daemon-type", "osd", "-f", "json").stdout)
    assert [each["daemon_id"] for each in only] == ["3"]
    assert three.operations()[0] == ("list_daemons", ["h1"])


def test_status_says_who_is_offline(three: Door) -> None:
    three.offline("10.0.0.2", "no route")

    result = three.run("status")

    assert "Available: Yes" in result.stdout
    assert "Hosts: 3 (1 offline)" in result.stdout
    assert "h2: no route" in result.stdout


def test_status_fails_if_nothing_can_be_managed(three: Door) -> None:
    three.ssh.problem = "There is no ssh key."

    result = three.run("status", "-f", "json", status=1)

    data = json.loads(result.stdout)
    assert (data["available"], data["reason"]) == (False, "There is no ssh key.")


def test_cached_without_a_report(door: Door) -> None:
    assert door.run("device", "ls", "--cached").stdout == "No devices\n"
    assert door.run("ps", "--cached").stdout == "No daemons reported\n"
