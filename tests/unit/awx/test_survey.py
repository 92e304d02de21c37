"""A survey has the playbook's parameters, and nothing that AWX or the role would refuse."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from adapter.awx.parameters import Parameter, read_playbooks
from adapter.awx.survey import survey
from adapter.awx.wanted import WITH_KEYS
from adapter.operations import REGISTRY
from tests.awx.rules import survey_problem
from tests.tools.documents import ROOT

BOOKS = {book.name: book for book in read_playbooks(ROOT)}
# What AWX sets in every job.
OF_AWX = ("awx_", "tower_", "ansible_")


def spec_of(name: str) -> dict[str, dict[str, object]]:
    return {each["variable"]: each for each in survey(BOOKS[name].parameters)["spec"]}


@pytest.mark.parametrize("name", BOOKS)
def test_awx_takes_the_survey_of_every_playbook(name: str) -> None:
    book = BOOKS[name]
    made = survey(book.parameters, "09e0acf0-8670-44bf-a075-59491beecc72")

    assert not book.parameters or survey_problem(made) == ""
    for question in made["spec"]:
        assert question["question_description"], question["variable"]
        assert not re.search(r"\b[A-Z]\(", question["question_description"])
        assert not str(question["variable"]).startswith(OF_AWX)
        assert "{{" not in str(question["default"]), (
            "AWX would show it, and the role never work it out"
        )
        if not question["required"] and question["type"] == "textarea":
            assert len(str(question["default"])) >= int(question["min"])


@pytest.mark.parametrize("name", BOOKS)
def test_what_is_not_answered_is_what_the_role_does_by_itself(name: str) -> None:
    """AWX hands on the default of every question that nobody has answered."""
    for parameter in BOOKS[name].parameters:
        if parameter.required:
            continue
        (question,) = survey([parameter])["spec"]
        given = question["default"]
        if parameter.type == "bool":
            assert yaml.safe_load(given) is parameter.default
        elif parameter.type in ("dict", "raw"):
            assert json.loads(given) == parameter.default
        elif parameter.type == "list":
            assert [
                each for each in given.replace("\n", ",").split(",") if each
            ] == parameter.default
        else:
            assert given == parameter.default


@pytest.mark.parametrize(
    ("parameter", "wanted"),
    [
        (Parameter("a", "str", "A."), {"type": "text", "min": 0, "default": ""}),
        (Parameter("a", "str", "A.", True), {"type": "text", "min": 1, "required": True}),
        (Parameter("a_conf", "str", "A."), {"type": "textarea"}),
        (Parameter("a", "int", "A.", default=0), {"type": "integer", "default": 0}),
        (Parameter("a", "float", "A.", default=0), {"type": "float", "default": 0}),
        (
            Parameter("a", "bool", "A.", default=True),
            {"choices": ["true", "false"], "default": "true"},
        ),
        (Parameter("a", "bool", "A.", True), {"type": "multiplechoice", "default": ""}),
        (Parameter("a", "str", "A.", default="x", choices=("x", "y")), {"default": "x"}),
        (Parameter("a", "dict", "A.", default={}), {"type": "textarea", "default": "{}", "min": 2}),
        (Parameter("a", "list", "A.", default=["x", "y"]), {"type": "text", "default": "x,y"}),
        (
            Parameter("a", "list", "A.", default=["x", "y"], choices=("x", "y", "z")),
            {"type": "multiselect", "default": "x\ny", "choices": ["x", "y", "z"]},
        ),
    ],
)
def test_a_question_of_each_type(parameter: Parameter, wanted: dict[str, object]) -> None:
    (question,) = survey([parameter])["spec"]

    assert question | wanted == question


def test_what_playbooks_fix_is_not_asked() -> None:
    assert "host_maintenance_step" not in spec_of("enter_host_maintenance")
    assert set(spec_of("enter_host_maintenance")) == {
        "host_maintenance_part",
        "host_maintenance_wait",
    }
    assert "host_maintenance_force" in spec_of("exit_host_maintenance")
    assert set(spec_of("remove_host")) == {
        "host_record_path",
        "host_record_fsid",
        "host_record_takeover",
    }
    assert spec_of("get_facts") == {}
    assert "host_record_hostname" not in spec_of("add_host"), "each host has its own"
    assert "orchestrator_backend_package" not in spec_of("install"), "a file of the controller"


def test_what_changes_something_is_known_of_every_playbook() -> None:
    for name, book in BOOKS.items():
        assert book.changes == (REGISTRY[name].changes if name in REGISTRY else book.changes)
    assert [name for name in BOOKS if name not in REGISTRY] == [
        *("apply_drivegroups", "install", "install_invoker", "preview_osdspecs"),
        *("remove_invoker", "replace_device"),
    ]


def test_the_roles_that_give_keys_are_known() -> None:
    roles = {
        path.parts[-3]
        for path in (ROOT / "roles").glob("*/tasks/main.yml")
        if "ceph_orch.ansible.keyrings" in path.read_text(encoding="utf-8")
    }

    assert roles == WITH_KEYS
