"""``orch-ansible host ...``."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from adapter.engine.model import HostOutcome, HostStatus
from adapter.engine.ssh import ProbeResult
from tests.unit.cli.door import Door, failing, golden
from tests.unit.methods.world import well

HOSTILE = [
    "",
    "a b",
    "a/b",
    "../h1",
    "a\nb",
    "{{ 7 * 7 }}",
    "-oProxyCommand=touch /tmp/x",
    "h_1",
    "_",
    "a" * 254,
    "\x1b[31m",
    "$(id)",
    ".",
    "..",
]


def test_an_added_host_is_listed_and_lies_in_a_readable_file(door: Door) -> None:
    result = door.run("host", "add", "h1", "10.0.0.1", "--labels", "mon,osd")

    assert result.stdout.startswith("Added host 'h1' with addr '10.0.0.1' (job ")
    record = yaml.safe_load(door.files()["h1.yml"])
    assert (record["hostname"], record["labels"]) == ("h1", ["mon", "osd"])
    assert record["keys"]
    assert door.operations() == [("add_host", ["h1"])]
    assert "@" in door.requests[0].actor
    listed = json.loads(door.run("host", "ls", "-f", "json").stdout)
    assert listed == [
        {"addr": "10.0.0.1", "hostname": "h1", "labels": ["mon", "osd"], "status": ""}
    ]


def test_the_table_has_the_shape_of_ceph_orch_host_ls(door: Door) -> None:
    door.run("host", "add", "p1", "10.78.0.11", "--labels", "_admin")
    door.run("host", "add", "p2", "10.78.0.12", "--labels", "rgw")
    door.run("host", "add", "p3", "10.78.0.13")

    assert door.run("host", "ls").stdout == golden("orch_host_ls.txt")


def test_hosts_are_sorted_as_people_count(three: Door) -> None:
    lines = three.run("host", "ls").stdout.splitlines()

    assert [line.split()[0] for line in lines[1:4]] == ["h1", "h2", "h10"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_and_nothing_is_kept(door: Door, name: str) -> None:
    line = door.refused("host", "add", "--", name, "10.0.0.1")

    assert line.startswith("Invalid host name")
    assert "\x1b" not in line
    assert door.files() == {}
    assert door.requests == []


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "verb", [("rm",), ("label", "add"), ("label", "rm"), ("set-addr",), ("rescan",)]
)
def test_a_hostile_name_of_a_host_that_must_be_there(
    three: Door, name: str, verb: tuple[str, ...]
) -> None:
    more = {"label": ["x"], "set-addr": ["10.0.0.9"]}.get(verb[0], [])
    before = three.files()

    assert three.refused("host", *verb, "--", name, *more).startswith("There is no host")
    assert three.files() == before


@pytest.mark.parametrize("label", [each for each in HOSTILE if each not in ("h_1",)])
def test_a_hostile_label_is_refused(three: Door, label: str) -> None:
    before = three.files()

    line = three.refused("host", "label", "add", "--", "h1", label)

    assert line.startswith("Invalid label")
    assert three.files() == before


@pytest.mark.parametrize("addr", ["10.0.0.300", "-oX", "a b", "{{ x }}", "0.0.0.0"])
def test_a_wrong_address_is_refused(door: Door, addr: str) -> None:
    assert door.refused("host", "add", "--", "h1", addr).startswith("Invalid address")


def test_a_host_that_is_there_already_is_brought_to_what_is_said(three: Door) -> None:
    before = three.files()
    out = three.run("host", "add", "h1", "10.0.0.1", "--labels", "osd").stdout

    assert out == "Host 'h1' with addr '10.0.0.1' is there already; nothing is changed\n"
    assert (three.files(), three.requests) == (before, [])
    known = yaml.safe_load(before["h1.yml"])
    three.ssh.prober.answers["10.0.0.77"] = ProbeResult(
        True, hostname="h1", machine_id=known["machine_id"], keys=tuple(known["keys"])
    )
    out = three.run("host", "add", "h1", "10.0.0.77", "--labels", "osd,mon").stdout
    assert out == "Updated host 'h1': addr '10.0.0.77'; labels added: mon\n"
    assert three.operations() == [("update_host_addr", ["h1"])]


def test_a_host_that_does_not_answer_is_not_added(door: Door) -> None:
    door.offline("10.0.0.1", "no route to 10.0.0.1")

    line = door.refused("host", "add", "h1", "10.0.0.1", status=1)

    assert "no route to 10.0.0.1" in line
    assert door.files() == {}


def test_a_job_that_fails_names_host_reason_and_job(door: Door) -> None:
    door.answer = failing("h1", message="apt is broken")

    result = door.run("host", "add", "h1", "10.0.0.1", status=1)

    assert "h1: apt is broken" in result.stderr
    assert "orch-ansible job log 000001-add_host" in result.stderr


def test_labels_come_and_go(three: Door) -> None:
    assert three.run("host", "label", "add", "h1", "mon").stdout == "Added label mon to host h1\n"
    assert yaml.safe_load(three.files()["h1.yml"])["labels"] == ["osd", "mon"]
    three.run("host", "label", "rm", "h1", "mon")
    assert yaml.safe_load(three.files()["h1.yml"])["labels"] == ["osd"]
    assert "Its labels: osd." in three.refused("host", "label", "rm", "h1", "mon")


def test_another_address(three: Door) -> None:
    three.ssh.prober.answers["10.0.0.9"] = replace(
        three.ssh.probe(three.engine.jobs()[-1].request.targets[0], learn_keys=True)
    )
    result = three.run("host", "set-addr", "h1", "10.0.0.9")

    assert result.stdout == "Updated host 'h1' addr to '10.0.0.9'\n"
    assert yaml.safe_load(three.files()["h1.yml"])["addr"] == "10.0.0.9"


def test_removing_an_offline_host_needs_both_words(three: Door) -> None:
    three.offline("10.0.0.1")

    assert "--offline --force" in three.refused("host", "rm", "h1")
    assert "--force" in three.refused("host", "rm", "h1", "--offline")
    three.run("host", "rm", "h1", "--offline", "--force")
    assert sorted(three.files()) == ["h10.yml", "h2.yml"]
    assert three.requests == [], "there is nobody to run it on"


def test_a_removed_host_is_released_by_a_job(three: Door) -> None:
    three.run("host", "rm", "h2")

    assert three.operations() == [("list_daemons", ["h2"]), ("remove_host", ["h2"])]
    assert sorted(three.files()) == ["h1.yml", "h10.yml"]


CHANGES = [
    ("host", "add", "h3", "10.0.0.3"),
    ("host", "rm", "h1"),
    ("host", "label", "add", "h1", "mon"),
    ("host", "label", "rm", "h1", "osd"),
    ("host", "set-addr", "h1", "10.0.0.1"),
    ("host", "rescan", "h1"),
]


@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_a_check_runs_the_same_job_as_a_dry_run_and_keeps_nothing(
    three: Door, words: tuple[str, ...]
) -> None:
    before, reports = three.files(), sorted((three.directory / "reports").iterdir())

    result = three.run(*words, "--check")

    assert "Nothing was changed (--check)" in result.stderr
    assert three.files() == before
    assert sorted((three.directory / "reports").iterdir()) == reports
    ways = {(each.check, each.diff, each.changes) for each in three.requests}
    assert ways == {(True, True, False)}


def test_after_a_check_ssh_knows_the_directorys_hosts_and_no_other(three: Door) -> None:
    three.run("host", "add", "h3", "10.0.0.3", "--check")

    assert sorted(target.name for target, _ in three.ssh.pinned) == ["h1", "h10", "h2"]


def test_a_check_shows_the_differences(three: Door) -> None:
    diff = {"before": "labels: osd\n", "after": "labels: mon\n", "before_header": "h1:/record"}
    three.answer = lambda request: {
        host: HostOutcome(HostStatus.CHANGED, result=good.result, diff=(diff,))
        for host, good in well(request).items()
    }

    lines = three.run("host", "label", "add", "h1", "mon", "--check").stdout.splitlines()

    assert "+- mon" in lines, "the record in the directory"
    assert "h1: would change (add_host_label)" in lines
    assert "-labels: osd" in lines
    assert "+labels: mon" in lines


def test_a_check_of_what_is_refused_is_refused(three: Door) -> None:
    assert "has this address" in three.refused("host", "add", "h3", "10.0.0.1", "--check")


def test_host_check_asks_all_hosts_and_says_which_cannot_be_used(three: Door) -> None:
    three.offline("10.0.0.2", "connection refused")
    three.answer = failing("h10", message="sudo wants a password")

    result = three.run("host", "check", status=1)

    assert result.stdout.splitlines() == [
        "h1: ok",
        "h10: sudo wants a password",
        "h2: connection refused. Look after it.",
    ]
    assert result.stderr == "orch-ansible: 2 of 3 host(s) cannot be used\n"
    assert three.operations() == [("available", ["h1", "h10"])]


def test_facts_are_printed_as_a_list_of_mappings(three: Door) -> None:
    found = json.loads(three.run("host", "facts", "h2", "h1", "-f", "json").stdout)

    assert [each["hostname"] for each in found] == ["h2", "h1"]
    assert three.operations() == [("get_facts", ["h2", "h1"])]


def test_a_record_that_cannot_be_read_is_named(three: Door) -> None:
    (three.directory / "host" / "bad.yml").write_text("hostname: '{{ x }}'\n")

    result = three.run("host", "ls")

    assert "3 hosts in cluster" in result.stdout
    assert "The record bad is left out: Invalid host name" in result.stderr


def test_a_record_that_is_no_yaml_is_named_and_the_others_can_be_used(three: Door) -> None:
    (three.directory / "host" / "bad.yml").write_text("[")

    result = three.run("host", "ls")

    assert "3 hosts" in result.stdout
    assert "The record bad is left out: it is not YAML" in result.stderr
    assert "bad.yml" in three.refused("host", "label", "add", "bad", "osd", status=1)
