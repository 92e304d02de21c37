"""Switching lights: one case, one file. Each is predicted, done, and done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest

from plugins.module_utils.leds.lights import CannotSwitch, find_light, switch
from plugins.module_utils.leds.tools import parse_pattern
from plugins.modules.device_light import describe, make_ways
from tests.unit.plugins.programs import only_programs_of
from tests.unit.plugins.tree import Tree, case_files, load


@pytest.fixture(autouse=True)
def _only_fake_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_programs_of(tmp_path, monkeypatch, rest="")
    monkeypatch.setenv("TREE", str(tmp_path))


def _install(directory: Path, programs: Dict[str, str]) -> None:
    for name, body in programs.items():
        log = "(IFS='|'; printf '%s\\n' \"${0##*/}${1+|}$*\") >>\"$TREE/calls\"\n"
        (directory / name).write_text(f"#!/bin/sh\n{log}{body}\n")
        (directory / name).chmod(0o755)


def _act(tree: Tree, case: Dict[str, Any], *, simulate: bool = False) -> Dict[str, Any]:
    light = find_light(tree.roots, case["location"], case["kind"])
    ways = make_ways(tree.roots, case.get("methods", []), case.get("command", []), patience=0.0)
    return switch(light, case["on"], ways, simulate=simulate)


def _snapshot(top: Path) -> Dict[str, bytes]:
    skipped = ("calls", "bin")
    files = [path for path in top.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in files
        if path.relative_to(top).parts[0] not in skipped and path.stat().st_size < 4096
    }


@pytest.mark.parametrize("path", case_files("leds"), ids=lambda path: path.stem)
def test_light(path: Path, tmp_path: Path) -> None:
    case = load(path)
    _install(tmp_path / "bin", case.get("programs", {}))
    tree = Tree(tmp_path, case["tree"])
    if "fails" in case:
        with pytest.raises(CannotSwitch) as raised:
            _act(tree, case)
        for text in case["fails"]:
            assert text in str(raised.value)
        return

    before = _snapshot(tmp_path)
    predicted = _act(tree, case, simulate=True)
    assert _snapshot(tmp_path) == before
    (tmp_path / "calls").unlink(missing_ok=True)

    done = _act(tree, case)
    expected = {"on": case["on"], "kind": case["kind"], **case["expect"]}
    assert {key: done[key] for key in expected} == expected
    assert predicted["changed"] is done["changed"]
    for name, text in case.get("after", {}).items():
        assert (tmp_path / name).read_text().strip() == text.strip()
    if "calls" in case:
        assert _calls(tmp_path) == case["calls"]

    again = _act(tree, case)
    assert again["changed"] is (done["read_back"] is None)


def _calls(top: Path) -> List[str]:
    return (top / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    ("word", "lights"),
    [
        ("LOCATE", (True, False)),
        ("LOCATE_OFF", (False, False)),
        ("LOCATE_AND_FAILURE", (True, True)),
        ("LOCATE_AND_FAILED_DRIVE", (True, True)),
        ("FAILURE", (False, True)),
        ("FAILED_DRIVE", (False, True)),
        ("FAILED_ARRAY", (False, False)),
        ("SES_REQ_IDENT", (True, False)),
        ("SES_REQ_FAULT", (False, True)),
        ("NORMAL", (False, False)),
        ("REBUILD", (False, False)),
    ],
)
def test_what_ledctls_words_mean(word: str, lights: tuple) -> None:
    assert tuple(parse_pattern(word).values()) == lights


def test_the_difference_shows_each_light() -> None:
    lights = [
        {"path": "/dev/sda", "kind": "ident", "on": True, "before": False, "changed": True},
        {"path": "/dev/sdb", "kind": "ident", "on": True, "before": True, "changed": False},
        {"path": "/dev/sdc", "kind": "ident", "on": True, "before": None, "changed": True},
    ]

    assert describe(lights) == {
        "before": "/dev/sda ident off\n/dev/sdb ident on\n/dev/sdc ident unknown\n",
        "after": "/dev/sda ident on\n/dev/sdb ident on\n/dev/sdc ident on\n",
    }
