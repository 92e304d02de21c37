"""Every command in the documents exists, with its options.

What needs no lab is run by ``tests/integration/docs/test_commands.py``, what needs one and only
reads by ``tests/lab_tests/test_documents.py``. What changes hosts or the cluster is parsed here,
and some lab test has to use the same verb.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import List, Set

import pytest
import yaml
from click.testing import CliRunner

from adapter.cli.app import root
from tests.tools import ceph_commands, click_words
from tests.tools.docs_commands import (
    AWX,
    CHANGES,
    HERE,
    LAB,
    forms,
    line_on_lab,
    playbook_of,
    where,
)
from tests.tools.documents import ROOT, Command, commands, texts

ALL = commands()
TYPED = [each for each in ALL if each.typed]
CEPH = ceph_commands.recorded()
# What stands for other words in a sentence.
ANY_VERB = {("VERB", "--check"), ("--check",), ()}


def of(program: str, document: str = "") -> List[Command]:
    """Return the commands of a program in a document, or in all of them."""
    return [each for each in ALL if each.program == program and document in ("", each.document)]


@pytest.mark.parametrize("document", sorted(texts()))
def test_ceph_knows_the_commands(document: str) -> None:
    wrong = {
        f"ceph {' '.join(words)}": ceph_commands.problem(words, CEPH, whole=command.typed)
        for command in of("ceph", document)
        for words in forms(command)
        if words[:1] != ["daemon"]  # a daemon itself knows those
    }
    assert {line: reason for line, reason in wrong.items() if reason} == {}


@pytest.mark.parametrize("document", sorted(texts()))
def test_orch_ansible_knows_the_commands_and_explains_them(document: str) -> None:
    wrong = {}
    for command in of("orch-ansible", document):
        for words in forms(command):
            if tuple(words) in ANY_VERB:
                continue
            line = f"orch-ansible {' '.join(words)}"
            wrong[line] = click_words.problem(root, words, whole=command.typed)
            result = CliRunner().invoke(root, [*click_words.verb_of(root, words), "--help"])
            assert result.exit_code == 0, line
            assert "Usage:" in result.output
    assert {line: reason for line, reason in wrong.items() if reason} == {}


def test_words_that_are_no_command_are_seen() -> None:
    def of_ceph(text: str, whole: bool = True) -> str:
        return ceph_commands.problem(text.split(), CEPH, whole=whole)

    assert of_ceph("orch host list") == "action cannot be host"
    assert of_ceph("mgr lst") == "there is no such command"
    assert of_ceph("orch host ls --detials") == "there is no option --detials"
    assert of_ceph("orch host rm") == "hostname is missing"
    assert of_ceph("orch host rm", whole=False) == ""
    assert of_ceph("orch daemon redeploy osd.1 --force") == "there is no option --force"
    assert of_ceph("orch daemon restrat osd.1") == "action cannot be restrat"
    assert of_ceph("orch pause now") == "now is one word too many"

    def of_click(text: str) -> str:
        return click_words.problem(root, text.split(), whole=True)

    assert of_click("host list") == "there is no verb list"
    assert of_click("host ls --detials") == "there is no option --detials"
    assert of_click("host rm") == "name is missing"
    assert of_click("device light h1 /dev/sda ident maybe") == "state cannot be maybe"
    assert of_click("--dir D host ls --detail") == ""


def test_what_changes_something_is_done_by_a_lab_test() -> None:
    lab = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("lab", "lab_tests")
        for path in sorted((ROOT / "tests" / folder).rglob("*.py"))
        if path.name != "test_documents.py"
    )
    plain = " ".join("".join(char for char in lab if char not in "\"'`,[]()").split())
    missing = []
    for command in TYPED:
        if where(command) != CHANGES:
            continue
        if command.program == "ansible-playbook":
            verb = Path(playbook_of(command)).stem
        elif command.program == "ceph":
            (verb, *_) = ceph_commands.verbs_of(command.words[1:], CEPH)
        else:
            verb = " ".join(click_words.verb_of(root, command.words[1:]))
        if verb not in plain:
            missing.append(f"{command} ({verb})")
    assert missing == []


def test_what_needs_awx_is_done_by_its_tests() -> None:
    tests = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "tests/integration/awx").glob("test_*.py"))
    )
    lines = [
        each.words[2:] if each.words[1] == "awx" else each.words[1:]
        for each in TYPED
        if where(each) == AWX
    ]
    assert lines
    for words in lines:
        text = '", "'.join(words)
        assert re.search(rf'(?:\.(?:ok|run)\(|_run\(site, )"{text}', tests), words


@pytest.mark.parametrize(
    "target", sorted({each.words[1] for each in ALL if each.program == "make"})
)
def test_make_has_the_target(target: str) -> None:
    done = subprocess.run(
        ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def variables_of(command: Command) -> Set[str]:
    """Return the variables that a command of ansible-playbook gives with -e."""
    found: Set[str] = set()
    words = command.words
    for option, value in zip(words, words[1:]):
        if option == "-e" and not value.startswith("@"):
            is_data = value.startswith("{")
            found |= set(yaml.safe_load(value)) if is_data else {value.partition("=")[0]}
    return found


def options_of(path: Path) -> Set[str]:
    """Return the variables that the roles of a playbook take."""
    found: Set[str] = set()
    for play in yaml.safe_load(path.read_text(encoding="utf-8")):
        tasks = [task["ansible.builtin.import_role"]["name"] for task in play.get("tasks", ())]
        for name in [*(role["role"] for role in play.get("roles", ())), *tasks]:
            meta = ROOT / "roles" / name.rpartition(".")[2] / "meta" / "argument_specs.yml"
            specs = yaml.safe_load(meta.read_text(encoding="utf-8"))["argument_specs"]
            found |= {option for entry in specs.values() for option in entry["options"]}
    return found


def test_the_playbooks_exist_and_take_the_variables() -> None:
    for command in (each for each in of("ansible-playbook") if each.typed):
        path = ROOT / playbook_of(command)
        assert path.is_file(), command
        assert variables_of(command) - options_of(path) == set(), command


def test_every_command_has_its_place() -> None:
    """What stands in a block and needs a lab to be read is typed there, without exception."""
    assert {where(each) for each in TYPED} == {HERE, LAB, CHANGES, AWX}
    assert [str(each) for each in TYPED if where(each) == LAB and not line_on_lab(each)] == []
