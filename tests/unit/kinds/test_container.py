"""Custom containers: what their specs may say, and what hosts are told of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from adapter.kinds import ClusterView, ViewedDaemon, check_fields, kind_of
from plugins.module_utils.daemons.kinds.base import DaemonRefused
from plugins.module_utils.daemons.kinds.container_document import DOCUMENT, read_document
from tests.unit.kinds.specs import refusal_of, spec_from

DATA: Dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("container_refused.yml").read_text(encoding="utf-8")
)
KIND = kind_of("container")
DAEMON = ViewedDaemon("container", "app.h1.abcdef", "container.app", "h1", "10.0.0.1", 0)


def spec_of(**fields: Any) -> Any:
    return spec_from("container", "app", {**DATA["good"], **fields})


def refusal(**fields: Any) -> str:
    return refusal_of(lambda: check_fields(spec_of(**fields)))


def told(**fields: Any) -> Dict[str, Any]:
    found = KIND.files(spec_of(**fields), ClusterView("f"), DAEMON)
    data: Dict[str, Any] = json.loads(found[DOCUMENT])
    return data


@pytest.mark.parametrize("case", DATA["refused"])
def test_what_cannot_be_carried_out_is_refused(case: str) -> None:
    fields, said = DATA["refused"][case]

    assert said in refusal(**fields)


@pytest.mark.parametrize("case", DATA["taken"])
def test_what_can_be_carried_out_is_taken_and_hosts_take_it_too(case: str) -> None:
    spec = spec_of(**DATA["taken"][case])

    check_fields(spec)

    assert read_document(KIND.files(spec, ClusterView("f"), DAEMON)[DOCUMENT]).main.image


@pytest.mark.parametrize(
    "fields",
    [{"envs": ["A=secret\n"]}, {"envs": ["secret"]}, {"envs": ["a b=secret"]}],
)
def test_no_value_of_a_variable_is_in_a_refusal(fields: Dict[str, Any]) -> None:
    assert "secret" not in refusal(**fields)


def test_what_is_more_than_a_host_reads_is_refused() -> None:
    check_fields(spec_of(files={"a": "x" * 499_000}))

    assert "hosts take 500000" in refusal(files={"a": "x" * 500_001})
    with pytest.raises(DaemonRefused, match="500000 are the most"):
        read_document(json.dumps(told(files={"a": "x" * 500_001})))


def test_a_field_that_is_not_set_is_not_told() -> None:
    assert told() == {"image": "localhost/app:1"}
    assert told(privileged=False, ports=[], uid=0) == told(), "Ceph's own JSON has no 0"
    assert told(uid=7, gid=0) == {"image": "localhost/app:1", "uid": 7}


def test_arguments_are_told_word_by_word_without_the_network_that_it_has() -> None:
    given = told(
        args=["--net=host", "--net host", "--cpus 2"], extra_entrypoint_args=["-f -p", "a"]
    )

    assert given["extra_container_args"] == ["--cpus", "2"]
    assert given["extra_entrypoint_args"] == ["-f", "-p", "a"]
    assert told(extra_container_args=["--cpus=2"])["extra_container_args"] == ["--cpus=2"]


def test_a_file_is_a_text_or_lines() -> None:
    assert told(files={"a": ["x", "y"], "b": "z"})["files"] == {"a": "x\ny\n", "b": "z"}


def test_what_a_container_before_it_does_not_say_is_as_with_the_container() -> None:
    given = told(
        envs=["A=1"],
        privileged=True,
        extra_entrypoint_args=["serve"],
        entrypoint="/bin/app",
        init_containers=[{"entrypoint_args": ["prepare"]}, {"envs": [], "image": "localhost/b"}],
    )

    one, other = read_document(json.dumps(given)).inits

    assert (one.image, one.envs, one.privileged) == ("localhost/app:1", ["A=1"], True)
    assert (one.entrypoint, one.words) == ("", ["prepare"])
    assert (other.image, other.envs, other.words) == ("localhost/b", [], [])


def test_each_field_that_changes_is_named_where_it_is_restarted_for() -> None:
    before, after = spec_of(envs=["A=1"], ports=[80]), spec_of(envs=["A=2"], ports=[80])

    changed = KIND.read_at_start(before).items() ^ KIND.read_at_start(after).items()

    assert {name for name, _ in changed} == {"envs"}
    assert set(KIND.read_at_start(spec_of(**DATA["taken"]["volumes and files"]))) <= KIND.fields


def test_its_ports_are_those_of_the_spec() -> None:
    assert KIND.ports(spec_of(ports=[81, 80]), 1) == (81, 80)
    assert KIND.host_settings(spec_of(ports=[81, 80])) == {"port": 81}
    assert KIND.ports(spec_of(), 1) == ()
    assert KIND.host_settings(spec_of()) == {"port": 0}
