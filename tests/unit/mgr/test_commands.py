"""Which commands of ours a user may give who may only read.

Ceph's Python is not needed: the handlers are read as text.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Set, Tuple

import pytest

MGR = Path(__file__).resolve().parents[3] / "adapter" / "mgr"

# `mgr allow r` reaches these: they answer from what the manager knows. Everything else, above all
# what reaches out to a host, needs `w`.
READ = {
    "ansible awx status",
    "ansible get-pub-key",
    "ansible get-user",
    "ansible job log",
    "ansible job ls",
    "ansible pending",
    "ansible job show",
}
WRITE = {
    "ansible adopt",
    "ansible awx clear-ca",
    "ansible awx clear-token",
    "ansible awx set-ca",
    "ansible awx set-token",
    "ansible check-host",
    "ansible clear-key",
    "ansible device light",
    "ansible drop-pending",
    "ansible generate-key",
    "ansible job ack",
    "ansible job cancel",
    "ansible set-priv-key",
    "ansible set-user",
}
# What changes something, or has a host asked.
REACHES_OUT = {
    "choose_engine",
    "blink_device_light",
    "cancel",
    "generate",
    "look_now",
    "probe",
    "set",
    "set_ca",
    "set_module_option",
    "set_token",
    "submit",
    "want",
    "wake_event",
}


def commands() -> Dict[str, Tuple[str, ast.FunctionDef]]:
    """Return the name of the decorator and the handler by the command's words."""
    found = {}
    for path in sorted(MGR.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for each in node.decorator_list:
                if isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
                    (words,) = each.args
                    assert isinstance(words, ast.Constant)
                    found[str(words.value)] = (each.func.id, node)
    return found


def names_in(handler: ast.FunctionDef) -> Set[str]:
    return {node.attr for node in ast.walk(handler) if isinstance(node, ast.Attribute)}


def test_every_command_is_in_one_of_the_tables() -> None:
    kinds: Dict[str, Set[str]] = {}
    for words, (kind, _) in commands().items():
        kinds.setdefault(kind, set()).add(words)

    assert kinds == {"read_command": READ, "write_command": WRITE}


@pytest.mark.parametrize("words", sorted(READ))
def test_what_only_reads_reaches_out_to_nobody(words: str) -> None:
    _, handler = commands()[words]
    assert not names_in(handler) & REACHES_OUT


def test_what_reaches_out_is_seen() -> None:
    assert "probe" in names_in(commands()["ansible check-host"][1])


def test_there_is_no_other_way_to_register_a_command() -> None:
    """The two decorators say what is needed; Ceph's own, or a list, would be missed above."""
    for path in sorted(MGR.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "CLIReadCommand" not in text, path
        assert "CLIWriteCommand" not in text, path
        assert "CLICommand(" not in text, path
