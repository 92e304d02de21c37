"""Inventory and variables as YAML: every string is tagged, nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapter.engine.encode import write_inventory, write_variables
from adapter.engine.model import Request, Target
from tests.unit.engine.harness import local

HOSTILE = "{{ lookup('pipe', 'touch x') }}"


class Unsafe(str):
    """A string that was read with the tag."""

    __slots__ = ()


class Loader(yaml.SafeLoader):
    """Read ``!unsafe`` as Ansible does since 2.19: as if there were no quotes."""


def construct_unsafe(loader: Loader, node: yaml.ScalarNode) -> Any:
    tag = loader.resolve(yaml.ScalarNode, node.value, (True, False))
    value = loader.construct_object(yaml.ScalarNode(tag, node.value))
    return Unsafe(value) if isinstance(value, str) else value


def is_harmless(text: str) -> bool:
    """Tell whether a string is no template, whoever reads it."""
    return isinstance(text, Unsafe) or not re.search(r"[{}%]|#jinja2", text)


Loader.add_constructor("!unsafe", construct_unsafe)


def strings(value: Any) -> Any:
    """Yield every string in a value, keys too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    "value",
    [
        HOSTILE,
        {"a": {HOSTILE: [HOSTILE, (HOSTILE,), {"deep": HOSTILE}]}},
        ["!unsafe x", "!!python/object/apply:os.system ['id']", "*alias", "&anchor", "- a", "# c"],
        [
            "",
            " ",
            "\n",
            "multi\nline\n",
            "tab\t",
            "\x07",
            "é☃\U0001f600",
            "\ud800".encode("utf-8", "replace").decode(),
        ],
        [
            True,
            False,
            None,
            1,
            1.5,
            "true",
            "null",
            "~",
            "*",
            "&x",
            "1",
            "1.5",
            "1e5",
            "2026-11-23",
        ],
        [["same"], ["same"]],
    ],
)
def test_values_come_back_and_no_string_is_a_template(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "vars.yml"
    write_variables(path, {"given": value})
    (read,) = yaml.load_all(path.read_text(encoding="utf-8"), Loader)
    assert read == {"given": as_lists(value)}
    assert all(is_harmless(text) for text in strings(read["given"]))
    assert not re.search(r'[^"]&', path.read_text()), "an anchor"


def as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_lists(item) for key, item in value.items()}
    return [as_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def test_the_inventory_is_the_scope(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    targets = (
        *local("h1"),
        Target("h2", "fd00::2", port=2222, user="admin", python="/usr/bin/python3.13"),
        Target("10", "10.0.0.1"),
        Target("h3", "10.0.0.3", user="admin", invoker=True),
    )
    write_inventory(path, Request("get_report", targets), "0123456789abcdef")
    hosts = yaml.load(path.read_text(), Loader)["all"]["hosts"]
    assert list(hosts) == ["h1", "h2", "10", "h3"]
    assert hosts["h1"] == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    assert hosts["h2"] == {
        "ansible_connection": "ssh",
        "ansible_python_interpreter": "/usr/bin/python3.13",
        "ansible_shell_executable": "/usr/bin/env CEPH_ORCH_TASK=0123456789abcdef /bin/sh",
        "ansible_host": "fd00::2",
        "ansible_port": 2222,
        "ansible_user": "admin",
        "ansible_become": True,
    }
    assert "ansible_become" not in hosts["10"]
    assert "ansible_become" not in hosts["h3"]
    assert hosts["h3"]["ceph_orch_invoker"] is True
    assert hosts["h3"]["ceph_orch_invoker_mark"] == "0123456789abcdef"
    assert all(is_harmless(text) for text in strings(list(hosts["h2"].values())))
